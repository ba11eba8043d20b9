"""The calendar: months, ages, anniversaries, and days on which clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.clock import FixedClock, SystemClock, add_months, age_on, anniversary, day_start, local_day, utc

DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))
MONTHS = st.integers(-600, 600)
# Whole, half and quarter hours; clocks that change at midnight, by half an hour, and not at all.
ZONES = [
    *("Australia/Sydney", "Australia/Adelaide", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Kathmandu"),
    *("America/New_York", "America/St_Johns", "America/Sao_Paulo", "America/Havana", "Atlantic/Azores"),
    *("Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Europe/Zurich", "Pacific/Chatham", "UTC"),
]


@settings(deadline=None)
@given(DAYS, MONTHS)
def test_months_keep_the_day_unless_the_month_is_too_short(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).day == 1)


@settings(deadline=None)
@given(DAYS, DAYS, MONTHS)
def test_months_keep_the_order_of_days(one: date, other: date, months: int) -> None:
    first, second = sorted([one, other])
    assert add_months(first, months) <= add_months(second, months)


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 8, 31), -6, date(2026, 2, 28)),
        (date(2024, 8, 31), -6, date(2024, 2, 29)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
        (date(2026, 1, 15), -18, date(2024, 7, 15)),
        (date(2026, 1, 15), 0, date(2026, 1, 15)),
    ],
)
def test_months_at_the_ends_of_months_and_years(day: date, months: int, then: date) -> None:
    assert add_months(day, months) == then


@settings(deadline=None)
@given(DAYS, st.integers(0, 110))
def test_a_year_is_added_to_the_age_once_a_year(born: date, age: int) -> None:
    turned = born.replace(year=born.year + age) if (born.month, born.day) != (2, 29) else None
    if turned:
        assert age_on(born, turned) == age
        assert age_on(born, turned - timedelta(days=1)) == age - 1


def test_who_is_born_on_29_february_turns_on_1_march_and_is_greeted_on_the_28th() -> None:
    born = date(2008, 2, 29)
    assert age_on(born, date(2026, 2, 28)) == 17
    assert age_on(born, date(2026, 3, 1)) == 18
    assert age_on(born, date(2028, 2, 29)) == 20
    assert anniversary(born, 2026) == date(2026, 2, 28)
    assert anniversary(born, 2028) == date(2028, 2, 29)


@settings(deadline=None)
@given(DAYS, st.integers(1900, 2100))
def test_an_anniversary_lies_in_its_month_and_year(born: date, year: int) -> None:
    kept = anniversary(born, year)
    assert (kept.year, kept.month) == (year, born.month)
    assert born.day - kept.day in (0, 1)


def test_a_naive_datetime_is_refused_everywhere() -> None:
    naive = datetime(2026, 11, 23, 9, 0)  # noqa: DTZ001 - the point of the test
    zone = ZoneInfo("Australia/Sydney")
    for use in (utc, FixedClock, lambda at: local_day(at, zone), FixedClock(datetime(2026, 1, 1, tzinfo=UTC)).set):
        with pytest.raises(ValueError, match="tzinfo"):
            use(naive)


def test_instants_come_back_in_utc() -> None:
    at = datetime(2026, 11, 23, 9, 0, tzinfo=timezone(timedelta(hours=11)))
    assert utc(at).tzinfo is UTC
    assert utc(at) == at
    assert FixedClock(at).now().hour == 22
    assert SystemClock().now().tzinfo is UTC


def test_half_hour_zones() -> None:
    at = datetime(2026, 6, 30, 18, 29, tzinfo=UTC)
    assert local_day(at, ZoneInfo("Asia/Kolkata")) == date(2026, 6, 30)
    assert local_day(at + timedelta(minutes=1), ZoneInfo("Asia/Kolkata")) == date(2026, 7, 1)
    assert day_start(date(2026, 7, 1), ZoneInfo("Asia/Kathmandu")) == datetime(2026, 6, 30, 18, 15, tzinfo=UTC)
    assert day_start(date(2026, 7, 1), ZoneInfo("Australia/Adelaide")) == datetime(2026, 6, 30, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize("name", ZONES)
@settings(deadline=None)
@given(day=st.dates(date(2000, 1, 1), date(2037, 12, 30)))
def test_a_day_begins_at_its_first_instant(name: str, day: date) -> None:
    zone = ZoneInfo(name)
    start = day_start(day, zone)
    assert local_day(start, zone) == day
    assert local_day(start - timedelta(microseconds=1), zone) == day - timedelta(days=1)


@pytest.mark.parametrize(
    ("name", "day", "hours"),
    [
        ("Australia/Sydney", date(2026, 4, 5), 25),
        ("Australia/Sydney", date(2026, 10, 4), 23),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Africa/Cairo", date(2026, 4, 24), 23),
        ("America/Havana", date(2026, 11, 1), 25),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),
        ("Asia/Kolkata", date(2026, 10, 4), 24),
    ],
)
def test_days_on_which_clocks_change_are_shorter_or_longer(name: str, day: date, hours: float) -> None:
    zone = ZoneInfo(name)
    assert day_start(day + timedelta(days=1), zone) - day_start(day, zone) == timedelta(hours=hours)


def test_a_clock_stands_until_it_is_moved() -> None:
    clock = FixedClock(datetime(2026, 4, 4, 13, 0, tzinfo=UTC))
    assert clock.now() == clock.now()
    clock.move(timedelta(hours=25))
    assert clock.now() == datetime(2026, 4, 5, 14, 0, tzinfo=UTC)
    clock.set(datetime(2026, 1, 1, tzinfo=ZoneInfo("Australia/Sydney")))
    assert clock.now() == datetime(2025, 12, 31, 13, 0, tzinfo=UTC)
