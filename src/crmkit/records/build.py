"""From a row as found to the values of the canonical tables, or to the reasons why not. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import attrs

from crmkit import words
from crmkit.people.attribute import canonical, packed
from crmkit.people.medium import Medium, Purpose
from crmkit.people.patient import Status
from crmkit.practice import Practice
from crmkit.records.contacts import derived_contacts, normalise_contact
from crmkit.records.fields import PATIENT_TEXT, RECALL_STATUS, VISIT_STATUS
from crmkit.records.reading import Reading
from crmkit.records.source import Fault, Row

Values = dict[str, Any]


@attrs.frozen
class Built:
    """What one row comes to.

    Attributes:
        rows: Kind and values of each canonical row, the row itself first; then the contact points in it.
        blank: Kind and id of canonical rows that this row no longer gives, such as an e-mail address now blank.
        faults: Why the row is rejected; then `rows` and `blank` are empty.
        silent: The row says nothing: a consent whose answer is blank, as in a list of all patients.
    """

    rows: tuple[tuple[str, Values], ...] = attrs.field(default=(), repr=False)
    blank: tuple[tuple[str, str], ...] = ()
    faults: tuple[Fault, ...] = ()
    silent: bool = False


def build(row: Row, practice: Practice) -> Built:
    """Return the canonical values of a row, or its faults."""
    reading = Reading(row, practice.zone)
    reading.faults.extend(row.faults)
    if not row.id.strip():
        reading.fault("id", "is blank but needed")
    if row.faults:
        return Built(faults=tuple(reading.faults))
    if row.kind == "consent" and "given" in row.fields and not reading.text("given") and not reading.faults:
        return Built(silent=True)
    values = _BUILDERS[row.kind](reading, practice)
    if row.kind != "patient":
        values["patient"] = reading.needed("patient")
    contacts: list[Values] = []
    blank: list[tuple[str, str]] = []
    if row.kind == "patient":
        contacts, blank = derived_contacts(reading, practice)
    if reading.faults:
        return Built(faults=tuple(reading.faults))
    own = (row.kind, {"id": row.id.strip(), **values})
    return Built((own, *(("contact", contact) for contact in contacts)), tuple(blank))


def digest(values: Values) -> str:
    """Return a digest by which an unchanged row is known."""
    text = json.dumps(values, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _patient(reading: Reading, practice: Practice) -> Values:
    born = reading.calendar_day("born")
    status, status_date = _status(reading)
    values: Values = {field: reading.text(field) for field in PATIENT_TEXT}
    guardian = reading.text("guardian")
    return values | {
        "born": born,
        "born_day": born.month * 100 + born.day if born else None,
        "language": _language(reading),
        "status": status,
        "status_date": status_date,
        "household": reading.text("household") or reading.row.id.strip(),
        # Some software names everybody, children too, as their own guardian: nobody reads for them then.
        "guardian": guardian if guardian != reading.row.id.strip() else "",
        "country": reading.text("country") or practice.country,
        "tags": _tags(reading.text("tags")),
        "attributes": _attributes(reading),
    }


def _status(reading: Reading) -> tuple[str, Any]:
    deceased = reading.day("deceased_on")
    status = reading.word("status", tuple(Status), default=Status.ACTIVE)
    date = reading.day("status_date")
    # A date of death beats whatever the status field still says.
    return (Status.DECEASED.value, deceased) if deceased else (status, date)


def _language(reading: Reading) -> str:
    tag = reading.text("language")
    try:
        # "und" is how ISO 639-2 says that nobody knows.
        return words.language_tag(tag) if tag.lower() not in ("", "und") else ""
    except ValueError:
        reading.fault(
            "language", "is no language such as de or en-AU (BCP 47): translate it with values = {...} in the mapping"
        )
        return ""


def _tags(text: str) -> str:
    tags = sorted({tag.strip().lower() for tag in text.replace("|", ";").split(";") if tag.strip()})
    return "|" + "".join(f"{tag}|" for tag in tags)


def _attributes(reading: Reading) -> dict[str, Any]:
    """Return the free values; a field's name may state their type, as in `attributes.since:date`."""
    found: dict[str, tuple[str, str]] = {}
    for field in sorted(name for name in reading.row.fields if name.startswith("attributes.")):
        name, _, stated = field.removeprefix("attributes.").partition(":")
        kind, text = stated or "text", reading.text(field)
        try:
            found |= {name: (kind, canonical(kind, text))} if text else {}
        except ValueError as problem:
            reading.fault(field, str(problem))
    return packed(found)


def _contact(reading: Reading, practice: Practice) -> Values:
    medium = Medium(reading.word("medium", tuple(Medium)))
    made = normalise_contact(reading.needed("value"), medium, practice.country)
    return {**made, "medium": medium.value, "rank": 10, "until": reading.day("until")}


def _consent(reading: Reading, _: Practice) -> Values:
    return {
        "purpose": reading.word("purpose", tuple(Purpose)),
        "medium": reading.word("medium", tuple(Medium)),
        "given": reading.yes("given"),
        "at": reading.instant("at", needed=True),
        "wording": reading.text("wording"),
        "evidence": reading.text("evidence"),
    }


def _visit(reading: Reading, practice: Practice) -> Values:
    starts_at = reading.instant("starts_at")
    day = reading.day("day") or (practice.today(starts_at) if starts_at else None)
    if day is None and not reading.faults:
        reading.fault("day", "is blank, and starts_at too: one of them is needed")
    return {
        "starts_at": starts_at,
        "day": day,
        "status": reading.word("status", VISIT_STATUS),
        "kind": reading.text("kind"),
        "practitioner": reading.text("practitioner"),
        "location": reading.text("location"),
    }


def _recall(reading: Reading, _: Practice) -> Values:
    return {
        "type": reading.text("type") or "recall",
        "interval_months": reading.whole("interval_months"),
        "due": reading.day("due", needed=True),
        "status": reading.word("status", RECALL_STATUS, default="open"),
    }


def _money_of(of: str) -> Callable[[Reading, Practice], Values]:
    def read(reading: Reading, practice: Practice) -> Values:
        currency = reading.text("currency") or practice.currency
        if currency != practice.currency:
            reading.fault("currency", f"is not the practice's ({practice.currency}): amounts are not converted")
        day = reading.day("day", needed=True)
        return {of: reading.text(of), "day": day, "amount": reading.money("amount"), "currency": currency}

    return read


def _referral(reading: Reading, _: Practice) -> Values:
    return {"referrer": reading.needed("referrer"), "day": reading.day("day", needed=True)}


def _feedback(reading: Reading, _: Practice) -> Values:
    score, scale = reading.whole("score", needed=True), reading.whole("scale")
    scale = 10 if scale is None else scale
    if score is not None and not 0 <= score <= scale:
        reading.fault("score", f"does not lie between 0 and {scale}: is scale right?")
    return {
        "day": reading.day("day", needed=True),
        "score": score,
        "scale": scale,
        "comment": reading.text("comment"),
    }


_BUILDERS: dict[str, Callable[[Reading, Practice], Values]] = {
    "patient": _patient,
    "contact": _contact,
    "consent": _consent,
    "visit": _visit,
    "recall": _recall,
    "invoice": _money_of("visit"),
    "payment": _money_of("invoice"),
    "referral": _referral,
    "feedback": _feedback,
}
