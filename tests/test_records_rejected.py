"""Rows that cannot be used: each is told with its place and the reason, until it is mended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from records_desk import PRACTICE, Desk, Told, anna, new_desk, row, visit

from crmkit.records.rejected import KEEP
from crmkit.records.source import Batch, Row
from crmkit.records.summary import Counts
from crmkit.records.unread import Unread


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = new_desk()
    yield made
    made.store.close()


def test_a_rejected_row_is_told_with_its_place_and_vanishes_when_it_is_mended(desk: Desk) -> None:
    summary = desk.sync(anna(), visit("V7", day="31/12/2026"), visit("V8"))
    assert summary.kinds["visit"] == Counts(added=1, rejected=1)
    (told,) = desk.rejected()
    assert (told.place, told.kind, told.field, told.row_id) == ("visits.csv:7", "visit", "day", "V7")
    assert "YYYY-MM-DD" in told.reason
    assert told.rejected_at == desk.at
    assert desk.sync(anna(), visit("V7", day="2026-12-31"), visit("V8")).total.rejected == 0
    assert desk.rejected() == []
    assert [one.id for one in desk.now("visit")] == ["V7", "V8"]


def test_a_row_that_goes_bad_keeps_what_was_known(desk: Desk) -> None:
    desk.sync(anna(born="1980-02-29"))
    desk.sync(anna(born="1980-02-30"))
    assert [one.born for one in desk.now("patient")] == [date(1980, 2, 29)]
    assert [told.field for told in desk.rejected()] == ["born"]


def test_all_faults_of_a_row_are_told_at_once(desk: Desk) -> None:
    desk.sync(anna(born="soon", status="alive", language="klingon"))
    assert [told.field for told in desk.rejected()] == ["born", "language", "status"]


@pytest.mark.parametrize(
    ("bad", "field", "told"),
    [
        (anna(born="1980-13-01"), "born", "is no date"),
        (anna(born="01/02/1980"), "born", "is no date"),
        (anna(born="2061-03-05"), "born", "lies in the future: write the year with four digits"),
        (anna(status="activ"), "status", "did you mean active?"),
        (anna(language="english"), "language", "BCP 47"),
        (row("patient", "  ", 4), "id", "is blank but needed"),
        (visit(day="", starts_at=""), "day", "one of them is needed"),
        (visit(starts_at="9 o'clock"), "starts_at", "is no instant"),
        (visit(starts_at="0001-01-01T00:00:00"), "starts_at", "is no instant"),
        (visit(day="", starts_at="9999-12-31T23:59:59Z"), "starts_at", "is no instant"),
        (visit(status="attended"), "status", "values = {...}"),
        (visit(status=""), "status", "is blank but needed"),
        (visit(patient=""), "patient", "is blank but needed"),
        (visit(patient="P9"), "patient", "is not known"),
        (row("invoice", "I1", patient="P1", day="2026-03-01", amount="1,234.50"), "amount", "write 1234.50"),
        (row("invoice", "I1", patient="P1", day="2026-03-01", amount="$12"), "amount", "write 1234.50"),
        (row("invoice", "I1", patient="P1", day="2026-03-01", amount="NaN"), "amount", "no amount that can be"),
        (row("invoice", "I1", patient="P1", day="2026-03-01", amount="1e99"), "amount", "no amount that can be"),
        (row("invoice", "I1", patient="P1", day="2026-03-01", amount=""), "amount", "is blank but needed"),
        (row("invoice", "I1", patient="P1", day="", amount="12"), "day", "is blank but needed"),
        (
            row("payment", "Y1", patient="P1", day="2026-03-01", amount="12", currency="USD"),
            "currency",
            "amounts are not converted",
        ),
        (row("recall", "R1", patient="P1", due="2027-03-01", interval_months="six"), "interval_months", "whole number"),
        (
            row("recall", "R1", patient="P1", due="2027-03-01", interval_months="9" * 30),
            "interval_months",
            "whole number",
        ),
        (row("feedback", "F1", patient="P1", day="2026-03-01", score="nine"), "score", "whole number"),
        (row("feedback", "F1", patient="P1", day="2026-03-01", score="11"), "score", "between 0 and 10"),
        (row("feedback", "F1", patient="P1", day="2026-03-01", score="4", scale="3"), "score", "between 0 and 3"),
        (
            row("consent", "C1", patient="P1", purpose="news", medium="email", given="yes", at="2026-01-01"),
            "purpose",
            "none of care, service, marketing, feedback",
        ),
        (
            row("consent", "C1", patient="P1", purpose="marketing", medium="email", given="perhaps", at="2026-01-01"),
            "given",
            "neither yes nor no",
        ),
        (
            row("consent", "C1", patient="P1", purpose="marketing", medium="email", given="yes", at=""),
            "at",
            "is blank but needed",
        ),
        (row("referral", "X1", patient="P1", referrer="", day="2026-03-01"), "referrer", "is blank but needed"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)
def test_what_cannot_be_used_is_rejected_with_the_reason(desk: Desk, bad: Row, field: str, told: str) -> None:
    desk.sync(row("patient", "P1", 99))
    desk.sync(bad)
    (fault,) = desk.rejected()
    assert fault.field == field
    assert told in fault.reason
    assert desk.was("patient") == desk.now(bad.kind if bad.kind != "patient" else "visit") == []


def test_no_reason_repeats_what_stood_in_the_row(desk: Desk) -> None:
    desk.sync(anna(), visit("V1", day="Anna Berg"), visit("V2", status="anna berg"), anna(born="0491 570 006"))
    reasons = " ".join(told.reason.lower() for told in desk.rejected())
    assert len(desk.rejected()) >= 3
    assert [word for word in ("anna", "berg", "0491") if word in reasons] == []


def test_an_id_that_occurs_twice_is_told_with_the_first_place(desk: Desk) -> None:
    twin = row("patient", "P1", 5, given="Tom")
    summary = desk.run(Told([Batch((anna(),)), Batch((twin,))]))
    assert summary.kinds["patient"] == Counts(added=1, rejected=1)
    assert [one.given for one in desk.now("patient")] == ["Anna"]
    assert desk.rejected()[0].reason == "occurs twice: first in patients.csv, line 1"


def test_two_sources_with_one_id_do_not_mix_two_people(desk: Desk) -> None:
    desk.sync(anna(email="anna@berg.example"), name="clinic")
    agreed = row("consent", "C1", patient="P1", purpose="marketing", medium="email", given="yes", at="2026-01-01")
    other = row("patient", "P1", given="Tom", email="tom@stone.example")
    summary = desk.sync(other, visit(), agreed, row("patient", "P2"), visit("V2", "P2"), name="shop")
    assert [(one.id, one.given, one.source) for one in desk.now("patient")] == [
        ("P1", "Anna", "clinic"),
        ("P2", "", "shop"),
    ]
    assert [point.value for point in desk.now("contact")] == ["anna@berg.example"]
    assert desk.now("consent") == []
    assert [one.patient for one in desk.now("visit")] == ["P2"]
    assert summary.kinds["patient"] == Counts(added=1, rejected=1)
    assert [(told.kind, told.field) for told in desk.rejected()] == [
        ("consent", "patient"),
        ("patient", "id"),
        ("visit", "patient"),
    ]
    assert desk.sync(anna(email="anna@berg.example"), name="clinic").total.changed == 0


def changes(*rows: Row) -> Told:
    return Told([Batch(rows, cursor="a", complete=False)])


def test_of_a_source_of_changes_only_what_was_mended_vanishes(desk: Desk) -> None:
    desk.run(changes(anna(), visit("V1", day="soon"), visit("V2", day="later", status="?")))
    desk.run(changes(visit("V2", day="later")))
    assert [(told.row_id, told.field) for told in desk.rejected()] == [("V1", "day"), ("V2", "day")]
    desk.run(changes(visit("V1", line=8)))
    assert [told.row_id for told in desk.rejected()] == ["V2"]
    desk.run(Told([]))
    assert [told.row_id for told in desk.rejected()] == ["V2"]
    desk.at += KEEP
    desk.run(changes())
    assert desk.rejected() == []


def test_what_a_source_left_behind_that_is_taken_out_expires_too(desk: Desk) -> None:
    other = row("patient", "P2", given="Ben", family="Berg")
    desk.sync(anna(), visit("V1", day="soon"), name="before")
    desk.at += KEEP - timedelta(hours=2)
    desk.sync(other, name="since")
    assert [told.source for told in desk.rejected()] == ["before"]
    desk.sync(other, name="since")
    assert desk.rejected() == []


def test_of_a_source_of_changes_it_stays_known_of_whom_a_row_could_not_be_read(desk: Desk) -> None:
    desk.run(changes(anna(), visit()))
    desk.run(changes(anna(status="passed on", phone="+44 1632 960000"), visit("V1", day="soon")))
    for _ in range(3):
        desk.at += KEEP / 2
        desk.run(changes())
    assert [(told.kind, told.row_id, told.field) for told in desk.rejected()] == [("patient", "P1", "status")]
    with desk.store.read() as connection:
        assert connection.scalar(sa.select(desk.tables.rejected.c.row)) == {}, "what was found is gone"
        assert Unread(desk.tables, PRACTICE.id).among(connection, ["P1", "P2"]) == {"P1"}
    desk.run(changes(anna(status="deceased", line=2)))
    assert desk.rejected() == []


def test_of_a_source_that_is_taken_out_nothing_stays(desk: Desk) -> None:
    desk.sync(anna(), name="before")
    desk.sync(anna(status="passed on"), name="before")
    desk.sync(row("patient", "P2", given="Ben", family="Berg"), name="since")
    desk.at += KEEP
    desk.sync(row("patient", "P2", given="Ben", family="Berg"), name="since")
    assert desk.rejected() == []


def test_rows_without_a_place_are_all_told(desk: Desk) -> None:
    rows = [Row("visit", f"V{n}", {"patient": "P1", "day": "soon", "status": "completed"}) for n in range(3)]
    assert desk.sync(anna(), *rows).total.rejected == 3
    assert [told.row_id for told in desk.rejected()] == ["V0", "V1", "V2"]
