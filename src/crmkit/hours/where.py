"""Where a recipient may be when the message arrives."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from crmkit.people.medium import Medium
from crmkit.people.zones import regions_of_number, zones_of_number, zones_of_region


@attrs.frozen
class Place:
    """One zone in one country, whose law and clock count.

    Attributes:
        zone: IANA name.
        country: ISO 3166.
        region: The subdivision, empty where it is unknown.
    """

    zone: str
    country: str
    region: str = ""


@attrs.frozen
class Whereabouts:
    """All zones and countries in which a recipient may be.

    Attributes:
        zones: IANA names; without any, the practice's own.
        countries: ISO 3166 codes; without any, the practice's own.
        home: True if the recipient may as well be where the practice is, as patients are; then that counts too.
    """

    zones: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    home: bool = True

    def places(self, home: Place) -> tuple[Place, ...]:
        """Return every place that counts, the practice's first."""
        away = tuple(self._away(home))
        return (home, *(place for place in away if place != home)) if self.home or not away else away

    def _away(self, home: Place) -> Iterator[Place]:
        if not self.zones and not self.countries:
            return
        for zone in self.zones or (home.zone,):
            for country in self.countries or (home.country,):
                yield Place(zone, country)


def whereabouts(value: str, medium: Medium, country: str = "", region: str = "") -> Whereabouts:
    """Return where the owner of an address may be: a number says something, an e-mail or postal address nothing.

    Of the zones that a number leaves open those count that the state has in which its owner lives, if that is known
    and any of them is left.

    Args:
        value: The address as it is used, a number in E.164.
        medium: Which kind of address it is.
        country: Where its owner lives, ISO 3166.
        region: In which state or province, by name or code.

    >>> whereabouts("+33612345678", Medium.SMS)
    Whereabouts(zones=('Europe/Paris',), countries=('FR',), home=True)
    >>> whereabouts("+61491570156", Medium.SMS, "AU", "QLD").zones
    ('Australia/Brisbane',)
    """
    if medium not in (Medium.SMS, Medium.PHONE):
        return Whereabouts()
    zones, lives = zones_of_number(value), zones_of_region(country, region)
    return Whereabouts(tuple(zone for zone in zones if zone in lives) or zones, regions_of_number(value))
