"""The span of days that a measure looks at, in the practice's calendar."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from crmkit.clock import add_months, day_start


def _after_start(window: Any, _: Any, end: date) -> None:
    if end <= window.start:
        raise ValueError(f"a window must end after its start: {window.start} to {end} holds no day")


@attrs.frozen(order=True)
class Window:
    """The days from `start` up to, not including, `end`.

    Attributes:
        start: The first day.
        end: The first day that does not belong to it any more.

    Raises:
        ValueError: If no day lies between them.

    >>> window = Window.year_to(date(2026, 7, 1))
    >>> str(window), window.holds(date(2026, 7, 1))
    ('2025-07-01 to 2026-06-30', False)
    """

    start: date
    end: date = attrs.field(validator=_after_start)

    @classmethod
    def year_to(cls, day: date) -> Window:
        """Return the twelve calendar months that end before a day."""
        return cls(add_months(day, -12), day)

    @classmethod
    def year(cls, year: int) -> Window:
        """Return a calendar year."""
        return cls(date(year, 1, 1), date(year + 1, 1, 1))

    @classmethod
    def month_of(cls, day: date) -> Window:
        """Return the calendar month in which a day lies."""
        return cls(day.replace(day=1), add_months(day.replace(day=1), 1))

    @classmethod
    def quarter_of(cls, day: date) -> Window:
        """Return the calendar quarter in which a day lies."""
        first = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
        return cls(first, add_months(first, 3))

    @property
    def last(self) -> date:
        """The last day that belongs to the window."""
        return self.end - timedelta(days=1)

    def holds(self, day: date | None) -> bool:
        """Tell whether a day lies in the window; an unknown day lies in none."""
        return day is not None and self.start <= day < self.end

    def instants(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the first instant of the window and the first after it, in UTC."""
        return day_start(self.start, zone), day_start(self.end, zone)

    def __str__(self) -> str:
        return f"{self.start} to {self.last}"


def whole_months(end: date, count: int) -> tuple[Window, ...]:
    """Return the last so many calendar months that are over by `end`, the oldest first.

    >>> [str(month) for month in whole_months(date(2026, 3, 15), 2)]
    ['2026-01-01 to 2026-01-31', '2026-02-01 to 2026-02-28']
    """
    until = end.replace(day=1)
    starts = [add_months(until, -back) for back in range(count, 0, -1)]
    return tuple(Window.month_of(start) for start in starts)


def whole_quarters(end: date, count: int) -> tuple[Window, ...]:
    """Return the last so many calendar quarters that are over by `end`, the oldest first.

    >>> [str(quarter) for quarter in whole_quarters(date(2026, 3, 15), 1)]
    ['2025-10-01 to 2025-12-31']
    """
    until = Window.quarter_of(end).start
    starts = [add_months(until, -3 * back) for back in range(count, 0, -1)]
    return tuple(Window.quarter_of(start) for start in starts)
