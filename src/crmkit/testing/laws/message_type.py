"""What every message type must keep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path

import attrs

from crmkit import words
from crmkit.campaigns.campaign import Objective
from crmkit.messages.draft import Draft
from crmkit.messages.renderer import Renderer
from crmkit.messages.sandbox import Sandbox
from crmkit.messages.sheet import check_needs, compile_sheet
from crmkit.messages.templates import PARTS, Shelf
from crmkit.messages.type import MessageType
from crmkit.people.medium import Medium, Purpose
from crmkit.testing.home import NOW
from crmkit.testing.law import Kind, law
from crmkit.testing.samples import PRACTICE, contact_of, key_of, patient_of
from crmkit.testing.strategies.people import NUMBERS
from crmkit.testing.trial import Broken, Trial

_PERIOD = "2026-q4"
#: Nothing is held because one of these were empty: they come from the practice, or a message waits for them anyway.
_GIVEN = ("practice", "links", "content", "message", "foot", "today", "for_child")
_LEFT_OVER = re.compile(r"\{\{|\}\}|\{%|%\}|\bNone\b|\bUndefined\b")


def own(trial: Trial[MessageType]) -> MessageType:
    """Return the message type as the core has it: under its plugin's name."""
    return trial.thing.owned_by(trial.home.plugin.info.name)


def languages(kind: MessageType) -> Iterator[tuple[Medium, str]]:
    """Yield each medium with each language in which the type can be said by it."""
    shelf = Shelf({kind.name: kind})
    for medium in kind.media:
        yield from ((medium, language) for language in shelf.languages(kind, medium))


@law(
    Kind.MESSAGE_TYPE,
    "It is a MessageType with a short name, a purpose and an objective that campaigns know.",
    mend='MessageType("reminder", Purpose.SERVICE, "recall", ...): the plugin\'s name is put before it by the core.',
    examples=1,
)
def declares(trial: Trial[MessageType]) -> None:
    kind = trial.thing
    trial.expect(isinstance(kind, MessageType), f"a {type(kind).__name__} where a MessageType is wanted")
    trial.expect(kind.owner in ("", trial.home.plugin.info.name), f"the name of another plugin: {kind.owner}")
    trial.expect(isinstance(kind.purpose, Purpose), f"the purpose {kind.purpose!r}")
    trial.expect(kind.objective in set(Objective), f"the objective {kind.objective!r}")
    trial.expect(trial.again() == kind, "something else when opened again")


@law(
    Kind.MESSAGE_TYPE,
    "Its templates can be read for every medium and language, and print only fields that there are.",
    mend="Put the parts at templates/<name>/<medium>/<language>/body.txt, and print only what "
    "docs/how-to/write-templates.md lists.",
    examples=1,
)
def compiles(trial: Trial[MessageType]) -> None:
    kind = own(trial)
    check_needs(kind)
    for medium, language in languages(kind):
        sheet = compile_sheet(Shelf({kind.name: kind}), Sandbox(), kind, medium, language)
        trial.expect(sheet.language == words.language_tag(language), f"the language {language!r}")


@law(
    Kind.MESSAGE_TYPE,
    "It names every field without which it cannot be said.",
    mend="Add to needs what the templates print outside any if, such as recipient.greeting.",
    examples=1,
)
def names_its_needs(trial: Trial[MessageType]) -> None:
    kind = own(trial)
    for medium, language in languages(kind):
        sheet = compile_sheet(Shelf({kind.name: kind}), Sandbox(), kind, medium, language)
        printed = {field for needs in sheet.needs.values() for field in needs}
        missing = sorted(field for field in printed - set(kind.needs) if field.split(".")[0] not in _GIVEN)
        trial.expect(not missing, f"{', '.join(missing)} printed by {medium} in {language}, and not in needs")


@law(
    Kind.MESSAGE_TYPE,
    "It can be said to any patient, and to any guardian, who has what it needs; nothing of the template is left over.",
    mend="Try the template with long names, foreign names and names with signs in them.",
)
def renders(trial: Trial[MessageType]) -> None:
    kind, number = own(trial), trial.draw(NUMBERS)
    for medium, language in languages(kind):
        for draft in _drafts(kind, medium, language, number):
            message = _renderer(trial.home.root, kind, language).render(draft, NOW)
            said = f"{message.subject}\n{message.text}\n{message.html}"
            trial.expect(message.text.strip(), f"an empty text by {medium} in {language}")
            trial.expect(not _LEFT_OVER.search(said), f"a piece of template left over by {medium} in {language}")


@law(
    Kind.MESSAGE_TYPE,
    "It says from whom it is: the practice's name stands in every text.",
    mend="Print {{ practice.name }} in every body.txt.",
    examples=1,
)
def says_from_whom(trial: Trial[MessageType]) -> None:
    kind = own(trial)
    for medium, language in languages(kind):
        for draft in _drafts(kind, medium, language, 1):
            text = _renderer(trial.home.root, kind, language).render(draft, NOW).text
            trial.expect(PRACTICE.name in text, f"no practice's name by {medium} in {language}")


