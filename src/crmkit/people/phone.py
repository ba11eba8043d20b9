"""Telephone numbers to E.164, with the region from the practice's country."""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import PhoneNumberType

from crmkit.people.contact import Line, Normalised

# The parser turns letters into digits ("Mutter" on a keypad), so all after the number is cut before it sees them.
_NUMBER = re.compile(r"^[\s(]*\+?[\d\s().\-/]*\d\)?")
_SECOND = re.compile(r"\s*(?:/|;|,|\bor\b)\s*(?=[+\d(]{0,3}\d{3})")
_LINES = {PhoneNumberType.MOBILE: Line.MOBILE, PhoneNumberType.FIXED_LINE: Line.FIXED}


def normalise_phone(typed: str, country: str) -> Normalised:
    """Return the E.164 form of a number as typed.

    Args:
        typed: As found; text after the number ("079 123 45 67 / mother") is cut.
        country: ISO 3166 code of the practice, for numbers without an international prefix.

    >>> normalise_phone("0491 570 006 (mum)", "AU").line
    <Line.MOBILE: 'mobile'>
    """
    head = _NUMBER.match(_SECOND.split(typed.strip(), maxsplit=1)[0])
    if head is None:
        return Normalised("", "no number in it", Line.UNKNOWN)
    try:
        number = phonenumbers.parse(head.group(), country)
    except phonenumbers.NumberParseException:
        return Normalised("", "not a telephone number", Line.UNKNOWN)
    if not phonenumbers.is_valid_number(number):
        return Normalised("", "not a number that is in use", Line.UNKNOWN)
    line = _LINES.get(phonenumbers.number_type(number), Line.UNKNOWN)
    return Normalised(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), "", line)
