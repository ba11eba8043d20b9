"""What was on its way when it was called off, and has turned out not to have left: it is not tried again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from crmkit.ledger.decided import Decided
from crmkit.ledger.ledger import Ledger
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch


def keep_off(
    connection: sa.Connection,
    ledger: Ledger,
    moves: Sequence[tuple[Touch, Touch]],
    moved: Sequence[Touch],
    actor: str,
    now: datetime,
) -> list[Touch]:
    """Call off what would be tried again, though it was called off since its attempt began; return all as it stands.

    Args:
        connection: A transaction that may write.
        ledger: The touches.
        moves: Each touch as it was, on its way or in doubt, and as it was to be.
        moved: Those that were moved.
        actor: Who moves them, for the history.
        now: When.
    """
    waiting = [one for one in moved if one.state is State.RETRY]
    if not waiting:
        return list(moved)
    since, began = _called_off(connection, ledger), {was.key: was.sent_at for was, _ in moves}
    off = [one for one in waiting if any(_is_before(began[one.key], since.get(it)) for it in ("", one.campaign))]
    done = {touch.key: touch for touch in ledger.cancelled(connection, off, now, actor, "cancelled")}
    return [done.get(one.key, one) for one in moved]


def _is_before(began: datetime | None, off: datetime | None) -> bool:
    return began is not None and off is not None and began <= off


def _called_off(connection: sa.Connection, ledger: Ledger) -> dict[str, datetime]:
    """Return when each campaign was called off last; an empty text stands for all."""
    table = ledger.tables.learnt.decision
    mine = (table.c.practice == ledger.practice, table.c.what == Decided.CANCELLED.value)
    last = sa.select(table.c.campaign, sa.func.max(table.c.at).label("at")).where(*mine).group_by(table.c.campaign)
    return {row.campaign: row.at for row in connection.execute(last)}
