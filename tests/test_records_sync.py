"""A sync: what is new is added, what changed keeps its past, what cannot be used is told, and nothing happens twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.errors import SourceError
from crmkit.practice import Practice
from crmkit.records.rejected import KEEP, RejectedRow, rejected_rows
from crmkit.records.source import Batch, Row
from crmkit.records.summary import Counts, SyncSummary
from crmkit.records.sync import Sync
from crmkit.records.tables import RecordTables, declare_records
from crmkit.store.store import Store, open_store

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PRACTICE = Practice(
    id="bright-eyes",
    name="Bright Eyes",
    country="AU",
    timezone="Australia/Sydney",
    locale="en-AU",
    currency="AUD",
    email="hello@brighteyes.example",
)


@attrs.define
class Told:
    """A source that yields what the test hands it."""

    batches: Sequence[Batch] = ()
    name: str = "told"
    breaks: bool = False
    asked: list[str | None] = attrs.field(factory=list)

    def read(self, since: str | None) -> Iterator[Batch]:
        self.asked.append(since)
        yield from self.batches
        if self.breaks:
            raise SourceError("the line went dead")


@attrs.define
class Desk:
    """A practice's records, and the hour at which the next sync runs."""

    store: Store
    tables: RecordTables
    at: datetime = NOW

    def sync(self, *rows: Row, **more: Any) -> SyncSummary:
        return self.run(Told([Batch(rows)], **more))

    def run(self, source: Told) -> SyncSummary:
        self.at += timedelta(hours=1)
        return Sync(self.store, self.tables, PRACTICE, source, self.at).run()

    def now(self, kind: str) -> list[Any]:
        return self._all(self.tables.kind(kind).now, "id")

    def was(self, kind: str) -> list[Any]:
        return self._all(self.tables.kind(kind).was, "known_at")

    def rejected(self) -> list[RejectedRow]:
        with self.store.read() as connection:
            return list(rejected_rows(connection, self.tables, PRACTICE.id))

    def _all(self, table: sa.Table, order: str) -> list[Any]:
        with self.store.read() as connection:
            return list(connection.execute(sa.select(table).order_by(table.c[order], table.c.id)))


def new_desk() -> Desk:
    store = open_store("sqlite://")
    tables = declare_records(store)
    store.create()
    return Desk(store, tables)


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = new_desk()
    yield made
    made.store.close()


def row(kind: str, id_: str, line: int = 0, file: str = "", **fields: str) -> Row:
    return Row(kind, id_, fields, file or f"{kind}s.csv", line or int("".join(filter(str.isdigit, id_)) or 1))


def anna(**fields: str) -> Row:
    return row("patient", "P1", **{"given": "Anna", "family": "Berg", **fields})


def visit(id_: str = "V1", patient: str = "P1", **fields: str) -> Row:
    return row("visit", id_, **{"patient": patient, "day": "2026-03-01", "status": "completed", **fields})


def test_a_second_run_changes_nothing(desk: Desk) -> None:
    rows = [anna(email="anna@berg.example", mobile="0491 570 006"), visit(), visit("V2", starts_at="2026-03-02T09:30")]
    first, second = desk.sync(*rows), desk.sync(*rows)
    assert first.kinds == {"patient": Counts(1), "contact": Counts(2), "visit": Counts(2)}
    assert second.total == Counts(unchanged=5)
    assert desk.now("patient")[0].known_at == NOW + timedelta(hours=1)
    assert desk.was("patient") == desk.was("contact") == desk.was("visit") == []


def test_a_changed_row_keeps_its_past(desk: Desk) -> None:
    desk.sync(anna(city="Newtown"))
    summary = desk.sync(anna(city="Enmore"))
    assert summary.kinds["patient"] == Counts(changed=1)
    (now,), (was,) = desk.now("patient"), desk.was("patient")
    assert (now.city, now.known_at) == ("Enmore", NOW + timedelta(hours=2))
    assert (was.city, was.known_at, was.known_until) == ("Newtown", NOW + timedelta(hours=1), now.known_at)


