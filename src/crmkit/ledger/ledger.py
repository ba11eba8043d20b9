"""The durable record of every touch: reading, judging and moving from state to state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.errors import StoreError
from crmkit.ledger.audit import Seal
from crmkit.ledger.notes import history, note, note_moved
from crmkit.ledger.state import FOLLOWS, JUDGEMENTS, REVOCABLE, State
from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.touch import Touch
from crmkit.people.medium import Medium, Purpose
from crmkit.store.among import among

COLUMNS = tuple(field.name for field in attrs.fields(Touch))
_CHUNK = 500
_ENUMS = {"state": State, "purpose": Purpose, "medium": Medium}
_ENUM_PLACES = tuple((COLUMNS.index(name), kind) for name, kind in _ENUMS.items())


@attrs.frozen(eq=False)
class Ledger:
    """The touches of one practice. Every method works inside the caller's transaction.

    Attributes:
        tables: The ledger's tables.
        practice: The practice's id.
        seal: Seals what is written, None where no trail is kept.
    """

    tables: LedgerTables
    practice: str
    seal: Seal | None = None

    def touches(self, connection: sa.Connection, *where: sa.ColumnElement[bool]) -> list[Touch]:
        """Return the touches that meet all conditions, by due time and key."""
        table = self.tables.touch
        query = (
            sa.select(*(table.c[name] for name in COLUMNS))
            .where(table.c.practice == self.practice, *where)
            .order_by(table.c.due, table.c.key)
        )
        return [to_touch(row) for row in connection.execute(query).all()]

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
            added = [attrs.evolve(touch, moves=1) for touch in added]
            connection.execute(sa.insert(self.tables.touch), [self._values(touch) for touch in added])
            note(connection, self.tables, self.practice, [(None, touch) for touch in added], actor, self._sealed())
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
        counted = [(was, _counted(was, now)) for was, now in moves]
        rows = [{**self._values(now), "was_key": was.key, **_as_read(was)} for was, now in counted]
        done = connection.execute(self._update(), rows)
        # Several rows are one statement for the driver; only if one of them had moved are they looked at singly.
        moved = counted if done.rowcount == len(moves) else self._mine(connection, counted)
        told = [(was, now) for was, now in moved if was.moves != now.moves]
        note(connection, self.tables, self.practice, told, actor, self._sealed())
        return [now for _, now in moved]

    def shift(
        self,
        connection: sa.Connection,
        keys: Sequence[str],
        was: State,
        state: State,
        actor: str,
        now: datetime,
        *,
        owner: str,
        reason: str = "",
        detail: Mapping[str, Any] | None = None,
        lease_after: datetime | None = None,
        to: str = "",
        **values: Any,
    ) -> frozenset[str]:
        """Move many touches of one owner from one state to another in one statement; return the keys that moved.

        Args:
            connection: A transaction that may write.
            keys: Which touches.
            was: The state that they must be in.
            state: The state that they come to.
            actor: Who moves them, for the history.
            now: When.
            owner: Who must hold them.
            reason: The code; by default the state's name.
            detail: What the words for the reason need; by default it stays as it is.
            lease_after: Only those whose lease ends after this instant.
            to: Who holds them from now on, empty for nobody.
            values: Further columns to set.
        """
        if state not in FOLLOWS[was]:
            raise StoreError(f"{state} may not follow {was}")
        columns = {"state": state.value, "reason": reason or state.value, "changed_at": now, "owner": to, **values}
        if detail is not None:
            columns["detail"] = dict(detail)
        moved: set[str] = set()
        for start in range(0, len(keys), _CHUNK):
            some = keys[start : start + _CHUNK]
            done = self._shifted(connection, some, was, owner, lease_after, columns)
            moved |= done
            note_moved(connection, self.tables, self.practice, sorted(done), was, actor, self._sealed())
        return frozenset(moved)

    def _shifted(
        self,
        connection: sa.Connection,
        keys: Sequence[str],
        was: State,
        owner: str,
        lease_after: datetime | None,
        columns: Mapping[str, Any],
    ) -> set[str]:
        table = self.tables.touch
        held = [table.c.state == was.value, table.c.owner == owner]
        held += [] if lease_after is None else [table.c.lease > lease_after]
        update = (
            sa.update(table)
            .where(table.c.practice == self.practice, among(table.c.key, keys), *held)
            .values(**columns, moves=table.c.moves + 1)
            .returning(table.c.key)
        )
        return set(connection.scalars(update))

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
            .values({name: sa.bindparam(name) for name in COLUMNS})
        )

    def _mine(self, connection: sa.Connection, moves: Sequence[tuple[Touch, Touch]]) -> list[tuple[Touch, Touch]]:
        table = self.tables.touch
        there = self.touches(connection, among(table.c.key, [was.key for was, _ in moves]))
        states = {touch.key: (touch.state, touch.owner, touch.changed_at) for touch in there}
        return [(was, now) for was, now in moves if states.get(was.key) == (now.state, now.owner, now.changed_at)]

    def cancel(self, connection: sa.Connection, campaign: str, now: datetime, actor: str) -> list[Touch]:
        """Call off what has not been handed over, of one campaign or, for an empty text, of all."""
        table = self.tables.touch
        states = table.c.state.in_([state.value for state in REVOCABLE])
        which = [table.c.campaign == campaign] if campaign else []
        return self.cancelled(connection, self.touches(connection, states, *which), now, actor, "cancelled")

    def cancelled(
        self, connection: sa.Connection, touches: Sequence[Touch], now: datetime, actor: str, reason: str
    ) -> list[Touch]:
        """Call off some touches; what may have left already becomes unknown, for its attempt happened."""
        moves = []
        for was in touches:
            state = State.UNKNOWN if was.in_doubt else State.CANCELLED
            after = attrs.evolve(was, state=state, reason=reason, detail={}, owner="", lease=None, changed_at=now)
            moves.append((was, after))
        return self.move(connection, moves, actor)

    def unknown(self, connection: sa.Connection, keys: Sequence[str]) -> list[Touch]:
        """Return which of some touches are in doubt."""
        table = self.tables.touch
        return self.touches(connection, among(table.c.key, keys), table.c.state == State.UNKNOWN.value)

    def history(self, connection: sa.Connection, key: str) -> list[dict[str, Any]]:
        """Return what happened to a touch, oldest first: at, was, state, reason, detail, actor."""
        return history(connection, self.tables, self.practice, key)

    def _sealed(self) -> dict[str, Any]:
        return self.seal.columns() if self.seal else {}

    def _values(self, touch: Touch) -> dict[str, Any]:
        values = {name: getattr(touch, name) for name in COLUMNS}
        for name in _ENUMS:
            values[name] = values[name].value
        return {**values, "detail": dict(touch.detail), "practice": self.practice}


def to_touch(row: sa.Row[Any]) -> Touch:
    """Return the touch of a row that holds `COLUMNS`."""
    values: list[Any] = list(row)
    for place, kind in _ENUM_PLACES:
        values[place] = kind(values[place])
    return Touch(*values)


def _as_read(touch: Touch) -> dict[str, str]:
    return {"was_state": touch.state.value, "was_owner": touch.owner}


def _counted(was: Touch, now: Touch) -> Touch:
    told = _told(was) != _told(now)
    return attrs.evolve(now, moves=was.moves + told, attempts=max(was.attempts, now.attempts))


def _told(touch: Touch) -> tuple[object, ...]:
    return touch.state, touch.reason, dict(touch.detail)
