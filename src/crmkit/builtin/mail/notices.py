"""Bounces without a report: what servers write in words of their own, by the forms that flufl.bounce knows."""

from __future__ import annotations

import email
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message as Mail
from itertools import islice, takewhile

import attrs
from flufl.bounce import all_failures

from crmkit.builtin.mail.fault import failure_code, in_words, is_about_address, is_waiting, says_why
from crmkit.builtin.mail.incoming import (
    MOST_PARTS,
    bare_address,
    from_mail_system,
    header,
    kind_of,
    named,
    parts,
    raw_text,
    returned_key,
    says_undelivered,
    subject,
    written_at,
)
from crmkit.delivery.events.event import Event, EventKind, Payload
from crmkit.people.medium import Medium

#: How much of a mail, in lines of which length, is searched: the patterns take quadratic time over a line.
_SCANNED, _LINE, _NOTICE = 64_000, 320, 60
_BREAKS = re.compile(rb"\r\n?|\n")
_ASCII = bytes(range(128)) + b"\x7f" * 128
_NAMED = re.compile(r"(?a)\b[\w.+'-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-z]{2,24}\b", re.IGNORECASE)
#: Keys of our messages look like addresses.
_OURS = re.compile(r"[0-9a-f]{32}@")
_RETURNED = re.compile(r"(?i)\W*(?:-{3,}.*(?:original|copy|header|returned)|return-path:|received:|copy of)")


def notices(mail: Mail, payload: Payload) -> list[Event]:
    """Return what a bounce without a report says, with ids still to be given; nothing of a mail that a person wrote.

    Where the words give no reason, flufl.bounce's own verdict holds: failed for good, or only delayed; but a mailbox
    that sends a notice of its own (RFC 8098), as a filter of the reader does, is there. Of a form that it does not know
    the words alone are taken: they must name one address, and a reason, unless the subject says enough and a message
    of ours is returned.
    """
    if not from_mail_system(mail):
        return []
    plain = _bounded(payload.body)
    try:
        with _silent():
            temporary, permanent = all_failures(plain)
    except Exception:  # noqa: BLE001 - a reader of wild mail that stumbles has found nothing
        return []
    words = notice_of(plain)
    status = failure_code(words)
    told = bool(status or says_why(words))
    waiting = is_waiting(f"{subject(mail)} {words}") and not status.startswith("5")
    hard = is_about_address(status, words) if told else bool(permanent) or is_about_address("", words)
    hard = hard and not any(kind_of(part) == "message/disposition-notification" for part in parts(mail))
    key, at = returned_key(mail), written_at(header(mail, "date"), payload)
    if not (temporary or permanent) and (told or waiting or hard or (key and says_undelivered(mail))):
        permanent = _named(mail, words)
    bounce = Event(
        id="?",
        kind=EventKind.BOUNCED,
        medium=Medium.EMAIL,
        at=at,
        **named(key),
        permanent=hard,
        status=in_words(status, words),
        evidence="notice: bounced",
    )
    delay = Event(id="?", kind=EventKind.DELAYED, medium=Medium.EMAIL, at=at, **named(key), evidence="notice: delayed")
    late = temporary | permanent if waiting else temporary - permanent
    found = [(bounce, one) for one in sorted(permanent - late)] + [(delay, one) for one in sorted(late)]
    addressed = ((event, _address(one)) for event, one in found)
    return [attrs.evolve(event, address=address) for event, address in addressed if address]


def _named(mail: Mail, words: str) -> frozenset[bytes]:
    """Return the one address that a notice of an unknown form names; nothing if it names several, or none."""
    ours = {found.casefold() for name in ("to", "delivered-to", "from") if (found := bare_address(header(mail, name)))}
    named: dict[str, str] = {one.casefold(): one for one in _NAMED.findall(words) if not _OURS.match(one)}
    others = [one for small, one in named.items() if small not in ours]
    return frozenset([others[0].encode("ascii", "replace")] if len(others) == 1 else [])


def notice_of(mail: Mail) -> str:
    """Return what the server says before it returns the message: there the code and the reason stand."""
    first = next((part for part in parts(mail) if not part.is_multipart()), mail)
    lines = raw_text(first)[:_SCANNED].decode("ascii", "replace").splitlines()[:_NOTICE]
    said = takewhile(lambda line: not _RETURNED.match(line), (line[:_LINE].strip() for line in lines))
    return " ".join(said)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep flufl.bounce from logging what it stumbles over: it quotes the mail."""
    log, silence = logging.getLogger("flufl.bounce"), logging.Filter("nobody")
    log.addFilter(silence)
    try:
        yield
    finally:
        log.removeFilter(silence)


def _address(found: bytes) -> str:
    text = found.decode("ascii", "replace").strip()
    bare = bare_address(text)
    # A comment around the address may hold what cannot stand in a line.
    return text if bare and text.isprintable() else bare


def _bounded(body: bytes) -> Mail:
    """Return the mail's beginning in short ASCII lines: patterns for wild mail take their time over long ones."""
    plain = email.message_from_bytes(_short(body[:_SCANNED]))
    if sum(1 for _ in islice(plain.walk(), MOST_PARTS + 1)) > MOST_PARTS:
        return Mail()
    if not header(plain, "from"):
        # Without a sender one of the patterns stumbles, and those after it are not tried.
        del plain["from"]
        plain["from"] = "<>"
    for part in plain.walk():
        if not part.is_multipart() and part.get("content-transfer-encoding") is not None:
            text = _short(raw_text(part)).decode("ascii")
            del part["content-transfer-encoding"]
            part.set_payload(text)
    return plain


def _short(body: bytes) -> bytes:
    lines = _BREAKS.split(body)
    return b"\n".join(line[:_LINE] for line in lines).translate(_ASCII)
