"""The practice's own hours, as a host or a `crm.toml` says them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from crmkit.errors import ConfigError
from crmkit.hours.closed import Closed
from crmkit.hours.hours import Hours
from crmkit.hours.public import PublicHolidays
from crmkit.hours.week import Week
from crmkit.practice import Practice
from crmkit.settings import structure


@attrs.frozen
class OwnHours:
    """The section `[hours]` of a `crm.toml`.

    Attributes:
        week: In which hours messages may leave; empty for no restriction beyond the law and courtesy.
        closed: The quiet days on which nothing leaves.
    """

    week: str = ""
    closed: str = ""


def read_hours(given: Mapping[str, Any], where: str) -> OwnHours:
    """Return what the section says, checked.

    Raises:
        ConfigError: If a key is unknown, or hours or days cannot be understood.
    """
    own = structure(OwnHours, given, where=where)
    try:
        Week.parse(own.week)
        Closed.parse(own.closed)
    except ConfigError as problem:
        raise problem.within(where) from None
    return own


def practice_hours(practice: Practice, week: str, closed: str) -> Hours:
    """Return when a practice's messages may leave: by law and courtesy, in its own hours, on no quiet day.

    Raises:
        ConfigError: If the hours or the days cannot be understood, or the country's public holidays are not known.
    """
    quiet = Closed.parse(closed)
    if quiet.holidays and not PublicHolidays().known(practice.country):
        problem = f"the public holidays of {practice.country} are not known"
        raise ConfigError(problem, where="hours.closed", mend="write the days, such as 05-01")
    return Hours(practice.zone, practice.country, practice.region, Week.parse(week), quiet)
