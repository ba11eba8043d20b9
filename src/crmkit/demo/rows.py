"""From the generated practice to rows of text under the canonical headers."""

from __future__ import annotations

from decimal import Decimal

from crmkit.demo.consents import Statement
from crmkit.demo.history import Recall, Visit
from crmkit.demo.households import Person
from crmkit.demo.till import Invoice, Payment
from crmkit.demo.voices import SCALE, Answer, Word

Row = dict[str, str]
Tables = dict[str, list[Row]]

HEADERS: dict[str, tuple[str, ...]] = {
    "patients": (
        *("id", "prefix", "given", "preferred", "middle", "family", "suffix", "full_name", "born", "language"),
        *("status", "status_reason", "status_date", "household", "guardian", "referrer", "email", "mobile", "phone"),
        *("address1", "address2", "city", "region", "postcode", "country", "tags"),
    ),
    "visits": ("id", "patient", "starts_at", "status", "kind", "practitioner", "location"),
    "recalls": ("id", "patient", "type", "interval_months", "due", "status"),
    "invoices": ("id", "patient", "visit", "day", "amount", "currency"),
    "payments": ("id", "patient", "invoice", "day", "amount", "currency"),
    "consents": ("id", "patient", "purpose", "medium", "given", "at", "wording", "evidence"),
    "referrals": ("id", "patient", "referrer", "day"),
    "feedback": ("id", "patient", "day", "score", "scale", "comment"),
}
LOCATION = "Newtown"
CURRENCY = "AUD"


def row(table: str, *values: str) -> Row:
    """Return the values under the headers of a table, in their order."""
    return dict(zip(HEADERS[table], values, strict=True))


def patient(person: Person) -> Row:
    """Return a patient's row, as a careful receptionist would have typed it."""
    known = {name: str(getattr(person, name)) for name in HEADERS["patients"] if hasattr(person, name)}
    return {
        **dict.fromkeys(HEADERS["patients"], ""),
        **known,
        "born": person.born.isoformat(),
        "status_date": person.status_date.isoformat() if person.status_date else "",
        "region": "NSW",
        "country": "AU",
        "tags": ";".join(person.tags),
    }


def visit(one: Visit) -> Row:
    """Return a visit's row."""
    return row("visits", one.id, one.patient, one.at.isoformat(), one.status, one.kind, one.practitioner, LOCATION)


def recall(number: int, one: Recall) -> Row:
    """Return a recall's row."""
    return row("recalls", f"R{number:06d}", one.patient, one.type, str(one.interval), one.due.isoformat(), one.status)


def invoice(one: Invoice) -> Row:
    """Return an invoice's row."""
    return row("invoices", one.id, one.patient, one.visit.id, one.day.isoformat(), _amount(one.amount), CURRENCY)


def payment(number: int, one: Payment) -> Row:
    """Return a payment's row."""
    charged, day = one.invoice, one.day.isoformat()
    return row("payments", f"Y{number:07d}", charged.patient, charged.id, day, _amount(one.amount), CURRENCY)


def consent(number: int, one: Statement) -> Row:
    """Return a consent's row."""
    given = "yes" if one.given else "no"
    said = (one.purpose, one.medium, given, one.at.isoformat(), one.wording, one.evidence)
    return row("consents", f"C{number:06d}", one.patient, *said)


def referral(number: int, one: Word) -> Row:
    """Return a referral's row."""
    return row("referrals", f"F{number:05d}", one.patient, one.referrer, one.day.isoformat())


def feedback(number: int, one: Answer) -> Row:
    """Return a row of feedback."""
    return row("feedback", f"B{number:05d}", one.patient, one.day.isoformat(), str(one.score), str(SCALE), one.comment)


def _amount(amount: Decimal) -> str:
    return f"{amount:.2f}"
