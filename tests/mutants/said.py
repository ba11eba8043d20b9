"""A good message type, and message types that each break one law. Their templates lie in archives in memory."""

from __future__ import annotations

import io
import zipfile

import attrs

from crmkit.plugins import Medium, MessageType, Purpose
from mutants.making import plugin_of

_EN = (
    "Dear {{ recipient.greeting }},\n\n"
    "{% if for_child %}{{ patient.greeting }}'s glasses are ready.{% else %}Your glasses are ready.{% endif %}\n\n"
    "{{ practice.name }}\n"
)
_DE = (
    _EN.replace("Dear", "Guten Tag")
    .replace("'s glasses are ready", "s Brille liegt bereit")
    .replace("Your glasses are ready", "Ihre Brille liegt bereit")
)
FILES = {
    "ready/email/en/subject.txt": "Ready for collection",
    "ready/email/en/body.txt": _EN,
    "ready/email/de/subject.txt": "Zum Abholen bereit",
    "ready/email/de/body.txt": _DE,
    "ready/sms/en/body.txt": _EN,
    "ready/sms/de/body.txt": _DE,
}


def folder(files):
    """Return a folder of templates that lies in an archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    archive = zipfile.ZipFile(packed)
    archive.filename = "templates.zip"
    return zipfile.Path(archive)


def kind(files=None, **more):
    """Return the good message type with something else about it."""
    given = {
        "name": "ready",
        "purpose": Purpose.SERVICE,
        "objective": "recall",
        "needs": ("recipient.greeting", "patient.greeting"),
        "media": (Medium.EMAIL, Medium.SMS),
        "fresh_days": 30,
        "templates": folder(FILES | (files or {})),
    }
    return MessageType(**(given | more))


class Ready:
    """A good message type."""

    made = kind()

    def __new__(cls, ctx=None):
        return cls.made


def _mutant(called, files=None, **more):
    return type(called, (Ready,), {"made": kind(files, **more)})


class ChangesItsMind(Ready):
    """Something else each time."""

    count = iter(range(1, 1000))

    def __new__(cls, ctx=None):
        return attrs.evolve(cls.made, fresh_days=next(cls.count))


IsOfAnother = _mutant("IsOfAnother", name="core.birthday")
HasNoObjective = _mutant("HasNoObjective", objective="profit")
PrintsWhatThereIsNot = _mutant("PrintsWhatThereIsNot", {"ready/sms/de/body.txt": f"{_DE}{{{{ patient.insurer }}}}"})
LacksAPart = _mutant("LacksAPart", {"ready/email/fr/body.txt": _EN})
Calls = _mutant("Calls", {"ready/sms/en/body.txt": _EN.replace("greeting }}", "greeting.upper() }}")})
KeepsItsNeedsToItself = _mutant("KeepsItsNeedsToItself", needs=("patient.greeting",))
LeavesBracesOver = _mutant("LeavesBracesOver", {"ready/sms/de/body.txt": _DE + "{{ '{{' }} name }}"})
SaysNothing = _mutant("SaysNothing", {"ready/sms/en/body.txt": "{% if links.unsubscribe %}Hello{% endif %}"})
IsAnonymous = _mutant("IsAnonymous", {"ready/sms/en/body.txt": _EN.replace("{{ practice.name }}", "Your team")})
TakesAllForPatients = _mutant(
    "TakesAllForPatients",
    {"ready/sms/de/body.txt": "Guten Tag {{ recipient.greeting }}, Ihre Brille liegt bereit. {{ practice.name }}"},
)
SpeaksGermanOnly = _mutant(
    "SpeaksGermanOnly", templates=folder({name: text for name, text in FILES.items() if "/de/" in name})
)
HasHtmlInEnglish = _mutant("HasHtmlInEnglish", {"ready/email/en/body.html": "<p>{{ recipient.greeting }}</p>"})
Misspells = _mutant("Misspells", {"ready/email/en/boddy.html": "<p>Hello</p>"})
InventsALanguage = _mutant("InventsALanguage", {"ready/sms/de_AT/body.txt": _DE})
InventsAMedium = _mutant("InventsAMedium", {"ready/pigeon/en/body.txt": _EN})


def plugin(made=Ready):
    """Return a plugin with one message type."""
    return plugin_of("message_type", made)


MUTANTS = {
    "message_type.declares": (IsOfAnother, HasNoObjective, ChangesItsMind),
    "message_type.compiles": (PrintsWhatThereIsNot, LacksAPart, Calls),
    "message_type.names_its_needs": (KeepsItsNeedsToItself,),
    "message_type.renders": (SaysNothing, LeavesBracesOver),
    "message_type.says_from_whom": (IsAnonymous,),
    "message_type.knows_guardians": (TakesAllForPatients,),
    "message_type.offers_english": (SpeaksGermanOnly,),
    "message_type.same_parts": (HasHtmlInEnglish,),
    "message_type.no_stray_files": (Misspells, InventsALanguage, InventsAMedium),
}
