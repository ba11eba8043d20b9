"""When a campaign is due: once, yearly, quarterly, or about each patient's birthday. Pure calendar arithmetic.

A schedule is written as one line of text; `str(schedule)` gives the canonical line back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, TypeAlias

import attrs

from crmkit.clock import anniversary
from crmkit.errors import ScheduleError, nearest

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
MOST_OFFSET = 60
_DAY = timedelta(days=1)
_LEAP_YEAR = 1904
FORMS = (
    "on 2026-12-01",
    "yearly on 1 December",
    "quarterly",
    "quarterly on day 5",
    "on birthday",
    "3 days before birthday",
    "2 days after birthday",
)
_WORDS = (
    "on",
    "yearly",
    "quarterly",
    "day",
    "days",
    "before",
    "after",
    "birthday",
    *(month.lower() for month in MONTHS),
)


@attrs.frozen
class Due:
    """One time at which a schedule falls due.

    Attributes:
        period: What the occasion is named after, such as `2026`, `2026-q4` or `2026-12-01`; never twice in a schedule.
        day: The practice's date.
    """

    period: str
    day: date


@attrs.frozen
class Once:
    """A single date.

    >>> str(Once(date(2026, 12, 1)))
    'on 2026-12-01'
    """

    day: date

    def between(self, first: date, last: date) -> tuple[Due, ...]:
        """Return what falls due from `first` to `last`, both included."""
        return (Due(self.day.isoformat(), self.day),) if first <= self.day <= last else ()

    def __str__(self) -> str:
        return f"on {self.day.isoformat()}"


def _real_day(yearly: Any, _: Any, day: int) -> None:
    try:
        date(_LEAP_YEAR, yearly.month, day)
    except ValueError:
        raise ValueError(f"month {yearly.month} has no day {day}") from None


@attrs.frozen
class Yearly:
    """One date of every year; 29 February is kept on the 28th in common years.

    >>> Yearly(2, 29).between(date(2026, 1, 1), date(2026, 12, 31))
    (Due(period='2026', day=datetime.date(2026, 2, 28)),)
    """

    month: int
    day: int = attrs.field(validator=_real_day)

    def between(self, first: date, last: date) -> tuple[Due, ...]:
        """Return what falls due from `first` to `last`, both included."""
        kept = date(_LEAP_YEAR, self.month, self.day)
        dues = (Due(str(year), anniversary(kept, year)) for year in range(first.year, last.year + 1))
        return tuple(due for due in dues if first <= due.day <= last)

    def __str__(self) -> str:
        return f"yearly on {self.day} {MONTHS[self.month - 1]}"


@attrs.frozen
class Quarterly:
    """One day of each quarter's first month: January, April, July and October.

    >>> Quarterly(5).between(date(2026, 10, 1), date(2026, 12, 31))
    (Due(period='2026-q4', day=datetime.date(2026, 10, 5)),)
    """

    day: int = attrs.field(default=1, validator=[attrs.validators.ge(1), attrs.validators.le(30)])

    def between(self, first: date, last: date) -> tuple[Due, ...]:
        """Return what falls due from `first` to `last`, both included."""
        years = range(first.year, last.year + 1)
        days = ((quarter, date(year, 3 * quarter - 2, self.day)) for year in years for quarter in (1, 2, 3, 4))
        return tuple(Due(f"{day.year}-q{quarter}", day) for quarter, day in days if first <= day <= last)

    def __str__(self) -> str:
        return "quarterly" if self.day == 1 else f"quarterly on day {self.day}"


@attrs.frozen
class Anniversary:
    """The birthday of each patient, or some days before (negative) or after it.

    The day of birth itself is no birthday. Who was born on 29 February keeps the 28th in common years.

    >>> Anniversary(-3).due(date(1980, 1, 2), date(2026, 12, 1), date(2026, 12, 31))
    (Due(period='2027', day=datetime.date(2026, 12, 30)),)
    """

    offset: int = attrs.field(
        default=0, validator=[attrs.validators.ge(-MOST_OFFSET), attrs.validators.le(MOST_OFFSET)]
    )

    def due(self, born: date, first: date, last: date) -> tuple[Due, ...]:
        """Return what falls due for one patient from `first` to `last`, both included.

        The period is the year of the birthday, which an offset may carry into the year before or after it.
        """
        # An offset is shorter than a year, so one year more on either side is enough.
        years = range(max(first.year - 1, born.year + 1), last.year + 2)
        dues = (Due(str(year), anniversary(born, year) + timedelta(days=self.offset)) for year in years)
        return tuple(due for due in dues if first <= due.day <= last)

    def dues(self, first: date, last: date) -> Callable[[date], tuple[Due, ...]]:
        """Return what tells the same as `due` of one patient after the other, in a tenth of the time."""
        born_days = self.born_days(first, last)
        found = {day: self.due(date(_LEAP_YEAR, *divmod(day, 100)), first, last) for day in born_days}

        def of(born: date) -> tuple[Due, ...]:
            # It matters only of the youngest in which year they were born.
            young = born.year >= first.year - 1
            return self.due(born, first, last) if young else found.get(born.month * 100 + born.day, ())

        return of

    def born_days(self, first: date, last: date) -> frozenset[int]:
        """Return the days of birth, as month * 100 + day, for whom something falls due from `first` to `last`.

        >>> sorted(Anniversary().born_days(date(2026, 2, 27), date(2026, 2, 28)))
        [227, 228, 229]
        """
        return frozenset(self._born_days(first, last))

    def _born_days(self, first: date, last: date) -> Iterator[int]:
        # Any 366 days running hold every anniversary.
        for ahead in range(min((last - first).days + 1, 366)):
            day = first + timedelta(days=ahead - self.offset)
            yield day.month * 100 + day.day
            if (day.month, day.day) == (2, 28) and (day + _DAY).month == 3:
                yield 229

    def __str__(self) -> str:
        if not self.offset:
            return "on birthday"
        count = abs(self.offset)
        return f"{count} day{'' if count == 1 else 's'} {'before' if self.offset < 0 else 'after'} birthday"


#: Schedules that fall due for all patients on the same day, and all schedules. What is no `Calendar` is an
#: `Anniversary`, which falls due for each patient on another day: `isinstance(schedule, Anniversary)` tells them apart.
Calendar: TypeAlias = Once | Yearly | Quarterly
Schedule: TypeAlias = Calendar | Anniversary


def parse_schedule(text: str) -> Schedule:
    """Return the schedule that a text means, in any case and spacing.

    Raises:
        ScheduleError: If it means none; the nearest word or the known forms are named.

    >>> str(parse_schedule("yearly on December 1"))
    'yearly on 1 December'
    """
    words = " ".join(text.lower().split())
    for pattern, read in _READERS:
        found = re.fullmatch(pattern, words)
        if found:
            return read(*found.groups())
    if not words:
        raise ScheduleError("the schedule is empty", where="schedule", mend=_forms())
    raise ScheduleError("the schedule cannot be understood", where=f"schedule {text!r}", mend=_hint(words))


def _hint(words: str) -> str:
    """Name the first misspelt word, else the forms."""
    for word in re.findall(r"[a-z]+", words):
        meant = nearest(word, _WORDS)
        if word not in _WORDS and meant.startswith("did"):
            return meant
    return _forms()


def _forms() -> str:
    return f"write it as one of: {'; '.join(FORMS)}"


def _once(day: str) -> Once:
    try:
        return Once(date.fromisoformat(day))
    except ValueError:
        raise ScheduleError(
            "there is no such day", where=f"schedule 'on {day}'", mend="write a real date as YYYY-MM-DD"
        ) from None


def _yearly(day: str, name: str) -> Yearly:
    where = f"schedule 'yearly on {day} {name}'"
    month = next((number for number, known in enumerate(MONTHS, 1) if name in (known.lower(), known[:3].lower())), None)
    if month is None:
        raise ScheduleError(f"{name} is no month", where=where, mend=nearest(name.capitalize(), MONTHS))
    try:
        return Yearly(month, int(day))
    except ValueError:
        raise ScheduleError(f"{MONTHS[month - 1]} has no day {day}", where=where, mend="name a real day") from None


def _yearly_month_first(name: str, day: str) -> Yearly:
    return _yearly(day, name)


def _quarterly(day: str | None) -> Quarterly:
    try:
        return Quarterly(int(day or 1))
    except ValueError:
        raise ScheduleError(
            f"not every quarter's first month has a day {day}",
            where=f"schedule 'quarterly on day {day}'",
            mend="use a day from 1 to 30",
        ) from None


def _birthday() -> Anniversary:
    return Anniversary()


def _offset(count: str, way: str) -> Anniversary:
    days = int(count)
    if not 1 <= days <= MOST_OFFSET:
        raise ScheduleError(
            f"{days} days {way} a birthday cannot be planned",
            where="schedule",
            mend=f"use 1 to {MOST_OFFSET} days, or `on birthday`",
        )
    return Anniversary(-days if way == "before" else days)


_READERS: tuple[tuple[str, Callable[..., Schedule]], ...] = (
    (r"on ([0-9]{4}-[0-9]{2}-[0-9]{2})", _once),
    (r"yearly on ([0-9]{1,2}) ([a-z]+)", _yearly),
    (r"yearly on ([a-z]+) ([0-9]{1,2})", _yearly_month_first),
    (r"quarterly(?: on day ([0-9]{1,2}))?", _quarterly),
    (r"on birthday", _birthday),
    (r"([0-9]{1,4}) days? (before|after) birthday", _offset),
)
