"""The quiet days of a practice, as one line of text: `public holidays, 2026-12-24..2027-01-02, 12-24..01-02`."""

from __future__ import annotations

import re
from datetime import date

import attrs

from crmkit.errors import ConfigError

_LEAP_YEAR = 2024
_DATE = re.compile(r"(?:(\d{4})-)?(\d\d)-(\d\d)")
#: Those of the place where the practice is; which days that are, others know.
PUBLIC = "public holidays"
_MEND = f"write a date as 2026-12-24, one of every year as 12-24, a span as 2026-12-24..2027-01-02, or {PUBLIC}"


@attrs.frozen
class Quiet:
    """A span of days, both ends included: of one year, or of every year.

    Attributes:
        first: The first day; of a yearly span, year 2024 stands for any.
        last: The last day; a yearly one before the first is the next year's.
        yearly: True if it comes back every year; 29 February only where there is one.
    """

    first: date
    last: date
    yearly: bool = False

    def holds(self, day: date) -> bool:
        """Tell whether a day is in it."""
        if not self.yearly:
            return self.first <= day <= self.last
        here = day.replace(year=_LEAP_YEAR)
        if self.first <= self.last:
            return self.first <= here <= self.last
        return here >= self.first or here <= self.last

    def __str__(self) -> str:
        cut = 5 if self.yearly else 0
        ends = self.first.isoformat()[cut:], self.last.isoformat()[cut:]
        return ends[0] if ends[0] == ends[1] else "..".join(ends)


@attrs.frozen
class Closed:
    """The days on which nothing leaves, in the practice's calendar.

    Attributes:
        spans: The days that are named.
        holidays: Whether the public holidays of the practice's country and region are quiet too.

    >>> closed = Closed.parse("2026-04-03, 12-24..01-02")
    >>> closed.on(date(2027, 1, 2)), closed.on(date(2027, 1, 3)), str(closed)
    (True, False, '2026-04-03, 12-24..01-02')
    """

    spans: tuple[Quiet, ...] = ()
    holidays: bool = False

    @classmethod
    def parse(cls, text: str) -> Closed:
        """Return the quiet days that a line of text says; an empty one says none.

        Raises:
            ConfigError: If a piece of it cannot be understood; the piece is named.
        """
        pieces = [" ".join(piece.split()) for piece in re.split(r"[,;\n]", text) if piece.strip()]
        days = [piece for piece in pieces if piece.casefold() != PUBLIC]
        return cls(tuple(map(_quiet, days)), len(days) < len(pieces))

    def on(self, day: date) -> bool:
        """Tell whether a day is one of those that are named."""
        return any(span.holds(day) for span in self.spans)

    def __str__(self) -> str:
        return ", ".join([*([PUBLIC] if self.holidays else []), *map(str, self.spans)])


def _quiet(piece: str) -> Quiet:
    ends = [_day(end.strip(), piece) for end in piece.split("..")]
    if len(ends) > 2 or len({yearly for _, yearly in ends}) > 1:
        raise ConfigError(f"the quiet days {piece!r} are not understood", mend=_MEND)
    (first, yearly), (last, _) = ends[0], ends[-1]
    if last < first and not yearly:
        raise ConfigError(f"the quiet days {piece!r} end before they begin", mend="put the earlier date first")
    return Quiet(first, last, yearly)


def _day(text: str, piece: str) -> tuple[date, bool]:
    found = _DATE.fullmatch(text)
    if not found:
        raise ConfigError(f"the quiet days {piece!r} are not understood", mend=_MEND)
    year, month, day = found.groups()
    try:
        return date(int(year or _LEAP_YEAR), int(month), int(day)), year is None
    except ValueError:
        raise ConfigError(f"{text!r} is no date", mend=_MEND) from None
