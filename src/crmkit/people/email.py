"""E-mail addresses to one normal form, without asking the network."""

from __future__ import annotations

import re

import email_validator

from crmkit.people.contact import Normalised

# Nine in ten addresses are of this plain form, whose only change is the lower-case domain: a seventieth of the work.
_PLAIN = re.compile(
    r"[A-Za-z0-9_+\-]+(?:\.[A-Za-z0-9_+\-]+)*@((?:[a-z0-9](?:[a-z0-9\-]{0,30}[a-z0-9])?\.)+[a-z]{2,24})"
)
_BETWEEN = re.compile(r"[\s;,/|]+")
_NONE = "not an e-mail address"
_SPECIAL = frozenset({"test", "invalid", "localhost", "local", "onion", "arpa"})


def normalise_email(typed: str) -> Normalised:
    """Return the ASCII form of an address as typed (domain in lower case, international domains in punycode).

    >>> normalise_email(" Mia@BrightEyes.example ").problem
    ''
    >>> normalise_email("mia(at)brighteyes.example").problem
    'not an e-mail address'
    >>> normalise_email("jörg@brighteyes.example").problem
    'has letters before the @ that most mail servers refuse: ask for an address in plain letters'
    """
    text = typed.strip()
    plain = _PLAIN.fullmatch(text)
    if plain and len(text) <= 64 and "--" not in text and plain[1].rsplit(".", 1)[-1] not in _SPECIAL:
        return Normalised(text)
    try:
        found = email_validator.validate_email(
            text, check_deliverability=False, allow_smtputf8=True, test_environment=False
        )
    except email_validator.EmailNotValidError:
        parts = [part for part in _BETWEEN.split(text) if part]
        several = len(parts) > 1 and all(map(_PLAIN.fullmatch, parts))
        return Normalised("", "more than one e-mail address: leave the one to write to" if several else _NONE)
    if found.ascii_email is None:
        # It is an address (RFC 6531), but a message to it needs servers that know such addresses all the way.
        return Normalised(
            "", "has letters before the @ that most mail servers refuse: ask for an address in plain letters"
        )
    return Normalised(found.ascii_email)
