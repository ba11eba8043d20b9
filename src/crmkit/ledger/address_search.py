"""Whether what arrived quotes an address, in whichever of the usual ways mails, calls and exports write one down."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

import sqlalchemy as sa

from crmkit.people.digits import close, end_of

#: A line of base64 by itself, as mails are cut into: each holds whole octets.
_LINE = re.compile(rb"[A-Za-z0-9+/]{4,}={0,2}")
#: An encoded word (RFC 2047); what is quoted in one is told by all that is written with "=".
_WORD = re.compile(rb"=\?[^?\s]{1,40}\?[Bb]\?([A-Za-z0-9+/=]*)\?=")
_ESCAPED = re.compile(rb"\\u00([0-7][0-9A-Fa-f])")
_AT_ONCE = 1000


def holds(body: bytes, addresses: Sequence[str]) -> bool:
    """Tell whether a payload quotes one of some addresses, numbers or keys.

    It is looked for as it stands there, in quoted-printable and base64 of a mail, in the fields of a form, in JSON, and
    in an address for bounces that was made of it.

    >>> holds(b"From=%2B61491570006&Body=stop", ["0491 570 006"]), holds(b"mia at home", ["mia@home.example"])
    (True, False)
    """
    ends = {end for address in addresses if (end := end_of(address))}
    words = {address.casefold() for address in addresses if address and not end_of(address)}
    words |= {word.replace("@", "=") for word in words}
    # Letters of either case are one address, and bytes alone know those of English only.
    texts = (reading.decode("utf-8", "replace").casefold() for reading in _readings(body))
    return any(_quotes(text, words, ends) for text in texts)


def unread_about(
    connection: sa.Connection, rejected: sa.Table, practice: str, addresses: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Return the rejected rows that say not whose they are and quote one of some addresses."""
    if not addresses:
        return []
    query = sa.select(rejected).where(rejected.c.practice == practice, rejected.c.patient == "")
    with connection.execute(query.execution_options(yield_per=_AT_ONCE)) as rows:
        return [
            dict(row._mapping)
            for row in rows
            if holds("\n".join(map(str, row.row.values())).encode("utf-8", "replace"), addresses)
        ]


def _quotes(text: str, words: Iterable[str], ends: Iterable[str]) -> bool:
    if any(word in text for word in words):
        return True
    digits = close(text) if ends else ""
    return any(end in digits for end in ends)


def _readings(body: bytes) -> Iterator[bytes]:
    yield body
    if b"=" in body:
        yield binascii.a2b_qp(body)
    if b"%" in body:
        yield unquote_to_bytes(body.replace(b"+", b" "))
    if b"\\u" in body:
        yield _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), body)
    yield b"".join(_decoded(line) for line in body.split() if len(line) % 4 == 0 and _LINE.fullmatch(line))
    for word in _WORD.findall(body):
        yield _decoded(word)


def _decoded(coded: bytes) -> bytes:
    try:
        return base64.b64decode(coded)
    except ValueError:
        return b""
