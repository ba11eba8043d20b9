"""A finished message as an e-mail: the same bytes every time, and nothing lost or smuggled in."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crmkit.errors import TemplateError
from crmkit.messages.message import Message
from crmkit.messages.mime import to_bytes
from crmkit.messages.views import one_line
from crmkit.people.medium import Medium, Purpose

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
LONG_URL = "https://brighteyes.example/crm/unsubscribe/" + "aB3-_." * 120

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
lines = words.map(one_line).map(lambda text: " ".join(text.split()))
bodies = words.map(lambda text: text.replace("\r\n", "\n").replace("\r", "\n"))


def message(**parts: object) -> Message:
    usual: dict[str, object] = {
        "key": "ab12" * 8,
        "practice": "bright-eyes",
        "type": "core.birthday",
        "purpose": Purpose.MARKETING,
        "medium": Medium.EMAIL,
        "to": "mia@home.example",
        "to_name": "Mia Muster",
        "from_email": "hello@brighteyes.example",
        "from_name": "Bright Eyes Optometry",
        "subject": "Happy birthday, Mia",
        "text": "Dear Mia,\n",
        "html": "<!doctype html><p>Dear Mia,</p>",
        "headers": (("Content-Language", "en"),),
        "at": AT,
        "language": "en",
        "message_id": "<ab12@brighteyes.example>",
    }
    return Message(**{**usual, **parts})  # type: ignore[arg-type]


def parsed(raw: bytes) -> EmailMessage:
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert not mail.defects
    return mail


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_the_same_message_gives_the_same_bytes() -> None:
    assert to_bytes(message()) == to_bytes(message())
    assert message().digest == message().digest


@pytest.mark.parametrize("part", ["subject", "text", "html", "to", "to_name", "from_name"])
def test_the_digest_tells_any_other_word(part: str) -> None:
    assert message().digest != message(**{part: "other@home.example"}).digest


def test_it_says_who_when_and_that_a_machine_wrote_it() -> None:
    mail = parsed(to_bytes(message()))
    assert mail["From"] == "Bright Eyes Optometry <hello@brighteyes.example>"
    assert mail["Message-ID"] == "<ab12@brighteyes.example>"
    assert mail["Date"].datetime == AT
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "en"
    assert mail.get_content_type() == "multipart/alternative"


def test_without_html_it_is_plain_text() -> None:
    mail = parsed(to_bytes(message(html="")))
    assert mail.get_content_type() == "text/plain"
    assert body(mail, "plain") == "Dear Mia,\n"


@settings(max_examples=200, deadline=None)
@given(to_name=lines, subject=lines, text=bodies, html=bodies)
@example(to_name='O"Neill, Zoë <b@c.example>', subject="x" * 900, text="=\n.\n--=_ab12\n", html="<p>é</p> \n")
@example(to_name="Ä" * 300, subject="Grüße, " * 80, text=" \n\t", html="\x0c\x85\u2028")
def test_every_part_reads_back_as_it_was(to_name: str, subject: str, text: str, html: str) -> None:
    raw = to_bytes(message(to_name=to_name, subject=subject, text=text, html=html or "<p>"))
    mail = parsed(raw)
    assert raw.isascii()
    assert [address.addr_spec for address in mail["To"].addresses] == ["mia@home.example"]
    assert mail["To"].addresses[0].display_name == to_name
    assert mail["Subject"] == subject
    assert body(mail, "plain") == text
    assert body(mail, "html") == (html or "<p>")


def test_no_body_line_is_longer_than_mail_allows() -> None:
    raw = to_bytes(message(text="word " * 1000, html="<p>" + "ü" * 5000))
    assert max(len(line) for line in raw.split(b"\r\n\r\n", 1)[1].split(b"\r\n")) <= 76


def test_a_very_long_unsubscribe_address_stays_whole() -> None:
    raw = to_bytes(message(headers=(("List-Unsubscribe", f"<{LONG_URL}>"),)))
    assert f"\r\nList-Unsubscribe: <{LONG_URL}>\r\n".encode() in raw


@pytest.mark.parametrize("field", ["subject", "to", "to_name", "from_name", "from_email", "message_id", "language"])
@pytest.mark.parametrize("smuggled", ["x\r\nBcc: evil@home.example", "x\ny", "x\ry", "x\x00", "x\u2028y"])
def test_a_line_break_in_a_header_is_refused(field: str, smuggled: str) -> None:
    with pytest.raises(TemplateError, match=field) as refused:
        message(**{field: smuggled})
    assert "evil" not in str(refused.value)


@pytest.mark.parametrize(
    "header", [("X-A", "a\r\nBcc: evil@home.example"), ("X-A\r\nBcc", "a"), ("X A", "a"), ("", "a")]
)
def test_a_further_header_cannot_smuggle_either(header: tuple[str, str]) -> None:
    with pytest.raises(TemplateError, match="headers"):
        message(headers=(header,))


@pytest.mark.parametrize("to", ["a@home.example, b@home.example", "nobody", "", "mïa@home.example", "a@b@c.example"])
def test_what_is_not_one_address_is_refused_without_naming_it(to: str) -> None:
    with pytest.raises(TemplateError) as refused:
        to_bytes(message(to=to))
    assert not to or to not in str(refused.value)


def test_only_email_has_an_email_form() -> None:
    with pytest.raises(TemplateError, match="sms"):
        to_bytes(message(medium=Medium.SMS))


def test_a_key_that_would_break_the_boundary_is_refused() -> None:
    with pytest.raises(ValueError, match="key"):
        message(key='a"; x=b')


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        attrs.evolve(message(), at=AT.replace(tzinfo=None))


def test_its_repr_shows_nobody() -> None:
    assert repr(message()) == f"Message(key={'ab12' * 8!r})"
