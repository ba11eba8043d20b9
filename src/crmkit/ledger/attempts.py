"""Attempts: what was handed to a channel, written before it happens, and what the channel answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.tables import LedgerTables


@attrs.frozen
class Attempt:
    """One hand-over of one touch's message.

    Attributes:
        key: The touch's key.
        channel: The full name of the channel.
        message_id: What the message carries, by which a provider can be asked about it.
        digest: A digest of the whole message.
        number: Which attempt of this touch it is, from 1.
    """

    key: str
    channel: str
    message_id: str
    digest: str
    number: int = 1


def intend(
    connection: sa.Connection, tables: LedgerTables, practice: str, attempts: Sequence[Attempt], now: datetime
) -> None:
    """Write down what is about to be handed over."""
    rows = [{**attrs.asdict(one), "practice": practice, "at": now} for one in attempts]
    if rows:
        connection.execute(sa.insert(tables.attempt), rows)


def answered(
    connection: sa.Connection, tables: LedgerTables, practice: str, answers: Sequence[dict[str, Any]], now: datetime
) -> None:
    """Write down what the channel said of the open attempts: dicts of key, outcome, reference and evidence."""
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
        {
            "of_key": one["key"],
            "an_outcome": one["outcome"],
            "a_reference": one["reference"],
            "an_evidence": one["evidence"],
        }
        for one in answers
    ]
    if rows:
        connection.execute(update, rows)
