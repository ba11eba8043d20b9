"""Rows that came before their patient was known are taken once the patient is there, whichever source brought it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import attrs
import pytest
from records_desk import NOW, Desk, Told, anna, new_desk, row, visit

from crmkit.records.source import Batch, Row
from crmkit.records.summary import Counts, SyncSummary
from crmkit.records.waiting import take_waiting


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = new_desk()
    yield made
    made.store.close()


def wait(desk: Desk, summary: SyncSummary | None = None) -> SyncSummary:
    return take_waiting(desk.records, summary or SyncSummary(), NOW, desk.at)


def changes(*rows: Row, name: str) -> Told:
    return Told([Batch(rows, cursor="a", complete=False)], name=name)


def test_a_visit_that_one_source_tells_before_another_tells_the_patient(desk: Desk) -> None:
    summary = desk.run(changes(visit(), visit("V2", "P2"), name="diary"))
    assert wait(desk, summary).kinds == {"visit": Counts(rejected=2)}
    summary += desk.run(changes(anna(), name="clinic"))
    assert wait(desk, summary).kinds["visit"] == Counts(added=1, rejected=1)
    assert [(one.id, one.source, one.known_at) for one in desk.now("visit")] == [("V1", "diary", desk.at)]
    assert [told.row_id for told in desk.rejected()] == ["V2"]
    assert wait(desk) == SyncSummary()


def test_what_an_earlier_sync_rejected_was_rejected(desk: Desk) -> None:
    desk.run(changes(visit(), name="diary"))
    desk.run(changes(anna(), name="clinic"))
    summary = SyncSummary({"visit": Counts(rejected=3)})
    later = take_waiting(desk.records, summary, desk.at, desk.at)
    assert later.kinds["visit"] == Counts(added=1, rejected=3)


def test_only_the_latest_word_of_a_row_waits(desk: Desk) -> None:
    desk.run(changes(visit(day="2026-03-01"), name="diary"))
    desk.run(changes(visit(day="2026-04-01", line=9), name="diary"))
    desk.run(changes(anna(), name="clinic"))
    wait(desk)
    assert [str(one.day) for one in desk.now("visit")] == ["2026-04-01"]
    assert desk.was("visit") == []


def test_a_row_with_blanks_around_its_id_waits_no_longer_than_others(desk: Desk) -> None:
    desk.run(changes(visit(" V1 ", line=1), name="diary"))
    desk.run(changes(anna(), name="clinic"))
    wait(desk)
    desk.run(changes(visit("V1", day="2026-04-01"), name="diary"))
    wait(desk)
    assert [(one.id, str(one.day)) for one in desk.now("visit")] == [("V1", "2026-04-01")]


def test_who_has_one_id_with_another_sources_patient_gets_none_of_his_visits(desk: Desk) -> None:
    desk.run(changes(anna(), name="clinic"))
    desk.run(changes(row("patient", "P1", given="Tom"), visit(), name="shop"))
    assert wait(desk) == SyncSummary()
    assert desk.now("visit") == []
    assert [told.kind for told in desk.rejected()] == ["patient", "visit"]


def test_a_row_without_a_patient_and_one_with_another_fault_do_not_come_in(desk: Desk) -> None:
    desk.run(changes(visit(patient=""), visit("V2", day="soon"), name="diary"))
    desk.run(changes(anna(), name="clinic"))
    wait(desk)
    assert desk.now("visit") == []
    assert [(told.row_id, told.field) for told in desk.rejected()] == [("V1", "patient"), ("V2", "day")]


def test_who_was_forgotten_does_not_come_back(desk: Desk) -> None:
    desk.run(changes(visit(), name="diary"))
    desk.run(changes(anna(), name="clinic"))
    records = attrs.evolve(desk.records, forgotten=lambda _, ids: frozenset(ids) & {"P1"})
    summary = take_waiting(records, SyncSummary(), NOW, desk.at)
    assert summary.forgotten == 1
    assert desk.now("visit") == []


@pytest.mark.no_cover
def test_more_patients_are_waited_for_than_one_statement_may_name(desk: Desk) -> None:
    number = 1300
    desk.run(changes(*(visit(f"V{n}", f"P{n}") for n in range(number)), name="diary"))
    desk.at += timedelta(hours=1)
    desk.run(changes(*(row("patient", f"P{n}") for n in range(number)), name="clinic"))
    assert wait(desk).kinds["visit"].added == number
    assert desk.rejected() == []
