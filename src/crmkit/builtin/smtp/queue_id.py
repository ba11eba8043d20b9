"""What a mail server calls a message that it took, by which its log is searched."""

from __future__ import annotations

import re

#: Only the server's own name for the message is kept: a reply may hold the address.
_QUEUE_ID = re.compile(rb"(?i)\b(?:queued as|queued mail for delivery|id)[ =:]+<?([\w.-]{4,80})(?![\w.@-])")
#: How others put it: Exchange, Gmail, Sendmail, Amazon.
_OTHER_ID = re.compile(
    rb"(?i)\binternalid=(\d{4,20})\b|(?<![\w.@-])([\w.-]{8,80}) - gsmtp\b"
    rb"|(?<![\w.@-])([\w-]{6,40}) (?:message|mail) accepted for delivery|\Aok +([0-9a-f][0-9a-f-]{20,80})\s*\Z"
)


def queue_id(text: bytes) -> str:
    """Return the server's own name for a message that it took, empty if it says none.

    >>> queue_id(b"2.0.0 Ok: queued as 4ABCDEF"), queue_id(b"Ok, thanks")
    ('4ABCDEF', '')
    """
    if found := _QUEUE_ID.search(text):
        return found[1].decode("ascii")
    other = _OTHER_ID.search(text)
    return next((one.decode("ascii") for one in other.groups() if one), "") if other else ""
