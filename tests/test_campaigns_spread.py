"""Rooms: never more on a day than a campaign may, never more than a cap, always at an hour that is right."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import attrs
from hypothesis import given
from hypothesis import strategies as st

from crmkit.campaigns.caps import Cap, Capped
from crmkit.campaigns.room import Ask, Room, Why, allocate
from crmkit.campaigns.spread import Spread
from crmkit.clock import day_start, local_day
from crmkit.hours.closed import Closed
from crmkit.hours.hours import Hours
from crmkit.hours.week import Week
from crmkit.hours.where import Whereabouts
from crmkit.people.medium import Medium, Purpose

SYDNEY = ZoneInfo("Australia/Sydney")
DAY = timedelta(days=1)
#: A Thursday; on the Sunday after it the clocks of Sydney go forward.
THURSDAY = datetime(2026, 10, 1, 9, tzinfo=SYDNEY).astimezone(UTC)
OFFICE = Hours("Australia/Sydney", "AU", "NSW", Week.parse("Mon-Fri 09:00-17:00"), Closed.parse("2026-10-06"))
TOLD = Why("spread", "too_many", {"per_day": 2})


def ask(key: str, campaign: str = "news", at: datetime = THURSDAY, days: int = 14, **more: object) -> Ask:
    given_ = {"purpose": Purpose.MARKETING, "medium": Medium.EMAIL, "patient": key, "address": "", **more}
    return Ask(key, campaign, at, at + timedelta(days=days), **given_)  # type: ignore[arg-type]


def lawful(ask: Ask, at: datetime) -> datetime | None:
    return OFFICE.next_open(Whereabouts(), ask.purpose, ask.medium, at, ask.stale).at


def spread(**per_day: int) -> Spread:
    return Spread(per_day, SYDNEY)


def days(rooms: dict[str, Room]) -> list[str]:
    return [room.at.astimezone(SYDNEY).strftime("%a %d %H:%M") if room.at else "never" for room in rooms.values()]


def test_what_does_not_fit_into_a_day_leaves_on_the_next_days_that_are_open() -> None:
    rooms = allocate([ask(f"K{number}") for number in range(9)], [spread(news=2)], lawful)
    monday, closed = "Mon 05 09:00", "Tue 06"
    assert days(rooms) == [
        *["Thu 01 09:00"] * 2,
        *["Fri 02 09:00"] * 2,
        *[monday] * 2,
        *["Wed 07 09:00"] * 2,
        "Thu 08 09:00",
    ]
    assert closed not in str(days(rooms))
    assert [room.why for room in rooms.values()] == [None, None, *[TOLD] * 7]


def test_without_hours_a_day_begins_at_midnight_also_when_clocks_change() -> None:
    rooms = allocate([ask(f"K{number}") for number in range(6)], [spread(news=1)], lambda _, at: at)
    assert days(rooms)[1:] == [f"{day} 00:00" for day in ("Fri 02", "Sat 03", "Sun 04", "Mon 05", "Tue 06")]


def test_who_finds_no_day_before_it_is_stale_is_told_so_and_takes_none() -> None:
    rooms = allocate([ask("a"), ask("b"), ask("brief", days=1), ask("c")], [spread(news=1)], lawful)
    assert rooms["brief"] == Room(None, Why("spread", "too_many", {"per_day": 1}))
    assert days(rooms) == ["Thu 01 09:00", "Fri 02 09:00", "never", "Mon 05 09:00"]


def test_each_campaign_has_its_own_days_and_others_have_no_limit() -> None:
    asks = [ask(f"{name}{number}", name) for name in ("news", "card", "free") for number in range(3)]
    rooms = allocate(asks, [spread(news=1, card=2)], lawful)
    counts = Counter((key[:4], day[:3]) for key, day in zip(rooms, days(rooms), strict=True))
    assert counts == {
        **{("news", day): 1 for day in ("Thu", "Fri", "Mon")},
        ("card", "Thu"): 2,
        ("card", "Fri"): 1,
        ("free", "Thu"): 3,
    }


def test_what_left_today_and_what_another_sender_holds_takes_room() -> None:
    gone = Counter({("news", date(2026, 10, 1)): 1})
    held = attrs.evolve(ask("other"), held=True)
    rooms = allocate([held, ask("mine"), ask("next")], [Spread({"news": 3}, SYDNEY, gone)], lawful)
    assert set(rooms) == {"mine", "next"}
    assert days(rooms) == ["Thu 01 09:00", "Fri 02 09:00"]


def test_a_capped_message_leaves_at_an_hour_that_is_right_and_on_a_day_with_room() -> None:
    late = datetime(2026, 9, 25, 22, tzinfo=SYDNEY)
    capped = Capped(Cap(days=7), {"patient:K0": [late]})
    alone = allocate([ask("K0")], [capped], lawful)
    assert days(alone) == ["Mon 05 09:00"], "seven days after ten at night on a Friday is no hour for it"
    full = Spread({"news": 1}, SYDNEY, Counter({("news", date(2026, 10, 5)): 1}))
    both = allocate([ask("K0")], [Capped(Cap(days=7), {"patient:K0": [late]}), full], lawful)
    assert days(both) == ["Wed 07 09:00"]
    assert both["K0"].why == Why("spread", "too_many", {"per_day": 1})


@st.composite
def queues(draw: st.DrawFn) -> list[Ask]:
    asks = []
    for number in range(draw(st.integers(1, 14))):
        at = THURSDAY + timedelta(minutes=draw(st.integers(0, 7 * 24 * 60)))
        made = ask(
            f"K{number}",
            draw(st.sampled_from(["news", "card", "free"])),
            days=draw(st.integers(8, 16)),
            patient=draw(st.sampled_from(["P1", "P2", "P3", "P4"])),
            address=draw(st.sampled_from(["", "a"])),
            purpose=draw(st.sampled_from([Purpose.MARKETING, Purpose.CARE])),
        )
        right = lawful(made, at)
        if right:
            asks.append(attrs.evolve(made, at=right, held=draw(st.integers(0, 5)) == 0))
    # What others hold may be too much by itself, but then nothing is added to it.
    return sorted(asks, key=lambda one: not one.held)


@given(queues(), st.integers(1, 3), st.integers(1, 3), st.integers(1, 5))
def test_every_room_is_in_time_lawful_and_within_every_limit(queue: list[Ask], news: int, card: int, span: int) -> None:
    cap, per_day = Cap(most=1, per_address=2, days=span), {"news": news, "card": card}
    rooms = allocate(queue, [Capped(cap, {}), Spread(per_day, SYDNEY)], lawful)
    assert set(rooms) == {one.key for one in queue if not one.held}
    placed = [(one, one.at if one.held else rooms[one.key].at) for one in queue]
    left = [(one, at) for one, at in placed if at is not None]
    for one, at in left:
        assert one.at <= at < one.stale
        assert lawful(one, at) == at
        assert one.held or (rooms[one.key].why is None) == (at == one.at)
    given_ = {one.key for one, _ in left if not one.held}
    for day, many in Counter((one.campaign, local_day(at, SYDNEY)) for one, at in left).items():
        held = sum(one.held for one, at in left if (one.campaign, local_day(at, SYDNEY)) == day)
        assert many <= max(per_day.get(day[0], many), held)
    for patient in ("P1", "P2", "P3", "P4"):
        times = sorted((at, one.key) for one, at in left if one.patient == patient and one.purpose in cap.purposes)
        assert all(late - early >= cap.span for (early, a), (late, b) in pairwise(times) if {a, b} & given_)


@given(queues(), st.integers(1, 3), st.integers(1, 5), st.sets(st.sampled_from(["patient:P1", "address:a"])))
def test_who_is_in_no_crowd_gets_what_they_ask_for_whoever_else_gets_what(
    queue: list[Ask], most: int, span: int, had: set[str]
) -> None:
    cap, past = Cap(most=1, per_address=2, days=span), {who: [THURSDAY] * 2 for who in had}

    def limits() -> list[Capped | Spread]:
        return [Capped(cap, past), Spread({"news": most}, SYDNEY)]

    rooms = allocate(queue, limits(), lawful)
    crowd = {key for limit in limits() for key in limit.crowded(queue)}
    assert {key: room for key, room in rooms.items() if key not in crowd} == {
        one.key: Room(one.at) for one in queue if one.key not in crowd and not one.held
    }
    alone = allocate([one for one in queue if one.held or one.key in crowd], limits(), lawful)
    assert alone == {key: room for key, room in rooms.items() if key in crowd}


@given(queues(), st.integers(1, 3))
def test_nobody_waits_for_a_day_that_had_room_before(queue: list[Ask], most: int) -> None:
    queue = [attrs.evolve(one, campaign="news", held=False) for one in queue]
    rooms = allocate(queue, [spread(news=most)], lawful)
    taken: Counter[date] = Counter()
    for one in queue:
        first = local_day(one.at, SYDNEY)
        wanted = [first + DAY * number for number in range(40)]
        open_days = {first: one.at}
        for day in wanted[1:]:
            begin = lawful(one, day_start(day, SYDNEY))
            if begin and local_day(begin, SYDNEY) == day:
                open_days[day] = begin
        expected = next((at for day, at in open_days.items() if taken[day] < most), None)
        assert rooms[one.key].at == expected
        if expected:
            taken[local_day(expected, SYDNEY)] += 1
