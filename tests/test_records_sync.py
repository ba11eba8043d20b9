"""A sync: what is new is added, what changed keeps its past, and nothing happens twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records_desk import NOW, PRACTICE, Desk, Told, anna, new_desk, row, visit

from crmkit.errors import SourceError
from crmkit.records.source import Batch, Fault, Row
from crmkit.records.summary import Counts
from crmkit.records.sync import Sync


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = new_desk()
    yield made
    made.store.close()


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


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("last", ["", "anna@berg.example"])
def test_of_a_row_that_is_told_twice_the_last_word_holds_in_batches_of_any_size(
    last: str, size: int, desk: Desk
) -> None:
    rows = [anna(email=email) for email in ("old@berg.example" if not last else "", last)]
    desk.run(Told([Batch(tuple(rows[start : start + size])) for start in range(0, 2, size)]))
    assert [point.value for point in desk.now("contact")] == ([last] if last else [])


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
    desk.sync(row("patient", "P3", language="UND"), row("patient", "P4", language="deu"))
    first, second, *others = desk.now("patient")
    assert [one.language for one in others] == ["", "de"]
    assert (first.tags, first.born_day, first.attributes) == ("|glasses|vip|", 229, {"club": "gold"})
    assert (first.household, first.country, first.status) == ("P1", "AU", "active")
    assert (second.household, second.language, second.tags) == ("H1", "en-AU", "|")


def test_amounts_keep_their_cents(desk: Desk) -> None:
    desk.sync(anna(), row("invoice", "I1", patient="P1", day="2026-03-01T09:00:00", amount="-12.5"))
    (invoice,) = desk.now("invoice")
    assert (invoice.amount, invoice.currency, invoice.day) == (Decimal("-12.50"), "AUD", date(2026, 3, 1))


def test_one_source_may_speak_of_the_patients_of_another(desk: Desk) -> None:
    desk.sync(anna(), visit("V1"), name="clinic")
    desk.sync(visit("V1", day="2026-04-01"), name="shop")
    assert [(one.source, one.day.month) for one in desk.now("visit")] == [("clinic", 3), ("shop", 4)]


def test_two_practices_in_one_database_do_not_see_each_other(desk: Desk) -> None:
    desk.sync(anna())
    elsewhere = attrs.evolve(desk.records, practice=attrs.evolve(PRACTICE, id="far-sight"))
    Sync(elsewhere, Told([Batch((anna(given="Tom"), visit(patient="P2")))]), NOW).run()
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


def booked(number: int, day: str = "2027-03-01") -> list[Row]:
    return [visit(f"V{one}", status="booked", day=day) for one in range(1, number + 1)]


def test_a_coming_appointment_that_a_complete_export_lacks_was_deleted(desk: Desk) -> None:
    past, first, second = visit("V9"), *booked(2)
    desk.sync(anna(), past, first, second)
    assert desk.sync(anna(), past, first).kinds["visit"] == Counts(changed=1, unchanged=2)
    assert [one.id for one in desk.now("visit")] == ["V1", "V9"]
    assert [(one.id, one.known_until) for one in desk.was("visit")] == [("V2", desk.at)]
    assert desk.sync(anna(), past, first, second).kinds["visit"] == Counts(added=1, unchanged=2)


def test_so_was_a_recall_to_come_and_what_was_due_before_stays(desk: Desk) -> None:
    first, second = (row("recall", f"R{one}", patient="P1", type="check", due="2027-03-01") for one in (1, 2))
    overdue = row("recall", "R3", patient="P1", type="check", due="2026-03-01")
    desk.sync(anna(), first, second, overdue)
    assert desk.sync(anna(), first).kinds["recall"] == Counts(changed=1, unchanged=1)
    assert [one.id for one in desk.now("recall")] == ["R1", "R3"]


@pytest.mark.parametrize(
    "later",
    [
        [],
        [visit("V1", status="booked", day="2027-03-01"), row("visit", "?", patient="P1")],
        [visit("V1", status="booked", day="2027-03-01"), visit("V2", status="who knows")],
    ],
    ids=["no visits at all", "one that cannot be read", "the same that cannot be used"],
)
def test_what_may_only_be_missing_from_the_export_stays_booked(later: list[Row], desk: Desk) -> None:
    desk.sync(anna(), *booked(2))
    if later and later[-1].id == "?":
        later = [later[0], attrs.evolve(later[1], faults=(Fault("", "is no CSV"),))]
    desk.sync(anna(), *later)
    assert [one.id for one in desk.now("visit")] == ["V1", "V2"]


def test_of_the_past_and_of_a_partial_reading_nothing_is_taken_away(desk: Desk) -> None:
    desk.sync(anna(), *booked(2, "2026-03-01"), visit("V3"))
    desk.sync(anna(), visit("V3"))
    assert len(desk.now("visit")) == 3
    desk.sync(anna(), *booked(2))
    desk.run(Told([Batch((visit("V3"),), complete=False)]))
    assert len(desk.now("visit")) == 3


def test_an_export_that_lacks_half_of_the_appointments_is_told_and_takes_none_away(desk: Desk) -> None:
    desk.sync(anna(), *booked(12))
    (told,) = desk.sync(anna(), *booked(6)).failures
    assert told.startswith(
        "told: 6 of 12 appointments to come are missing, and were kept. To mend: see that the export"
    )
    assert len(desk.now("visit")) == 12
    assert desk.sync(anna(), *booked(7)).failures == ()
    assert len(desk.now("visit")) == 7


def test_patients_whom_a_complete_export_lacks_are_counted_and_stay(desk: Desk) -> None:
    ben, carl = row("patient", "P2", family="Ash"), row("patient", "P3", family="Oak", status="moved")
    assert desk.sync(anna(), ben, carl).missing == 0
    assert desk.sync(anna()).missing == 1, "who left before is missed by nobody"
    assert desk.run(Told([Batch((anna(),), complete=False)])).missing == 0
    assert desk.sync(anna(), attrs.evolve(ben, fields={"born": "no date"})).missing == 0
    broken_off = attrs.evolve(ben, id="?", fields={}, faults=(Fault("", "has 3 fields where the header has 17"),))
    assert desk.sync(anna(), broken_off).missing == 1, "it broke off amid a row"
    assert [one.id for one in desk.now("patient")] == ["P1", "P2", "P3"]
