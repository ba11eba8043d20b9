"""The standard message types: complete, correct in each language, and right for guardians too."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import attrs
import pytest

from crmkit.builtin.messages import standard_message_types
from crmkit.messages.draft import Draft
from crmkit.messages.message import Message
from crmkit.messages.renderer import Renderer
from crmkit.messages.sandbox import Sandbox
from crmkit.people.contact import ContactPoint
from crmkit.people.medium import Medium
from crmkit.people.name import PersonName
from crmkit.people.patient import Patient
from crmkit.practice import Practice

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LANGUAGES = ("en", "de", "fr", "it", "es")
STEMS = ("birthday", "newsletter", "reactivation")
#: Itself, and not what spares other tests the work.
check = inspect.unwrap(Renderer.check)
PRACTICE = Practice(
    id="bright-eyes",
    name="Bright Eyes Optometry",
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
TYPES = {kind.name: kind for kind in (kind.owned_by("core") for kind in standard_message_types())}
LEO = Patient("P1", PersonName(given="Leo"))
ANNA = Patient("P2", PersonName(given="Anna"))


@pytest.fixture
def content(tmp_path: Path) -> Path:
    (tmp_path / "newsletter").mkdir()
    (tmp_path / "newsletter" / "2026-q4.md").write_text("# Our hours\n\nWe open *earlier*.\n", encoding="utf-8")
    return tmp_path


def write(
    stem: str,
    content: Path,
    *,
    language: str = "en",
    reader: Patient = LEO,
    phone: str = PRACTICE.phone,
    practice: Practice = PRACTICE,
) -> Message:
    practice = attrs.evolve(practice, phone=phone)
    recipient = attrs.evolve(reader, language=language)
    point = ContactPoint(Medium.EMAIL, "", "reader@home.example", reader.id)
    draft = Draft("ab12", f"core.{stem}", Medium.EMAIL, f"{stem} 2026-q4", LEO, recipient, point)
    renderer = Renderer(practice, TYPES, content=content)
    assert renderer.lacks(draft) is None
    return renderer.render(draft, NOW)


class Outline(HTMLParser):
    """Collects the tags, and fails where one is not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_every_shipped_template_can_be_used() -> None:
    check(Renderer(PRACTICE, TYPES))
    for kind in TYPES.values():
        folder = kind.templates / kind.stem / "email"
        assert sorted(entry.name for entry in folder.iterdir()) == sorted((*LANGUAGES, "de-CH"))


def test_the_second_practice_of_a_process_reads_no_shipped_template_again(monkeypatch: pytest.MonkeyPatch) -> None:
    check(Renderer(PRACTICE, TYPES))
    read: list[str] = []
    parse = Sandbox.parse
    monkeypatch.setattr(Sandbox, "parse", lambda *words: read.append(words[2]) or parse(*words))
    other = attrs.evolve(PRACTICE, id="other", country="DE", locale="de_DE", timezone="Europe/Berlin")
    check(Renderer(other, TYPES))
    assert read == []


@pytest.mark.no_cover
@pytest.mark.parametrize("phone", ["", PRACTICE.phone])
@pytest.mark.parametrize("reader", [LEO, ANNA], ids=["patient", "guardian"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stem", STEMS)
def test_each_is_whole_in_each_language(stem: str, language: str, reader: Patient, phone: str, content: Path) -> None:
    message = write(stem, content, language=language, reader=reader, phone=phone)
    outline = Outline()
    outline.feed(message.html)
    assert not outline.open
    assert outline.seen.count("h1") == 1
    assert message.language == language
    assert f'<html lang="{language}"' in message.html
    assert "{" not in message.text + message.subject
    assert "  " not in message.text
    assert "\n\n\n" not in message.text


def test_a_newsletter_says_in_which_language_its_text_is_which_may_be_another_than_the_readers(content: Path) -> None:
    # A screen reader pronounces it by that, and a browser takes the direction from the text itself.
    strange = write("newsletter", content, language="de").html
    assert '<html lang="de"' in strange
    assert '<h1 lang="en-AU" dir="auto">Our hours</h1>\n<div lang="en-AU" dir="auto">' in strange
    (content / "newsletter" / "2026-q4.de.md").write_text("# Zeiten\n\nWir öffnen früher.\n", encoding="utf-8")
    assert '<h1 lang="de" dir="auto">Zeiten</h1>' in write("newsletter", content, language="de").html


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("en", "Happy birthday, Leo"),
        ("de", "Alles Gute zum Geburtstag, Leo"),
        ("fr", "Joyeux anniversaire, Leo"),
        ("it", "Buon compleanno, Leo!"),
        ("es", "¡Feliz cumpleaños, Leo!"),
    ],
)
def test_a_birthday_card_speaks_the_readers_language(language: str, subject: str, content: Path) -> None:
    assert write("birthday", content, language=language).subject == subject


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stem", ["birthday", "reactivation"])
def test_a_guardian_is_greeted_and_the_child_is_named(stem: str, language: str, content: Path) -> None:
    body = write(stem, content, language=language, reader=ANNA).text
    assert "Anna" in body.splitlines()[0]
    assert "Leo" not in body.splitlines()[0]
    assert "Leo" in body


