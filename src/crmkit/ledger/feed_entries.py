"""What one transaction wrote in the history, entered together: its place in the feed is the order of commits.

By the time at which something happened no place can be given. Of two senders, the one that began first may be done
last, and a host that has read on would never hear of it; nor do the clocks of two machines agree.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.errors import GoneBack
from crmkit.ledger.tables import LedgerTables

#: A touch's key, and the number of its transition.
Move = tuple[str, int]
#: So many stand in one entry at most: whoever reads a few reads the whole entry.
_TOGETHER = 1000


@attrs.define(eq=False)
class Entries:
    """The entries of one practice. To write the statement anew for each would take as long as ten messages do.

    Attributes:
        tables: The ledger's tables.
        practice: The practice's id.
    """

    tables: LedgerTables
    practice: str
    _statement: sa.Insert | None = attrs.field(default=None, init=False, repr=False)

    def enter(self, connection: sa.Connection, moves: Sequence[Move], now: datetime) -> int:
        """Write down what a transaction has moved, and return the id of the last entry.

        On SQLite only one writes at a time, and so it has its place at once. Elsewhere it gets one when the feed is
        read; until then its instant is the database's own: of two who move one touch, the second waits for the first.
        """
        alone = connection.dialect.name == "sqlite"
        if self._statement is None:
            self._statement = self._written(alone=alone)
        when = {"now": now} if alone else {}
        for start in range(0, len(moves), _TOGETHER):
            told = moves[start : start + _TOGETHER]
            # Drawn, for writers never wait for one another.
            drawn = secrets.randbits(62)
            connection.execute(self._statement, {"drawn": drawn, "told": told, **when})
        return drawn

    def _written(self, *, alone: bool) -> sa.Insert:
        entry = self.tables.entry
        place: dict[str, Any] = {"at": sa.func.clock_timestamp()}
        if alone:
            now = sa.bindparam("now", type_=entry.c.at.type)
            place = {"at": now, "position": _last(self.tables, self.practice) + 1}
        told = sa.bindparam("told", type_=entry.c.moves.type)
        return sa.insert(entry).values(practice=self.practice, id=sa.bindparam("drawn"), moves=told, **place)


def insist_on(connection: sa.Connection, tables: LedgerTables, practice: str, entered: int) -> None:
    """Refuse a database that has forgotten an entry which was committed: nobody removes one, but a backup may lack it.

    Raises:
        GoneBack: If it is not there.
    """
    entry = tables.entry
    mine = (entry.c.practice == practice, entry.c.id == entered)
    if connection.execute(sa.select(entry.c.id).where(*mine)).first() is None:
        raise GoneBack(
            "the database has forgotten what was written to it: a backup was restored, or a standby took over",
            mend="do what the page Restore a backup tells before anything is sent, then start this process anew",
        )


def has_new(connection: sa.Connection, tables: LedgerTables, practice: str) -> bool:
    """Tell whether something was entered that has no place yet."""
    return connection.execute(_new(tables, practice).limit(1)).first() is not None


def give_places(connection: sa.Connection, tables: LedgerTables, practice: str) -> None:
    """Give a place to all that is committed by now, after all that has one; only one at a time may do so."""
    entry = tables.entry
    found = connection.scalars(_new(tables, practice).order_by(entry.c.at, entry.c.id)).all()
    last = connection.scalar(sa.select(_last(tables, practice))) or 0
    places = [{"one": one, "place": place} for place, one in enumerate(found, last + 1)]
    given = sa.update(entry).where(entry.c.practice == practice, entry.c.id == sa.bindparam("one"))
    if places:
        connection.execute(given.values(position=sa.bindparam("place")), places)


def _new(tables: LedgerTables, practice: str) -> sa.Select[tuple[int]]:
    entry = tables.entry
    return sa.select(entry.c.id).where(entry.c.practice == practice, entry.c.position.is_(None))


def _last(tables: LedgerTables, practice: str) -> sa.ColumnElement[int]:
    place = tables.entry.c.position
    last = sa.select(sa.func.coalesce(sa.func.max(place), 0)).where(tables.entry.c.practice == practice)
    return last.scalar_subquery()
