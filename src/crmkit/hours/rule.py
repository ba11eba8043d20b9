"""The rules on when one may write, as data: which law or custom, of which country, for what, written where."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import attrs

from crmkit.hours.week import Week
from crmkit.hours.where import Place
from crmkit.people.medium import Medium, Purpose

#: Stands for every country that has no rule of its own for the purpose and medium.
ANYWHERE = "*"


class Kind(StrEnum):
    """How binding a rule is; all of them are kept."""

    LAW = "law"
    CODE = "code of practice"
    COURTESY = "courtesy"


def _purposes(values: Iterable[str]) -> tuple[Purpose, ...]:
    return tuple(map(Purpose, values))


def _media(values: Iterable[str]) -> tuple[Medium, ...]:
    return tuple(map(Medium, values))


def _week(value: Week | str) -> Week:
    return Week.parse(value) if isinstance(value, str) else value


@attrs.frozen
class Rule:
    """One rule on when one may write.

    Attributes:
        name: How a reason calls it, such as `FR phone`.
        countries: ISO 3166 codes of where it holds, or `*`.
        purposes: For which purposes.
        media: By which ways.
        week: When it allows writing, by the clock of where the recipient may be.
        source: Where it is written.
        since: From which local date on it holds.
        kind: Whether it is law, a code of practice, or courtesy.
        holidays: True if public holidays are excluded.
        region: The ISO 3166-2 part behind the hyphen, if it holds in one subdivision only.
        zones: In which zones that subdivision lies; the rule holds there for everybody whose subdivision is unknown.
    """

    name: str
    countries: tuple[str, ...] = attrs.field(converter=tuple)
    purposes: tuple[Purpose, ...] = attrs.field(converter=_purposes)
    media: tuple[Medium, ...] = attrs.field(converter=_media)
    week: Week = attrs.field(converter=_week)
    source: str
    since: date = date.min
    kind: Kind = attrs.field(default=Kind.LAW, converter=Kind)
    holidays: bool = False
    region: str = ""
    zones: tuple[str, ...] = attrs.field(default=(), converter=tuple)

    def about(self, purpose: Purpose, medium: Medium) -> bool:
        """Tell whether it speaks of a purpose and a medium."""
        return purpose in self.purposes and medium in self.media

    def holds_in(self, place: Place) -> bool:
        """Tell whether it is a rule of a place; `*` is of none."""
        if place.country not in self.countries:
            return False
        if not self.region:
            return True
        return place.region == self.region if place.region else place.zone in self.zones


def in_force(rules: Iterable[Rule], place: Place, purpose: Purpose, medium: Medium, day: date) -> tuple[Rule, ...]:
    """Return the rules that hold in a place on a local date: the country's own, and without any the courtesy."""
    speaking = [rule for rule in rules if rule.since <= day and rule.about(purpose, medium)]
    own = tuple(rule for rule in speaking if rule.holds_in(place))
    return own or tuple(rule for rule in speaking if ANYWHERE in rule.countries)


@cache
def known_rules() -> tuple[Rule, ...]:
    """Return the rules that come with the kit, read from its `rules.toml`."""
    return tuple(_read(tomllib.loads((files("crmkit.hours") / "rules.toml").read_text(encoding="utf-8"))))


def _read(tables: dict[str, Any]) -> Iterator[Rule]:
    for table in tables["rule"]:
        yield Rule(**table)
