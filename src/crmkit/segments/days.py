"""From the words of a date rule to the days that it means. All date arithmetic of a segment is done here, in Python."""

from __future__ import annotations

from datetime import date, timedelta
from typing import cast

import attrs

from crmkit.clock import add_months
from crmkit.segments.moment import Shift, Span, moved
from crmkit.segments.tree import Operator, Rule

_DAY = timedelta(days=1)


@attrs.frozen
class Days:
    """A range of days, both ends included; None leaves an end open."""

    first: date | None
    last: date | None


def days_of(rule: Rule, today: date) -> Days:
    """Return the days that a date rule means; for `is not`, the day that is excluded.

    `in last` reaches back from today and `in next` ahead of it, today included, so that "in last 18 months" and
    "before 18 months ago" divide the past without a gap.
    """
    if isinstance(rule.value, Span):
        count, unit = rule.value.count, rule.value.unit
        last = rule.operator is Operator.IN_LAST
        return Days(moved(today, -count, unit), today) if last else Days(today, moved(today, count, unit))
    if isinstance(rule.value, tuple):
        first, last_day = (_day(end, today) for end in rule.value)
        return Days(first, last_day)
    day = _day(rule.value, today)
    match rule.operator:
        case Operator.BEFORE:
            return Days(None, day - _DAY)
        case Operator.ON_OR_BEFORE:
            return Days(None, day)
        case Operator.AFTER:
            return Days(day + _DAY, None)
        case Operator.ON_OR_AFTER:
            return Days(day, None)
        case _:
            return Days(day, day)


def born_between(youngest: int | None, oldest: int | None, today: date) -> Days:
    """Return the dates of birth of those who are of an age, both ends included; None leaves an end open.

    >>> born_between(18, 18, date(2026, 2, 28))
    Days(first=datetime.date(2007, 3, 1), last=datetime.date(2008, 2, 28))
    """
    last = None if youngest is None else add_months(today, -12 * youngest)
    # Whoever is one day older than this has had the next birthday.
    first = None if oldest is None else add_months(today, -12 * (oldest + 1)) + _DAY
    return Days(first, last)


def birthdays(first: date, last: date) -> tuple[tuple[int, int], ...]:
    """Return the ranges of day numbers (month * 100 + day) whose birthday is kept in a range of days.

    Who was born on 29 February keeps the day on 28 February in common years.

    >>> birthdays(date(2026, 12, 28), date(2027, 1, 3))
    ((1228, 1231), (101, 103))
    >>> birthdays(date(2026, 2, 27), date(2026, 2, 28))
    ((227, 229),)
    """
    if (last - first).days >= 365:
        return ((101, 1231),)
    if first.year < last.year:
        new_year = date(last.year, 1, 1)
        return (*birthdays(first, new_year - _DAY), *birthdays(new_year, last))
    end = last.month * 100 + last.day
    # In a leap year the day after is the 29th itself.
    kept_early = end == 228 and (last + _DAY).month == 3
    return ((first.month * 100 + first.day, 229 if kept_early else end),)


def _day(value: object, today: date) -> date:
    return value.on(today) if isinstance(value, Shift) else cast("date", value)
