"""A finished message as an e-mail: the same bytes every time, and nothing lost or smuggled in."""

from __future__ import annotations

import binascii
import email
import email.header
import email.policy
import re
from datetime import UTC, datetime
from email.headerregistry import Address
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
NASTY = [
    *[
        '"',
        "\\",
        ",",
        ";",
        ":",
        "<",
        ">",
        "@",
        "(",
        ")",
        "[",
        "]",
        ".",
        "'",
        "=?",
        "?=",
        "=?utf-8?q?x?=",
        " ",
        "  ",
        "_",
    ],
    *[
        "Ä",
        "e\u0301",
        "👩\u200d⚕️",
        "مها",
        "\u200fמיה",
        "\u00a0",
        "李",
        "ß",
        "O'Neill",
        "Dr. Mia",
        "a@b.example",
        "Bcc: x@y.example",
    ],
]
nasty = st.lists(st.sampled_from(NASTY) | words.map(one_line), max_size=12).map("".join)
PIECES = [
    *[
        "\n",
        "\r\n",
        "\r",
        ".",
        "\n.\n",
        "..",
        "\n..\n",
        "From ",
        "\nFrom x\n",
        " ",
        "\t",
        " \n",
        "=",
        "=_",
        "--=_",
        "\n--=_" + "ab12" * 8,
    ],
    *[
        "--",
        "x" * 100,
        "word " * 40,
        "ü" * 60,
        "https://brighteyes.example/" + "p" * 2000,
        "مرحبا",
        "👩\u200d⚕️",
        "\u2028",
        "\x0c",
        "\x85",
    ],
]
bodies = st.lists(st.sampled_from(PIECES) | words, max_size=10).map("".join)


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


@pytest.mark.parametrize(
    "part",
    ["subject", "text", "html", "to", "to_name", "from_name", "from_email", "language", "message_id", "key", "type"],
)
def test_the_digest_tells_any_other_word(part: str) -> None:
    assert message().digest != message(**{part: "other"}).digest


def test_it_says_who_when_and_that_a_machine_wrote_it() -> None:
    mail = parsed(to_bytes(message()))
    assert mail["From"] == "Bright Eyes Optometry <hello@brighteyes.example>"
    assert mail["Message-ID"] == "<ab12@brighteyes.example>"
    assert mail["Date"].datetime == AT
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert mail["Content-Language"] == "en"
    assert mail.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize(
    ("key", "message_id", "boundary"),
    [
        ("ab12", "<ab12.0f1e@brighteyes.example>", "=_ab12.0f1e"),
        ("ab12", "<another@brighteyes.example>", "=_ab12"),
        ("ab12", '<ab12"; x=@brighteyes.example>', "=_ab12"),
        ("a" * 66, f"<{'a' * 66}.0f1e@brighteyes.example>", f"=_{'a' * 66}"),
    ],
)
def test_what_stands_between_its_parts_names_it_too(key: str, message_id: str, boundary: str) -> None:
    mail = parsed(to_bytes(message(key=key, message_id=message_id)))
    assert mail.get_boundary() == boundary
    assert body(mail, "plain") == "Dear Mia,\n"


def test_without_html_it_is_plain_text() -> None:
    mail = parsed(to_bytes(message(html="")))
    assert mail.get_content_type() == "text/plain"
    assert body(mail, "plain") == "Dear Mia,\n"


def slowly(message: Message) -> EmailMessage:
    """The same mail as the standard library writes it."""
    policy = email.policy.SMTP.clone(max_line_length=998, cte_type="7bit")
    mail = EmailMessage(policy=policy)
    mail["From"] = Address(message.from_name, addr_spec=message.from_email)
    mail["To"] = Address(message.to_name, addr_spec=message.to)
    mail["Subject"] = message.subject
    mail["Date"] = message.at
    mail["Message-ID"] = message.message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text, cte="quoted-printable")
    if message.html:
        mail.add_alternative(message.html, "html", cte="quoted-printable")
    for name, value in message.headers:
        mail[name] = value
    return parsed(mail.as_bytes())


def raw_header(raw: bytes, name: str) -> str:
    """A header's text, unfolded and not decoded."""
    head = raw.split(b"\r\n\r\n", 1)[0].decode("ascii")
    return re.search(rf"(?:^|\r\n){name}: ((?:[^\r\n]|\r\n )*)", head)[1].replace("\r\n", "")  # type: ignore[index]


def decoded(text: str) -> str:
    # The newer parser leaves a space between two encoded words of a display name, which RFC 2047 section 6.2 forbids.
    return str(email.header.make_header(email.header.decode_header(text)))


def plain_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@settings(max_examples=300, deadline=None)
@given(to_name=lines | nasty, from_name=nasty, subject=lines | nasty, text=bodies, html=bodies, note=nasty)
@example(
    to_name='O"Neill, Zoë <b@c.example>',
    from_name="",
    subject="x" * 900,
    text="=\n.\n--=_ab12\n",
    html="<p>é</p> \n",
    note="",
)
@example(to_name="Ä" * 300, from_name="\\", subject="Grüße, " * 80, text=" \n\t", html="\x0c\x85\u2028", note="ü" * 900)
@example(to_name='"' * 500, from_name=", " * 400, subject="x" * 2000, text="." * 2000, html="", note="")
def test_every_part_reads_back_as_it_was(
    to_name: str, from_name: str, subject: str, text: str, html: str, note: str
) -> None:
    sent = message(
        to_name=to_name, from_name=from_name, subject=subject, text=text, html=html, headers=(("X-Note", note or "é"),)
    )
    raw = to_bytes(sent)
    mail = parsed(raw)
    assert raw == to_bytes(sent)
    assert raw.isascii()
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    for field, address, name in (("To", sent.to, to_name), ("From", sent.from_email, from_name)):
        assert [one.addr_spec for one in mail[field].addresses] == [address]
        written = raw_header(raw, field).rsplit(" <", 1)[0]
        in_words = written.startswith("=?utf-8?b?")
        assert (decoded(written) if in_words else mail[field].addresses[0].display_name) == name
    assert mail["Subject"] == subject
    assert not note or note.isascii() or mail["X-Note"] == note
    assert body(mail, "plain") == plain_lines(text)
    assert not html or body(mail, "html") == plain_lines(html)


