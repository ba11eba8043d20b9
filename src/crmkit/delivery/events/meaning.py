"""What an event means: whether it is believed, where its touch comes to stand, and which wish it holds.

All of it is decided from values alone; `crmkit.delivery.events.intake` reads and writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from crmkit.delivery.events.event import Event, EventKind, Stop
from crmkit.delivery.events.policy import is_kept_out
from crmkit.ledger.heard import Did
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch
from crmkit.people.medium import Purpose

#: What an event proves of its message.
PROVES: Mapping[EventKind, State] = {
    EventKind.DELIVERED: State.DELIVERED,
    EventKind.BOUNCED: State.BOUNCED,
    EventKind.COMPLAINED: State.COMPLAINED,
}

#: The strictest stands, in whichever order events come in.
_STRICTNESS = (State.SENT, State.DELIVERED, State.BOUNCED, State.COMPLAINED)

#: What nobody was sure of has left, or else nothing could come back; nor is it tried again.
_LEFT: Mapping[State, tuple[State, ...]] = {
    State.RETRY: (State.UNKNOWN, State.SENT),
    State.UNKNOWN: (State.SENT,),
}
#: Why an address is not used any more whose owner complained: no mail server can have said that by mistake.
UNWANTED = "a message to it was reported as unwanted"
_PROMOTIONAL = Stop((Purpose.MARKETING, Purpose.FEEDBACK))


def why_not(event: Event, touch: Touch | None, address: str, *, unproven: bool = False) -> Did | None:
    """Return why an event is not believed of a touch and stays evidence; None if it is.

    Args:
        event: The event.
        touch: The touch that its key or its address led to.
        address: What stands for the event's address, empty where it names none.
        unproven: Whether anybody may have written it, who need not have seen the message.
    """
    if touch is None:
        return Did.NO_TOUCH
    if touch.medium is not event.medium:
        return Did.OTHER_MEDIUM
    if touch.attempts == 0:
        return Did.NOT_SENT
    if (event.address or address) and address != touch.address:
        return Did.OTHER_ADDRESS
    doubtful = unproven and (not event.key or event.kind in PROVES)
    if doubtful and (event.kind is not EventKind.BOUNCED or touch.state in _LEFT):
        return Did.UNPROVEN
    return None


def may_wait(event: Event, touch: Touch | None, *, unproven: bool = False) -> bool:
    """Tell whether an event of which no message is known yet is to wait for it.

    A provider is often quicker to call than its own answer to the hand-over is written down.
    """
    means_something = event.kind in PROVES or wish(event) is not None
    return bool(touch is None and event.reference and not event.key and means_something and not unproven)


def as_proven(event: Event, *, unproven: bool) -> Event:
    """Return an event as far as it proves something.

    Many mail servers send back nothing that names the message. Anybody could write that, so one such mail counts for no
    more than a full mailbox does: several messages must come back before their address is not used any more.
    """
    return attrs.evolve(event, permanent=False) if unproven and event.kind is EventKind.BOUNCED else event


def way(was: State, to: State) -> tuple[State, ...] | None:
    """Return the states through which a touch comes to the one that was proved.

    Nothing is passed through where a stricter state stands, or one that a person or the channel is sure of. None while
    a sender holds the touch: then it has to wait.

    >>> way(State.SENT, State.BOUNCED), way(State.COMPLAINED, State.DELIVERED)
    ((<State.BOUNCED: 'bounced'>,), ())
    """
    if was in (State.CLAIMED, State.SENDING):
        return None
    before = _LEFT.get(was, ())
    start = before[-1] if before else was
    if start not in _STRICTNESS or _STRICTNESS.index(start) >= _STRICTNESS.index(to):
        return ()
    # Who complains of a message has got it, whatever some server said.
    return (State.DELIVERED, to) if start is State.BOUNCED else (*before, to)


def moved(was: Touch, to: State, event: Event, at: datetime, now: datetime) -> Touch:
    """Return a touch in the next state on its way.

    Args:
        was: The touch.
        to: The state.
        event: What is told of it.
        at: When that happened.
        now: The present instant.
    """
    return attrs.evolve(
        was,
        state=to,
        reason=_reason(to, event),
        detail={**was.detail, **_detail(to, event)},
        owner="",
        lease=None,
        changed_at=now,
        sent_at=was.sent_at or at,
    )


def why_suppressed(event: Event, *, worn_out: bool) -> str:
    """Return why the event's address is not used any more, in words for its owner; empty where it may be."""
    if event.kind is EventKind.COMPLAINED:
        return UNWANTED
    if event.kind is EventKind.BOUNCED and event.permanent:
        return f"messages to it come back ({_code(event)})"
    return "messages to it came back too often" if worn_out else ""


def wish(event: Event) -> Stop | None:
    """Return what the event's author wants to end; None where it is no wish."""
    if event.kind is EventKind.REPLIED:
        return event.stop
    if event.kind is EventKind.UNSUBSCRIBED:
        return event.stop or _PROMOTIONAL
    if event.kind is EventKind.COMPLAINED:
        said = event.stop or _PROMOTIONAL
        return said.including(Purpose.MARKETING).including(Purpose.FEEDBACK)
    return None


def wish_of_reader(event: Event, touch: Touch) -> Stop | None:
    """Return the wish as it holds for those whom the answered message was about: its purpose is meant too."""
    said = wish(event)
    return said.including(touch.purpose) if said and event.kind is not EventKind.COMPLAINED else said


def _reason(to: State, event: Event) -> str:
    if to is State.BOUNCED:
        soft = "kept_out" if is_kept_out(event.status) else "bounced_soft"
        return "bounced" if event.permanent else soft
    return to.value if to in PROVES.values() else "left_after_all"


def _detail(to: State, event: Event) -> dict[str, Any]:
    return {"status": _code(event)} if to is State.BOUNCED else {}


def _code(event: Event) -> str:
    return event.status or "no code"
