"""What may or may not have left: shown to a person with the evidence, and settled by that person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import attrs
import sqlalchemy as sa

from crmkit.errors import NotFound
from crmkit.ledger.attempts import Attempt, cleared, last_attempts
from crmkit.ledger.ledger import Ledger
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch


class Settled(StrEnum):
    """What a person says of a message in doubt."""

    SENT = "sent"
    NOT_SENT = "not_sent"
    AGAIN = "again"


_STATES: Mapping[Settled, State] = {
    Settled.SENT: State.SENT,
    Settled.NOT_SENT: State.CANCELLED,
    Settled.AGAIN: State.RETRY,
}


@attrs.frozen
class Doubt:
    """One message of which nobody knows whether it left.

    Attributes:
        touch: The touch.
        channel: To which channel it was handed.
        at: When.
        message_id: What the message carries, by which the provider's log can be searched.
        reference: The provider's name for it, empty where it gave none.
        evidence: What the channel said, or that the sender died before it could say anything.
    """

    touch: Touch
    channel: str
    at: datetime
    message_id: str
    reference: str
    evidence: str


def doubts(connection: sa.Connection, ledger: Ledger) -> list[Doubt]:
    """Return the messages in doubt, each with its last attempt, oldest first."""
    table = ledger.tables.touch
    waiting = {one.key: one for one in ledger.touches(connection, table.c.state == State.UNKNOWN.value)}
    last = last_attempts(connection, ledger.tables, ledger.practice, list(waiting))
    found = [_doubt(waiting[key], attempt) for key, attempt in last.items()]
    return sorted(found, key=lambda one: (one.at, one.touch.key))


def _doubt(touch: Touch, attempt: Attempt) -> Doubt:
    evidence = attempt.evidence or "the sender ended before the channel had answered"
    at = attempt.at or touch.changed_at
    return Doubt(touch, attempt.channel, at, attempt.message_id, attempt.reference, evidence)


def settle(connection: sa.Connection, ledger: Ledger, key: str, said: Settled, by: str, now: datetime) -> Touch:
    """Write down what a person found out about a message in doubt.

    Raises:
        NotFound: If no message of this key is in doubt.
    """
    found = ledger.unknown(connection, [key])
    if not found:
        raise _not_in_doubt(key)
    [was] = found
    after = attrs.evolve(
        was,
        state=_STATES[said],
        reason=f"settled_{said.value}",
        detail={**was.detail, "by": by},
        due=now if said is Settled.AGAIN else was.due,
        # Said to have had no effect, it counts for nobody; a person has taken the doubt away.
        sent_at=was.sent_at if said is Settled.SENT else None,
        changed_at=now,
    )
    moved = ledger.move(connection, [(was, after)], by)
    if not moved:
        # Its answer came in the very moment.
        raise _not_in_doubt(key)
    # From now on only a later attempt can be in doubt, and only that one's words are repeated.
    cleared(connection, ledger.tables, ledger.practice, [(was, after.reason, "")])
    return moved[0]


def _not_in_doubt(key: str) -> NotFound:
    return NotFound("no message of this key is in doubt", where=key, mend="crmkit unknowns lists those that are")
