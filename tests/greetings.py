"""A message type for tests, its templates in three languages, and somebody to write to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from crmkit.messages.draft import Draft
from crmkit.messages.renderer import Renderer
from crmkit.messages.type import MessageType
from crmkit.people.contact import ContactPoint
from crmkit.people.medium import Medium, Purpose
from crmkit.people.name import PersonName
from crmkit.people.patient import Patient
from crmkit.practice import Practice

NOW = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
PRACTICE = Practice(
    id="bright-eyes",
    name="Bright Eyes & Co",
    country="AU",
    timezone="Australia/Sydney",
    locale="en_AU",
    currency="AUD",
    email="hello@brighteyes.example",
    phone="(02) 5550 1234",
    address="1 High St, Newtown NSW 2042",
    public_url="https://brighteyes.example/crm",
    keys=("key",),
)
MIA = Patient("P1", PersonName(given="Mia", family="Muster"))
ANNA = Patient("P2", PersonName(given="Anna", family="Muster"))


def put(folder: Path, **parts: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in parts.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")


def shipped_in(tmp_path: Path) -> Path:
    for language, hello in (("en", "Hello"), ("de", "Guten Tag"), ("ar", "مرحبا")):
        put(
            tmp_path / "shipped" / "hello" / "email" / language,
            subject_txt=hello,
            body_txt=f"{hello} {{{{ recipient.greeting }}}}: {{{{ today }}}}",
            body_html=f"<p>{hello} {{{{ recipient.greeting }}}}</p>",
        )
    return tmp_path / "shipped"


def hello_in(shipped: Path) -> MessageType:
    return MessageType("core.hello", Purpose.MARKETING, "greet", ("patient.given",), (Medium.EMAIL,), 3, shipped)


def renderer(kind: MessageType, practice: Practice = PRACTICE, own: Path | None = None) -> Renderer:
    return Renderer(practice, {kind.name: kind}, own)


def draft(patient: Patient = MIA, recipient: Patient | None = None, medium: Medium = Medium.EMAIL) -> Draft:
    reader = recipient or patient
    point = ContactPoint(medium, "", "mia@home.example", reader.id)
    return Draft("ab12" * 8, "core.hello", medium, "hello 2026", patient, reader, point)
