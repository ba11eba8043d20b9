"""Bounces and complaints that come as mail: RFC 3464 reports, RFC 5965 complaints, and what older servers write."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import Message as Mail
from itertools import islice

import attrs

from crmkit.builtin.mail.automatic import is_automatic
from crmkit.builtin.mail.complaints import complaints
from crmkit.builtin.mail.fault import in_words, is_about_address, is_expired, status_of
from crmkit.builtin.mail.incoming import (
    MOST_GROUPS,
    MOST_PARTS,
    bare_address,
    blocks,
    envelope_key,
    groups_of,
    header,
    key_in,
    kind_of,
    named,
    parts,
    read_mail,
    returned_key,
    written_at,
)
from crmkit.builtin.mail.notices import notice_of, notices
from crmkit.delivery.events.event import Event, EventKind, Payload
from crmkit.people.medium import Medium

#: What actions begin with; some servers add words, and OpenSMTPD says "error". "Relayed" is no event: it says only that
#: a server took the message over that reports nothing.
_ACTIONS = {
    "fail": EventKind.BOUNCED,
    "error": EventKind.BOUNCED,
    "delay": EventKind.DELAYED,
    "deliver": EventKind.DELIVERED,
    "expand": EventKind.DELIVERED,
}
#: Reports of delivery: in ASCII, and with addresses in any letters (RFC 6533).
_REPORTS = ("message/delivery-status", "message/global-delivery-status")


@attrs.frozen
class BounceParser:
    """Reads the mails that come to the bounce address, and complaints from feedback loops."""

    name: str = "bounces"
    forgeable: bool = attrs.field(default=True, init=False)

    def parse(self, payload: Payload) -> Sequence[Event]:
        """Return one event for each recipient of a report, a complaint or a bounce; none for any other mail.

        A mail can be forged: what it says is proven only by the key and the proof of a message to that address.

        Raises:
            SourceError: If the mail cannot be read.
        """
        mail = read_mail(payload)
        found = complaints(mail, payload)
        if found is None:
            found = _reported(mail, payload)
        if found is None:
            found = [] if _is_receipt(mail) or is_automatic(mail) else notices(mail, payload)
        once = {(event.kind, event.address.casefold()): event for event in reversed(found)}
        events = islice(reversed(once.values()), MOST_PARTS)
        return [attrs.evolve(event, id=payload.event_id(number)) for number, event in enumerate(events, 1)]


def _reported(mail: Mail, payload: Payload) -> list[Event] | None:
    """Read delivery-status parts (RFC 3464); None if there is no such part, or none that says anything."""
    reports = (part for part in parts(mail) if kind_of(part) in _REPORTS)
    groups = list(islice((group for part in reports for group in groups_of(part)), MOST_GROUPS))
    told = [group for group in groups if header(group, "action")]
    if not told:
        return None
    envelope = next((found for group in groups if (found := header(group, "original-envelope-id"))), "")
    # Gmail returns no header at times, and names the message beside the report.
    beside = next((found for group in groups if (found := key_in(header(group, "x-original-message-id")))), "")
    key, date = envelope_key(envelope) or returned_key(mail) or beside, header(mail, "date")
    # What the server says in words may be about any of several recipients.
    words = notice_of(mail) if len({_recipient(group) for group in told}) == 1 else ""
    events = [_of_recipient(group, key, date, words, payload) for group in told]
    return [event for event in events if event]


def _of_recipient(group: Mail, key: str, date: str, words: str, payload: Payload) -> Event | None:
    action, address = header(group, "action").lower(), _recipient(group)
    kind = next((kind for begins, kind in _ACTIONS.items() if action.startswith(begins)), None)
    if kind is None or not (address or key):
        return None
    if kind is EventKind.DELAYED and is_expired(words):
        kind = EventKind.BOUNCED
    stated, diagnosis = header(group, "status"), header(group, "diagnostic-code")
    status = in_words(status_of(stated, diagnosis), diagnosis or words)
    return Event(
        id="?",
        kind=kind,
        medium=Medium.EMAIL,
        at=written_at(header(group, "last-attempt-date"), payload) or written_at(date, payload),
        **named(key),
        address=address,
        permanent=kind is EventKind.BOUNCED and is_about_address(status, f"{stated} {diagnosis or words}"),
        status=status,
        evidence=f"report: {kind}",
    )


def _recipient(group: Mail) -> str:
    """Return whom the report is about; the address as it was written to goes before where it was forwarded to."""
    for name in ("original-recipient", "final-recipient"):
        scheme, _, address = header(group, name).rpartition(";")
        if scheme.strip().lower() in ("rfc822", "utf-8", "") and (found := bare_address(address)):
            return found
    return ""


def _is_receipt(mail: Mail) -> bool:
    """Tell whether it is a read receipt (RFC 8098)."""
    receipts = (part for part in parts(mail) if kind_of(part) == "message/disposition-notification")
    groups = (group for part in receipts for group in blocks(part))
    return any("displayed" in header(group, "disposition").lower() for group in groups)
