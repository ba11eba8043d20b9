"""The contact points that a patient's own row holds: its columns email, mobile, phone and the postal address."""

from __future__ import annotations

from typing import Any

from crmkit.people.contact import Line
from crmkit.people.medium import Medium
from crmkit.people.normal import normalise
from crmkit.practice import Practice
from crmkit.records.reading import Reading

Values = dict[str, Any]

_POSTAL = ("address1", "address2", "city", "region", "postcode", "country")
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
    address = "\n".join(part for field in _POSTAL if (part := reading.text(field)))
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
