"""One incoming mail, read with care: sizes are bounded, and no header is trusted to be what it should."""

from __future__ import annotations

import email
import email.errors
import email.header
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import Message as Mail
from email.parser import BytesHeaderParser
from email.utils import parseaddr, parsedate_to_datetime
from itertools import islice
from typing import TypedDict

from crmkit.delivery.events.event import Payload
from crmkit.errors import SourceError

#: What lies beyond is not read: the report of a bounce stands at the beginning.
MOST_BYTES = 1_000_000
MOST_PARTS = 200
MOST_GROUPS = 10 * MOST_PARTS
MOST_ADDRESS = 320

#: A report begins a new group of fields after each of these.
_GAP = re.compile(rb"(?:\r\n|\r|\n)(?=[\r\n])")
_BLANK = re.compile(rb"(?:\r?\n[ \t]*){2,}")
_MOST_COMMENTS = 20
_TYPED = re.compile(rb"(?i)[\r\n]content-type:")
#: The standard library takes quadratic time over the parameters of one such field.
_LONG_TYPE = re.compile(rb"(?i)(?:\A|[\r\n])content-type:(?:[^\r\n]|(?:\r\n?|\n)[ \t]){5000}")
#: A touch's key, and behind a full stop the proof that a message of ours carried it.
_WORD = r"[0-9a-f]{32}(?:\.[0-9a-f]{16})?"
_KEY = re.compile(_WORD)
#: What programs call their text that know of nothing else; browsers read all of these as windows-1252.
_LATIN = frozenset({"us-ascii", "ascii", "iso-8859-1", "latin-1", "latin1", "windows-1252", "cp1252", "unknown-8bit"})
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_OURS = re.compile(rf'(?:<\s*|="=_)({_WORD})[@"]')
_QUOTED_ID = re.compile(rf'(?im)(?:^[> \t]*message-id:[ \t]*(?:\r?\n[ \t]+)?<|="=_)({_WORD})[@"]'.encode("ascii"))
_SYSTEM = re.compile(
    r"(?i)mailer-?daemon|postmaster|mdaemon|mail.?(?:delivery|service)|delivery.?subsystem|system.?admin"
    r"|microsoftexchange[0-9a-f]{32}@"
)
_UNDELIVERED = re.compile(
    r"(?i)(?:mail |message )?(?:undeliver|non-?deliver|(?:could )?not (?:be )?delivered|unzustellbar|failure notice"
    r"|delivery (?:fail|status|problem|error|delay)|delayed mail|returned mail|failed mail|non remis"
    r"|[ée]chec de (?:la )?remise|non recapitabile|impossibile recapitare|no se puede entregar"
    r"|n[ãa]o (?:foi )?entregue|onbestelbaar)"
)
#: Put behind the subject of the message that failed.
_APPENDED = re.compile(r"(?i)\(delivery fail\w*\)$")


class Named(TypedDict):
    """Which message an event names."""

    key: str
    proof: str


