"""How fast a channel is handed messages, by all processes together: each takes its turn from one row."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

import sqlalchemy as sa

from crmkit.ledger.tables import LedgerTables

#: So far may the clocks of two machines lie apart, and so many senders may wait for their turns at once.
_CLOCKS_DIFFER, _SENDERS = timedelta(minutes=5), 100


def reserve(
    connection: sa.Connection, tables: LedgerTables, practice: str, channel: str, span: timedelta, now: datetime
) -> datetime:
    """Take the next turn of a channel, which lasts so long, and return when it begins: now, or later.

    It needs a transaction that may write. Of two that ask at once, the second waits for the first. A turn further ahead
    than a hundred senders could have taken is none: a machine's clock was ahead when it was taken, and was set back.
    """
    table = tables.pace
    mine = (table.c.practice == practice, table.c.channel == channel)
    with suppress(sa.exc.IntegrityError), connection.begin_nested():
        connection.execute(sa.insert(table).values(practice=practice, channel=channel, free_at=now))
    free: datetime = connection.execute(sa.select(table.c.free_at).where(*mine).with_for_update()).scalar_one()
    start = max(free, now) if free - now <= _CLOCKS_DIFFER + _SENDERS * span else now
    connection.execute(sa.update(table).where(*mine).values(free_at=start + span))
    return start
