"""The message of the expert's program: written once, with gaps into which the bytes of each person are put."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from quopri import encodestring

import words

_HEAD = """\
From: {sender}
To: %s
Subject: %s
Message-ID: <%s@brighteyes.example>
Date: %s
List-Unsubscribe: <%s>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="=_expert"

"""
_PART = """\
--=_expert
Content-Type: text/{kind}; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

"""
_END = b"\r\n--=_expert--\r\n"
_GREETING, _LINK = "{{ greeting }}", "{{ unsubscribe }}"


class Form:
    """The message with gaps: for To, Subject, Message-ID, Date, the link, and name and link in both bodies."""

    def __init__(self) -> None:
        head = _HEAD.format(sender=f"{words.PRACTICE} <{words.SENDER}>").replace("\n", "\r\n").encode()
        text, html = (_part(kind, body) for kind, body in (("plain", words.TEXT), ("html", words.HTML)))
        self._gaps = head + text + b"\r\n" + html + _END
        self._subject = words.SUBJECT.replace(_GREETING, "%s")

    def filled(self, key: str, given: str, family: str, email: str, unsubscribe: str) -> bytes:
        """Return the message to one person."""
        url, date = unsubscribe.encode(), format_datetime(datetime.now(UTC)).encode()
        link = url.replace(b"=", b"=3D")
        to = _words(f"{given} {family}") + b" <" + email.encode() + b">"
        head = (to, _words(self._subject % given), key.encode(), date, url)
        return self._gaps % (*head, _quoted(given), link, _quoted(escape(given)), link)


def _part(kind: str, body: str) -> bytes:
    parts = _quoted_parts(body.replace(_LINK, _GREETING).split(_GREETING))
    return _PART.format(kind=kind).replace("\n", "\r\n").encode() + b"%s".join(parts)


def _quoted_parts(parts: Sequence[str]) -> list[bytes]:
    return [_quoted(part).replace(b"%", b"%%") for part in parts]


def _quoted(text: str) -> bytes:
    return encodestring(text.encode()).replace(b"\n", b"\r\n")


def _words(text: str) -> bytes:
    """Return a text for a header, encoded where it must be (RFC 2047)."""
    return text.encode() if text.isascii() else b"=?utf-8?b?" + b2a_base64(text.encode(), newline=False) + b"?="
