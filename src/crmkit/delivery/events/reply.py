"""One answer of a reader, by SMS or by e-mail: it becomes an event, and the wish to stop is read from it."""

from __future__ import annotations

from datetime import datetime

from crmkit.delivery.events.event import Event, EventKind
from crmkit.delivery.events.stopwords import read_stop
from crmkit.people.medium import Medium


def reply_event(
    text: str,
    *,
    event_id: str,
    medium: Medium,
    at: datetime | None = None,
    key: str = "",
    address: str = "",
    reference: str = "",
) -> Event:
    """Return the event of one answer; for parsers of the forms in which SMS providers hand answers on.

    Args:
        text: What the reader wrote. It does not enter the event.
        event_id: The provider's own id of the answer.
        medium: By which way it came.
        at: When it was written, aware.
        key: The key of the touch that is answered, where the provider knows it.
        address: From which number or address it came.
        reference: What the provider calls the message that is answered, where it knows no key.

    Raises:
        ValueError: If the event cannot be made of these.

    >>> reply_event("Stop!", event_id="in-1", medium=Medium.SMS).evidence
    'a wish to stop (en)'
    >>> reply_event("See you on Friday", event_id="in-2", medium=Medium.SMS).evidence
    'an answer for a person to read'
    """
    stop = read_stop(text, medium)
    evidence = f"a wish to stop ({stop.language})" if stop else "an answer for a person to read"
    return Event(
        id=event_id,
        kind=EventKind.REPLIED,
        medium=medium,
        at=at,
        key=key,
        address=address,
        reference=reference,
        stop=stop,
        evidence=evidence,
    )
