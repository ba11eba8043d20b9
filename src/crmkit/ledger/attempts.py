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
    """

    key: str
    channel: str
    message_id: str
    digest: str


def intend(
    connection: sa.Connection, tables: LedgerTables, practice: str, attempts: Sequence[Attempt], now: datetime
) -> None:
    """Write down what is about to be handed over."""
    table = tables.attempt
    earlier = table.alias("earlier")
    number = (
        sa.select(sa.func.coalesce(sa.func.max(earlier.c.number), 0) + 1)
        .where(earlier.c.practice == practice, earlier.c.key == sa.bindparam("of_key"))
        .scalar_subquery()
    )
    rows = [{**attrs.asdict(one), "of_key": one.key, "practice": practice, "at": now} for one in attempts]
    if rows:
        connection.execute(sa.insert(table).values(number=number), rows)


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
