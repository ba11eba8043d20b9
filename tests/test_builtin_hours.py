"""The guard of the clock: what it allows is open, what it defers to is open, and nothing opens before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
import soak.clock as soak
from hypothesis import given
from hypothesis import strategies as st
from test_builtin_guards import CARD
from test_hours_opening import instants, settings, wishes

from crmkit.builtin.hours import HoursGuard
from crmkit.campaigns.guard import Candidate
from crmkit.campaigns.openings import HERE, ON_ITS_WAY, Openings
from crmkit.campaigns.reasons import in_words
from crmkit.campaigns.verdict import ALLOWED, Ruling, Verdict
from crmkit.hours.closed import Closed
from crmkit.hours.hours import Hours, Opening
from crmkit.hours.week import Week
from crmkit.people.contact import ContactPoint
from crmkit.people.medium import Medium, Purpose

SYDNEY = ZoneInfo("Australia/Sydney")
OFFICE = Hours("Australia/Sydney", "AU", "NSW", Week.parse("Mon-Fri 09:00-17:00"), Closed.parse("2026-11-25"))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SYDNEY)


def card(due: str, **more: Any) -> Candidate:
    day = at(due)
    return attrs.evolve(CARD, due=day.astimezone(UTC), stale=(day + timedelta(days=4)).astimezone(UTC), **more)


def judge(one: Candidate, now: str, hours: Hours = OFFICE) -> Verdict:
    (verdict,) = HoursGuard(Openings(hours)).judge([one], at(now))
    return verdict


def local(verdict: Verdict) -> str:
    assert verdict.ruling is Ruling.DEFER
    assert verdict.until is not None
    return verdict.until.astimezone(SYDNEY).strftime("%a %d %H:%M")


def number(value: str, medium: Medium = Medium.SMS) -> dict[str, Any]:
    return {"medium": medium, "contact": ContactPoint(medium, value, value, "P1")}


def test_what_is_due_in_open_hours_may_leave_even_if_it_is_planned_at_night() -> None:
    assert judge(card("2026-11-23 09:00"), "2026-11-23 10:00") is ALLOWED
    assert judge(card("2026-11-24 09:00"), "2026-11-23 03:00") is ALLOWED


def test_what_is_due_already_waits_for_the_morning_if_it_is_asked_about_at_night() -> None:
    verdict = judge(card("2026-11-23 09:00"), "2026-11-23 22:10")
    assert local(verdict) == "Tue 24 09:00"
    assert (verdict.reason, verdict.detail["rule"]) == ("hours", "practice")
    assert in_words(verdict.reason, verdict.detail) == (
        "outside the hours for it (practice, by the clock of Australia/Sydney)"
    )


def test_a_quiet_day_and_a_weekend_are_passed_over() -> None:
    verdict = judge(card("2026-11-25 09:00"), "2026-11-23 10:00")
    assert (local(verdict), verdict.reason) == ("Thu 26 09:00", "closed")
    assert local(judge(card("2026-11-28 09:00"), "2026-11-23 10:00")) == "Mon 30 09:00"


def test_a_public_holiday_is_told_as_such() -> None:
    call = card("2026-01-26 10:00", **number("+61255501234", Medium.PHONE))
    verdict = judge(call, "2026-01-20 10:00", Hours("Australia/Sydney", "AU", "NSW"))
    assert (local(verdict), verdict.reason, verdict.detail["day"]) == ("Tue 27 09:00", "holiday", "2026-01-26")


def test_without_hours_of_its_own_a_practice_keeps_law_and_courtesy() -> None:
    free = Hours("Australia/Sydney", "AU")
    assert judge(card("2026-11-28 09:00"), "2026-11-28 20:00", free) is ALLOWED
    assert local(judge(card("2026-11-28 09:00"), "2026-11-28 21:00", free)) == "Sun 29 07:00"


def test_the_clock_of_a_number_counts_and_that_of_an_address_does_not() -> None:
    care = {"purpose": Purpose.CARE}
    assert judge(card("2026-11-23 09:00", **care), "2026-11-23 09:00") is ALLOWED
    perth = card("2026-11-23 09:00", **care, **number("+61863801234", Medium.PHONE))
    verdict = judge(perth, "2026-11-23 09:00")
    assert (local(verdict), verdict.detail["zone"]) == ("Mon 23 11:00", "Australia/Perth")


@pytest.mark.parametrize(
    ("lives", "from_on"),
    [
        ({}, "Mon 23 12:30"),  # the Cocos Islands get up
        ({"region": "NSW"}, "Mon 23 08:30"),  # Broken Hill does
        ({"region": "Victoria", "country": "au"}, "Mon 23 08:00"),
        ({"region": "Qld."}, "Mon 23 09:00"),
        ({"region": "WA"}, "Mon 23 12:30"),  # what is written on the Cocos Islands too
        ({"region": "VIC", "country": "NZ"}, "Mon 23 12:30"),
        ({"region": "Newtown"}, "Mon 23 12:30"),
        ({"id": "P2", "region": "NSW"}, "Mon 23 12:30"),  # the number is somebody else's
    ],
)
def test_an_address_narrows_where_the_owner_of_a_number_may_be(lives: dict[str, str], from_on: str) -> None:
    reader = attrs.evolve(CARD.patient, **lives)
    reminder = card("2026-11-23 07:00", purpose=Purpose.CARE, recipient=reader, **number("+61491570156"))
    assert local(judge(reminder, "2026-11-23 07:00", Hours("Australia/Sydney", "AU", "NSW"))) == from_on


def test_what_is_stale_before_it_can_be_late_leaves_in_time() -> None:
    offer = card("2026-11-23 09:00")
    soon = attrs.evolve(offer, stale=(at("2026-11-23 10:00") + timedelta(seconds=20)).astimezone(UTC))
    assert judge(soon, "2026-11-23 10:00") == ALLOWED


def test_no_hour_that_suits_all_is_told_and_never_a_wrong_one() -> None:
    offer = card("2026-11-23 09:00", **number("+33639981234"))
    verdict = judge(offer, "2026-11-23 09:00", attrs.evolve(OFFICE, week=Week.parse("Mon-Fri 09:00-10:00")))
    assert (verdict.ruling, verdict.reason) == (Ruling.DENY, "no_hour")
    assert "no hour suits all" in in_words(verdict.reason, verdict.detail)


def test_what_is_stale_is_left_to_another_guard() -> None:
    assert judge(card("2026-11-23 09:00"), "2026-11-27 09:00") is ALLOWED


@pytest.mark.parametrize(("clock", "allowed"), [("16:59:29", True), ("16:59:30", False), ("17:00:00", False)])
def test_the_last_half_minute_is_too_late_for_a_message_takes_its_time(clock: str, allowed: bool) -> None:
    verdict = judge(card("2026-11-23 09:00"), f"2026-11-23 {clock}")
    assert verdict is ALLOWED if allowed else local(verdict) == "Tue 24 09:00"


def test_who_has_no_address_is_left_to_another_guard() -> None:
    assert judge(card("2026-11-23 09:00", medium=Medium.SMS, contact=None), "2026-11-23 10:00") is ALLOWED


def test_a_batch_of_many_alike_is_asked_about_once() -> None:
    asked = []

    class Counting(Openings):
        def next(self, *about: Any) -> Opening:
            asked.append(about)
            return Openings.next(self, *about)

    batch = [card("2026-11-23 09:00", key=f"K{number}") for number in range(100)]
    batch += [card("2026-11-24 09:00", key=f"L{number}") for number in range(100)]
    assert HoursGuard(Counting(OFFICE)).judge(batch, at("2026-11-23 10:00")) == [ALLOWED] * 200
    assert len(asked) == 2


@given(settings, wishes, st.lists(st.tuples(instants, st.integers(1, 96)), min_size=1, max_size=4), instants)
def test_what_is_allowed_is_open_and_so_is_what_it_defers_to(
    practice: soak.Setting, wish: tuple[Purpose, Medium], asked: list[tuple[datetime, int]], now: datetime
) -> None:
    purpose, medium = wish
    batch = [
        attrs.evolve(CARD, purpose=purpose, medium=medium, contact=None, due=due, stale=due + timedelta(hours=span))
        for due, span in asked
    ]
    for one, verdict in zip(batch, HoursGuard(Openings(soak.opened(practice))).judge(batch, now), strict=True):
        first = max(one.due, now)
        question = soak.Question(0, HERE, purpose, medium, first, one.stale)
        if first >= one.stale:
            assert verdict is ALLOWED
        elif verdict.ruling is Ruling.ALLOW:
            assert soak.is_open(practice, question, first)
            assert first + ON_ITS_WAY >= one.stale or soak.is_open(practice, question, first + ON_ITS_WAY)
        elif verdict.ruling is Ruling.DEFER:
            assert verdict.until is not None
            assert first < verdict.until < one.stale
            assert soak.is_open(practice, question, verdict.until)
        else:
            assert verdict.reason == "no_hour"
