"""When a message may leave: the first instant that suits the law, the recipient's clock and the practice's hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

from crmkit.clock import utc
from crmkit.errors import ConfigError
from crmkit.hours.closed import Closed
from crmkit.hours.gate import Demand, Gate, Wait
from crmkit.hours.public import PublicHolidays
from crmkit.hours.rule import ANYWHERE, Rule, in_force, known_rules
from crmkit.hours.week import Week
from crmkit.hours.where import Place, Whereabouts
from crmkit.people.medium import Medium, Purpose

#: What is told if several things stood in the way: the rarer and more surprising first.
CODES = ("closed", "holiday", "hours")

_MOST_KEPT = 4096


def _zone(value: ZoneInfo | str) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"the time zone {value!r} is unknown", mend="use an IANA name, such as Europe/Zurich"
        ) from None


@attrs.frozen
class Opening:
    """When a message may leave.

    Attributes:
        at: The first instant, in UTC; None if there is none in time.
        code: What was shut when it was asked for: `hours`, `holiday` or `closed`; empty if nothing was.
        detail: What a sentence needs: `zone`, `rule` and the local date `day`.
    """

    at: datetime | None
    code: str = ""
    detail: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(slots=False)
class Hours:
    """When a practice's messages may leave.

    Every zone and country in which the recipient may be must allow it, by its own clock, and so must the practice's
    week and quiet days, by the practice's. An end is not included: until 20:00 means that 20:00 is too late.

    Attributes:
        zone: The practice's time zone; a name or a ZoneInfo.
        country: The practice's country, ISO 3166.
        region: Its subdivision, the part of the ISO 3166-2 code behind the hyphen; empty if unknown.
        week: The practice's own hours; an empty week restricts nothing.
        closed: The practice's quiet days.
        rules: The law and the custom of places, as `known_rules()`.

    Raises:
        ConfigError: If the zone is unknown.

    >>> hours = Hours("Australia/Sydney", "AU", week=Week.parse("Mon-Fri 09:00-10:00"))
    >>> friday, june = datetime(2026, 5, 1, 12, tzinfo=hours.zone), datetime(2026, 6, 1, tzinfo=hours.zone)
    >>> opening = hours.next_open(Whereabouts(), Purpose.CARE, Medium.SMS, friday, june)
    >>> opening.at.astimezone(hours.zone).strftime("%A %H:%M"), opening.code
    ('Monday 09:00', 'hours')
    """

    zone: ZoneInfo = attrs.field(converter=_zone)
    country: str
    region: str = ""
    week: Week = attrs.field(factory=Week)
    closed: Closed = attrs.field(factory=Closed)
    rules: tuple[Rule, ...] = attrs.field(factory=known_rules, converter=tuple, repr=False)
    _holidays: PublicHolidays = attrs.field(factory=PublicHolidays, init=False, repr=False, eq=False)
    _kept: dict[tuple[Whereabouts, Purpose, Medium], tuple[Gate, ...]] = attrs.field(
        factory=dict, init=False, repr=False, eq=False
    )

    @property
    def home(self) -> Place:
        """Where the practice is."""
        return Place(self.zone.key, self.country, self.region)

    def next_open(self, to: Whereabouts, purpose: Purpose, medium: Medium, at: datetime, until: datetime) -> Opening:
        """Return the first instant from `at` on, and before `until`, at which a message may leave.

        Args:
            to: Where the recipient may be.
            purpose: Why one writes: most law is about marketing.
            medium: By which way.
            at: An aware instant; the answer is this instant itself if it is open.
            until: The instant from which on it is too late.

        Raises:
            ValueError: If an instant is naive.
        """
        asked, end = utc(at), utc(until)
        gates = self._gates(to, purpose, medium)
        waits: list[Wait] = []
        moment = asked
        while moment < end:
            before = moment
            for gate in gates:
                moment = gate.first_open(moment, end, waits)
            if moment == before:
                return _told(moment, waits)
        return _told(None, waits)

    def open_at(self, to: Whereabouts, purpose: Purpose, medium: Medium, at: datetime) -> bool:
        """Tell whether a message may leave at an instant.

        It asks every rule of every place on its own, and shares no arithmetic with `next_open`.

        Raises:
            ValueError: If the instant is naive.
        """
        moment = utc(at)
        here = moment.astimezone(self.zone)
        if self.closed.on(here.date()) or not _within(self.week, here):
            return False
        if self.closed.holidays and self._holidays.on(here.date(), self.country, self.region):
            return False
        return all(self._allowed(place, purpose, medium, moment) for place in to.places(self.home))

    def _allowed(self, place: Place, purpose: Purpose, medium: Medium, moment: datetime) -> bool:
        local = moment.astimezone(ZoneInfo(place.zone))
        for rule in in_force(self.rules, place, purpose, medium, local.date()):
            region = rule.region or place.region
            if rule.holidays and self._holidays.on(local.date(), place.country, region):
                return False
            if not _within(rule.week, local):
                return False
        return True

    def _gates(self, to: Whereabouts, purpose: Purpose, medium: Medium) -> tuple[Gate, ...]:
        asked = to, purpose, medium
        found = self._kept.get(asked)
        if found is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            found = self._kept[asked] = tuple(self._built(to, purpose, medium))
        return found

    def _built(self, to: Whereabouts, purpose: Purpose, medium: Medium) -> list[Gate]:
        gates = []
        if self.week.restricts or self.closed != Closed():
            country = self.country if self.closed.holidays else ""
            own = Demand("practice", self.week, country, self.region, self.closed)
            gates.append(Gate(self.zone, ((date.min, (own,)),), self._holidays))
        places = to.places(self.home)
        for zone in dict.fromkeys(place.zone for place in places):
            eras = self._eras([place for place in places if place.zone == zone], purpose, medium)
            if any(demands for _, demands in eras):
                gates.append(Gate(_zone(zone), eras, self._holidays))
        return gates

    def _eras(
        self, places: Sequence[Place], purpose: Purpose, medium: Medium
    ) -> tuple[tuple[date, tuple[Demand, ...]], ...]:
        """Return what the places of one zone demand, anew from each date on which a rule begins to hold."""
        here = [rule for rule in self.rules if rule.about(purpose, medium) and _concerns(rule, places)]
        eras: list[tuple[date, tuple[Demand, ...]]] = []
        for start in sorted({date.min, *(rule.since for rule in here)}):
            demands = dict.fromkeys(
                Demand.of(rule, place.country, place.region)
                for place in places
                for rule in in_force(here, place, purpose, medium, start)
            )
            if not eras or tuple(demands) != eras[-1][1]:
                eras.append((start, tuple(demands)))
        return tuple(eras)


def _concerns(rule: Rule, places: Sequence[Place]) -> bool:
    return ANYWHERE in rule.countries or any(rule.holds_in(place) for place in places)


def _within(week: Week, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in week.spans(local.weekday()))


def _told(at: datetime | None, waits: list[Wait]) -> Opening:
    """Return the answer with the rarest of the causes, and of its stretches the longest."""
    if not waits:
        return Opening(at)
    worst = min(waits, key=lambda wait: (CODES.index(wait.code), -wait.span))
    return Opening(at, worst.code, {"zone": worst.zone, "rule": worst.rule, "day": worst.day.isoformat()})
