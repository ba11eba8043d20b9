"""Time: the clock that is handed in, and the calendar arithmetic that no database is trusted with.

Instants are aware `datetime`s in UTC; dates are the practice's. Months are calendar months: a day that the target
month lacks becomes its last day (31 August minus six months is 28 or 29 February).
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from time import sleep
from typing import Protocol
from zoneinfo import ZoneInfo

import attrs

_NAP = timedelta(seconds=1)


class Clock(Protocol):
    """Tells the present instant."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...


def wait(clock: Clock, span: timedelta) -> None:
    """Let a span of time pass: a clock that stands still is moved, by any other one waits.

    >>> clock = FixedClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    >>> wait(clock, timedelta(seconds=2))
    >>> clock.now().isoformat()
    '2026-11-23T09:00:02+00:00'
    """
    if span <= timedelta(0):
        return
    if isinstance(clock, FixedClock):
        clock.move(span)
    else:
        sleep(span.total_seconds())


def wait_unless(clock: Clock, span: timedelta, stopping: Callable[[], bool]) -> None:
    """Let a span of time pass, or less if told to stop; whether the machine's clock is set meanwhile does not matter.

    Args:
        clock: The clock.
        span: How long to wait.
        stopping: Is asked once a second.
    """
    left = span
    while left > timedelta(0) and not stopping():
        nap = min(left, _NAP)
        wait(clock, nap)
        left -= nap


def utc(at: datetime) -> datetime:
    """Return an aware instant in UTC.

    Raises:
        ValueError: If the datetime is naive, for then it names no instant.
    """
    if at.tzinfo is None:
        raise ValueError("a datetime without a time zone names no instant: give it a tzinfo")
    return at.astimezone(UTC)


@attrs.frozen
class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)


@attrs.define
class FixedClock:
    """A clock that stands still until it is moved: for tests, previews and rehearsals.

    Attributes:
        at: The instant at which it stands.

    >>> clock = FixedClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    >>> clock.move(timedelta(days=1))
    >>> clock.now().isoformat()
    '2026-11-24T09:00:00+00:00'
    """

    at: datetime = attrs.field(converter=utc)

    def now(self) -> datetime:
        """Return the instant at which the clock stands."""
        return self.at

    def move(self, by: timedelta) -> None:
        """Move the clock by a span of real time."""
        self.at += by

    def set(self, at: datetime) -> None:
        """Put the clock to an aware instant."""
        self.at = utc(at)


def local_day(at: datetime, zone: ZoneInfo) -> date:
    """Return the calendar date of an instant in a zone."""
    return utc(at).astimezone(zone).date()


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, at which a date begins in a zone.

    >>> day_start(date(2026, 4, 5), ZoneInfo("Australia/Sydney")).isoformat()
    '2026-04-04T13:00:00+00:00'
    """
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def add_months(day: date, months: int) -> date:
    """Return the date so many calendar months later (earlier when negative).

    >>> add_months(date(2026, 8, 31), -6)
    datetime.date(2026, 2, 28)
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def age_on(born: date, day: date) -> int:
    """Return the age in completed years; who is born on 29 February turns on 1 March in common years.

    >>> age_on(date(2008, 2, 29), date(2026, 2, 28))
    17
    """
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def anniversary(born: date, year: int) -> date:
    """Return the date on which an anniversary is kept in a year; 29 February is kept on the 28th in common years.

    >>> anniversary(date(2008, 2, 29), 2026)
    datetime.date(2026, 2, 28)
    """
    last = calendar.monthrange(year, born.month)[1]
    return date(year, born.month, min(born.day, last))
