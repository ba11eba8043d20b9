"""Complaints that mailbox providers send back as mail: feedback reports (RFC 5965)."""

from __future__ import annotations

import re
from email.message import Message as Mail

from crmkit.builtin.mail.incoming import (
    bare_address,
    blocks,
    envelope_key,
    fields_of,
    header,
    kind_of,
    named,
    parts,
    raw_text,
    returned_key,
    subject,
    written_at,
)
from crmkit.delivery.events.event import Event, EventKind, Payload, Stop
from crmkit.people.medium import Medium, Purpose

#: Reports that are no reader's complaint: the opposite of one, or about the mail's signatures (RFC 6591).
_NO_COMPLAINT = frozenset({"not-spam", "auth-failure", "dmarc"})
_JMRP = re.compile(r"(?i)complaint about message from ")
_LEAVING = frozenset({"opt-out", "opt-out-list"})


def complaints(mail: Mail, payload: Payload) -> list[Event] | None:
    """Return what a feedback report says, with ids still to be given; None if the mail is none.

    Abuse, fraud, virus and any unknown type count as a complaint; opt-out as unsubscribed; not-spam says nothing.
    """
    report = next((part for part in parts(mail) if kind_of(part) == "message/feedback-report"), None)
    if report is None:
        return _of_microsoft(mail, payload)
    said = _fields(report)
    kind = header(said, "feedback-type").lower()
    address = bare_address(header(said, "original-rcpt-to")) or bare_address(header(said, "removal-recipient"))
    key = envelope_key(header(said, "original-envelope-id")) or returned_key(mail)
    if kind in _NO_COMPLAINT or not (address or key):
        return []
    left = kind in _LEAVING
    return [
        Event(
            id="?",
            kind=EventKind.UNSUBSCRIBED if left else EventKind.COMPLAINED,
            medium=Medium.EMAIL,
            at=written_at(
                header(said, "arrival-date") or header(said, "received-date") or header(mail, "date"), payload
            ),
            **named(key),
            address=address,
            stop=Stop((Purpose.MARKETING, Purpose.FEEDBACK)) if left else None,
            evidence="feedback loop: opt-out" if left else "feedback loop: complaint",
        )
    ]


def _of_microsoft(mail: Mail, payload: Payload) -> list[Event] | None:
    """Read what Outlook.com's program for senders (JMRP) sends: the message itself, with the reader in a header."""
    key = returned_key(mail) if _JMRP.match(subject(mail)) else ""
    if not key:
        return None
    readers = (bare_address(header(part, "x-hmxmroriginalrecipient")) for part in parts(mail))
    return [
        Event(
            id="?",
            kind=EventKind.COMPLAINED,
            medium=Medium.EMAIL,
            at=written_at(header(mail, "date"), payload),
            **named(key),
            address=next(filter(None, readers), ""),
            evidence="feedback loop: complaint",
        )
    ]


def _fields(report: Mail) -> Mail:
    """Return the report's fields, which Python parses as the headers of a message inside, or not at all."""
    inside = blocks(report)
    return inside[0] if inside else fields_of(raw_text(report))
