"""Where a telephone number's owner may be: time zones and countries, all that its digits leave open."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import MappingProxyType

import phonenumbers

_NOWHERE = "001"

#: The number plan names one zone for many; of these, by country, some keep another time for all or part of the year.
_STANDS_FOR = MappingProxyType(
    {
        ("AU", "Australia/Adelaide"): ("Australia/Adelaide", "Australia/Darwin"),
        ("CL", "America/Santiago"): (
            *("America/Santiago", "America/Coyhaique", "America/Punta_Arenas", "Pacific/Easter"),
        ),
        ("CN", "Asia/Shanghai"): ("Asia/Shanghai", "Asia/Urumqi"),
        ("DZ", "Europe/Paris"): ("Africa/Algiers",),
        ("EH", "Atlantic/Canary"): ("Africa/El_Aaiun",),
        ("GL", "America/Godthab"): ("America/Nuuk", "America/Danmarkshavn"),
        ("LY", "Europe/Bucharest"): ("Africa/Tripoli",),
        ("MA", "Atlantic/Canary"): ("Africa/Casablanca",),
        ("NI", "America/Chicago"): ("America/Managua",),
        ("PG", "Pacific/Port_Moresby"): ("Pacific/Port_Moresby", "Pacific/Bougainville"),
        ("RU", "Europe/Bucharest"): ("Europe/Kaliningrad",),
        ("SS", "Africa/Nairobi"): ("Africa/Juba",),
        ("UA", "Europe/Kyiv"): ("Europe/Kyiv", "Europe/Simferopol"),
    }
)
#: The clocks of a subdivision (ISO 3166-2, behind the hyphen), of those that the number plan names for the country.
#: Source: zone1970.tab of the IANA time zone database. Broken Hill in New South Wales keeps the time of Adelaide; an
#: address on Christmas Island or on the Cocos Islands ends with WA too.
_OF_REGION = MappingProxyType(
    {
        "AU": {
            "ACT": ("Australia/Sydney",),
            "NSW": ("Australia/Sydney", "Australia/Adelaide", "Australia/Lord_Howe"),
            "NT": ("Australia/Darwin",),
            "QLD": ("Australia/Brisbane",),
            "SA": ("Australia/Adelaide",),
            "TAS": ("Australia/Sydney",),
            "VIC": ("Australia/Sydney",),
            "WA": ("Australia/Perth", "Australia/Eucla", "Indian/Christmas", "Indian/Cocos"),
        }
    }
)
#: What people write for them beside the code.
_WRITTEN_OUT = MappingProxyType(
    {
        "AUSTRALIANCAPITALTERRITORY": "ACT",
        "NEWSOUTHWALES": "NSW",
        "NORTHERNTERRITORY": "NT",
        "QUEENSLAND": "QLD",
        "SOUTHAUSTRALIA": "SA",
        "TASMANIA": "TAS",
        "VICTORIA": "VIC",
        "WESTERNAUSTRALIA": "WA",
    }
)
#: The North American code, whose numbers do not tell a mobile from a fixed line.
_NORTH_AMERICA = 1
#: Area codes that lie over an older one, about which the number plan knows less.
_OVER = MappingProxyType(
    {
        "236": "250",
        "672": "250",
        "778": "250",
        "364": "270",
        "448": "850",
        "458": "541",
        "729": "423",
        "930": "812",
        "986": "208",
    }
)


def zones_of_number(e164: str) -> tuple[str, ...]:
    """Return the IANA time zones in which the owner of a number may be, sorted; none where nothing is known.

    A mobile or toll-free number leaves every zone of its country, or of the countries that share its prefix, open. In
    North America, where a mobile number looks like any other, all zones of its area code.

    Args:
        e164: The number in its normal form.

    >>> zones_of_number("+61255501234"), zones_of_number("+33639981234")
    (('Australia/Sydney',), ('Europe/Paris',))
    >>> len(zones_of_number("+447400123456"))
    4
    >>> zones_of_number("+18505550143")
    ('America/Chicago', 'America/New_York')
    """
    from phonenumbers import timezone

    number = _parsed(e164)
    if number is None:
        return ()
    found = timezone.time_zones_for_number(number)
    if timezone.UNKNOWN_TIMEZONE in found:
        # Not in use, as far as is known: its prefix still says which countries it can be of.
        found = timezone.time_zones_for_geographical_number(number)
    regions = regions_of_number(e164)
    named = [zone for zone in found if zone != timezone.UNKNOWN_TIMEZONE]
    if number.country_code == _NORTH_AMERICA:
        named += _zones_of_area(str(number.national_number)[:3])
    return tuple(sorted({meant for zone in named for meant in _meant(zone, regions)}))


def zones_of_region(country: str, region: str) -> tuple[str, ...]:
    """Return the time zones of a state or province, sorted; none unless it is known to have fewer than its country.

    Args:
        country: ISO 3166.
        region: Its name or its code, as addresses have it.

    >>> zones_of_region("AU", "Queensland"), zones_of_region("AU", "N.S.W.")
    (('Australia/Brisbane',), ('Australia/Adelaide', 'Australia/Lord_Howe', 'Australia/Sydney'))
    >>> zones_of_region("AU", "somewhere"), zones_of_region("DE", "Bayern")
    ((), ())
    """
    written = "".join(letter for letter in region.upper() if letter.isalnum())
    known = _OF_REGION.get(country.strip().upper(), {})
    return tuple(sorted(known.get(_WRITTEN_OUT.get(written, written), ())))


@cache
def _zones_of_area(code: str) -> tuple[str, ...]:
    """Return every zone of which the number plan says that part of an area code lies in it."""
    from phonenumbers.tzdata import TIMEZONE_DATA

    starts = tuple(f"{_NORTH_AMERICA}{area}" for area in {code, _OVER.get(code, code)})
    return tuple({zone for prefix, zones in TIMEZONE_DATA.items() if prefix.startswith(starts) for zone in zones})


def _meant(zone: str, regions: tuple[str, ...]) -> Iterator[str]:
    stands = [meant for region in regions for meant in _STANDS_FOR.get((region, zone), ())]
    yield from stands or [zone]


def regions_of_number(e164: str) -> tuple[str, ...]:
    """Return the countries (ISO 3166) whose number it may be, sorted; none for numbers of no country.

    >>> regions_of_number("+33612345678"), regions_of_number("+80012345678")
    (('FR',), ())
    """
    number = _parsed(e164)
    if number is None or number.country_code is None:
        return ()
    sharing = phonenumbers.region_codes_for_country_code(number.country_code)
    fitting = [code for code in sharing if phonenumbers.is_valid_number_for_region(number, code)]
    return tuple(sorted(code for code in fitting or sharing if code != _NOWHERE))


def _parsed(e164: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return None
