"""Attempts: what was handed to a channel, written before it happens, and what the channel answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.tables import TOUCH, LedgerTables
from crmkit.ledger.touch import Touch
from crmkit.store.among import among

_CHUNK = 500
_IN_DOUBT = ("", "unknown")
_READ = ("channel", "message_id", "digest", "number", "at", "outcome", "reference", "evidence")
_ASKED = (*TOUCH, "number")


@attrs.frozen
class Attempt:
    """One hand-over of one touch's message.

    Attributes:
        key: The touch's key.
        channel: The full name of the channel.
        message_id: What the message carries, by which a provider can be asked about it.
        digest: A digest of the whole message.
        number: Which attempt of this touch it is, from 1.
        at: When it was made, in UTC.
        outcome: What the channel answered, empty as long as it has not.
        reference: The provider's name for the message, empty where it gave none.
        evidence: What the channel said of it, in a few words without an address.
    """

    key: str
    channel: str
    message_id: str
    digest: str
    number: int
    at: datetime
    outcome: str = ""
    reference: str = ""
    evidence: str = ""

    @property
    def in_doubt(self) -> bool:
        """Tell whether it may have had an effect, though nobody is sure."""
        return self.outcome in _IN_DOUBT


@attrs.frozen
class Intent:
    """What is about to be handed over: a touch that is on its way, and by what its message can be told again."""

    touch: Touch
    message_id: str
    digest: str


@attrs.frozen
class Answer:
    """What the channel said of one attempt: outcome, the provider's name for the message, and evidence in words."""

    touch: Touch
    outcome: str
    reference: str
    evidence: str


def intend(
    connection: sa.Connection, tables: LedgerTables, practice: str, intents: Sequence[Intent], now: datetime
) -> None:
    """Write down what is about to be handed over."""
    rows = [
        {
            **_place(practice, one.touch),
            "at": now,
            "channel": one.touch.detail["channel"],
            "message_id": one.message_id,
            "digest": one.digest,
        }
        for one in intents
    ]
    if rows:
        connection.execute(sa.insert(tables.attempt), rows)


def answered(
    connection: sa.Connection, tables: LedgerTables, practice: str, answers: Sequence[Answer], now: datetime
) -> None:
    """Write down what the channel said of attempts."""
    table = tables.attempt
    update = (
        sa.update(table)
        .where(*(table.c[name] == sa.bindparam(f"of_{name}") for name in _ASKED))
        .values(
            outcome=sa.bindparam("an_outcome"),
            reference=sa.bindparam("a_reference"),
            evidence=sa.bindparam("an_evidence"),
            answered_at=sa.bindparam("then"),
        )
    )
    rows = [
        {
            **{f"of_{name}": value for name, value in _place(practice, one.touch).items()},
            "an_outcome": one.outcome,
            "a_reference": one.reference,
            "an_evidence": one.evidence,
            "then": now,
        }
        for one in answers
    ]
    if rows:
        connection.execute(update, rows)


def cleared(
    connection: sa.Connection, tables: LedgerTables, practice: str, found_out: Sequence[tuple[Touch, str]]
) -> None:
    """Write down what was found out about touches of which nobody knew whether an attempt had had an effect.

    Args:
        connection: A transaction that may write.
        tables: The ledger's tables.
        practice: The practice's id.
        found_out: Each touch, and what becomes the outcome of all its attempts that are in doubt.
    """
    table = tables.attempt
    update = (
        sa.update(table)
        .where(*(table.c[name] == sa.bindparam(f"of_{name}") for name in TOUCH))
        .where(sa.or_(*(table.c.outcome == word for word in _IN_DOUBT)))
        .values(outcome=sa.bindparam("an_outcome"))
    )
    rows = [
        {**{f"of_{name}": _place(practice, touch)[name] for name in TOUCH}, "an_outcome": outcome}
        for touch, outcome in found_out
    ]
    if rows:
        connection.execute(update, rows)


def first_attempts(
    connection: sa.Connection, tables: LedgerTables, practice: str, keys: Sequence[str]
) -> dict[str, Attempt]:
    """Return, by key, the first attempt of each touch of which nobody knows whether it had an effect."""
    return {one.key: one for one in reversed(_attempts(connection, tables, practice, keys)) if one.in_doubt}


def last_attempts(
    connection: sa.Connection, tables: LedgerTables, practice: str, keys: Sequence[str]
) -> dict[str, Attempt]:
    """Return, by key, the last attempt of each touch."""
    return {one.key: one for one in _attempts(connection, tables, practice, keys)}


def _attempts(connection: sa.Connection, tables: LedgerTables, practice: str, keys: Sequence[str]) -> list[Attempt]:
    """Return all attempts of some touches, in their order."""
    table, touch = tables.attempt, tables.touch
    query = sa.select(touch.c.key, *(table.c[name] for name in _READ)).join(table, tables.same_touch(table))
    found: list[Attempt] = []
    for start in range(0, len(keys), _CHUNK):
        mine = (touch.c.practice == practice, among(touch.c.key, keys[start : start + _CHUNK]))
        rows = connection.execute(query.where(*mine).order_by(touch.c.key, table.c.number))
        found += [Attempt(*row) for row in rows.all()]
    return found


def _place(practice: str, touch: Touch) -> dict[str, Any]:
    return {
        "practice": practice,
        "campaign": touch.campaign,
        "occasion": touch.occasion,
        "patient": touch.patient,
        "number": touch.attempts,
    }
