"""The durable record of every touch: reading, judging, claiming and moving from state to state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.errors import StoreError
from crmkit.ledger.state import FOLLOWS, JUDGEMENTS, State
from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.touch import Touch
from crmkit.people.medium import Medium, Purpose

_COLUMNS = tuple(field.name for field in attrs.fields(Touch))
#: A retry provably had no effect, so it may be tried again once it is due.
_CLAIMABLE = (State.READY.value, State.RETRY.value)
_ENUMS = {"state": State, "purpose": Purpose, "medium": Medium}
_ENUM_PLACES = tuple((_COLUMNS.index(name), kind) for name, kind in _ENUMS.items())


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

    def open(self, connection: sa.Connection, campaign: str, now: datetime) -> list[Touch]:
        """Return a campaign's fresh touches that the next plan judges again."""
        table = self.tables.touch
        open_states = table.c.state.in_([state.value for state in JUDGEMENTS])
        return self.touches(connection, table.c.campaign == campaign, table.c.stale > now, open_states)

    def decided(self, connection: sa.Connection, campaign: str, now: datetime) -> frozenset[tuple[str, str]]:
        """Return patient and occasion of a campaign's fresh touches that are claimed, on their way or history."""
        table = self.tables.touch
        query = sa.select(table.c.patient, table.c.occasion).where(
            table.c.practice == self.practice,
            table.c.campaign == campaign,
            table.c.stale > now,
            table.c.state.not_in([state.value for state in JUDGEMENTS]),
        )
        return frozenset((row.patient, row.occasion) for row in connection.execute(query))

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
        changed = [
            (old[touch.key], touch) for touch in new if touch.key in old and not old[touch.key].same_judgement(touch)
        ]
        return len(added) + len(self.move(connection, changed, actor))

    def move(self, connection: sa.Connection, moves: Sequence[tuple[Touch, Touch]], actor: str) -> list[Touch]:
        """Move touches from one state to another and note it; return those that nobody else moved meanwhile.

        Args:
            connection: A transaction that may write.
            moves: Each touch as it was read, and as it is to be.
            actor: Who moves them, for the history.

        Raises:
            StoreError: If a state may not follow another.
        """
        for was, now in moves:
            if now.state is not was.state and now.state not in FOLLOWS[was.state]:
                raise StoreError(f"touch {was.key} is {was.state}: {now.state} may not follow")
        if not moves:
            return []
        rows = [{**self._values(now), "was_key": was.key, **_as_read(was)} for was, now in moves]
        done = connection.execute(self._update(), rows)
        # Several rows are one statement for the driver; only if one of them had moved are they looked at singly.
        moved = moves if done.rowcount == len(moves) else self._mine(connection, moves)
        self._note(connection, [(was, now) for was, now in moved if _told(was) != _told(now)], actor)
        return [now for _, now in moved]

    def _update(self) -> sa.Update:
        table = self.tables.touch
        return (
            sa.update(table)
            .where(
                table.c.practice == self.practice,
                table.c.key == sa.bindparam("was_key"),
                table.c.state == sa.bindparam("was_state"),
                table.c.owner == sa.bindparam("was_owner"),
            )
            .values({name: sa.bindparam(name) for name in _COLUMNS})
        )

    def _mine(self, connection: sa.Connection, moves: Sequence[tuple[Touch, Touch]]) -> list[tuple[Touch, Touch]]:
        table = self.tables.touch
        there = self.touches(connection, table.c.key.in_([was.key for was, _ in moves]))
        states = {touch.key: (touch.state, touch.owner, touch.changed_at) for touch in there}
        return [(was, now) for was, now in moves if states.get(was.key) == (now.state, now.owner, now.changed_at)]

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
        return self.move(connection, claimed, owner)

    def unknown(self, connection: sa.Connection, keys: Sequence[str]) -> list[Touch]:
        """Return which of some touches are in doubt."""
        table = self.tables.touch
        return self.touches(connection, table.c.key.in_(keys), table.c.state == State.UNKNOWN.value)

    def recover(self, connection: sa.Connection, now: datetime) -> list[Touch]:
        """Settle what a dead sender left behind, once its lease is over.

        What it had only claimed is ready again. What it was handing over may have left: it stays unknown.
        """
        table = self.tables.touch
        held = (table.c.state.in_([State.CLAIMED.value, State.SENDING.value]), table.c.lease <= now)
        moves = []
        for was in self.touches(connection, *held):
            state, reason = (State.READY, "released") if was.state is State.CLAIMED else (State.UNKNOWN, "unknown")
            after = attrs.evolve(was, state=state, reason=reason, owner="", lease=None, changed_at=now)
            moves.append((was, after))
        return self.move(connection, moves, "recover")

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
        if rows:
            connection.execute(sa.insert(table).values(number=number), rows)

    def _values(self, touch: Touch) -> dict[str, Any]:
        values = {name: getattr(touch, name) for name in _COLUMNS}
        for name in _ENUMS:
            values[name] = values[name].value
        return {**values, "detail": dict(touch.detail), "practice": self.practice}


def _touch(row: sa.Row[Any]) -> Touch:
    values: list[Any] = list(row)
    for place, kind in _ENUM_PLACES:
        values[place] = kind(values[place])
    return Touch(*values)


def _as_read(touch: Touch) -> dict[str, str]:
    return {"was_state": touch.state.value, "was_owner": touch.owner}


def _told(touch: Touch) -> tuple[object, ...]:
    return touch.state, touch.reason, dict(touch.detail)
