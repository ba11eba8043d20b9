"""What happened, for hosts that follow along: they ask from where they left off; nothing calls them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.errors import ConfigError
from crmkit.ledger.feed_entries import Move
from crmkit.ledger.state import State
from crmkit.ledger.tables import LedgerTables
from crmkit.store.among import among

_AT_ONCE = 20
#: The place of an entry, and how many of its transitions are known.
_CURSOR = re.compile(r"\d{1,18}:\d{1,9}")


@attrs.frozen
class FeedEvent:
    """One change of one touch.

    Attributes:
        cursor: Hand it in to get what comes after.
        at: When it happened.
        key: The touch's key.
        patient: The patient's id.
        campaign: The campaign's id.
        occasion: The occasion.
        state: The state that the touch came to.
        reason: Why, as a code.
        detail: What the words for the reason need: `in_words(reason, detail)` makes them.
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


def feed(
    connection: sa.Connection, tables: LedgerTables, practice: str, since: str, limit: int | None
) -> list[FeedEvent]:
    """Return the changes after a cursor in the order of their places, so many at most.

    Raises:
        ConfigError: If the cursor is none that a feed gave, or the limit is below 1.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"a feed of {limit} events has no end", where="feed", mend="ask for one at least")
    position, within = _place(since)
    found: list[FeedEvent] = []
    for row in _entries(connection, tables, practice, position):
        first = within if row.position == position else 0
        last = None if limit is None else first + limit - len(found)
        moves = [(key, number) for key, number in row.moves[first:last]]
        events = _events(connection, tables, practice, moves) if moves else {}
        for place, move in enumerate(moves, first + 1):
            if move in events:
                found.append(_event(events[move], f"{row.position}:{place}"))
        if len(found) == limit:
            break
    return found


def _entries(connection: sa.Connection, tables: LedgerTables, practice: str, position: int) -> Iterator[sa.Row[Any]]:
    """Yield places and what stands there, from a position on; a few at a time, for nobody may want more."""
    entry = tables.entry
    query: sa.Select[Any] = sa.select(entry.c.position, entry.c.moves).where(entry.c.practice == practice)
    query = query.order_by(entry.c.position).limit(_AT_ONCE)
    while found := connection.execute(query.where(entry.c.position >= position)).all():
        yield from found
        position = found[-1].position + 1


def _events(
    connection: sa.Connection, tables: LedgerTables, practice: str, moves: Sequence[Move]
) -> dict[Move, sa.Row[Any]]:
    event, touch = tables.event, tables.touch
    query = sa.select(event, touch.c.key).join(touch, tables.same_touch(event))
    query = query.where(touch.c.practice == practice, among(touch.c.key, {key for key, _ in moves}))
    return {(row.key, row.number): row for row in connection.execute(query)}


def _event(row: sa.Row[Any], cursor: str) -> FeedEvent:
    return FeedEvent(
        cursor=cursor,
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


def _place(cursor: str) -> tuple[int, int]:
    """Return the place of an entry, and how much of it is known."""
    if not cursor:
        return 0, 0
    if not _CURSOR.fullmatch(cursor):
        mend = "begin with an empty one"
        raise ConfigError("the cursor is none that this feed gave", where="feed", mend=mend)
    position, within = cursor.split(":")
    return int(position), int(within)
