"""The durable record of every touch: reading, judging, claiming and moving from state to state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.errors import StoreError
from crmkit.ledger.state import FOLLOWS, State
from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.touch import Touch
from crmkit.people.medium import Medium, Purpose

_COLUMNS = tuple(field.name for field in attrs.fields(Touch))
#: A retry provably had no effect, so it may be tried again once it is due.
_CLAIMABLE = (State.READY.value, State.RETRY.value)
_ENUMS = {"state": State, "purpose": Purpose, "medium": Medium}


@attrs.frozen(eq=False)
class Ledger:
    """The touches of one practice. Every method works inside the caller's transaction.

    Attributes:
        tables: The ledger's tables.
        practice: The practice's id.
    """

    tables: LedgerTables
    practice: str

    def touches(self, connection: sa.Connection, *where: sa.ColumnElement[bool]) -> list[Touch]:
        """Return the touches that meet all conditions, by due time and key."""
        table = self.tables.touch
        query = (
            sa.select(*(table.c[name] for name in _COLUMNS))
            .where(table.c.practice == self.practice, *where)
            .order_by(table.c.due, table.c.key)
        )
        return [_touch(row) for row in connection.execute(query)]

    def judge(self, connection: sa.Connection, new: Sequence[Touch], old: Mapping[str, Touch], actor: str) -> int:
        """Write judgements: new touches are added, changed ones moved, equal ones left alone.

        Args:
            connection: A transaction that may write.
            new: The judgements.
            old: By key, the touches that are there already.
            actor: Who judges, for the history.

        Returns:
            How many touches were added or changed.
        """
        added = [touch for touch in new if touch.key not in old]
        if added:
            connection.execute(sa.insert(self.tables.touch), [self._values(touch) for touch in added])
            self._note(connection, [(None, touch) for touch in added], actor)
        changed = [touch for touch in new if touch.key in old and not old[touch.key].same_judgement(touch)]
        moved = [touch for touch in changed if self.move(connection, old[touch.key], touch, actor)]
        return len(added) + len(moved)

    def move(self, connection: sa.Connection, was: Touch, now: Touch, actor: str) -> bool:
        """Move one touch to another state and note it; False if somebody else moved it in the meantime.

        Raises:
            StoreError: If the new state may not follow the old one.
        """
        if now.state is not was.state and now.state not in FOLLOWS[was.state]:
            raise StoreError(f"touch {was.key} is {was.state}: {now.state} may not follow")
        table = self.tables.touch
        mine = (table.c.practice == self.practice, table.c.campaign == was.campaign)
        this = (table.c.occasion == was.occasion, table.c.patient == was.patient)
        as_read = (table.c.state == was.state.value, table.c.owner == was.owner)
        done = connection.execute(sa.update(table).where(*mine, *this, *as_read).values(self._values(now)))
        if done.rowcount != 1:
            return False
        if (was.state, was.reason, dict(was.detail)) != (now.state, now.reason, dict(now.detail)):
            self._note(connection, [(was, now)], actor)
        return True

    def due(
        self, connection: sa.Connection, now: datetime, only_to: Sequence[str] | None = None, limit: int | None = None
    ) -> list[Touch]:
        """Return the touches that may leave at an instant, most urgent first."""
        table = self.tables.touch
        query = (
            sa.select(*(table.c[name] for name in _COLUMNS))
            .where(table.c.practice == self.practice, table.c.state.in_(_CLAIMABLE), table.c.due <= now)
            .where(*([] if only_to is None else [table.c.patient.in_(only_to)]))
            .order_by(table.c.priority, table.c.due, table.c.key)
            .limit(limit)
        )
        # Several senders on one database pass over each other's rows; SQLite has one writer at a time anyway.
        locked = query.with_for_update(skip_locked=True) if limit is not None else query
        return [_touch(row) for row in connection.execute(locked)]

    def claim(
        self,
        connection: sa.Connection,
        *,
        owner: str,
        now: datetime,
        lease: timedelta,
        limit: int,
        only_to: Sequence[str] | None = None,
    ) -> list[Touch]:
        """Claim touches that are due, most urgent first, and return them."""
        claimed = [
            (
                was,
                attrs.evolve(
                    was, state=State.CLAIMED, reason="claimed", owner=owner, lease=now + lease, changed_at=now
                ),
            )
            for was in self.due(connection, now, only_to, limit)
        ]
        return [mine for was, mine in claimed if self.move(connection, was, mine, owner)]

    def recover(self, connection: sa.Connection, now: datetime) -> list[Touch]:
        """Settle what a dead sender left behind, once its lease is over.

        What it had only claimed is ready again. What it was handing over may have left: it stays unknown.
        """
        table = self.tables.touch
        held = (table.c.state.in_([State.CLAIMED.value, State.SENDING.value]), table.c.lease <= now)
        settled = []
        for was in self.touches(connection, *held):
            state, reason = (State.READY, "released") if was.state is State.CLAIMED else (State.UNKNOWN, "unknown")
            after = attrs.evolve(was, state=state, reason=reason, owner="", lease=None, changed_at=now)
            settled += [after] if self.move(connection, was, after, "recover") else []
        return settled

    def history(self, connection: sa.Connection, key: str) -> list[dict[str, Any]]:
        """Return what happened to a touch, oldest first: at, was, state, reason, detail, actor."""
        table = self.tables.event
        shown = [table.c[name] for name in ("at", "was", "state", "reason", "detail", "actor")]
        mine = (table.c.practice == self.practice, table.c.key == key)
        rows = connection.execute(sa.select(*shown).where(*mine).order_by(table.c.number))
        return [dict(row._mapping) for row in rows]

    def _note(self, connection: sa.Connection, moves: Iterable[tuple[Touch | None, Touch]], actor: str) -> None:
        table = self.tables.event
        earlier = table.alias("earlier")
        number = (
            sa.select(sa.func.coalesce(sa.func.max(earlier.c.number), 0) + 1)
            .where(earlier.c.practice == self.practice, earlier.c.key == sa.bindparam("of_key"))
            .scalar_subquery()
        )
        rows = [
            {
                "practice": self.practice,
                "key": now.key,
                "of_key": now.key,
                "at": now.changed_at,
                "was": was.state.value if was else "",
                "state": now.state.value,
                "reason": now.reason,
                "detail": dict(now.detail),
                "actor": actor,
            }
            for was, now in moves
        ]
        connection.execute(sa.insert(table).values(number=number), rows)

    def _values(self, touch: Touch) -> dict[str, Any]:
        values = {name: getattr(touch, name) for name in _COLUMNS}
        for name in _ENUMS:
            values[name] = values[name].value
        return {**values, "detail": dict(touch.detail), "practice": self.practice}


def _touch(row: sa.Row[Any]) -> Touch:
    values = dict(row._mapping)
    for name, kind in _ENUMS.items():
        values[name] = kind(values[name])
    return Touch(**values)