def read_mail(payload: Payload) -> Mail:
    """Return the payload's mail; of a very long one only the beginning.

    Raises:
        SourceError: If it is no mail, or made to exhaust whoever reads it.
    """
    body = _beginning(payload.body)
    if not body.strip():
        raise SourceError("the mail is empty", where="mail")
    if len(_TYPED.findall(body)) > MOST_PARTS or body.count(b"\n--") + body.count(b"\r--") > MOST_GROUPS:
        raise SourceError(f"the mail has more than {MOST_PARTS} parts", where="mail")
    if _LONG_TYPE.search(body):
        raise SourceError("the mail has a Content-Type of more than 5000 characters", where="mail")
    try:
        return email.message_from_bytes(body)
    except (email.errors.MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as problem:
        raise SourceError(f"the mail cannot be read ({type(problem).__name__})", where="mail") from None


def _beginning(body: bytes) -> bytes:
    """Return so much of a mail as is read: some bytes, and of a report some groups of fields."""
    beginning = body[:MOST_BYTES]
    if b"delivery-status" not in beginning.lower():
        return beginning
    last = next(islice(_GAP.finditer(beginning), MOST_GROUPS, None), None)
    return beginning[: last.start()] if last else beginning


def parts(mail: Mail) -> Iterator[Mail]:
    """Yield the mail's first parts, itself included."""
    return islice(mail.walk(), MOST_PARTS)


def header(mail: Mail, name: str) -> str:
    """Return a header as one line of text, empty if it is missing; whatever cannot stand in a line is left out."""
    found = _as_sent(mail, name)[:2000]
    return " ".join("".join(sign if sign.isprintable() else " " for sign in found).split())


def _as_sent(mail: Mail, name: str) -> str:
    """Return a header's value; one of raw octets, for which Python shows replacement signs, as what they say."""
    value = mail.get(name) or ""
    if isinstance(value, str):
        return value
    small = name.lower()
    raw = next((str(found) for called, found in mail.raw_items() if called.lower() == small), "")
    return _read_octets(raw.encode("utf-8", "surrogateescape"), ())


def kind_of(mail: Mail) -> str:
    """Return the content type in lower case."""
    try:
        return mail.get_content_type()
    except (ValueError, LookupError, TypeError, AttributeError):
        return "text/plain"


def raw_text(part: Mail) -> bytes:
    """Return a leaf's content as bytes, its transfer encoding undone as far as it goes."""
    try:
        found = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AttributeError):
        return b""
    return found if isinstance(found, bytes) else b""


def text_of(part: Mail) -> str:
    """Return a leaf's content as text, also where its character set is unknown, or another one than it says."""
    try:
        named = str(part.get_content_charset("utf-8")).lower()
    except (LookupError, ValueError, TypeError, AttributeError):
        named = "utf-8"
    # Hebrew in logical order has the same octets under three names, of which Python knows one.
    named = named.removesuffix("-i").removesuffix("-e") if named.startswith("iso-8859-") else named
    # Text that reads as UTF-8 is no Latin text, whatever it says: hardly any octets read as both.
    return _read_octets(raw_text(part), () if named in _LATIN else (named,))


def _read_octets(raw: bytes, named: Sequence[str]) -> str:
    for charset in (*named, "utf-8", "windows-1252"):
        with suppress(LookupError, ValueError, TypeError, AttributeError):
            return raw.decode(charset)
    return raw.decode("utf-8", "replace")


def sender(mail: Mail) -> str:
    """Return the address that the mail says it is from."""
    return bare_address(_parsed(header(mail, "from")))


def written_at(text: str, payload: Payload) -> datetime | None:
    """Return the instant that a date header names; None if it is no date, or later than the mail's arrival."""
    try:
        at = parsedate_to_datetime(text)
        # "-0000" says that only UTC is known (RFC 5322 section 3.3).
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at <= payload.received_at + timedelta(hours=1) else None


def key_in(text: str) -> str:
    """Return the touch's key from a Message-ID of ours, with its proof if it has one; empty if there is none.

    >>> key_in("<acee0661dca0cc9062eb88c1d7b554a4@brighteyes.example>")
    'acee0661dca0cc9062eb88c1d7b554a4'
    """
    found = _OURS.search(text)
    return found[1] if found else ""


def named(word: str) -> Named:
    """Return what an event says of the message that a key, with its proof or without, is of."""
    key, _, proof = word.partition(".")
    return {"key": key, "proof": proof}


def returned_key(mail: Mail) -> str:
    """Return the key of the message reported on: of the Message-ID or boundary that comes back, else of quoted text."""
    for part in parts(mail):
        if part is not mail and (key := key_in(header(part, "message-id")) or key_in(header(part, "content-type"))):
            return key
    for part in parts(mail):
        if not part.is_multipart() and (found := _QUOTED_ID.search(raw_text(part))):
            return found[1].decode("ascii").lower()
    return answered_key(mail)


