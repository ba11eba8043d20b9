"""When the demo practice is open, and who sees whom at what time."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import attrs

from crmkit.demo.chance import Chance

SYDNEY = ZoneInfo("Australia/Sydney")
PRACTITIONERS = ("H. Okafor", "P. Marchetti-Rao", "A. Lindqvist", "S. Whitcombe", "T. Nakagawa", "R. Delahunty")


def easter(year: int) -> date:
    """Return Easter Sunday by the anonymous Gregorian computus (Meeus, Jones and Butcher).

    >>> easter(2027)
    datetime.date(2027, 3, 28)
    """
    golden, century, of_century = year % 19, year // 100, year % 100
    skipped = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - skipped + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - epact - of_century % 4) % 7
    shift = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=64)
def closed_days(year: int) -> frozenset[date]:
    """Return the days of a year on which nobody is there: public holidays and the week after Christmas."""
    sunday = easter(year)
    around_easter = [sunday + timedelta(days=shift) for shift in (-2, -1, 0, 1)]
    christmas = [date(year, 12, day) for day in range(25, 32)]
    fixed = [date(year, 1, 1), _observed(date(year, 1, 26)), date(year, 4, 25)]
    mondays = [_monday(year, 6, 2), _monday(year, 10, 1)]
    return frozenset([*around_easter, *christmas, *fixed, *mondays])


def _observed(day: date) -> date:
    return day + timedelta(days=max(0, 7 - day.weekday()) % 7) if day.weekday() > 4 else day


def _monday(year: int, month: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(7 - first.weekday()) % 7 + 7 * (number - 1))


@lru_cache(maxsize=8192)
def slots(day: date) -> tuple[time, ...]:
    """Return the times at which visits start: long on Thursdays, short on Saturdays, none on Sundays and holidays."""
    weekday = day.weekday()
    if weekday == 6 or day in closed_days(day.year):
        return ()
    end = {3: 39, 5: 26}.get(weekday, 34)
    return tuple(time(half // 2, 30 * (half % 2)) for half in range(18, end))


def next_open(day: date) -> date:
    """Return the day itself if the practice is open, else the next day on which it is."""
    while not slots(day):
        day += timedelta(days=1)
    return day


def last_open(day: date) -> date:
    """Return the day itself if the practice is open, else the last day before it on which it was."""
    while not slots(day):
        day -= timedelta(days=1)
    return day


@attrs.define(eq=False)
class Diary:
    """The appointment book: no practitioner sees two patients at once.

    Attributes:
        practitioners: Those who see patients; a larger practice has more of them.
    """

    practitioners: tuple[str, ...]
    _taken: set[tuple[date, int, int]] = attrs.field(factory=set, init=False, repr=False)

    def book(self, day: date, chance: Chance, usual: int) -> tuple[datetime, str]:
        """Return the start and the practitioner of a visit on a day, or on the next open day with a free place.

        Args:
            day: The day wanted.
            chance: Decides the time.
            usual: The number of the practitioner whom the patient usually sees.
        """
        while True:
            day = next_open(day)
            times = slots(day)
            first = chance.below(len(times))
            for step in range(len(times) * len(self.practitioners)):
                slot = (first + step) % len(times)
                who = (usual + step // len(times)) % len(self.practitioners)
                if (day, slot, who) not in self._taken:
                    self._taken.add((day, slot, who))
                    return datetime.combine(day, times[slot], tzinfo=SYDNEY), self.practitioners[who]
            day += timedelta(days=1)


def staff(patients: int) -> tuple[str, ...]:
    """Return the practitioners that so many patients need: three in a practice of 3,000."""
    wanted = max(3, patients // 1000)
    return tuple(PRACTITIONERS[n % 6] + f" {n // 6 + 1}" * (n >= 6) for n in range(wanted))
