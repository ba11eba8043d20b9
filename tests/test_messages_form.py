"""Forms: a message that was filled in reads, to the letter, like one that its templates wrote for one reader."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import attrs
import pytest
from greetings import MIA, NOW, PRACTICE, draft, put, renderer
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_messages_mime import bodies, body, lines, nasty, parsed

from crmkit.errors import MissingField, TemplateError
from crmkit.messages.form import is_plain, write_form
from crmkit.messages.gapped import GappedText, mark, with_escaped
from crmkit.messages.mime import to_bytes
from crmkit.messages.quoted import Quoted, in_quoted_printable, wants_base64
from crmkit.messages.sandbox import Sandbox
from crmkit.messages.sheet import Sheet, compile_sheet
from crmkit.messages.templates import Shelf
from crmkit.messages.type import MessageType
from crmkit.messages.views import (
    ContentView,
    LinksView,
    OccasionView,
    PatientView,
    PracticeView,
    RecipientView,
    World,
)
from crmkit.people.medium import Medium, Purpose
from crmkit.people.name import PersonName

FIELDS = ("patient.given", "patient.preferred", "patient.family", "recipient.greeting", "recipient.name")
PIECES = [
    "Dear ", " ", "  ", "\n", "\n\n", "\n \n\t\n", ".", "=", "ü", "&", "<b>", "x" * 90, " \n", "\n.\n", "\ue000",
    *(f"{{{{ {field} }}}}" for field in FIELDS),
    "{{ patient.preferred|default('you') }}", "{{ patient.given|e }}", "{{ recipient.name|e|e }}",
    "{% if patient.preferred %}{{ patient.preferred }}{% else %}{{ patient.given }}{% endif %}",
    "{% if patient.family and not for_child %}\n{{ patient.family }}\n{% endif %}",
    "{{ patient.preferred or patient.given }}", "{{ 'Doctor' if patient.prefix else '' }}",
    "{% if patient.given == recipient.name %}same{% endif %}", "{{ patient.prefix < patient.given }}",
    "{{ occasion.year }}", "{{ practice.name }}", "{{ links.unsubscribe }}", "{{ today }}", "{{ for_child }}",
    "{{ content.html }}", "{{ content.title }}",
]  # fmt: skip
templates = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
texts = st.sampled_from(
    ["", "Mia", "O'Neill & Söhne", "<i>", "a=b", "ü" * 30, " Mia", "A  B", "A\u00a0B", "x" * 80]
) | (st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12))
LAYOUTS = {
    "email.txt": "{{ message.text }}\n{{ foot.reason }}\n{{ practice.name }} {{ links.unsubscribe }}\n",
    "email.html": "<title>{{ message.subject }}</title>{{ message.html }}{{ practice.name }} {{ links.unsubscribe }}",
}


def sheet_of(subject: str, text: str, html: str, layouts: bool) -> Sheet:
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        put(at / "core" / "hello" / "email" / "en", subject_txt=subject, body_txt=text, body_html=html)
        if layouts:
            put(at / "own" / "_layout", **{name.replace(".", "_"): layout for name, layout in LAYOUTS.items()})
        kind = MessageType("core.hello", Purpose.CARE, "greet", (), (Medium.EMAIL,), 3, at / "core")
        return compile_sheet(Shelf({kind.name: kind}, at / "own"), Sandbox(), kind, Medium.EMAIL, "en")


def world_of(values: dict[str, str], for_child: bool) -> World:
    return World(
        patient=PatientView("Mia", "Mia", "", "Muster", "", "Mia Muster"),
        recipient=RecipientView("Mia", "Mia Muster"),
        practice=PracticeView.of(PRACTICE),
        occasion=OccasionView.of("hello 2026"),
        content=ContentView("News & more", "<p>We moved.</p>", "We moved."),
        links=LinksView("https://brighteyes.example/crm/unsubscribe/x"),
        today="24 November 2026",
        for_child=for_child,
    ).with_fields(values)


@settings(max_examples=300)
@given(
    parts=st.tuples(templates, templates, templates),
    values=st.fixed_dictionaries(dict.fromkeys((*FIELDS, "patient.prefix"), texts)),
    for_child=st.booleans(),
    layouts=st.booleans(),
)
@example(
    parts=("{{ patient.given }}  {{ patient.family }}", "\n\n\n{{ patient.given|e }}", "<p>{{ recipient.name }} "),
    values={**dict.fromkeys(FIELDS, "O'Neill & <Söhne>"), "patient.prefix": ""},
    for_child=False,
    layouts=True,
)
def test_a_form_reads_as_the_templates_write(parts, values, for_child, layouts):
    sheet = sheet_of(*parts, layouts)
    world = world_of(values, for_child)
    own = {field: value for field, value in values.items() if field in sheet.fields}
    form = write_form(sheet, world, own)
    if form is None or not all(map(is_plain, own.values())):
        return
    filled = form.fill(tuple(own.values()))
    assert (filled.subject, filled.text, filled.html) == sheet.write(world)


@settings(max_examples=100)
@given(parts=st.tuples(templates, templates, templates), mine=st.integers(0, 46), given_name=texts.filter(bool))
@example(parts=("x", "{{ links.unsubscribe }}\n" * 3, "<a href='{{ links.unsubscribe }}'>"), mine=46, given_name="Mia")
def test_what_all_links_begin_with_may_stand_in_the_form(parts, mine, given_name):
    link = "https://brighteyes.example/crm?a=b&unsubscribe"
    sheet = sheet_of(*parts, layouts=True)
    world = world_of({"patient.given": given_name, "links.unsubscribe": link}, for_child=False)
    values = {"patient.given": given_name, "links.unsubscribe": link}
    form = write_form(sheet, world, values, link[:mine])
    if form is None or not is_plain(given_name):
        return
    filled = form.fill(tuple(values.values()))
    subject, text, html = sheet.write(world)
    assert (filled.subject, filled.text, filled.html) == (subject, text, html)
    for gapped, whole in ((form.quoted_text, text), (form.quoted_html, html)):
        written = gapped.fill(filled.values) if gapped else None
        assert written in (None, in_quoted_printable(whole.encode()))


@pytest.mark.parametrize("asked", ["patient.given == 'Mia'", "'a' < recipient.name", "links.unsubscribe != 'x'"])
def test_what_compares_a_readers_field_has_no_form(asked):
    sheet = sheet_of("Hello", f"Dear {{% if {asked} %}}Mia{{% else %}}you{{% endif %}}", "", layouts=False)
    assert write_form(sheet, world_of({}, for_child=False), {}) is None
    same_for_all = sheet_of("Hello", "{% if occasion.year == '2026' %}It is 2026{% endif %}", "", layouts=False)
    assert write_form(same_for_all, world_of({}, for_child=False), {}) is not None


@settings(max_examples=300)
@given(
    text=bodies,
    places=st.lists(st.integers(0, 400), max_size=6),
    values=st.lists(lines | nasty, min_size=3, max_size=3),
)
@example(text="x" * 74 + "\n ", places=[0, 74, 76], values=["Mia", " ", "="])
@example(text=".\n.\n", places=[0, 2, 4], values=["", ".", "\u00e9"])
@example(text="x" * 76 + "\n", places=[76], values=["", "y", "."])
@example(text="x" * 75 + ".\n" + "=" * 26 + "\n", places=[75, 76, 103], values=["", "", ""])
@example(text="x" * 74 + " \n" + "y" * 75 + ".\n", places=[75, 152], values=["", "", ""])
@example(text="x" * 160 + "\u00fc" + "y" * 80, places=[150, 165, 240], values=["a", "", "\u00fc"])
def test_a_text_with_gaps_is_coded_like_the_whole(text, places, values):
    text = text.replace("\r", "").replace("\ue000", "").replace("\ue001", "")
    ends = [0, *sorted(places), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(ends)]
    marks = [mark(number % 3) for number in range(len(places))]
    gapped = GappedText.cut("".join(map("".join, itertools.zip_longest(pieces, marks, fillvalue=""))), 3)
    whole = gapped.fill(with_escaped(values))
    raw = whole.encode()
    written = Quoted.of(gapped).fill(with_escaped(values))
    assert written == (None if wants_base64(len(raw), len(whole)) else in_quoted_printable(raw))


def test_a_mark_that_nobody_made_keeps_no_message_from_being_written():
    assert GappedText.cut(f"{mark(0)} {mark(1)}", 1) is None
    assert GappedText.cut(str(with_escaped([mark(1)])[1]), 1) is None


def test_a_mark_that_was_changed_on_the_way_makes_no_cloze():
    assert GappedText.cut(f"Dear {mark(0)[:-1]}", 1) is None
    assert GappedText.cut(f"Dear {mark(0)} \ue001", 1) is None
    assert GappedText.cut("Dear \ue000", 1) is None


def greeting_in(folder: Path) -> MessageType:
    put(
        folder / "hello" / "email" / "en",
        subject_txt="Hello {{ patient.given }}",
        body_txt="Dear {{ recipient.greeting }},\nall the best.\n{{ links.unsubscribe }}\n",
        body_html="<p>Dear {{ recipient.greeting }},<p>all the best",
    )
    return MessageType("core.hello", Purpose.MARKETING, "greet", ("patient.given",), (Medium.EMAIL,), 3, folder)


@pytest.fixture
def greeting(tmp_path):
    return greeting_in(tmp_path)


@given(given_name=lines | nasty, family=lines | nasty)
@settings(max_examples=150)
@example(given_name="Γεωργία" * 20, family="Παπαδοπούλου")
def test_a_filled_form_is_written_down_to_the_octet_as_any_other_message(given_name, family):
    with tempfile.TemporaryDirectory() as folder:
        writes = renderer(greeting_in(Path(folder)))
        who = attrs.evolve(MIA, name=PersonName(given=given_name or "Mia", family=family))
        try:
            message = writes.render(draft(who), NOW)
        except MissingField:
            return
    raw = to_bytes(message)
    assert raw == to_bytes(attrs.evolve(message, filled=None))
    assert body(parsed(raw), "plain") == message.text


def test_usual_names_are_filled_in(greeting):
    writes = renderer(greeting)
    one, two = (writes.render(draft(attrs.evolve(MIA, name=PersonName(given=who))), NOW) for who in ("Mia", "Zoë"))
    assert one.filled.form is two.filled.form
    assert (one.subject, two.subject) == ("Hello Mia", "Hello Zoë")
    assert "Dear Zoë," in two.text
    assert one.digest != two.digest


def test_a_name_with_white_space_of_its_own_is_written_by_the_templates(greeting):
    message = renderer(greeting).render(draft(attrs.evolve(MIA, name=PersonName(given="Mia  Anna"))), NOW)
    assert message.filled is None
    assert message.subject == "Hello Mia Anna"


def test_a_message_whose_text_was_changed_goes_with_the_change(greeting):
    message = renderer(greeting).render(draft(), NOW)
    other = attrs.evolve(message, text="Other words.\n")
    assert body(parsed(to_bytes(other)), "plain") == "Other words.\n"
    assert body(parsed(to_bytes(attrs.evolve(message, html=""))), "plain") == message.text


def test_a_subject_that_comes_out_empty_is_told_of_the_message(tmp_path):
    put(
        tmp_path / "hello" / "email" / "en",
        subject_txt="{% if patient.preferred %}Hello {{ patient.preferred }}{% endif %}",
        body_txt="Dear you",
        body_html="",
    )
    kind = MessageType("core.hello", Purpose.CARE, "greet", (), (Medium.EMAIL,), 3, tmp_path)
    writes = renderer(kind)
    with pytest.raises(TemplateError, match="subject"):
        writes.render(draft(), NOW)
    who = attrs.evolve(MIA, name=PersonName(given="Mia", preferred="Mimi"))
    assert writes.render(draft(who), NOW).subject == "Hello Mimi"
