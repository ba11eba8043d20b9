"""The values of e-mail headers as ASCII bytes: text as encoded words (RFC 2047), mailboxes as RFC 5322 wants them."""

from __future__ import annotations

import email.errors
import re
from binascii import b2a_base64
from email.headerregistry import Address

from crmkit.errors import TemplateError

#: What can stand in no line of a mail's head.
BREAK = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PHRASE = re.compile(rf"{_ATOM}(?: {_ATOM})*")
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_QUOTED = re.compile(r'(["\\])')

#: A line holds at most 998 octets (RFC 5322 section 2.1.1); the rest is left to the header's name and an address.
_LINE = 998
_WHOLE = 600
_LONGEST_ADDRESS = 320


def text_line(name: str, text: str) -> bytes:
    r"""Return a header that people read: ASCII as it is, all else as encoded words that split no character.

    >>> text_line("Subject", "Happy birthday, Mia")
    b'Subject: Happy birthday, Mia\r\n'
    >>> text_line("Subject", "Grüße")
    b'Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n'

    Raises:
        ValueError: If a line break or another control character stands in it.
    """
    _check(text)
    if text.isascii() and len(text) <= _WHOLE and "=?" not in text and text == text.strip(" "):
        return f"{name}: {text}\r\n".encode("ascii")
    return f"{name}: ".encode("ascii") + _words(text, len(name)) + b"\r\n"


def mailbox_line(name: str, display: str, address: str) -> bytes:
    r"""Return a header that names exactly one mailbox, whatever stands in the display name.

    >>> mailbox_line("To", "Muster, Mia", "mia@home.example")
    b'To: "Muster, Mia" <mia@home.example>\r\n'

    Raises:
        TemplateError: If the address is not one plain e-mail address.
        ValueError: If a line break or another control character stands in the display name.
    """
    plain = plain_address(address)
    if not display:
        return f"{name}: {plain}\r\n".encode("ascii")
    if len(display) <= _WHOLE and _PHRASE.fullmatch(display) and "=?" not in display:
        return f"{name}: {display} <{plain}>\r\n".encode("ascii")
    _check(display)
    if (
        len(display) <= _WHOLE // 2
        and display.isascii()
        and "=?" not in display
        and display == " ".join(display.split())
    ):
        quoted = _QUOTED.sub(r"\\\1", display)
        return f'{name}: "{quoted}" <{plain}>\r\n'.encode("ascii")
    return f"{name}: ".encode("ascii") + _words(display, len(name)) + f"\r\n <{plain}>\r\n".encode("ascii")


def plain_address(address: str) -> str:
    """Return an address as it may stand in a header and in an SMTP envelope.

    Raises:
        TemplateError: If it is not exactly one address in ASCII; the error does not repeat it.
    """
    if len(address) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(address):
        return address
    try:
        address.encode("ascii")
        _check(address)
        plain = Address(addr_spec=address).addr_spec
    except (ValueError, IndexError, email.errors.MessageError):
        plain = ""
    if not 0 < len(plain) <= _LONGEST_ADDRESS:
        raise TemplateError("an address is no plain e-mail address")
    return plain


def further_line(name: str, value: str) -> bytes:
    """Return a further header: an ASCII value whole on one line, for a folded link would be a dead one.

    Raises:
        ValueError: If the value fits on no line, has a control character, or is a link or an address and not ASCII.
    """
    if not value.isascii():
        if name.lower().startswith("list-") or name.lower() in ("reply-to", "sender"):
            raise ValueError("a header of links or addresses is not ASCII")
        return text_line(name, value)
    _check(value)
    line = f"{name}: {value}\r\n".encode("ascii")
    if len(line) > _LINE + 2:
        raise ValueError("a header is longer than a line of mail")
    return line


def _check(text: str) -> None:
    # Most text is printable, which is told faster than the pattern is searched.
    if not text.isprintable() and BREAK.search(text):
        raise ValueError("a line break or control character stands in a header")


def _words(text: str, taken: int) -> bytes:
    """Return encoded words, one to a line of at most 76 octets where `taken` are the name's."""
    raw = text.encode("utf-8")
    words, start, room = [], 0, max((62 - taken) // 4 * 3, 12)
    while start < len(raw):
        end = start + room
        while end < len(raw) and raw[end] & 0xC0 == 0x80:
            end -= 1
        words.append(b"=?utf-8?b?" + b2a_base64(raw[start:end], newline=False) + b"?=")
        start, room = end, 45
    return b"\r\n ".join(words)
