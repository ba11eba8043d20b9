"""One clock that must be in its open hours: the rules of one zone, or the practice's own week."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import attrs

from crmkit.hours.closed import Closed
from crmkit.hours.public import PublicHolidays
from crmkit.hours.rule import Rule
from crmkit.hours.week import Span, Week

_DAY = 24 * 60 * 60
_ONE = timedelta(seconds=1)


@attrs.frozen
class Wait:
    """A stretch of time that one gate was shut.

    Attributes:
        code: `hours`, `holiday` or `closed`.
        zone: Whose clock.
        rule: What shut it: a rule's name, or `practice`.
        day: The local date on which it began.
        span: How long.
    """

    code: str
    zone: str
    rule: str
    day: date
    span: timedelta


@attrs.frozen
class Demand:
    """A week to keep, without some holidays, and what to call it.

    Attributes:
        rule: A rule's name, or `practice`.
        week: The hours.
        country: Whose public holidays are excluded, empty for none; `region` narrows it.
        closed: The practice's quiet days.
    """

    rule: str
    week: Week
    country: str = ""
    region: str = ""
    closed: Closed = attrs.field(factory=Closed)

    @classmethod
    def of(cls, rule: Rule, country: str, region: str) -> Demand:
        """Return what a rule demands in a country; the holidays are those of the rule's region, else the place's."""
        if not rule.holidays:
            return cls(rule.name, rule.week)
        return cls(rule.name, rule.week, country, rule.region or region)


@attrs.frozen(eq=False)
class Gate:
    """Several demands on one clock, as hours that fulfil all of them.

    Attributes:
        zone: Whose clock.
        eras: From which local date on which demands hold, in order of time.
        holidays: What is known of public holidays.
    """

    zone: ZoneInfo
    eras: tuple[tuple[date, tuple[Demand, ...]], ...]
    holidays: PublicHolidays
    _starts: tuple[date, ...] = attrs.field(init=False, repr=False)
    _hours: tuple[tuple[tuple[Span, ...], ...], ...] = attrs.field(init=False, repr=False)
    _shutting: tuple[tuple[Demand, ...], ...] = attrs.field(init=False, repr=False)

    @_starts.default
    def _find_starts(self) -> tuple[date, ...]:
        return tuple(start for start, _ in self.eras)

    @_hours.default
    def _find_hours(self) -> tuple[tuple[tuple[Span, ...], ...], ...]:
        return tuple(_common(demands) for _, demands in self.eras)

    @_shutting.default
    def _find_shutting(self) -> tuple[tuple[Demand, ...], ...]:
        return tuple(tuple(one for one in demands if one.country or one.closed.spans) for _, demands in self.eras)

    def first_open(self, at: datetime, until: datetime, waits: list[Wait]) -> datetime:
        """Return the first instant from `at` on, in UTC, at which it is open, or one that is not before `until`.

        Args:
            at: An instant in UTC.
            until: Where to give up.
            waits: Each stretch that it was shut is added.
        """
        while at < until:
            local = at.astimezone(self.zone)
            day = local.date()
            second = local.hour * 3600 + local.minute * 60 + local.second
            era = bisect_right(self._starts, day) - 1
            shut = self._shut(era, day) if self._shutting[era] else None
            start = _DAY if shut else _next_start(self._hours[era][day.weekday()], second)
            if start <= second:
                return at
            later = self._jump(at, local, timedelta(seconds=start - second, microseconds=-local.microsecond))
            code, rule = shut or ("hours", self._narrow(era, day, second))
            waits.append(Wait(code, self.zone.key, rule, day, later - at))
            at = later
        return at

    def _shut(self, era: int, day: date) -> tuple[str, str] | None:
        for demand in self._shutting[era]:
            if demand.closed.on(day):
                return "closed", demand.rule
            if demand.country and self.holidays.on(day, demand.country, demand.region):
                return "holiday", demand.rule
        return None

    def _narrow(self, era: int, day: date, second: int) -> str:
        """Return what shuts it at a time of day that is not open."""
        minute, weekday = second // 60, day.weekday()
        return next(
            demand.rule
            for demand in self.eras[era][1]
            if not any(start <= minute < end for start, end in demand.week.spans(weekday))
        )

    def _jump(self, at: datetime, local: datetime, by: timedelta) -> datetime:
        """Return the instant so much later by the clock, but not beyond the instant at which that clock is changed."""
        later = at + by
        before = local.utcoffset()
        if later.astimezone(self.zone).utcoffset() == before:
            return later
        # Clocks change at full seconds. None changes twice within a day, so one change lies between.
        low = at.replace(microsecond=0)
        high = (later - low) // _ONE
        first = 0
        while high - first > 1:
            middle = (first + high) // 2
            if (low + middle * _ONE).astimezone(self.zone).utcoffset() == before:
                first = middle
            else:
                high = middle
        return low + high * _ONE


def _next_start(spans: Sequence[Span], second: int) -> int:
    """Return when the span begins that holds a second or is the next after it, else the end of the day."""
    for start, end in spans:
        if second < end:
            return start
    return _DAY


def _common(demands: Iterable[Demand]) -> tuple[tuple[Span, ...], ...]:
    """Return what is open in all weeks, in seconds of each day."""
    week: list[tuple[Span, ...]] = []
    for demand in demands:
        theirs = [tuple((start * 60, end * 60) for start, end in demand.week.spans(number)) for number in range(7)]
        week = [_both(*pair) for pair in zip(week, theirs, strict=True)] if week else theirs
    return tuple(week) or (((0, _DAY),),) * 7


def _both(ours: Sequence[Span], theirs: Sequence[Span]) -> tuple[Span, ...]:
    pairs = ((max(a, c), min(b, d)) for a, b in ours for c, d in theirs)
    return tuple(sorted(span for span in pairs if span[0] < span[1]))