def in_one_word(name: str) -> str:
    """A name of at most 20 letters that one encoded word holds: of two, the standard library reads a space between."""
    return name[:20].encode()[:45].decode(errors="ignore").strip()


@settings(max_examples=100, deadline=None)
@given(
    to_name=lines.map(in_one_word),
    subject=lines.map(lambda text: text[:60].strip()),
    text=bodies,
    html=bodies,
)
def test_it_says_the_same_as_the_standard_library_would(to_name: str, subject: str, text: str, html: str) -> None:
    sent = message(to_name=to_name, subject=subject, text=plain_lines(text), html=plain_lines(html))
    ours, theirs = parsed(to_bytes(sent)), slowly(sent)
    for name in ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language", "MIME-Version"):
        assert ours[name] == theirs[name]
    assert ours.get_content_type() == theirs.get_content_type()
    for kind in ("plain", "html") if html else ("plain",):
        assert body(ours, kind).rstrip("\n") == body(theirs, kind).rstrip("\n")


def test_a_name_never_makes_two_recipients() -> None:
    for name in (
        "Mia, evil@home.example",
        "Mia <evil@home.example>,",
        'Mia" <evil@home.example>, "x',
        "a\\",
        "(x",
        "g: a;",
    ):
        mail = parsed(to_bytes(message(to_name=name)))
        assert [(one.display_name, one.addr_spec) for one in mail["To"].addresses] == [(name, "mia@home.example")]


@pytest.mark.parametrize("text", ["ü" * 300, "👩" * 200, "Zoë " * 90])
def test_encoded_words_are_short_and_split_no_character(text: str) -> None:
    raw = to_bytes(message(subject=text, to_name=text))
    words = re.findall(rb"=\?utf-8\?b\?([^?]*)\?=", raw)
    assert len(words) > 10
    assert "".join(binascii.a2b_base64(word).decode() for word in words) == text + text
    assert max(len(line) for line in raw.split(b"\r\n") if b"=?" in line) <= 76


@pytest.mark.parametrize(
    "to", ['"a b"@home.example', '"x,y"@home.example', "o'neill+tag@home.example", "a@[192.0.2.1]"]
)
def test_rare_addresses_are_one_address_still(to: str) -> None:
    (one,) = parsed(to_bytes(message(to=to)))["To"].addresses
    assert one.addr_spec == to


@pytest.mark.parametrize(
    "header",
    [
        ("List-Unsubscribe", "<https://brighteyes.example/" + "x" * 2000 + ">"),
        ("List-Unsubscribe", "<https://bright-éyes.example/>"),
        ("Subject", "another"),
        ("X-Auto-Response-Suppress", "None"),
        ("Bcc", "evil@home.example"),
        ("Content-Transfer-Encoding", "8bit"),
    ],
    ids=["longer than a line", "not ASCII", "a second subject", "other notices", "a hidden copy", "another coding"],
)
def test_a_header_that_would_break_the_mail_is_refused(header: tuple[str, str]) -> None:
    with pytest.raises(TemplateError, match="header") as refused:
        to_bytes(message(headers=(header,)))
    assert header[1] not in str(refused.value)


def test_what_is_no_unicode_is_refused_without_repeating_it() -> None:
    sent = message(text="Dear \ud83d")
    assert len(sent.digest) == 64
    with pytest.raises(TemplateError, match="Unicode") as refused:
        to_bytes(sent)
    assert "Dear" not in str(refused.value)


def test_a_text_of_few_latin_letters_takes_the_shorter_coding() -> None:
    raw = to_bytes(message(text="Γεια σου, " * 100, html=""))
    assert b"Content-Transfer-Encoding: base64" in raw
    assert body(parsed(raw), "plain") == "Γεια σου, " * 100


def test_no_body_line_is_longer_than_mail_allows() -> None:
    raw = to_bytes(message(text="word " * 1000, html="<p>" + "ü" * 5000))
    assert max(len(line) for line in raw.split(b"\r\n\r\n", 1)[1].split(b"\r\n")) <= 76


def test_the_digest_cannot_be_fooled_by_moving_words_between_parts() -> None:
    alike = [
        message(text="ab", html="c"),
        message(text="a", html="bc"),
        message(text="", html="abc"),
        message(to_name="Mia", from_name="", subject="x"),
        message(to_name="", from_name="Mia", subject="x"),
        message(headers=(("A", "b"), ("C", "d"))),
        message(headers=(("A", "b"),), text="C\nd\nDear Mia,\n"),
        message(headers=(), text="A\nb\nC\nd\nDear Mia,\n"),
        message(headers=(("A", "b"), ("C", "d"), ("E", "f"))),
    ]
    assert len({one.digest for one in alike}) == len(alike)


def test_a_very_long_unsubscribe_address_stays_whole() -> None:
    raw = to_bytes(message(headers=(("List-Unsubscribe", f"<{LONG_URL}>"),)))
    assert f"\r\nList-Unsubscribe: <{LONG_URL}>\r\n".encode() in raw


@pytest.mark.parametrize(
    "field", ["subject", "to", "to_name", "from_name", "from_email", "message_id", "language", "type"]
)
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
