"""Made-up people and messages, each by a number: what the kit's strategies draw from, and plain values for tests.

Names are unusual on purpose, so that a leak of one can be found in any text. Addresses end in `.example`; telephone
numbers are those that are set aside for films.
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

from crmkit.campaigns.guard import Candidate
from crmkit.messages.message import Message
from crmkit.people.consent import Consent
from crmkit.people.contact import ContactPoint, Line
from crmkit.people.medium import Medium, Purpose
from crmkit.people.name import PersonName
from crmkit.people.patient import Patient
from crmkit.practice import Practice
from crmkit.testing.home import NOW

__all__ = [
    "NAMES",
    "PRACTICE",
    "address_of",
    "candidate_of",
    "contact_of",
    "key_of",
    "message_of",
    "name_of",
    "patient_of",
    "yes",
]

PRACTICE = Practice(
    id="bright-eyes",
    name="Bright Eyes Optometry",
    country="AU",
    timezone="Australia/Sydney",
    locale="en_AU",
    currency="AUD",
    email="hello@brighteyes.example",
    phone="+61255501234",
    address="1 High St, Newtown NSW 2042",
    public_url="https://brighteyes.example/crm",
    keys=("a key for tests",),
)

#: Given name, surname, and the surname as it stands in an address.
NAMES = (
    ("Quillan", "Featherstonehaugh", "featherstonehaugh"),
    ("Þórdís", "Ævarsbergsdóttir", "aevarsbergsdottir"),
    ("Mireille", "d’Aubrevillers-Kestrel", "aubrevillers"),
    ("Oluwaseun", "Brightwaterson", "brightwaterson"),
    ("Ngozi-Anne", "O'Quackenbush", "oquackenbush"),
    ("晓雲", "Xiangyunteller", "xiangyunteller"),
    ("Zsófia", "Zwetschkenbaumová", "zwetschkenbaumova"),
    ("Ibrahim", "Al-Marzipanizadeh", "marzipanizadeh"),
)


def key_of(number: int) -> str:
    """Return a touch's key: 32 hexadecimal digits, always the same for one number."""
    return hashlib.sha256(str(number).encode()).hexdigest()[:32]


def name_of(number: int) -> PersonName:
    """Return somebody's name."""
    given, family, _ = NAMES[number % len(NAMES)]
    return PersonName(given=given, family=family)


def address_of(medium: Medium, number: int) -> str:
    """Return somebody's address: of 1,000 numbers, each has its own."""
    local = NAMES[number % len(NAMES)][2]
    if medium is Medium.EMAIL:
        return f"{local}.{number}@mailbox.example"
    if medium is Medium.POST:
        return f"{number} {local.title()} Lane\nNewtown NSW 2042"
    return f"+447700900{number % 1000:03d}"


def contact_of(medium: Medium, number: int) -> ContactPoint:
    """Return somebody's address as the records keep it."""
    line = Line.MOBILE if medium in (Medium.SMS, Medium.PHONE) else None
    value = address_of(medium, number)
    return ContactPoint(medium, value, value, f"P{number:06d}", line=line)


def patient_of(number: int, **more: object) -> Patient:
    """Return somebody with an e-mail address and a mobile number.

    >>> patient_of(3).name.family
    'Brightwaterson'
    """
    given: dict[str, object] = {
        "id": f"P{number:06d}",
        "name": name_of(number),
        "born": date(1950, 1, 1) + timedelta(days=number * 37 % 20_000),
        "language": "en",
        "contacts": (contact_of(Medium.EMAIL, number), contact_of(Medium.SMS, number)),
    }
    return Patient(**(given | more))  # type: ignore[arg-type]


def message_of(number: int, medium: Medium = Medium.EMAIL, words: str = "We look forward to seeing you.") -> Message:
    r"""Return a finished message that begins with its reader's name and ends with a reference of its own.

    Args:
        number: Whose it is.
        medium: By which way.
        words: What stands between.

    >>> message_of(3, Medium.SMS).text
    'Dear Oluwaseun Brightwaterson\nWe look forward to seeing you.\nRef 4e07408562be'
    """
    key, name = key_of(number), name_of(number)
    email = medium is Medium.EMAIL
    return Message(
        key=key,
        practice=PRACTICE.id,
        type="acme.reminder",
        purpose=Purpose.SERVICE,
        medium=medium,
        to=address_of(medium, number),
        to_name=name.display,
        from_email=PRACTICE.email,
        from_name=PRACTICE.name,
        subject=f"A word from {PRACTICE.name}" if email else "",
        text=f"Dear {name.display}\n{words}\n{reference_of(key)}",
        headers=(("Content-Language", "en"),) if email else (),
        at=NOW,
        language="en",
        message_id=f"<{key}@brighteyes.example>",
    )


def reference_of(key: str) -> str:
    """Return the last line of a message of `message_of`, by which its text can be told from all others."""
    return f"Ref {key[:12]}"


def yes(patient: Patient, purpose: Purpose, medium: Medium, *, given: bool = True) -> Consent:
    """Return a patient's statement, a year old."""
    return Consent(patient.id, purpose, medium, given, NOW - timedelta(days=365), "I agree", "form 7")


def candidate_of(number: int, **more: object) -> Candidate:
    """Return a touch that every standard guard allows, before the verdict."""
    patient = patient_of(number)
    said = yes(patient, Purpose.MARKETING, Medium.EMAIL)
    given: dict[str, object] = {
        "key": key_of(number),
        "campaign": "birthday-card",
        "message": "core.birthday",
        "purpose": Purpose.MARKETING,
        "medium": Medium.EMAIL,
        "occasion": "birthday 2026",
        "due": NOW,
        "stale": NOW + timedelta(days=3),
        "patient": patient,
        "recipient": patient,
        "contact": patient.contacts[0],
        "consents": {(patient.id, said.purpose, said.medium): said},
    }
    return Candidate(**(given | more))  # type: ignore[arg-type]
