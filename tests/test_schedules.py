"""When a campaign falls due."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crmkit.errors import ScheduleError
from crmkit.schedules.schedule import (
    MONTHS,
    Anniversary,
    Calendar,
    Due,
    Once,
    Quarterly,
    Schedule,
    Yearly,
    parse_schedule,
)

LEAP = [date(2024, 1, 1) + timedelta(days=days) for days in range(366)]

days = st.dates(date(2000, 1, 1), date(2040, 12, 31))
births = st.dates(date(1900, 1, 1), date(1999, 12, 31)) | st.sampled_from([date(1960, 2, 29), date(1960, 2, 28)])
calendars: st.SearchStrategy[Calendar] = st.one_of(
    st.builds(Once, days),
    st.sampled_from(LEAP).map(lambda day: Yearly(day.month, day.day)),
    st.builds(Quarterly, st.integers(1, 30)),
)
anniversaries = st.builds(Anniversary, st.integers(-60, 60))


@given(calendars | anniversaries)
def test_the_line_of_a_schedule_reads_back_as_the_same_schedule(schedule: Schedule) -> None:
    assert parse_schedule(str(schedule)) == schedule


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("on 2026-12-01", "on 2026-12-01"),
        ("Yearly on December 1", "yearly on 1 December"),
        ("yearly  on 01 dec", "yearly on 1 December"),
        ("yearly on 29 February", "yearly on 29 February"),
        ("quarterly on day 1", "quarterly"),
        ("QUARTERLY on day 5", "quarterly on day 5"),
        ("on birthday", "on birthday"),
        ("1 day before birthday", "1 day before birthday"),
        ("2 days after  birthday", "2 days after birthday"),
    ],
)
def test_a_text_reads_in_any_case_and_spacing(text: str, line: str) -> None:
    assert str(parse_schedule(text)) == line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the schedule is empty. To mend: write it as one of: on 2026-12-01; yearly on 1 December"),
        ("yearli on 1 December", "did you mean yearly?"),
        ("yearly on 1 Decembre", "did you mean December?"),
        ("yearly on 31 November", "November has no day 31"),
        ("yearly on 30 February", "February has no day 30"),
        ("on 2026-02-29", "there is no such day"),
        ("quarterly on day 31", "use a day from 1 to 30"),
        ("61 days before birthday", "use 1 to 60 days"),
        ("0 days after birthday", "use 1 to 60 days"),
        ("3 days before birthdays", "did you mean birthday?"),
        ("whenever", "write it as one of"),
    ],
)
def test_a_text_that_does_not_read_says_how_to_mend_it(text: str, said: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(text)
    assert said in str(caught.value)


def test_periods_name_the_occasion() -> None:
    year = (date(2026, 1, 1), date(2026, 12, 31))
    assert parse_schedule("on 2026-12-01").between(*year) == (Due("2026-12-01", date(2026, 12, 1)),)
    assert parse_schedule("yearly on 1 December").between(*year) == (Due("2026", date(2026, 12, 1)),)
    quarters = parse_schedule("quarterly on day 5").between(*year)
    assert [due.period for due in quarters] == ["2026-q1", "2026-q2", "2026-q3", "2026-q4"]
    assert [due.day.month for due in quarters] == [1, 4, 7, 10]


def test_29_february_is_kept_on_the_28th_in_common_years() -> None:
    february = [(date(year, 2, 1), date(year, 3, 1)) for year in (2026, 2028)]
    kept = [date(2026, 2, 28), date(2028, 2, 29)]
    assert [Yearly(2, 29).between(*span)[0].day for span in february] == kept
    assert [Anniversary().due(date(2008, 2, 29), *span)[0].day for span in february] == kept


def test_the_period_of_a_birthday_is_its_own_year() -> None:
    born = date(1980, 1, 2)
    assert Anniversary(-3).due(born, date(2026, 12, 30), date(2026, 12, 30)) == (Due("2027", date(2026, 12, 30)),)
    assert Anniversary(5).due(date(1980, 12, 30), date(2027, 1, 4), date(2027, 1, 4))[0].period == "2026"


def test_the_day_of_birth_is_no_birthday() -> None:
    born = date(2026, 3, 3)
    assert Anniversary().due(born, date(2025, 1, 1), date(2026, 12, 31)) == ()
    assert Anniversary().due(born, date(2027, 1, 1), date(2027, 12, 31)) == (Due("2027", date(2027, 3, 3)),)


@given(anniversaries, births, st.integers(2000, 2040))
@example(Anniversary(0), date(1960, 2, 29), 2026)
@example(Anniversary(1), date(1960, 2, 29), 2026)
def test_every_day_of_birth_falls_due_once_for_each_year(schedule: Anniversary, born: date, year: int) -> None:
    around = (date(year, 1, 1) - timedelta(days=60), date(year, 12, 31) + timedelta(days=60))
    assert [due.period for due in schedule.due(born, *around)].count(str(year)) == 1


@given(calendars | anniversaries, births, days, st.integers(0, 800), st.integers(0, 800))
def test_adjacent_ranges_give_what_the_whole_gives(
    schedule: Schedule, born: date, first: date, one: int, two: int
) -> None:
    middle, last = first + timedelta(days=one), first + timedelta(days=one + 1 + two)

    def dues(start: date, end: date) -> tuple[Due, ...]:
        per_patient = isinstance(schedule, Anniversary)
        return schedule.due(born, start, end) if per_patient else schedule.between(start, end)

    whole = dues(first, last)
    assert whole == dues(first, middle) + dues(middle + timedelta(days=1), last)
    assert len({due.period for due in whole}) == len(whole)


@given(anniversaries, days, st.integers(0, 400))
@example(Anniversary(0), date(2026, 2, 28), 0)
@example(Anniversary(0), date(2028, 2, 28), 0)
@example(Anniversary(3), date(2026, 3, 1), 364)
def test_born_days_are_exactly_those_for_whom_something_is_due(schedule: Anniversary, first: date, length: int) -> None:
    last = first + timedelta(days=length)
    expected = {day.month * 100 + day.day for day in LEAP if schedule.due(day.replace(year=1960), first, last)}
    assert schedule.born_days(first, last) == expected


@given(anniversaries, days, st.integers(0, 400), births | st.dates(date(1998, 1, 1), date(2041, 12, 31)))
@example(Anniversary(60), date(2026, 2, 10), 20, date(2025, 12, 20))
@example(Anniversary(0), date(2026, 11, 20), 10, date(2026, 11, 25))
@example(Anniversary(0), date(2027, 2, 20), 10, date(1960, 2, 29))
def test_asked_for_many_patients_a_schedule_says_the_same(
    schedule: Anniversary, first: date, length: int, born: date
) -> None:
    last = first + timedelta(days=length)
    assert schedule.dues(first, last)(born) == schedule.due(born, first, last)


def test_a_range_that_ends_before_it_begins_holds_nothing() -> None:
    backwards = (date(2026, 12, 2), date(2026, 12, 1))
    assert Yearly(12, 1).between(*backwards) == ()
    assert Anniversary().born_days(*backwards) == frozenset()


def test_all_months_are_known() -> None:
    assert [Yearly(number, 1) for number in range(1, 13)] == [parse_schedule(f"yearly on 1 {name}") for name in MONTHS]
