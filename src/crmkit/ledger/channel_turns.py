"""How fast a channel is handed messages, by all processes together: each takes its turn from one row."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from crmkit.ledger.learnt import written_once
from crmkit.ledger.tables import LedgerTables

#: So far may the clocks of two machines lie apart, and so many senders may wait for their turns at once.
_CLOCKS_DIFFER, _SENDERS = timedelta(minutes=5), 100


def reserve(
    connection: sa.Connection,
    tables: LedgerTables,
    practice: str,
    channel: str,
    each: timedelta,
    now: datetime,
    messages: int = 1,
    lead: timedelta = timedelta(0),
) -> datetime:
    """Take the next turn of a channel, and return when it begins.

    Between two turns lies as much time as the larger of them takes up: then no span of time holds more messages than it
    has room for, whichever turn it begins with. Of two that ask at once, the second waits for the first. A turn further
    ahead than a hundred senders could have taken is none: a machine's clock was ahead when it was taken, and was set
    back.

    Args:
        connection: A transaction that may write.
        tables: The ledger's tables.
        practice: The practice's id.
        channel: The channel's full name.
        each: How long the channel is taken up by one message.
        now: The present instant.
        messages: How many are handed over.
        lead: How long from now it begins at the earliest.
    """
    table = tables.pace
    mine = (table.c.practice == practice, table.c.channel == channel)
    written_once(connection, table, {"practice": practice, "channel": channel}, {"free_at": now})
    query = sa.select(table.c.free_at, table.c.messages).where(*mine).with_for_update()
    free, before = connection.execute(query).one()
    if free - now > _CLOCKS_DIFFER + _SENDERS * messages * each:
        free = now
    larger = max(0, messages - before) * each
    start: datetime = max(free + larger if before else free, now + lead)
    connection.execute(sa.update(table).where(*mine).values(free_at=start + messages * each, messages=messages))
    return start