def answered_key(mail: Mail) -> str:
    """Return the key of the message that this one answers, by its In-Reply-To and References."""
    return key_in(header(mail, "in-reply-to")) or key_in(header(mail, "references"))


def from_mail_system(mail: Mail) -> bool:
    """Tell whether the mail comes from a mail server, not from a person: an answer's subject begins with "Re:"."""
    if sent_by_system(mail) or says_undelivered(mail):
        return True
    answers = mail.get("in-reply-to") is not None or mail.get("references") is not None
    return not answers and bool(_APPENDED.search(subject(mail)))


def says_undelivered(mail: Mail) -> bool:
    """Tell whether the subject says that a message could not be delivered, in one of some languages."""
    return bool(_UNDELIVERED.match(subject(mail)))


def sent_by_system(mail: Mail) -> bool:
    """Tell whether a mail server wrote the mail, by its form and sender alone: a subject can be quoted."""
    if mail.get("x-failed-recipients") is not None or kind_of(mail) == "multipart/report":
        return True
    return "@" not in sender(mail) or bool(_SYSTEM.search(header(mail, "from")))


def subject(mail: Mail) -> str:
    """Return the subject, decoded."""
    found = header(mail, "subject")
    try:
        return "".join(
            piece if isinstance(piece, str) else piece.decode(charset or "ascii", "replace")
            for piece, charset in email.header.decode_header(found)
        )
    except (ValueError, LookupError, email.errors.MessageError):
        return found


def blocks(part: Mail) -> list[Mail]:
    """Return the messages inside a part; of a report, its groups of fields."""
    found = part.get_payload()
    return [one for one in found if isinstance(one, Mail)] if isinstance(found, list) else []


def groups_of(report: Mail) -> list[Mail]:
    """Return a delivery report's groups of fields, also where Python takes the report for a message or for text."""
    inside = blocks(report)
    if kind_of(report) != "message/delivery-status":
        # RFC 6533: the first group passes for a header, the others for what stands below it.
        inside += [group for one in inside for group in _cut(raw_text(one))]
    return inside if any(header(group, "action") for group in inside) else _cut(_text_inside(report, inside))


def _text_inside(report: Mail, inside: list[Mail]) -> bytes:
    """Return a report that is written in base64 or quoted-printable: Python decodes no message."""
    text = "\n".join(str(one.get_payload()) for one in inside if not one.is_multipart())
    coded = Mail()
    coded["content-transfer-encoding"] = header(report, "content-transfer-encoding")
    coded.set_payload(text)
    return raw_text(coded)


def _cut(text: bytes) -> list[Mail]:
    pieces = islice(_BLANK.split(text), MOST_GROUPS)
    return [fields_of(piece.strip()) for piece in pieces if piece.strip()]


def fields_of(text: bytes) -> Mail:
    """Return a group of fields; what they say of parts and their boundaries is not looked at."""
    return BytesHeaderParser().parsebytes(text)


def envelope_key(envelope: str) -> str:
    """Return the key that an envelope id (RFC 3461 section 4.4) is, or holds as our Message-ID does; else empty."""
    return envelope if _KEY.fullmatch(envelope) else key_in(f"<{envelope.strip('<>')}")


def bare_address(text: str) -> str:
    """Return the e-mail address in a field, its xtext (RFC 3461 section 4) undone; empty if there is none.

    >>> bare_address(" <mia+2Bnews@brighteyes.example>")
    'mia+news@brighteyes.example'
    """
    bare = _parsed(text.strip().strip('"')) or text.strip(" <>")
    plain = _XTEXT.sub(lambda found: chr(int(found[1], 16)), bare)
    return plain if "@" in plain and len(plain) <= MOST_ADDRESS and plain.isprintable() and " " not in plain else ""


def _parsed(text: str) -> str:
    # The standard library reads a comment within a comment by calling itself.
    return "" if text.count("(") > _MOST_COMMENTS else parseaddr(text)[1]
