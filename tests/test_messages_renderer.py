"""From a draft to a finished message: languages, holds and headers."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import pytest
from greetings import ANNA, MIA, NOW, PRACTICE, draft, hello_in, put, renderer, shipped_in

from crmkit.errors import MissingField, NotFound, TemplateError
from crmkit.messages.imprint import IMPRINTS
from crmkit.messages.mime import to_bytes
from crmkit.messages.type import MessageType
from crmkit.messages.views import LinksView, MessageView, PatientView, RecipientView
from crmkit.people.contact import ContactPoint
from crmkit.people.medium import Medium, Purpose
from crmkit.people.name import PersonName
from crmkit.people.patient import Patient


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    return shipped_in(tmp_path)


@pytest.fixture
def hello(shipped: Path) -> MessageType:
    return hello_in(shipped)


def called(name: PersonName, language: str = "") -> Patient:
    return attrs.evolve(MIA, name=name, language=language)


def test_a_message_is_addressed_dated_and_keyed(hello: MessageType) -> None:
    message = renderer(hello).render(draft(), NOW)
    assert (message.to, message.to_name) == ("mia@home.example", "Mia Muster")
    assert (message.from_email, message.from_name) == ("hello@brighteyes.example", "Bright Eyes & Co")
    assert re.fullmatch(rf"<{'ab12' * 8}\.[0-9a-f]{{16}}@brighteyes\.example>", message.message_id)
    assert message.subject == "Hello"
    assert message.text.startswith("Hello Mia: 24 November 2026\n")
    assert message.at == NOW


def test_the_same_draft_gives_the_same_bytes(hello: MessageType) -> None:
    one, two = (renderer(hello).render(draft(), NOW) for _ in range(2))
    assert one.digest == two.digest
    assert to_bytes(one) == to_bytes(two)


@pytest.mark.parametrize(
    ("language", "locale", "used"),
    [
        ("de", "en_AU", "de"),
        ("de-CH", "en_AU", "de"),
        ("fr", "de_CH", "de"),
        ("fr", "fr_FR", "en"),
        ("", "en_AU", "en"),
    ],
)
def test_the_readers_language_then_the_practices_then_english(
    hello: MessageType, language: str, locale: str, used: str
) -> None:
    practice = attrs.evolve(PRACTICE, locale=locale)
    message = renderer(hello, practice).render(draft(MIA, attrs.evolve(ANNA, language=language)), NOW)
    assert message.language == used
    assert ("Content-Language", used) in message.headers
    assert f'lang="{used}" dir="ltr"' in message.html


@pytest.mark.parametrize(
    ("reader", "locale", "today"),
    [
        ("", "en_AU", "24 November 2026"),
        ("en-US", "en_AU", "November 24, 2026"),
        ("de-CH", "en_AU", "24. November 2026"),
        ("en", "de_CH", "24 November 2026"),
        ("en", "es_US", "November 24, 2026"),
    ],
)
def test_a_date_is_written_as_the_reader_or_the_practice_writes_it(
    hello: MessageType, reader: str, locale: str, today: str
) -> None:
    practice = attrs.evolve(PRACTICE, country=locale[-2:], locale=locale, phone="")
    assert today in renderer(hello, practice).render(draft(attrs.evolve(MIA, language=reader)), NOW).text


def test_arabic_reads_from_right_to_left(hello: MessageType) -> None:
    message = renderer(hello).render(draft(attrs.evolve(MIA, language="ar")), NOW)
    assert 'lang="ar" dir="rtl"' in message.html


def test_amid_right_to_left_the_foot_keeps_its_own_direction_and_language(hello: MessageType) -> None:
    html = renderer(hello).render(draft(attrs.evolve(MIA, language="ar")), NOW).html
    # Else a browser shows "High St, Newtown NSW 2042 1", "5550 1234 (02)" and ".in your care".
    assert '<br><span dir="auto">1 High St, Newtown NSW 2042</span>' in html
    assert '<span dir="ltr">(02) 5550 1234</span>' in html
    assert '<p lang="en" style="margin:0 0 8px"><span dir="auto">You receive this message' in html
    assert html.count('lang="en"') == 2


def test_the_layout_rests_on_nothing_that_gmail_or_outlook_takes_away(hello: MessageType) -> None:
    html = renderer(hello).render(draft(attrs.evolve(MIA, language="ar")), NOW).html
    # They drop these tags and with them their styles, and what <html> says of language and direction.
    assert re.findall(r"<(?:main|header|footer|nav|section|article|bdi)\b", html) == []
    assert '<div lang="ar" dir="rtl"' in html.partition("<body")[2]
    # Outlook on Windows has room around text in cells alone, and a greatest width of tables alone.
    styled = re.findall(r'<(\w+)[^<>]* style="([^"]*)"', html)
    assert {tag for tag, style in styled if re.search(r"\bpadding:[^0]", style)} == {"td"}
    assert {tag for tag, style in styled if "max-width:" in style} == {"table"}
    assert html.count("<table ") == html.count('<table role="presentation"') == 2
    # Nor does it know margins of "auto".
    assert re.findall(r'<table [^<>]*align="center"[^<>]*style="max-width:', html)


def test_a_name_is_escaped_in_html_and_only_there(hello: MessageType) -> None:
    message = renderer(hello).render(draft(called(PersonName(given="O'Neill <b>"))), NOW)
    assert "Hello O'Neill <b>:" in message.text
    assert "<p>Hello O&#39;Neill &lt;b&gt;</p>" in message.html
    assert "Bright Eyes &amp; Co" in message.html


def test_a_name_with_a_line_break_smuggles_no_header(hello: MessageType) -> None:
    message = renderer(hello).render(draft(called(PersonName(given="Mia\r\nBcc: evil@home.example"))), NOW)
    assert b"\r\nBcc:" not in to_bytes(message).split(b"\r\n\r\n", 1)[0]


def test_what_the_type_needs_and_what_is_printed_holds_the_message(hello: MessageType) -> None:
    unnamed = called(PersonName(family="Muster"))
    assert renderer(hello).lacks(draft()) is None
    assert renderer(hello).lacks(draft(unnamed, ANNA)) == "patient.given"
    assert renderer(hello).lacks(draft(MIA, attrs.evolve(ANNA, name=PersonName()))) == "recipient.greeting"
    with pytest.raises(MissingField) as lack:
        renderer(hello).render(draft(unnamed, ANNA), NOW)
    assert lack.value.field == "patient.given"


def test_words_of_the_practices_own_need_what_they_print_and_no_more(hello: MessageType, tmp_path: Path) -> None:
    unnamed, own = draft(called(PersonName(full="山田太郎", family="Muster"))), tmp_path / "own"
    put(own / "hello" / "email" / "en", body_txt='Dear {{ recipient.greeting | default("friend") }}, hello.')
    assert renderer(hello, own=own).lacks(unnamed) == "patient.given", "the subject is still the type's"
    put(own / "hello" / "email" / "en", subject_txt="{{ patient.name }}様")
    message = renderer(hello, own=own).render(unnamed, NOW)
    assert (message.subject, message.text.splitlines()[0]) == ("山田太郎様", "Dear friend, hello.")
    assert renderer(hello, own=own).lacks(draft(called(PersonName()))) == "patient.name"


def test_a_message_without_an_address_is_held(hello: MessageType) -> None:
    nowhere = attrs.evolve(draft(), contact=ContactPoint(Medium.EMAIL, "", "", "P1", "not an e-mail address"))
    assert renderer(hello).lacks(nowhere) == "recipient.email"


def test_marketing_carries_one_click_unsubscribing(hello: MessageType) -> None:
    message = renderer(hello).render(draft(), NOW)
    headers = dict(message.headers)
    url = headers["List-Unsubscribe"].strip("<>")
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert url in message.text
    assert f'href="{url}"' in message.html
    assert renderer(hello).links.read(url.rsplit("/", 1)[-1]).patient == "P1"


def test_marketing_without_links_is_held_and_care_goes(hello: MessageType) -> None:
    unlinked = attrs.evolve(PRACTICE, public_url="")
    care = attrs.evolve(hello, purpose=Purpose.CARE)
    assert renderer(hello, unlinked).lacks(draft()) == "links.unsubscribe"
    assert not renderer(care).needs_link(care, Medium.EMAIL)
    message = renderer(care, unlinked).render(draft(), NOW)
    assert message.headers == (("Content-Language", "en"),)
    assert "nsubscribe" not in message.text + message.html


def test_one_click_is_promised_only_where_the_link_is_encrypted(hello: MessageType) -> None:
    open_link = renderer(hello, attrs.evolve(PRACTICE, public_url="http://localhost:8000")).render(draft(), NOW)
    assert [name for name, _ in open_link.headers] == ["Content-Language", "List-Unsubscribe"]


@pytest.mark.parametrize(
    ("country", "lack"),
    [*dict.fromkeys(IMPRINTS, "practice.address").items(), ("AU", None), ("DE", None), ("GB", None)],
)
def test_marketing_waits_for_the_postal_address_where_the_law_wants_it(
    hello: MessageType, country: str, lack: str | None
) -> None:
    without = attrs.evolve(PRACTICE, country=country, address="", phone="")
    assert renderer(hello, without).lacks(draft()) == lack
    assert renderer(hello, attrs.evolve(without, address="1 Main St")).lacks(draft()) is None
    assert renderer(attrs.evolve(hello, purpose=Purpose.CARE), without).lacks(draft()) is None


def test_a_message_about_an_appointment_waits_for_the_address_only_where_the_law_means_that_too(
    hello: MessageType,
) -> None:
    service = attrs.evolve(hello, purpose=Purpose.SERVICE)
    without = attrs.evolve(PRACTICE, address="", phone="")
    lacks = {one: renderer(service, attrs.evolve(without, country=one)).lacks(draft()) for one in IMPRINTS}
    assert lacks == dict.fromkeys(IMPRINTS) | {"CA": "practice.address"}


def test_care_carries_no_unsubscribe_line_even_where_links_exist(hello: MessageType) -> None:
    message = renderer(attrs.evolve(hello, purpose=Purpose.CARE)).render(draft(), NOW)
    assert "nsubscribe" not in message.text + message.html + str(message.headers)


def test_the_foot_says_who_writes_and_why(hello: MessageType) -> None:
    message = renderer(hello).render(draft(), NOW)
    for body in (message.text, message.html):
        assert "1 High St, Newtown NSW 2042" in body
        assert "(02) 5550 1234" in body
        assert "because you agreed to hear from us" in body


def test_a_text_message_is_its_body_alone(shipped: Path, hello: MessageType) -> None:
    put(shipped / "hello" / "sms" / "en", body_txt="Hello {{ recipient.greeting }}\n")
    kind = attrs.evolve(hello, media=(Medium.EMAIL, Medium.SMS))
    message = renderer(kind, attrs.evolve(PRACTICE, keys=())).render(draft(medium=Medium.SMS), NOW)
    assert (message.subject, message.text, message.html, message.headers) == ("", "Hello Mia\n", "", ())


def test_empty_lines_that_an_if_leaves_are_closed_up(shipped: Path, hello: MessageType) -> None:
    put(
        shipped / "hello" / "email" / "en",
        body_txt="A\n\n{% if for_child %}\nB\n\n{% endif %}\n\nC{% if today %}.{% endif %}\n\nD",
    )
    assert renderer(hello).render(draft(), NOW).text.startswith("A\n\nC.\n\nD\n\n--\n")


def test_a_subject_that_comes_out_empty_is_told(shipped: Path, hello: MessageType) -> None:
    put(shipped / "hello" / "email" / "en", subject_txt="{% if for_child %}x{% endif %}")
    with pytest.raises(TemplateError, match="subject comes out empty"):
        renderer(hello).render(draft(), NOW)


def test_an_unknown_type_is_told_with_the_nearest(hello: MessageType) -> None:
    with pytest.raises(NotFound, match=r"core\.helo.*did you mean core\.hello"):
        renderer(hello).render(attrs.evolve(draft(), type="core.helo"), NOW)


def test_a_naive_now_is_refused(hello: MessageType) -> None:
    with pytest.raises(ValueError, match="time zone"):
        renderer(hello).render(draft(), NOW.replace(tzinfo=None))


def test_an_international_sender_becomes_ascii(hello: MessageType) -> None:
    message = renderer(hello, attrs.evolve(PRACTICE, email="hallo@praxis-müller.example")).render(draft(), NOW)
    assert message.from_email == "hallo@xn--praxis-mller-klb.example"
    assert message.message_id.endswith("@xn--praxis-mller-klb.example>")


def test_nothing_that_is_said_of_a_reader_shows_in_a_repr() -> None:
    assert repr(draft()) == f"Draft(key={'ab12' * 8!r})"
    views = (PatientView.of(MIA.name), RecipientView.of(MIA.name), MessageView("Mia", "Mia", "Mia", "en", "ltr"))
    for one in (*views, LinksView("https://brighteyes.example/unsubscribe/Mia"), MIA, draft().contact):
        assert "Mia" not in repr(one)
        assert "mia" not in repr(one)


@pytest.mark.parametrize("wrong", [{"name": "Big Birthday"}, {"name": "_layout"}, {"media": ()}, {"fresh_days": 0}])
def test_a_message_type_that_cannot_be_right_is_refused(hello: MessageType, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"message type|medium|fresh_days"):
        attrs.evolve(hello, **wrong)
