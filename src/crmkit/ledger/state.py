"""The states of a touch: judgements before the hand-over, history from it on."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a touch stands."""

    # Judgements: made again by every plan while the occasion is fresh. What is carried by a message that has left is
    # history all the same (`copies.py`).
    HELD = "held"
    DEFERRED = "deferred"
    DENIED = "denied"
    WITHHELD = "withheld"
    CARRIED = "carried"
    READY = "ready"
    # Taken up by a sender, who judges it once more.
    CLAIMED = "claimed"
    # History: what happened is never judged again.
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    REFUSED = "refused"
    RETRY = "retry"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def is_judgement(self) -> bool:
        """Tell whether the next plan may judge again."""
        return self in JUDGEMENTS

    @property
    def reached(self) -> bool:
        """Tell whether the message left and no failure came back."""
        return self in REACHED


JUDGEMENTS = (State.HELD, State.DEFERRED, State.DENIED, State.WITHHELD, State.CARRIED, State.READY)
REACHED = (State.SENT, State.DELIVERED, State.COMPLAINED)
#: What has left, or may have.
LEFT = (*REACHED, State.SENDING, State.UNKNOWN, State.BOUNCED)
SPENT = (State.SENDING, *REACHED, State.BOUNCED, State.REFUSED, State.RETRY, State.UNKNOWN)

#: What a sender may take up once it is due: judged again in that moment, so that a deferral ends by itself.
CLAIMABLE = (State.READY, State.DEFERRED, State.RETRY)
#: What has not been handed over, and so can still be called off.
REVOCABLE = (*JUDGEMENTS, State.CLAIMED, State.RETRY)

#: Which state may follow which. A plan moves freely among judgements; all else goes one way. From `retry` a touch is
#: claimed once more; where its first attempt is in doubt and a second one may no longer be made, it stays unknown.
FOLLOWS: dict[State, tuple[State, ...]] = {
    **dict.fromkeys(JUDGEMENTS, (*JUDGEMENTS, State.EXPIRED, State.CANCELLED)),
    State.READY: (*JUDGEMENTS, State.CLAIMED, State.EXPIRED, State.CANCELLED),
    State.DEFERRED: (*JUDGEMENTS, State.CLAIMED, State.EXPIRED, State.CANCELLED),
    State.CLAIMED: (*JUDGEMENTS, State.SENDING, State.RETRY, State.UNKNOWN, State.EXPIRED, State.CANCELLED),
    State.SENDING: (State.SENT, State.REFUSED, State.RETRY, State.UNKNOWN),
    State.RETRY: (State.CLAIMED, State.REFUSED, State.UNKNOWN, State.EXPIRED, State.CANCELLED),
    State.UNKNOWN: (State.SENT, State.REFUSED, State.RETRY, State.CANCELLED),
    State.SENT: (State.DELIVERED, State.BOUNCED, State.COMPLAINED),
    State.DELIVERED: (State.BOUNCED, State.COMPLAINED),
    State.BOUNCED: (State.DELIVERED,),
    State.COMPLAINED: (),
    State.REFUSED: (),
    State.EXPIRED: (),
    State.CANCELLED: (),
}
