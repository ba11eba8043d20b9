"""Chance, opening hours and plain spelling: the small rules under the generated practice."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.demo.chance import Chance
from crmkit.demo.hours import Diary, easter, last_open, next_open, slots, staff

DAYS = st.dates(min_value=date(2000, 1, 1), max_value=date(2060, 12, 31))


def test_a_seed_decides_the_stream_on_every_machine() -> None:
    chance = Chance("bright-eyes", 7)
    assert [chance.below(1000) for _ in range(5)] == [590, 123, 693, 829, 208]


@given(st.integers(-50, 50), st.integers(0, 50), st.text(max_size=8))
def test_between_stays_between(first: int, width: int, seed: str) -> None:
    chance = Chance(seed)
    assert all(first <= chance.between(first, first + width) <= first + width for _ in range(20))


@given(st.floats(1, 1000), st.text(max_size=8))
def test_half_of_the_prices_lie_below_the_median(median: float, seed: str) -> None:
    chance = Chance(seed)
    drawn = [chance.lognormal(median, 0.5) for _ in range(400)]
    assert min(drawn) > 0
    assert 100 < sum(price < median for price in drawn) < 300


def test_weights_are_kept() -> None:
    chance = Chance("weights")
    drawn = [chance.weighted(((3, "often"), (1, "seldom"), (0, "never"))) for _ in range(4000)]
    assert 0.72 < drawn.count("often") / 4000 < 0.78
    assert "never" not in drawn


@given(DAYS)
def test_sundays_and_public_holidays_are_closed(day: date) -> None:
    closed = day.weekday() == 6 or (day.month, day.day) in {(1, 1), (4, 25), (12, 25), (12, 26)}
    good_friday = day == easter(day.year) - timedelta(days=2)
    assert not ((closed or good_friday) and slots(day))


@given(DAYS)
def test_the_next_and_the_last_open_day_enclose_the_day(day: date) -> None:
    assert last_open(day) <= day <= next_open(day)
    assert slots(last_open(day))
    assert slots(next_open(day))
    assert next_open(day) - last_open(day) <= timedelta(days=11)


@pytest.mark.parametrize(
    ("year", "sunday"), [(2024, date(2024, 3, 31)), (2025, date(2025, 4, 20)), (2026, date(2026, 4, 5))]
)
def test_easter_is_when_the_calendar_says(year: int, sunday: date) -> None:
    assert easter(year) == sunday


def test_a_full_day_goes_over_to_the_next_open_one() -> None:
    diary, chance, friday = Diary(("A. Lindqvist",)), Chance("full"), date(2026, 4, 2)
    booked = [diary.book(friday, chance, 0)[0] for _ in range(len(slots(friday)) + 1)]
    assert len(set(booked)) == len(booked)
    # Thursday before Easter; the practice opens again on Tuesday.
    assert booked[-1].date() == date(2026, 4, 7)
    assert booked[-1].tzinfo == ZoneInfo("Australia/Sydney")


def test_a_larger_practice_has_more_practitioners_with_names_of_their_own() -> None:
    assert len(staff(3000)) == 3
    assert len(set(staff(20_000))) == 20
