"""How many messages of a campaign leave on one day, so that reception can answer the replies. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import attrs

from crmkit.campaigns.room import Ask, Asking, Why
from crmkit.clock import day_start, local_day

_DAY = timedelta(days=1)


def _counted(gone: Mapping[tuple[str, date], int]) -> Counter[tuple[str, date]]:
    return Counter(gone)


@attrs.frozen(eq=False)
class Spread:
    """What the days of some campaigns leave free: a limit.

    Attributes:
        per_day: The most messages a day, by campaign; other campaigns are not spread.
        zone: The practice's, whose days are meant.
        gone: How many have left or will leave, by campaign and day.

    >>> from crmkit.people.medium import Medium, Purpose
    >>> spread = Spread({"news": 1}, ZoneInfo("Australia/Sydney"), {("news", date(2026, 11, 23)): 1})
    >>> at = datetime.fromisoformat("2026-11-23T09:00+11:00")
    >>> ask = Ask("K", "news", at, at + 14 * _DAY, Purpose.MARKETING, Medium.EMAIL, "P1", "")
    >>> spread.free_at(ask, at).astimezone(spread.zone).isoformat()
    '2026-11-24T00:00:00+11:00'
    """

    per_day: Mapping[str, int]
    zone: ZoneInfo
    gone: Counter[tuple[str, date]] = attrs.field(converter=_counted, factory=Counter, repr=False)

    def crowded(self, asking: Sequence[Asking]) -> set[str]:
        """Return the keys of those whose campaign is spread."""
        return {one.key for one in asking if one.campaign in self.per_day}

    def free_at(self, ask: Ask, at: datetime) -> datetime:
        """Return `at`, or the beginning of the first day after it that has room for the campaign."""
        most = self.per_day.get(ask.campaign)
        if most is None:
            return at
        first = day = local_day(at, self.zone)
        while self.gone[ask.campaign, day] >= most:
            day += _DAY
        return at if day == first else day_start(day, self.zone)

    def take(self, ask: Ask, at: datetime) -> None:
        """Count a message on its day."""
        if ask.campaign in self.per_day:
            self.gone[ask.campaign, local_day(at, self.zone)] += 1

    def why(self, ask: Ask, at: datetime) -> Why:
        """Return what is told of what comes on another day."""
        del at
        return Why("spread", "too_many", {"per_day": self.per_day[ask.campaign]})
