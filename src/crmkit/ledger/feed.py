"""What happened, for hosts that follow along: they ask from where they left off; nothing calls them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.errors import ConfigError
from crmkit.ledger.state import State
from crmkit.ledger.tables import LedgerTables


@attrs.frozen
class FeedEvent:
    """One change of one touch.

    Attributes:
        cursor: Hand it in to get what came after.
        at: When it happened.
        key: The touch's key.
        patient: The patient's id.
        campaign: The campaign's id.
        occasion: The occasion.
        state: The state that the touch came to.
        reason: Why, as a code.
        detail: What the words for the reason need.
        actor: Who did it.
    """

    cursor: str
    at: datetime
    key: str
    patient: str
    campaign: str
    occasion: str
    state: State
    reason: str
    detail: Mapping[str, Any]
    actor: str


def feed(connection: sa.Connection, tables: LedgerTables, practice: str, since: str) -> list[FeedEvent]:
    """Return the changes after a cursor, oldest first.

    Raises:
        ConfigError: If the cursor is none that a feed gave.
    """
    event, touch = tables.event, tables.touch
    query = (
        sa.select(event, touch.c.key)
        .join(touch, tables.same_touch(event))
        .where(event.c.practice == practice)
        .order_by(event.c.at, touch.c.key, event.c.number)
    )
    if since:
        at, key, number = _position(since)
        later = sa.tuple_(event.c.at, touch.c.key, event.c.number) > sa.tuple_(
            sa.bindparam("at", at, event.c.at.type), key, number
        )
        query = query.where(later)
    return [_event(row) for row in connection.execute(query)]


def _event(row: sa.Row[Any]) -> FeedEvent:
    return FeedEvent(
        cursor=f"{row.at.isoformat()}|{row.key}|{row.number}",
        at=row.at,
        key=row.key,
        patient=row.patient,
        campaign=row.campaign,
        occasion=row.occasion,
        state=State(row.state),
        reason=row.reason,
        detail=row.detail,
        actor=row.actor,
    )


def _position(cursor: str) -> tuple[datetime, str, int]:
    try:
        at, key, number = cursor.split("|")
        return datetime.fromisoformat(at), key, int(number)
    except ValueError:
        raise ConfigError(
            "the cursor is none that this feed gave", where="feed", mend="begin with an empty one"
        ) from None
