"""The contact points that a patient's own row holds: its columns email, mobile, phone and the postal address."""

from __future__ import annotations

from typing import Any

from crmkit.people.contact import Line
from crmkit.people.medium import Medium
from crmkit.people.normal import normalise
from crmkit.practice import Practice
from crmkit.records.reading import Reading

Values = dict[str, Any]

#: Where the postcode stands before the city, and of these where the province stands behind it.
_POSTCODE_FIRST = frozenset(
    (
        *("AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "IS", "IT"),
        *("LI", "LT", "LU", "MC", "MK", "NL", "NO", "PL", "PT", "RO", "RS", "SE", "SI", "SK", "SM", "TR"),
    )
)
_WITH_PROVINCE = frozenset({"ES", "IT"})
#: Where all three stand on one line, the postcode last.
_POSTCODE_LAST = frozenset({"AU", "CA", "NZ", "US"})
_NO_SMS = "a fixed line, which takes no text messages"


def normalise_contact(typed: str, medium: Medium, country: str) -> Values:
    """Return the columns of a contact point: what was typed and what was made of it."""
    made = normalise(typed, medium, country)
    problem = made.problem
    if medium is Medium.SMS and made.line is Line.FIXED:
        problem = _NO_SMS
    line = made.line.value if made.line else ""
    return {"typed": typed, "value": made.value, "problem": problem, "line": line, "until": None}


def derived_contacts(reading: Reading, practice: Practice) -> tuple[list[Values], list[tuple[str, str]]]:
    """Return the contact points in a patient's row, and the ids of those that the row leaves blank."""
    patient = reading.row.id.strip()
    country = (reading.text("country") or practice.country).upper()
    address = "\n".join(filter(None, _lines(reading, country, practice)))
    found = {
        "email": (Medium.EMAIL, reading.text("email")),
        "mobile": (Medium.SMS, reading.text("mobile")),
        "phone": (Medium.PHONE, reading.text("phone")),
        "address": (Medium.POST, address if reading.text("address1") else ""),
    }
    contacts, blank = [], []
    for rank, (field, (medium, typed)) in enumerate(found.items()):
        id_ = f"{patient}:{field}"
        if not typed:
            blank.append(("contact", id_))
            continue
        made = normalise_contact(typed, medium, country)
        contacts.append({"id": id_, "patient": patient, "medium": medium.value, "rank": rank, **made})
    return contacts, blank


def _lines(reading: Reading, country: str, practice: Practice) -> tuple[str, ...]:
    """Return the lines of a postal address as its country writes them, or one for each part if nobody here knows."""
    city, region, postcode = map(reading.text, ("city", "region", "postcode"))
    local: tuple[str, ...] = city, region, postcode
    if country in _POSTCODE_LAST:
        local = (" ".join(filter(None, local)),)
    elif country in _POSTCODE_FIRST:
        province = f"({region})" if country in _WITH_PROVINCE and region.casefold() not in ("", city.casefold()) else ""
        local = (" ".join(filter(None, (postcode, city, province))),)
    abroad = reading.text("country") if country != practice.country else ""
    return reading.text("address1"), reading.text("address2"), *local, abroad
