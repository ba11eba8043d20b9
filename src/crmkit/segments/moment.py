"""Days told from today: "18 months ago", "30 days from now", and the spans that windows are made of."""

from __future__ import annotations

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import attrs

from crmkit.clock import add_months

_SPAN = re.compile(r"([0-9]{1,5}) (day|week|month|year)s?", re.IGNORECASE)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIRST, _LAST = date(1800, 1, 1), date(2200, 12, 31)


class Unit(StrEnum):
    """What a span is counted in."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


_CENTURY = {Unit.DAY: 36_525, Unit.WEEK: 5_218, Unit.MONTH: 1_200, Unit.YEAR: 100}


def _within_a_century(owner: Any, _: Any, count: int) -> None:
    most = _CENTURY[owner.unit]
    if abs(count) > most:
        raise ValueError(f"{abs(count)} {owner.unit}s are more than a century: use at most {most}")


@attrs.frozen
class Span:
    """A length of time in calendar units, never negative and at most a century.

    Attributes:
        count: How many units.
        unit: Day, week, month or year.

    >>> str(Span(6, Unit.MONTH)), str(Span(1, Unit.DAY))
    ('6 months', '1 day')
    """

    count: int = attrs.field(validator=[attrs.validators.ge(0), _within_a_century])
    unit: Unit = attrs.field(converter=Unit)

    def __str__(self) -> str:
        return _counted(self.count, self.unit)


@attrs.frozen
class Shift:
    """A day told from today: negative counts lie in the past.

    >>> Shift(-6, Unit.MONTH).on(date(2026, 8, 31))
    datetime.date(2026, 2, 28)
    >>> str(Shift(-18, Unit.MONTH)), str(Shift(30, Unit.DAY)), str(Shift(0, Unit.DAY))
    ('18 months ago', '30 days from now', 'today')
    """

    count: int = attrs.field(validator=_within_a_century)
    unit: Unit = attrs.field(converter=Unit)

    def on(self, today: date) -> date:
        """Return the day that is meant when today is `today`."""
        return moved(today, self.count, self.unit)

    def __str__(self) -> str:
        if self == TODAY:
            return "today"
        way = "from now" if self.count > 0 else "ago"
        return f"{_counted(abs(self.count), self.unit)} {way}"


TODAY = Shift(0, Unit.DAY)
_NAMED = {"today": TODAY, "yesterday": Shift(-1, Unit.DAY), "tomorrow": Shift(1, Unit.DAY)}


def moved(day: date, count: int, unit: Unit) -> date:
    """Return the day so many units later, earlier when negative; months and years are the calendar's."""
    if unit in (Unit.DAY, Unit.WEEK):
        return day + timedelta(days=count * (7 if unit is Unit.WEEK else 1))
    return add_months(day, count * (12 if unit is Unit.YEAR else 1))


def read_span(text: str) -> Span:
    """Return the span that a text such as "24 months" means.

    Raises:
        ValueError: If it means none.
    """
    found = _SPAN.fullmatch(" ".join(text.split()))
    if found is None:
        raise ValueError(f"{text!r} is no length of time: write it as 24 months")
    return Span(int(found[1]), Unit(found[2].lower()))


def read_moment(text: str) -> date | Shift:
    """Return the date or the shift that a text means: 2026-12-01, today, 6 weeks ago, 30 days from now.

    Raises:
        ValueError: If it means none.
    """
    words = " ".join(text.lower().split())
    if words in _NAMED:
        return _NAMED[words]
    for ending, sign in ((" ago", -1), (" from now", 1)):
        if words.endswith(ending):
            span = read_span(words.removesuffix(ending))
            return Shift(sign * span.count, span.unit)
    return check_day(_iso(text))


def check_day(day: date) -> date:
    """Return the date if it can be meant; ValueError if it lies before 1800 or after 2200."""
    if not _FIRST <= day <= _LAST:
        raise ValueError(f"the date {day} is too far away: use the years 1800 to 2200")
    return day


def _iso(text: str) -> date:
    form = "write it in the form YYYY-MM-DD, or as 6 weeks ago"
    if not _ISO.fullmatch(text):
        raise ValueError(f"{text!r} is no date: {form}")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no day of the calendar: {form}") from None


def _counted(count: int, unit: Unit) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"
