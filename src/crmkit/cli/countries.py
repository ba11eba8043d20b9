"""What is usual in a country: offered as an answer, never imposed."""

from __future__ import annotations

from types import MappingProxyType

import attrs


@attrs.frozen
class Usual:
    """What most practices of a country would answer.

    Attributes:
        timezone: The IANA name of the zone in which most people live.
        locale: Language and country.
        currency: ISO 4217.
    """

    timezone: str
    locale: str
    currency: str


#: Where many live in another zone than most: theirs is offered, and not taken unasked.
SEVERAL_ZONES = frozenset({"AU", "CA", "MX", "US"})

#: By the two letters of ISO 3166.
USUAL = MappingProxyType(
    {
        "AT": Usual("Europe/Vienna", "de_AT", "EUR"),
        "AU": Usual("Australia/Sydney", "en_AU", "AUD"),
        "BE": Usual("Europe/Brussels", "fr_BE", "EUR"),
        "CA": Usual("America/Toronto", "en_CA", "CAD"),
        "CH": Usual("Europe/Zurich", "de_CH", "CHF"),
        "DE": Usual("Europe/Berlin", "de_DE", "EUR"),
        "ES": Usual("Europe/Madrid", "es_ES", "EUR"),
        "FR": Usual("Europe/Paris", "fr_FR", "EUR"),
        "GB": Usual("Europe/London", "en_GB", "GBP"),
        "IE": Usual("Europe/Dublin", "en_IE", "EUR"),
        "IN": Usual("Asia/Kolkata", "en_IN", "INR"),
        "IT": Usual("Europe/Rome", "it_IT", "EUR"),
        "LI": Usual("Europe/Vaduz", "de_LI", "CHF"),
        "LU": Usual("Europe/Luxembourg", "fr_LU", "EUR"),
        "MX": Usual("America/Mexico_City", "es_MX", "MXN"),
        "NZ": Usual("Pacific/Auckland", "en_NZ", "NZD"),
        "SG": Usual("Asia/Singapore", "en_SG", "SGD"),
        "US": Usual("America/New_York", "en_US", "USD"),
        "ZA": Usual("Africa/Johannesburg", "en_ZA", "ZAR"),
    }
)
