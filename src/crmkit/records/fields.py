"""The canonical fields of each kind of row: what a source may say."""

from __future__ import annotations

from types import MappingProxyType

from crmkit.errors import nearest
from crmkit.people.attribute import TYPES

#: What stands in a patient's row as it was found.
PATIENT_TEXT = (
    *("prefix", "given", "preferred", "middle", "family", "suffix", "full_name"),
    *("status_reason", "household", "guardian", "referrer"),
    *("address1", "address2", "city", "region", "postcode", "country"),
)

#: Kind to the fields that a source may give beside `id`. `attributes.NAME` is open: any number of free values.
FIELDS = MappingProxyType(
    {
        "patient": (
            *PATIENT_TEXT,
            *("born", "language", "status", "status_date", "deceased_on", "email", "mobile", "phone", "tags"),
        ),
        "contact": ("patient", "medium", "value", "until"),
        "consent": ("patient", "purpose", "medium", "given", "at", "wording", "evidence"),
        "visit": ("patient", "starts_at", "day", "status", "kind", "practitioner", "location"),
        "recall": ("patient", "type", "interval_months", "due", "status"),
        "invoice": ("patient", "visit", "day", "amount", "currency"),
        "payment": ("patient", "invoice", "day", "amount", "currency"),
        "referral": ("patient", "referrer", "day"),
        "feedback": ("patient", "day", "score", "scale", "comment"),
    }
)

#: A row of these kinds that cannot be read might have said that the patient must not be written to.
WEIGHTY = ("patient", "consent")
VISIT_STATUS = ("completed", "booked", "cancelled", "no-show")
RECALL_STATUS = ("open", "booked", "done", "cancelled")


def plural(kind: str) -> str:
    """Return the name of a kind's file and section.

    >>> plural("patient"), plural("feedback")
    ('patients', 'feedback')
    """
    return kind if kind == "feedback" else f"{kind}s"


def unknown_field(kind: str, field: str) -> str | None:
    """Return a hint if the kind has no such field, else None.

    >>> unknown_field("patient", "emial")
    'did you mean email?'
    """
    if field == "id" or field in FIELDS[kind]:
        return None
    if kind == "patient" and field.startswith("attributes."):
        stated = field.partition(":")[2] or "text"
        return None if stated in TYPES else nearest(stated, TYPES)
    return nearest(field, (*FIELDS[kind], "id"))
