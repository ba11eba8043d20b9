"""Who is speaking: the practice whose patients get the messages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

from crmkit import words
from crmkit.clock import add_months, local_day
from crmkit.people.email import normalise_email
from crmkit.people.phone import international_prefix, normalise_phone

#: What can stand in no header of a mail.
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_URL = re.compile(r"(https?://)([^/:?#]+)([:/?#].*)?")
_KEPT = "!#$%&'()*+,/:;=?@[]~"
#: A header line holds 998 octets, of which a link's token takes some hundreds.
_LONGEST_URL = 300


def _text(_: Any, field: Any, value: Any) -> None:
    """Refuse what comes of another column than one thought, or of one that is empty."""
    if not isinstance(value, str):
        optional = " or leave it out" if field.default == "" else ""
        raise ValueError(f"practice {field.name} is no text but {type(value).__name__}: write it as text{optional}")


def _slug(_: Any, field: Any, value: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", value):
        raise ValueError(f"practice {field.name} {value!r}: use lower-case letters, digits, dots and hyphens")


def _filled(_: Any, field: Any, value: str) -> None:
    if not value.strip() or _UNFIT.search(value):
        raise ValueError(f"practice {field.name} is needed, on one line")


def _zone(_: Any, __: Any, value: str) -> None:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise ValueError(
            f"practice timezone {value!r} is unknown: use an IANA name, such as Europe/Zurich"
        ) from problem


def _country(_: Any, __: Any, value: str) -> None:
    if not words.is_territory(value):
        example = words.territory_called(value) or "AU"
        raise ValueError(f"practice country {value!r}: use the two letters of ISO 3166, such as {example}")


def _currency(_: Any, __: Any, value: str) -> None:
    if not words.is_currency(value):
        raise ValueError(f"practice currency {value!r}: use the three letters of ISO 4217, such as AUD")


def _region(practice: Any, _: Any, value: str) -> None:
    if value and not re.fullmatch(r"[A-Z0-9]{1,3}", value):
        mend = f"use what stands behind the hyphen in ISO 3166-2, such as NSW for AU-NSW, in {practice.country}"
        raise ValueError(f"practice region {value!r}: {mend}")


def _address(_: Any, __: Any, value: str) -> None:
    problem = normalise_email(value).problem
    if problem:
        raise ValueError(f"practice email is {problem}: write it as hello@brighteyes.example")


def _url(_: Any, __: Any, value: str) -> None:
    if value and not re.fullmatch(r"https?://[!#-;=?-~]+", value):
        raise ValueError("practice public_url: use an address that starts with https://")
    if re.search(r"[?#]", value) or len(value) > _LONGEST_URL:
        raise ValueError(
            "practice public_url: links are put behind it, so that it has no ? and no #, and at most "
            f"{_LONGEST_URL} letters"
        )


def _keys(keys: Iterable[str]) -> tuple[str, ...]:
    listed = tuple(keys) if isinstance(keys, Iterable) else ("",)
    # A text is a sequence of letters, each of which would sign links.
    if isinstance(keys, str) or not all(isinstance(key, str) and key.strip() for key in listed):
        raise ValueError('practice keys are a list of texts, none of them blank: write ["a long random text"]')
    return listed


def _bare(url: str) -> str:
    """Return an address in ASCII: that is how it stands in a mail's header, which else could not be written at all."""
    if not isinstance(url, str):
        return url
    bare = url.rstrip("/")
    found = _URL.fullmatch(bare)
    if bare.isascii() or found is None:
        return bare
    scheme, host, rest = found[1], found[2], found[3] or ""
    # An e-mail address has the same domain.
    known = host if host.isascii() else normalise_email(f"hello@{host}").value.rpartition("@")[2]
    return f"{scheme}{known}{quote(rest, safe=_KEPT)}" if known else bare


def _language(value: str) -> str:
    return words.language_tag(value) if isinstance(value, str) else value


def _number(practice: Any, _: Any, value: str) -> None:
    if value and normalise_phone(value, practice.country).problem:
        example = international_prefix(practice.country) or "+61"
        raise ValueError(f"practice phone is not a number that is in use: write it as {example} ...")


def _age(_: Any, __: Any, value: int) -> None:
    if type(value) is not int or not 0 <= value <= 25:
        raise ValueError("practice adult_age: use a whole number of years from 0 to 25, such as 18")


@attrs.frozen(slots=False)
class Practice:
    """The practice: its identity, its place and its keys.

    Attributes:
        id: A short name that never changes; every row of the database carries it first.
        name: As patients know it.
        country: ISO 3166, the region of telephone numbers and the source of legal defaults.
        timezone: IANA name; dates are dates in this zone.
        locale: Language and country for formats, such as `en_AU`.
        currency: ISO 4217.
        email: The address that messages come from and replies go to.
        phone: For the foot of a message.
        address: The postal address that the law wants in marketing messages.
        public_url: Where patients reach the host, for unsubscribe links.
        keys: Secrets that sign links, and the Message-ID by which a bounce is proven, newest first; older ones stay
            valid. Without any, all e-mail but care is held, and whoever guesses a touch's key can forge its bounce.
        adult_age: Who is younger when a message is due does not get it: the guardian does.
        region: The state or canton, as ISO 3166-2 writes it behind the hyphen: `NSW` for AU-NSW. Its own rules and
            public holidays count; without it, those of the whole country and of all states of its time zone.

    Raises:
        ValueError: If a value cannot be right.
    """

    id: str = attrs.field(validator=[_text, _slug])
    name: str = attrs.field(validator=[_text, _filled])
    country: str = attrs.field(validator=[_text, _country])
    timezone: str = attrs.field(validator=[_text, _zone])
    locale: str = attrs.field(validator=_text, converter=_language)
    currency: str = attrs.field(validator=[_text, _currency])
    email: str = attrs.field(validator=[_text, _address])
    phone: str = attrs.field(default="", validator=[_text, _number])
    address: str = attrs.field(default="", validator=_text)
    public_url: str = attrs.field(default="", validator=[_text, _url], converter=_bare)
    keys: tuple[str, ...] = attrs.field(default=(), converter=_keys, repr=False)
    adult_age: int = attrs.field(default=18, validator=_age)
    region: str = attrs.field(default="", validator=[_text, _region])

    @cached_property
    def zone(self) -> ZoneInfo:
        """The practice's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def domain(self) -> str:
        """The part of the practice's e-mail address behind the @."""
        return self.email.rsplit("@", 1)[-1].lower()

    def today(self, now: datetime) -> date:
        """Return the practice's calendar date at an instant."""
        return local_day(now, self.zone)

    def of_age(self, now: datetime) -> date:
        """Return the last date of birth of those who are of age at an instant: they read what is meant for them."""
        return add_months(self.today(now), -12 * self.adult_age)