@law(
    Kind.MESSAGE_TYPE,
    "What is said about a child to its guardian is not what is said to an adult, if it is about a person at all.",
    mend="Use {% if for_child %} in every language: a guardian is not the one who was treated.",
    examples=1,
)
def knows_guardians(trial: Trial[MessageType]) -> None:
    kind = own(trial)
    for medium, language in languages(kind):
        drafts = _drafts(kind, medium, language, 1)
        adult, guardian = (_renderer(trial.home.root, kind, language).render(draft, NOW).text for draft in drafts)
        same = _nameless(adult) == _nameless(guardian)
        trial.expect(not (kind.personal and same), f"the same words to a guardian by {medium} in {language}")


def _nameless(text: str) -> str:
    for number in (1, 2):
        text = text.replace(patient_of(number).name.greeting, "?")
    return text


@law(
    Kind.MESSAGE_TYPE,
    "English is among its languages by every medium: readers whose language is not offered get it.",
    mend="Add templates/<name>/<medium>/en/; waive this law for a plugin of one country, with that as the reason.",
    examples=1,
)
def offers_english(trial: Trial[MessageType]) -> None:
    kind = own(trial)
    for medium in kind.media:
        offered = {language for one, language in languages(kind) if one is medium}
        trial.expect("en" in offered, f"only {', '.join(sorted(offered))} by {medium}")


@law(
    Kind.MESSAGE_TYPE,
    "Every language of a medium has the same parts.",
    mend="Write body.html for all languages, or for none.",
    examples=1,
)
def same_parts(trial: Trial[MessageType]) -> None:
    kind = own(trial)
    parts: dict[Medium, dict[str, list[str]]] = {}
    for medium, language in languages(kind):
        # What de-CH lacks is that of de.
        folders = [kind.templates / kind.stem / medium / tag for tag in words.with_bare(language)]
        parts.setdefault(medium, {})[language] = sorted(
            {entry.name for folder in folders for entry in _entries(folder)}
        )
    for medium, by_language in parts.items():
        trial.expect(len(set(map(tuple, by_language.values()))) == 1, f"different parts by {medium}: {by_language}")


@law(
    Kind.MESSAGE_TYPE,
    "Nothing lies among its templates that would never be used.",
    mend="Name folders after media and languages (de-CH), and parts subject.txt, body.txt and body.html.",
    examples=1,
)
def no_stray_files(trial: Trial[MessageType]) -> None:
    kind = own(trial)
    for medium in _entries(kind.templates / kind.stem):
        trial.expect(medium.name in kind.media, f"{kind.stem}/{medium.name}")
        for language in _entries(medium):
            _check_language(trial, f"{kind.stem}/{medium.name}", language)


def _check_language(trial: Trial[MessageType], where: str, folder: Traversable) -> None:
    try:
        usual = words.language_tag(folder.name)
    except ValueError:
        raise Broken(f"{where}/{folder.name}, which is no language") from None
    trial.expect(usual == folder.name, f"{where}/{folder.name}, which is spelt {usual}")
    stray = [part.name for part in _entries(folder) if part.name not in PARTS]
    trial.expect(not stray, f"{where}/{folder.name}/{', '.join(stray)}")


def _entries(folder: Traversable) -> list[Traversable]:
    return [entry for entry in folder.iterdir() if not entry.name.startswith((".", "__"))] if folder.is_dir() else []


def _renderer(root: Path, kind: MessageType, language: str) -> Renderer:
    """Return what renders a type for a practice of that language, with a content file if it wants one."""
    practice = attrs.evolve(PRACTICE, locale=language)
    file = root / "content" / kind.stem / f"{_PERIOD}.md"
    if kind.content and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("# News from us\n\nA word to all.\n", encoding="utf-8")
    return Renderer(practice, {kind.name: kind}, None, root / "content")


def _drafts(kind: MessageType, medium: Medium, language: str, number: int) -> tuple[Draft, Draft]:
    """Return the message to an adult, and the one about a child to its guardian."""
    adult, child = patient_of(number, language=language), patient_of(number + 1, language=language)
    point = contact_of(medium, number)
    more = {"type": kind.name, "medium": medium, "occasion": f"{kind.stem} {_PERIOD}", "contact": point}
    return (
        Draft(key=key_of(number), patient=adult, recipient=adult, **more),  # type: ignore[arg-type]
        Draft(key=key_of(number), patient=child, recipient=adult, **more),  # type: ignore[arg-type]
    )


LAWS = (
    *(declares, compiles, names_its_needs, renders, says_from_whom, knows_guardians, offers_english, same_parts),
    no_stray_files,
)
