"""One event with what is known of it, and what is kept of it until more is known."""

from __future__ import annotations

from datetime import datetime

import attrs

from crmkit.delivery.events.event import Event, EventKind, Stop
from crmkit.delivery.events.meaning import wish
from crmkit.ledger.heard import Did, Heard
from crmkit.ledger.touch import Touch
from crmkit.people.medium import Purpose


@attrs.frozen
class Case:
    """One event and what is known of it.

    Attributes:
        event: The event.
        at: When it happened, in UTC; not later than now.
        value: Its address in normal form, empty where it has none that can be read.
        touch: The touch that its key, or else its address, leads to.
        doubt: Why it is not believed of that touch; None if it is.
        source: By which parser it was read, and its id.
    """

    event: Event
    at: datetime
    value: str = attrs.field(repr=False)
    touch: Touch | None
    doubt: Did | None
    source: str

    @property
    def believed(self) -> Touch | None:
        """The touch, if the event is believed of it."""
        return None if self.doubt else self.touch


def kept_waiting(one: Heard, event: Event, named: str) -> Heard:
    """Return an event with all that will be needed when it is known which message its provider means."""
    said = wish(event)
    wishes = " ".join(said.purposes) if said else ""
    return attrs.evolve(one, reference=event.reference, named=named, wishes=wishes)


def event_of(one: Heard) -> Event:
    """Return so much of an event as a touch needs to be told later."""
    return Event(
        id=one.id,
        kind=EventKind(one.kind),
        medium=one.medium,
        at=one.at,
        key=one.key,
        permanent=one.permanent,
        status=one.status,
        reference=one.reference,
        stop=Stop([Purpose(word) for word in one.wishes.split()]) if one.wishes else None,
    )
