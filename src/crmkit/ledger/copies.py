"""Touches that another one's message speaks for: once that has left they are history, as it is."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from crmkit.ledger.state import LEFT, State
from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.touch import Touch
from crmkit.store.among import among


def went_in_a_copy(touch: sa.Table) -> sa.ColumnElement[bool]:
    """Return the condition that a touch is carried by one that has left, or may have."""
    carrier = touch.alias()
    same = (carrier.c.practice == touch.c.practice, carrier.c.key == touch.c.carried_by)
    left = carrier.c.state.in_([state.value for state in LEFT])
    # What is repeated since nobody knows whether it had an effect may have left the first time.
    repeated = carrier.c.state.in_([State.RETRY.value, State.CLAIMED.value]) & carrier.c.sent_at.is_not(None)
    return sa.and_(touch.c.state == State.CARRIED.value, sa.exists().where(*same, left | repeated))


def gone_in_copies(
    connection: sa.Connection, tables: LedgerTables, practice: str, touches: Iterable[Touch]
) -> frozenset[str]:
    """Return the keys of those touches that are carried by one that has left, or may have."""
    table, keys = tables.touch, [touch.key for touch in touches if touch.state is State.CARRIED]
    which = (table.c.practice == practice, among(table.c.key, keys), went_in_a_copy(table))
    return frozenset(connection.scalars(sa.select(table.c.key).where(*which))) if keys else frozenset()
