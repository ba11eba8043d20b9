"""Caps: nobody gets too much, the urgent goes first, and what left before counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.campaigns.caps import Cap, Capped, Past
from crmkit.campaigns.reasons import in_words
from crmkit.campaigns.room import Ask, Why
from crmkit.campaigns.room import allocate as give_out
from crmkit.people.medium import Medium, Purpose

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CAP = Cap(most=1, per_address=3, days=7)


@attrs.frozen
class Room:
    """When an ask may leave, and the cap that made it later or left no room."""

    at: datetime | None
    cap: Cap | None = None


def allocate(wanted: list[Ask], cap: Cap, past: Past) -> dict[str, Room]:
    """Give out the room that one cap leaves."""
    rooms = give_out(wanted, [Capped(cap, past)], lambda _, at: at)
    either = (cap.most, f"{cap.per_address} to one address")
    told = [Why("cap", "too_much", {"most": most, "days": cap.days}) for most in either]
    assert all(one.why in (None, *told) for one in rooms.values())
    return {key: Room(one.at, cap if one.why else None) for key, one in rooms.items()}


def at(days: float) -> datetime:
    return START + timedelta(days=days)


def ask(key: str, days: float = 0, patient: str = "P1", **more: object) -> Ask:
    given_ = {"stale": at(days + 30), "purpose": Purpose.MARKETING, "address": f"{patient}@home", **more}
    return Ask(key=key, campaign="any", medium=Medium.EMAIL, at=at(days), patient=patient, **given_)  # type: ignore[arg-type]


@st.composite
def asks(draw: st.DrawFn) -> list[Ask]:
    made = []
    for number in range(draw(st.integers(0, 14))):
        days = draw(st.integers(0, 80)) / 4
        made.append(
            ask(
                f"K{number}",
                days,
                draw(st.sampled_from(["P1", "P2", "P3"])),
                address=draw(st.sampled_from(["", "a", "b"])),
                stale=at(days + draw(st.integers(1, 40))),
                purpose=draw(st.sampled_from([Purpose.MARKETING, Purpose.FEEDBACK, Purpose.CARE])),
            )
        )
    return made


CAPS = st.builds(Cap, most=st.integers(1, 3), per_address=st.integers(1, 4), days=st.integers(1, 10))
PAST = st.dictionaries(
    st.sampled_from(["patient:P1", "patient:P2", "address:a"]),
    st.lists(st.integers(-80, 40).map(lambda quarters: at(quarters / 4)), max_size=3),
)


def given_out(wanted: list[Ask], rooms: dict[str, Room], cap: Cap) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = {}
    for one in wanted:
        room = rooms[one.key]
        if room.at is None or one.purpose not in cap.purposes:
            continue
        for who in (f"patient:{one.patient}", *([f"address:{one.address}"] if one.address else [])):
            found.setdefault(who, []).append(room.at)
    return found


@settings(deadline=None)
@given(asks(), CAPS, PAST)
def test_no_span_of_days_holds_more_than_the_cap_allows(wanted: list[Ask], cap: Cap, past: Past) -> None:
    rooms = allocate(wanted, cap, past)
    for who, times in given_out(wanted, rooms, cap).items():
        most = cap.most if who.startswith("patient:") else cap.per_address
        everything = [*times, *past.get(who, ())]
        for start in everything:
            window = [time for time in everything if start <= time < start + cap.span]
            # What left before the cap was set may already be too much, but nothing is added to it.
            assert len(window) <= most or not any(time in window for time in times)


@settings(deadline=None)
@given(asks(), CAPS, PAST)
def test_an_ask_gets_its_time_or_a_later_one_before_it_is_stale(wanted: list[Ask], cap: Cap, past: Past) -> None:
    rooms = allocate(wanted, cap, past)
    assert set(rooms) == {one.key for one in wanted}
    for one in wanted:
        room = rooms[one.key]
        if room.at is None:
            assert room.cap == cap
        else:
            assert one.at <= room.at < one.stale
            assert (room.cap is None) == (room.at == one.at)


@settings(deadline=None)
@given(asks(), CAPS, PAST, st.data())
def test_who_comes_later_never_takes_room_from_who_came_first(
    wanted: list[Ask], cap: Cap, past: Past, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(wanted)))
    rooms = allocate(wanted, cap, past)
    assert allocate(wanted[:cut], cap, past) == {one.key: rooms[one.key] for one in wanted[:cut]}


@settings(deadline=None)
@given(asks(), CAPS, PAST)
def test_other_purposes_pass_and_take_no_room(wanted: list[Ask], cap: Cap, past: Past) -> None:
    rooms = allocate(wanted, cap, past)
    care = [one for one in wanted if one.purpose is Purpose.CARE]
    assert all(rooms[one.key] == Room(one.at) for one in care)
    capped = [one for one in wanted if one.purpose is not Purpose.CARE]
    assert allocate(capped, cap, past) == {one.key: rooms[one.key] for one in capped}


def test_who_gets_nothing_else_is_told_that_the_address_gets_enough() -> None:
    """In a home forty people may have one address: each of them would get but one message."""
    home = [ask(f"K{number}", patient=f"P{number}", address="home", stale=at(3)) for number in range(4)]
    rooms = give_out(
        [*home, ask("K5", patient="P1", address="other", stale=at(3))], [Capped(CAP, {})], lambda _, at: at
    )
    told = [in_words(room.why.never, room.why.detail) for room in rooms.values() if room.why]
    assert told == [
        "would get too much before this occasion is over: at most 3 to one address in 7 days",
        "would get too much before this occasion is over: at most 1 in 7 days",
    ]


def test_the_urgent_goes_first_and_the_other_waits_a_span() -> None:
    rooms = allocate([ask("urgent", 2), ask("other", 0)], CAP, {})
    assert rooms["urgent"] == Room(at(2))
    assert rooms["other"] == Room(at(9), CAP)


def test_a_span_ends_to_the_instant() -> None:
    past = {"patient:P1": [at(-7)]}
    assert allocate([ask("K")], CAP, past)["K"] == Room(at(0))
    past = {"patient:P1": [at(-7) + timedelta(microseconds=1)]}
    assert allocate([ask("K")], CAP, past)["K"] == Room(at(0) + timedelta(microseconds=1), CAP)


def test_without_room_before_it_is_stale_it_gets_none_and_takes_none() -> None:
    brief = ask("brief", stale=at(3))
    rooms = allocate([ask("first"), brief, ask("last")], CAP, {})
    assert rooms["brief"] == Room(None, CAP)
    assert rooms["last"] == Room(at(7), CAP)
    assert allocate([ask("first"), attrs.evolve(brief, stale=at(7))], CAP, {})["brief"] == Room(None, CAP)


def test_a_family_shares_the_room_of_its_address() -> None:
    family = [ask(f"K{n}", patient=f"P{n}", address="home") for n in range(7)]
    rooms = allocate(family, CAP, {})
    assert [rooms[one.key].at for one in family] == [at(0)] * 3 + [at(7)] * 3 + [at(14)]
    alone = [attrs.evolve(one, address="") for one in family]
    assert {room.at for room in allocate(alone, CAP, {}).values()} == {at(0)}


def test_purposes_of_a_cap_are_counted_together() -> None:
    rooms = allocate([ask("news"), ask("survey", purpose=Purpose.FEEDBACK)], CAP, {})
    assert rooms["survey"].at == at(7)


def test_a_long_queue_is_spread_evenly() -> None:
    queue = [ask(f"K{n}", stale=at(400)) for n in range(20)]
    rooms = allocate(queue, CAP, {})
    times = [time for one in queue if (time := rooms[one.key].at)]
    assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(days=7)}


@pytest.mark.parametrize("field", ["most", "per_address", "days"])
def test_a_cap_of_nothing_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        Cap(**{field: 0})