def test_an_address_that_is_blank_later_moves_to_the_past(desk: Desk) -> None:
    desk.sync(anna(email="anna@berg.example", mobile="0491 570 006"))
    summary = desk.sync(anna(email=" ", mobile="0491 570 006"))
    assert summary.kinds["contact"] == Counts(changed=1, unchanged=1)
    assert [point.medium for point in desk.now("contact")] == ["sms"]
    assert [(point.value, point.known_until) for point in desk.was("contact")] == [("anna@berg.example", desk.at)]
    assert desk.sync(anna(mobile="0491 570 006")).total.changed == 0


def test_what_was_typed_is_kept_beside_what_was_made_of_it(desk: Desk) -> None:
    desk.sync(
        anna(email=" Anna@BERG.example", mobile="0491 570 006 (work)", phone="02 5550 1234", address1="1 High St"),
        row("patient", "P2", email="anna(at)berg", mobile="(02) 5550 1234"),
    )
    points = {point.id: point for point in desk.now("contact")}
    assert (points["P1:email"].typed, points["P1:email"].value) == ("Anna@BERG.example", "Anna@berg.example")
    assert (points["P1:mobile"].typed, points["P1:mobile"].value) == ("0491 570 006 (work)", "+61491570006")
    assert (points["P1:phone"].medium, points["P1:phone"].line) == ("phone", "fixed")
    assert points["P1:address"].medium == "post"
    assert (points["P2:email"].typed, points["P2:email"].value) == ("anna(at)berg", "")
    assert points["P2:email"].problem == "not an e-mail address"
    assert (points["P2:mobile"].value, points["P2:mobile"].medium) == ("+61255501234", "sms")
    assert "takes no text messages" in points["P2:mobile"].problem


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


def test_a_visit_may_name_a_patient_of_an_earlier_run(desk: Desk) -> None:
    desk.sync(anna())
    assert desk.sync(visit()).kinds["visit"] == Counts(added=1)


def test_a_time_without_an_offset_is_one_on_the_wall_of_the_practice(desk: Desk) -> None:
    desk.sync(anna(), visit("V1", day="", starts_at="2026-03-01T23:30"), visit("V2", starts_at="2026-03-01T23:30Z"))
    assert [one.starts_at.isoformat() for one in desk.now("visit")] == [
        "2026-03-01T12:30:00+00:00",
        "2026-03-01T23:30:00+00:00",
    ]
    assert desk.now("visit")[0].day == date(2026, 3, 1)


def test_a_date_of_death_beats_the_status(desk: Desk) -> None:
    desk.sync(anna(status="active", deceased_on="2026-05-01"), row("patient", "P2", status="moved"))
    first, second = desk.now("patient")
    assert (first.status, first.status_date) == ("deceased", date(2026, 5, 1))
    assert second.status == "moved"


def test_small_things_of_a_patient(desk: Desk) -> None:
    desk.sync(row("patient", "P1", tags="VIP; glasses |vip", born="2008-02-29", **{"attributes.club": " gold "}))
    desk.sync(row("patient", "P2", language="EN_au", household="H1", status="Active"))
    first, second = desk.now("patient")
    assert (first.tags, first.born_day, first.attributes) == ("|glasses|vip|", 229, {"club": "gold"})
    assert (first.household, first.country, first.status) == ("P1", "AU", "active")
    assert (second.household, second.language, second.tags) == ("H1", "en-AU", "|")


def test_amounts_keep_their_cents(desk: Desk) -> None:
    desk.sync(anna(), row("invoice", "I1", patient="P1", day="2026-03-01T09:00:00", amount="-12.5"))
    (invoice,) = desk.now("invoice")
    assert (invoice.amount, invoice.currency, invoice.day) == (Decimal("-12.50"), "AUD", date(2026, 3, 1))


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


def test_one_source_may_speak_of_the_patients_of_another(desk: Desk) -> None:
    desk.sync(anna(), visit("V1"), name="clinic")
    desk.sync(visit("V1", day="2026-04-01"), name="shop")
    assert [(one.source, one.day.month) for one in desk.now("visit")] == [("clinic", 3), ("shop", 4)]


