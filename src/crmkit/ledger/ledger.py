"""The durable record of every touch: reading, judging and moving from state to state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.errors import StoreError
from crmkit.ledger.copies import went_in_a_copy
from crmkit.ledger.feed_entries import Move
from crmkit.ledger.state import CLAIMABLE, FOLLOWS, JUDGEMENTS, State
from crmkit.ledger.step import Step
from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.touch import Touch
from crmkit.ledger.trail.seal import Seal
from crmkit.ledger.transitions import histories, note, note_moved
from crmkit.people.medium import Medium, Purpose
from crmkit.store.among import among
from crmkit.store.refusal import add_rows

COLUMNS = tuple(field.name for field in attrs.fields(Touch))
_ENUMS = {"state": State, "purpose": Purpose, "medium": Medium}
# Looked up, for each row, in a third of the time that an enumeration takes to find its member.
_MEMBERS = tuple((COLUMNS.index(name), {one.value: one for one in kind}) for name, kind in _ENUMS.items())


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
    _kept: dict[tuple[object, ...], sa.UpdateBase] = attrs.field(factory=dict, init=False, repr=False)

    def touches(self, connection: sa.Connection, *where: sa.ColumnElement[bool], free: bool = False) -> list[Touch]:
        """Return the touches that meet all conditions, by due time and key.

        Args:
            connection: A connection.
            where: The conditions.
            free: Pass over those that somebody else is moving just now, and let nobody move the others until the end.
        """
        table = self.tables.touch
        query = (
            sa.select(*(table.c[name] for name in COLUMNS))
            .where(table.c.practice == self.practice, *where)
            .order_by(table.c.due, table.c.key)
        )
        query = query.with_for_update(skip_locked=True) if free else query
        return [to_touch(row) for row in connection.execute(query).all()]

    def open(self, connection: sa.Connection, campaign: str, now: datetime) -> list[Touch]:
        """Return a campaign's fresh touches that the next plan judges again."""
        table = self.tables.touch
        open_states = table.c.state.in_([state.value for state in JUDGEMENTS])
        which = (table.c.campaign == campaign, table.c.stale > now, open_states, ~went_in_a_copy(table))
        return self.touches(connection, *which)

    def decided(self, connection: sa.Connection, campaign: str, now: datetime) -> frozenset[tuple[str, str]]:
        """Return patient and occasion of a campaign's fresh touches that are claimed, on their way or history."""
        table = self.tables.touch
        judged = table.c.state.in_([state.value for state in JUDGEMENTS])
        query = sa.select(table.c.patient, table.c.occasion).where(
            table.c.practice == self.practice,
            table.c.campaign == campaign,
            table.c.stale > now,
            ~judged | went_in_a_copy(table),
        )
        return frozenset((row.patient, row.occasion) for row in connection.execute(query))

    def earlier(
        self, connection: sa.Connection, campaign: str, occasion: str, patients: Sequence[str], now: datetime
    ) -> list[Touch]:
        """Return the touches of some patients for an occasion that was over before, and has been put off since."""
        table = self.tables.touch
        same = (table.c.campaign == campaign, table.c.occasion == occasion, table.c.stale <= now)
        return self.touches(connection, *same, among(table.c.patient, patients))

    def judge(self, connection: sa.Connection, new: Sequence[Touch], old: Mapping[str, Touch], actor: str) -> int:
        """Write judgements and return how many: new touches are added, changed ones moved, equal ones left alone.

        Args:
            connection: A transaction that may write.
            new: The judgements.
            old: By key, the touches that are there already.
            actor: Who judges, for the history.

        Raises:
            InTheWay: If another transaction has moved a touch amid the look.
        """
        added = [touch for touch in new if touch.key not in old]
        if added:
            added = [attrs.evolve(touch, moves=1) for touch in added]
            add_rows(connection, self.tables.touch, [self._values(touch) for touch in added])
            self._note(connection, [(None, touch) for touch in added], actor)
        known = [(old[touch.key], touch) for touch in new if touch.key in old]
        changed = [(was, now) for was, now in known if not was.same_judgement(now)]
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
        counted = [(was, _counted(was, now)) for was, now in self._unmoved(connection, moves)]
        if counted:
            rows = [{**self._values(now), "was_key": was.key} for was, now in counted]
            connection.execute(self._update(), rows)
            self._note(connection, [(was, now) for was, now in counted if was.moves != now.moves], actor)
        return [now for _, now in counted]

    def shift(
        self,
        connection: sa.Connection,
        keys: Sequence[str],
        step: Step,
        actor: str,
        now: datetime,
        *,
        held_by: str,
        lease_after: datetime | None = None,
        **values: Any,
    ) -> frozenset[str]:
        """Move many touches of one owner from one state to another in one statement; return the keys that moved.

        Args:
            connection: A transaction that may write.
            keys: Which touches.
            step: From which state to which; they must be in that state.
            actor: Who moves them, for the history.
            now: When.
            held_by: Who must hold them.
            lease_after: Only those whose lease ends after this instant.
            values: Further columns to set; by default nobody holds them any more, and the rest stays as it is.
        """
        if not keys:
            return frozenset()
        columns = {"state": step.state.value, "reason": step.state.value, "changed_at": now, "owner": "", **values}
        given: dict[str, Any] = {f"new_{name}": value for name, value in columns.items()}
        given |= {"of_practice": self.practice, "keys": keys, "was_state": step.was.value, "was_owner": held_by}
        given |= {} if lease_after is None else {"lease_after": lease_after}
        what = ("shift", tuple(columns), step.tried, lease_after is not None)
        if what not in self._kept:
            # Writing a statement takes longer than a few rows do.
            self._kept[what] = step.statement(self.tables.touch, columns, leased=lease_after is not None)
        moved: list[Move] = [(key, number) for key, number in connection.execute(self._kept[what], given).all()]
        self._note_shifted(connection, moved, step.was, actor)
        return frozenset(key for key, _ in moved)

    def _note(self, connection: sa.Connection, moves: Sequence[tuple[Touch | None, Touch]], actor: str) -> None:
        note(connection, self.tables, self.practice, moves, actor, self._sealed())
        if self.seal:
            self.seal.moved((now.key, now.moves) for _, now in moves)

    def _note_shifted(self, connection: sa.Connection, moved: Sequence[Move], was: State, actor: str) -> None:
        sealed = self._sealed()
        what = ("note", *sealed)
        if what not in self._kept:
            self._kept[what] = note_moved(self.tables, sealed)
        given = {"of_practice": self.practice, "keys": [key for key, _ in moved], "a_was": was.value, "a_actor": actor}
        connection.execute(self._kept[what], given | {f"a_{name}": value for name, value in sealed.items()})
        if self.seal:
            self.seal.moved(moved)

    def _update(self) -> sa.Update:
        table = self.tables.touch
        return (
            sa.update(table)
            .where(
                table.c.practice == self.practice,
                table.c.key == sa.bindparam("was_key"),
            )
            .values({name: sa.bindparam(name) for name in COLUMNS})
        )

    def _unmoved(self, connection: sa.Connection, moves: Sequence[tuple[Touch, Touch]]) -> list[tuple[Touch, Touch]]:
        """Return the moves whose touches stand as they were read, and let nobody else move those until the end.

        Looked at first: once they are written, nobody can tell whose move it was where two make the same at once.
        """
        if not moves:
            return []
        table = self.tables.touch
        query = (
            sa.select(table.c.key, table.c.state, table.c.owner, table.c.moves)
            .where(table.c.practice == self.practice, among(table.c.key, [was.key for was, _ in moves]))
            .order_by(table.c.key)
            .with_for_update()
        )
        there = {key: place for key, *place in connection.execute(query).all()}
        return [(was, now) for was, now in moves if there.get(was.key) == [was.state.value, was.owner, was.moves]]

    def cancel(self, connection: sa.Connection, campaign: str, now: datetime, actor: str) -> list[Touch]:
        """Call off what is planned and has not been handed over, of one campaign or, for an empty text, of all.

        For whom a message has spoken, and who was denied one of an occasion that is over, stays so: it is the past.
        """
        table = self.tables.touch
        waits = table.c.state.in_([state.value for state in (*CLAIMABLE, State.HELD, State.CLAIMED)])
        planned = table.c.state.in_([state.value for state in JUDGEMENTS]) & (table.c.stale > now)
        which = [waits | planned, ~went_in_a_copy(table), *([table.c.campaign == campaign] if campaign else [])]
        return self.cancelled(connection, self.touches(connection, *which), now, actor, "cancelled")

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

    def released(self, connection: sa.Connection, campaign: str, reason: str, now: datetime, actor: str) -> list[Touch]:
        """Let senders take up, and judge, what was held for a reason: of one campaign or, for an empty text, of all."""
        table = self.tables.touch
        which = [table.c.campaign == campaign] if campaign else []
        held = self.touches(connection, table.c.state == State.HELD.value, table.c.reason == reason, *which)
        given: dict[str, Any] = {"state": State.READY, "reason": "ready", "detail": {}, "changed_at": now}
        return self.move(connection, [(was, was.changed(**given)) for was in held], actor)

    def unknown(self, connection: sa.Connection, keys: Sequence[str]) -> list[Touch]:
        """Return which of some touches are in doubt."""
        table = self.tables.touch
        return self.touches(connection, among(table.c.key, keys), table.c.state == State.UNKNOWN.value)

    def history(self, connection: sa.Connection, key: str) -> list[dict[str, Any]]:
        """Return what happened to a touch, oldest first: at, was, state, reason, detail, actor."""
        return self.histories(connection, [key]).get(key, [])

    def histories(self, connection: sa.Connection, keys: Sequence[str]) -> Mapping[str, list[dict[str, Any]]]:
        """Return the same of some touches, by key; of those that there are."""
        return histories(connection, self.tables, self.practice, keys)

    def _sealed(self) -> dict[str, Any]:
        return self.seal.columns() if self.seal else {}

    def _values(self, touch: Touch) -> dict[str, Any]:
        values = {name: getattr(touch, name) for name in COLUMNS}
        for name in _ENUMS:
            values[name] = values[name].value
        return {**values, "detail": dict(touch.detail), "practice": self.practice}


def to_touch(row: Sequence[Any]) -> Touch:
    """Return the touch of a row that holds `COLUMNS`."""
    values: list[Any] = list(row)
    for place, members in _MEMBERS:
        values[place] = members[values[place]]
    return Touch(*values)


def _counted(was: Touch, now: Touch) -> Touch:
    told = _told(was) != _told(now)
    return attrs.evolve(now, moves=was.moves + told, attempts=max(was.attempts, now.attempts))


def _told(touch: Touch) -> tuple[object, ...]:
    return touch.state, touch.reason, dict(touch.detail)
