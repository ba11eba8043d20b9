"""Telephone numbers to E.164, with the region from the practice's country."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import PhoneNumberType

from crmkit.people.contact import Line, Normalised

# The parser turns letters into digits ("Mutter" on a keypad), so all after the number is cut before it sees them.
_NUMBER = re.compile(r"^[\s(]*\+?[\d\s().\-‐-―−ー/]*\d\)?")
_SECOND = re.compile(r"\s*(?:[/;,\n]|\bor\b)")
# "5pm" after a number is no digit of it.
_HOUR = re.compile(r"\s\d{1,2}(?=[^\W\d_]).*", re.DOTALL)
# With fewer digits before it, a slash stands between area code and number, as in 030/123456.
_AREA_CODE = 7
_LINES = {PhoneNumberType.MOBILE: Line.MOBILE, PhoneNumberType.FIXED_LINE: Line.FIXED}


def normalise_phone(typed: str, country: str) -> Normalised:
    """Return the E.164 form of a number as typed.

    Args:
        typed: As found; text after the number ("079 123 45 67 / mother") is cut.
        country: ISO 3166 code of the practice, for numbers without an international prefix.

    >>> normalise_phone("0491 570 006 (mum)", "AU").line
    <Line.MOBILE: 'mobile'>
    """
    # Who types Japanese types digits, brackets and hyphens twice as wide.
    head = _NUMBER.match(_first(_HOUR.sub("", unicodedata.normalize("NFKC", typed).strip())))
    if head is None:
        return Normalised("", "does not begin with a number", Line.UNKNOWN)
    if country not in phonenumbers.SUPPORTED_REGIONS and not head.group().lstrip(" (").startswith("+"):
        return Normalised("", "of an unknown country: write the country as two letters, such as AU", Line.UNKNOWN)
    try:
        number = phonenumbers.parse(head.group(), country)
    except phonenumbers.NumberParseException:
        return Normalised("", "not a telephone number", Line.UNKNOWN)
    if not phonenumbers.is_valid_number(number):
        return Normalised("", "not a number that is in use", Line.UNKNOWN)
    line = _LINES.get(phonenumbers.number_type(number), Line.UNKNOWN)
    return Normalised(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), "", line)


def international_prefix(country: str) -> str:
    """Return what numbers of a country begin with, empty if it has none.

    >>> international_prefix("CH"), international_prefix("XX")
    ('+41', '')
    """
    code = phonenumbers.country_code_for_region(country)
    return f"+{code}" if code else ""


def _first(text: str) -> str:
    for cut in _SECOND.finditer(text):
        head = text[: cut.start()]
        if sum(letter.isdigit() for letter in head) >= _AREA_CODE:
            return head
    return text