def test_two_practices_in_one_database_do_not_see_each_other(desk: Desk) -> None:
    desk.sync(anna())
    elsewhere = attrs.evolve(PRACTICE, id="far-sight")
    Sync(desk.store, desk.tables, elsewhere, Told([Batch((anna(given="Tom"), visit(patient="P2")))]), NOW).run()
    assert [(one.practice, one.given) for one in desk.now("patient")] == [("bright-eyes", "Anna"), ("far-sight", "Tom")]
    assert desk.rejected() == []


def test_the_cursor_is_handed_back(desk: Desk) -> None:
    source = Told([Batch((anna(),), cursor="a"), Batch((visit(),), cursor="b"), Batch(())])
    desk.run(source)
    desk.run(source)
    source.batches = ()
    desk.run(source)
    desk.run(source)
    assert source.asked == [None, "b", "b", "b"]


def test_a_source_without_cursor_is_asked_for_everything(desk: Desk) -> None:
    source = Told([Batch((anna(),))])
    desk.run(source)
    desk.run(source)
    assert source.asked == [None, None]


def test_a_source_that_breaks_leaves_what_came_and_the_next_run_completes(desk: Desk) -> None:
    source = Told([Batch((anna(), visit("V1")), cursor="a"), Batch((visit("V2"),), cursor="b")], breaks=True)
    half = Told(source.batches[:1], breaks=True)
    with pytest.raises(SourceError):
        desk.run(half)
    assert [one.id for one in desk.now("visit")] == ["V1"]
    source.breaks = False
    summary = desk.run(source)
    assert source.asked == [None]
    assert summary.kinds["visit"] == Counts(added=1, unchanged=1)
    assert [one.id for one in desk.now("visit")] == ["V1", "V2"]


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


def test_rows_without_a_place_are_all_told(desk: Desk) -> None:
    rows = [Row("visit", f"V{n}", {"patient": "P1", "day": "soon", "status": "completed"}) for n in range(3)]
    assert desk.sync(anna(), *rows).total.rejected == 3
    assert [told.row_id for told in desk.rejected()] == ["V0", "V1", "V2"]


CITIES = st.sampled_from(["Newtown", "Enmore", "Glebe"])
MAILS = st.sampled_from(["", "anna@berg.example", "a.berg@berg.example"])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(CITIES, MAILS), min_size=1, max_size=8))
def test_the_present_is_the_last_version_and_the_past_holds_every_other_once(versions: list[tuple[str, str]]) -> None:
    desk = new_desk()
    for city, mail in versions:
        desk.sync(anna(city=city, email=mail))
    steps = [version for n, version in enumerate(versions) if n == 0 or versions[n - 1][0] != version[0]]
    (now,), was = desk.now("patient"), desk.was("patient")
    assert now.city == versions[-1][0]
    assert [one.city for one in [*was, now]] == [city for city, _ in steps]
    # One version ends when the next begins: no gap, no overlap.
    assert [one.known_until for one in was] == [one.known_at for one in [*was, now]][1:]
    mails = [mail for n, (_, mail) in enumerate(versions) if n == 0 or versions[n - 1][1] != mail]
    held = [*desk.was("contact"), *desk.now("contact")]
    assert [point.value for point in held] == [mail for mail in mails if mail]
    assert [point.value for point in desk.now("contact")] == [mail for mail in mails[-1:] if mail]
    desk.store.close()


@settings(deadline=None, max_examples=15)
@given(st.lists(st.lists(st.tuples(st.integers(1, 4), CITIES), max_size=4, unique_by=lambda one: one[0]), max_size=5))
def test_many_patients_at_once_come_to_the_same_as_one_after_the_other(runs: list[list[tuple[int, str]]]) -> None:
    together, apart = new_desk(), new_desk()
    for run in runs:
        rows = [row("patient", f"P{n}", city=city) for n, city in run]
        together.sync(*rows)
        for one in rows:
            apart.run(Told([Batch((one,))]))
    expected: Mapping[str, str] = {f"P{n}": city for run in runs for n, city in run}
    for desk in (together, apart):
        assert {one.id: one.city for one in desk.now("patient")} == expected
        desk.store.close()
