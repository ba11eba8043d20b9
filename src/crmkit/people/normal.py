"""Addresses of any medium to their normal form."""

from __future__ import annotations

from crmkit.people.contact import Normalised
from crmkit.people.email import normalise_email
from crmkit.people.medium import Medium
from crmkit.people.phone import normalise_phone

#: No address is as long, and to look for a second one takes quadratic time: a cell of 100,000 signs took minutes.
_LONGEST = 1000


def normalise(typed: str, medium: Medium, country: str) -> Normalised:
    """Return what is made of an address as typed.

    Args:
        typed: As found.
        medium: Which way it leads; a postal address stays as it is, but for blanks around and within its lines.
        country: ISO 3166 code, for telephone numbers without an international prefix.
    """
    if len(typed) > _LONGEST and medium is not Medium.POST:
        return Normalised("", f"longer than {_LONGEST} characters: leave only the way to write to")
    if medium is Medium.EMAIL:
        return normalise_email(typed)
    if medium is Medium.POST:
        lines = (" ".join(line.split()) for line in typed.splitlines())
        return Normalised("\n".join(line for line in lines if line))
    return normalise_phone(typed, country)
