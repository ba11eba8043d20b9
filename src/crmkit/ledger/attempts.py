"""Attempts: what was handed to a channel, written before it happens, and what the channel answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs
import sqlalchemy as sa

from crmkit.ledger.tables import LedgerTables

_CHUNK = 500


@attrs.frozen
class Attempt:
    """One hand-over of one touch's message.

    Attributes:
        key: The touch's key.
        channel: The full name of the channel.
        message_id: What the message carries, by which a provider can be asked about it.
        digest: A digest of the whole message.
        number: Which attempt of this touch it is, from 1.
        at: When it was made, in UTC; None before it is written down.
        outcome: What the channel answered, empty as long as it has not.
        reference: The provider's name for the message, empty where it gave none.
    """

    key: str
    channel: str
    message_id: str
    digest: str
    number: int = 1
    at: datetime | None = None
    outcome: str = ""
    reference: str = ""

    @property
    def in_doubt(self) -> bool:
        """Tell whether it may have had an effect, though nobody is sure."""
        return self.outcome in ("", "unknown")


@attrs.frozen
class Answer:
    """What the channel said of one attempt: outcome, the provider's name for the message, and evidence in words."""

    key: str
    outcome: str
    reference: str
    evidence: str


def intend(
    connection: sa.Connection, tables: LedgerTables, practice: str, attempts: Sequence[Attempt], now: datetime
) -> None:
    """Write down what is about to be handed over."""
    rows = [
        {
            "practice": practice,
            "key": one.key,
            "channel": one.channel,
            "message_id": one.message_id,
            "digest": one.digest,
            "number": one.number,
            "at": now,
        }
        for one in attempts
    ]
    if rows:
        connection.execute(sa.insert(tables.attempt), rows)


def answered(
    connection: sa.Connection, tables: LedgerTables, practice: str, answers: Sequence[Answer], now: datetime
) -> None:
    """Write down what the channel said of the open attempts."""
    table = tables.attempt
    update = (
        sa.update(table)
        .where(table.c.practice == practice, table.c.key == sa.bindparam("of_key"), table.c.answered_at.is_(None))
        .values(
            outcome=sa.bindparam("an_outcome"),
            reference=sa.bindparam("a_reference"),
            evidence=sa.bindparam("an_evidence"),
            answered_at=now,
        )
    )
    rows = [
        {"of_key": one.key, "an_outcome": one.outcome, "a_reference": one.reference, "an_evidence": one.evidence}
        for one in answers
    ]
    if rows:
        connection.execute(update, rows)


def first_attempts(
    connection: sa.Connection, tables: LedgerTables, practice: str, keys: Sequence[str]
) -> dict[str, Attempt]:
    """Return the first attempt of each touch whose attempts nobody has answered for sure."""
    return {one.key: one for one in reversed(_attempts(connection, tables, practice, keys)) if one.in_doubt}


def last_attempts(
    connection: sa.Connection, tables: LedgerTables, practice: str, keys: Sequence[str]
) -> dict[str, Attempt]:
    """Return the last attempt of each touch."""
    return {one.key: one for one in _attempts(connection, tables, practice, keys)}


def _attempts(connection: sa.Connection, tables: LedgerTables, practice: str, keys: Sequence[str]) -> list[Attempt]:
    """Return all attempts of some touches, in their order."""
    table = tables.attempt
    query = sa.select(*(table.c[field.name] for field in attrs.fields(Attempt)))
    found: list[Attempt] = []
    for start in range(0, len(keys), _CHUNK):
        mine = (table.c.practice == practice, table.c.key.in_(keys[start : start + _CHUNK]))
        rows = connection.execute(query.where(*mine).order_by(table.c.key, table.c.number))
        found += [Attempt(*row) for row in rows]
    return found