@pytest.mark.parametrize("locale", ["de_DE", "de_CH"])
@pytest.mark.parametrize("stem", ["birthday", "reactivation"])
def test_german_which_says_sie_greets_with_the_family_name(stem: str, locale: str, content: Path) -> None:
    mia = Patient("P1", PersonName(given="Mia", family="van der Berg"))
    leo = attrs.evolve(LEO, id="P9", name=PersonName(given="Leo", family="van der Berg"))
    point = ContactPoint(Medium.EMAIL, "", "reader@home.example", "P1")
    renderer = Renderer(attrs.evolve(PRACTICE, locale=locale), TYPES)
    for patient in (mia, leo):
        message = renderer.render(Draft("ab12", f"core.{stem}", Medium.EMAIL, f"{stem} 2026", patient, mia, point), NOW)
        assert message.text.splitlines()[0].rstrip(",") == "Guten Tag Mia van der Berg"
        assert "<p>Guten Tag Mia van der Berg" in message.html
        assert "Leo van" not in message.text + message.html + message.subject, "of a child one speaks by its first name"
        if stem == "birthday" and patient is mia:
            assert message.subject == "Alles Gute zum Geburtstag, Mia van der Berg"


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("locale", "language", "swiss"),
    [
        ("de_CH", "de", True),
        ("de_CH", "", True),
        ("de_LI", "", True),
        ("en_AU", "de-CH", True),
        ("de_CH", "de-DE", False),
        ("de_DE", "de", False),
    ],
)
@pytest.mark.parametrize("reader", [LEO, ANNA], ids=["patient", "guardian"])
@pytest.mark.parametrize("stem", STEMS)
def test_a_swiss_reader_gets_no_sharp_s_and_no_comma_behind_the_greeting(
    stem: str, reader: Patient, locale: str, language: str, swiss: bool, content: Path
) -> None:
    here = attrs.evolve(PRACTICE, country=locale[-2:], locale=locale, name="Praxis Weiß", phone="")
    message = write(stem, content, language=language, reader=reader, phone="", practice=here)
    german = write(stem, content, language="de-DE", reader=reader, phone="", practice=here)
    assert ("Grüsse" in message.text, "Grüße" in message.text) == (swiss, not swiss)
    assert ("Grüsse" in message.html, "Grüße" in message.html) == (swiss, not swiss)
    assert "Praxis Weiß" in message.text, "a name is written as it is"
    if "Guten Tag" in message.text:
        greeting, _, first, *_ = message.text.splitlines()
        assert greeting.endswith(",") is not swiss
        assert first[0].isupper() or not swiss
    plain, other = (_letters(one.text) for one in (message, german))
    assert plain == other, "nothing else differs"
    plain, other = (_letters(one.html.replace('lang="de-CH"', 'lang="de"')) for one in (message, german))
    assert plain == other


def _letters(text: str) -> str:
    return text.replace("ß", "ss").replace(",", "").lower()


def test_a_practices_own_german_words_are_not_replaced_by_shipped_swiss_ones(tmp_path: Path) -> None:
    own = tmp_path / "own" / "birthday" / "email" / "de"
    own.mkdir(parents=True)
    (own / "subject.txt").write_text("Hoi {{ recipient.greeting }}", encoding="utf-8")
    here = attrs.evolve(PRACTICE, country="CH", locale="de_CH", phone="")
    renderer = Renderer(here, TYPES, own.parents[2])
    renderer.check()
    point = ContactPoint(Medium.EMAIL, "", "reader@home.example", "P1")
    draft = Draft("ab12", "core.birthday", Medium.EMAIL, "birthday 2026", LEO, LEO, point)
    message = renderer.render(draft, NOW)
    assert message.subject == "Hoi Leo"
    assert "Grüsse" in message.text
    assert "Grüsse" in message.html
    # Whoever rewords the text alone would be read by nobody whose mail program shows HTML.
    (own / "body.txt").write_text("Hoi {{ recipient.greeting }}", encoding="utf-8")
    message = Renderer(here, TYPES, own.parents[2]).render(draft, NOW)
    assert message.text.startswith("Hoi Leo\n")
    assert message.html == ""
    (own / "body.html").write_text("<p>Hoi {{ recipient.greeting }}</p>", encoding="utf-8")
    assert "<p>Hoi Leo</p>" in Renderer(here, TYPES, own.parents[2]).render(draft, NOW).html


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_newsletter_reads_the_same_for_everybody(language: str, content: Path) -> None:
    one, other = (write("newsletter", content, language=language, reader=reader) for reader in (LEO, ANNA))
    assert (one.text, one.html, one.subject) == (other.text, other.html, other.subject)
    assert one.subject == "Our hours"
    assert "<em>earlier</em>" in one.html


def test_an_unwritten_newsletter_is_awaited_and_held(tmp_path: Path) -> None:
    renderer = Renderer(PRACTICE, TYPES, content=tmp_path)
    point = ContactPoint(Medium.EMAIL, "", "reader@home.example", "P1")
    draft = Draft("ab12", "core.newsletter", Medium.EMAIL, "newsletter 2026-q4", LEO, LEO, point)
    assert renderer.awaits("core.newsletter", "newsletter 2026-q4", "") == tmp_path / "newsletter" / "2026-q4.md"
    assert renderer.awaits("core.birthday", "birthday 2026", "") is None
    assert renderer.lacks(draft) == "content.title"


@pytest.mark.parametrize("stem", ["birthday", "reactivation"])
def test_nobody_is_greeted_without_a_name(stem: str) -> None:
    nameless = attrs.evolve(ANNA, name=PersonName(family="Muster"))
    point = ContactPoint(Medium.EMAIL, "", "reader@home.example", "P2")
    draft = Draft("ab12", f"core.{stem}", Medium.EMAIL, f"{stem} 2026", LEO, nameless, point)
    assert Renderer(PRACTICE, TYPES).lacks(draft) == "recipient.greeting"
