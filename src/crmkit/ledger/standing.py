"""How the sending stands: what waits and since when, what is in doubt, and whether a person must look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.clock import Clock
from crmkit.ledger.learnt import Stop, stopped
from crmkit.ledger.state import CLAIMABLE, State
from crmkit.ledger.tables import LedgerTables
from crmkit.records.tables import RecordTables
from crmkit.store.among import among
from crmkit.store.types import Instant

#: After so many tries without effect it is no moment's trouble: the third is three quarters of an hour after the first.
_TRIES = 3
#: So many seconds two machines' clocks may be apart.
_APART = 60
_IN_HAND = (State.CLAIMED, State.SENDING)


@attrs.frozen
class Standing:
    """How one practice's sending stands at an instant. It holds counts and instants, and nothing about a person.

    Attributes:
        at: The instant.
        due: How many touches could leave now, those that wait for another try included. One that must not is counted
            too: it is judged again when a sender takes it up.
        due_since: Since when the oldest of them has been due; None if none is.
        next_due: When the next one falls due; None if nothing is planned.
        retry: How many messages a channel did not take, and wait for another try.
        next_try: When the first of them is tried again; None if there is none.
        tries: How often the most tried of them was handed over.
        told: What the channel said when it did not take the last of them.
        in_hand: How many touches senders hold.
        left_behind: How many of them are held by a sender that has ended or hangs: its time is over.
        left_since: Since when the oldest of those is free; None if there is none.
        unknown: How many messages may or may not have left, and wait for a person.
        unknown_since: When the oldest of them was handed over.
        held: How many touches wait for something to be mended.
        last_sent: When the last message was handed over that may have left; None if there was none.
        last_sync: When the source was read that was read longest ago; None if none ever was.
        unread: How much came back that could not be read.
        stopped: What a person has stopped.
        ahead: By how many seconds this machine's clock is ahead of the database's; None if there is no such comparison.
        broken: Which campaigns cannot be planned as things are, by id, with what is wrong and how to mend it.
    """

    at: datetime
    due: int = 0
    due_since: datetime | None = None
    next_due: datetime | None = None
    retry: int = 0
    next_try: datetime | None = None
    tries: int = 0
    told: str = ""
    in_hand: int = 0
    left_behind: int = 0
    left_since: datetime | None = None
    unknown: int = 0
    unknown_since: datetime | None = None
    held: int = 0
    last_sent: datetime | None = None
    last_sync: datetime | None = None
    unread: int = 0
    stopped: tuple[Stop, ...] = ()
    ahead: float | None = None
    broken: Mapping[str, str] = attrs.field(factory=dict)

    def late(self, patience: timedelta) -> bool:
        """Tell whether something has been due, or left behind, for longer than that: nobody seems to send."""
        return any(since is not None and self.at - since > patience for since in (self.due_since, self.left_since))

    @property
    def wrong_clock(self) -> bool:
        """Tell whether this machine's clock and the database's are too far apart for leases and hours."""
        return self.ahead is not None and abs(self.ahead) > _APART

    @property
    def not_taken(self) -> bool:
        """Tell whether a channel has not taken messages time and again."""
        return self.retry > 0 and self.tries >= _TRIES


def standing(
    connection: sa.Connection, records: RecordTables, tables: LedgerTables, practice: str, now: datetime
) -> Standing:
    """Return how a practice's sending stands. What is stopped is not due."""
    stops = tuple(stopped(connection, tables, practice))
    rows = {State(row.state): row for row in connection.execute(_query(tables, practice, now, stops))}

    def total(name: str, *states: State) -> int:
        return sum(getattr(rows[state], name) or 0 for state in states if state in rows)

    def first(name: str, *states: State) -> datetime | None:
        found = [getattr(rows[state], name) for state in states if state in rows]
        return min((one for one in found if one is not None), default=None)

    return Standing(
        at=now,
        due=total("due", *CLAIMABLE),
        due_since=first("due_since", *CLAIMABLE),
        next_due=first("next_due", *CLAIMABLE),
        retry=total("number", State.RETRY),
        next_try=first("first_due", State.RETRY),
        tries=total("tries", State.RETRY),
        told=_told(connection, tables, practice) if State.RETRY in rows else "",
        in_hand=total("number", *_IN_HAND),
        left_behind=total("free", *_IN_HAND),
        left_since=first("free_since", *_IN_HAND),
        unknown=total("number", State.UNKNOWN),
        unknown_since=first("sent_since", State.UNKNOWN),
        held=total("number", State.HELD),
        last_sent=_last_sent(connection, tables, practice),
        last_sync=connection.scalar(_last_sync(records.source, practice)),
        unread=connection.scalar(_unread(tables, practice)) or 0,
        stopped=stops,
    )


def _query(tables: LedgerTables, practice: str, now: datetime, stops: Sequence[Stop]) -> sa.Select[Any]:
    table = tables.touch
    names = [one.campaign for one in stops]
    waits = table.c.state.in_([state.value for state in CLAIMABLE])
    goes = sa.and_(waits, sa.false() if "" in names else table.c.campaign.not_in(names))
    is_due = sa.and_(goes, table.c.due <= now)
    # What a plan of noon finds due at nine has waited since noon.
    since = sa.case((table.c.changed_at > table.c.due, table.c.changed_at), else_=table.c.due)
    is_free = table.c.lease <= now
    wanted = [state.value for state in (*CLAIMABLE, *_IN_HAND, State.UNKNOWN, State.HELD)]
    return (
        sa.select(
            table.c.state,
            sa.func.count().label("number"),
            _count(is_due).label("due"),
            _first(is_due, since).label("due_since"),
            _first(sa.and_(goes, table.c.due > now), table.c.due).label("next_due"),
            _first(sa.true(), table.c.due).label("first_due"),
            sa.func.max(table.c.attempts).label("tries"),
            _count(is_free).label("free"),
            _first(is_free, table.c.lease).label("free_since"),
            _first(sa.true(), table.c.sent_at).label("sent_since"),
        )
        .where(table.c.practice == practice, among(table.c.state, wanted))
        .group_by(table.c.state)
    )


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((condition, 1), else_=0))


def _first(condition: sa.ColumnElement[bool], value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.min(sa.case((condition, value), else_=None), type_=Instant)


def _last_sent(connection: sa.Connection, tables: LedgerTables, practice: str) -> datetime | None:
    table = tables.touch
    last = sa.select(table.c.sent_at).where(table.c.practice == practice, table.c.sent_at.is_not(None))
    found: datetime | None = connection.scalar(last.order_by(table.c.sent_at.desc()).limit(1))
    return found


def _last_sync(table: sa.Table, practice: str) -> sa.Select[Any]:
    return sa.select(sa.func.min(table.c.synced_at, type_=Instant)).where(table.c.practice == practice)


def _told(connection: sa.Connection, tables: LedgerTables, practice: str) -> str:
    table = tables.touch
    waiting = sa.select(table.c.detail).where(table.c.practice == practice, table.c.state == State.RETRY.value)
    detail = connection.scalar(waiting.order_by(table.c.changed_at.desc()).limit(1))
    return str((detail or {}).get("told", ""))


def _unread(tables: LedgerTables, practice: str) -> sa.Select[Any]:
    table = tables.learnt.payload
    return sa.select(sa.func.count()).where(table.c.practice == practice, table.c.problem != "")


def ahead_of(connection: sa.Connection, clock: Clock) -> float | None:
    """Return by how many seconds a clock is ahead of the database's; None where both are one machine's."""
    if connection.dialect.name != "postgresql":
        return None
    there: datetime = connection.scalar(sa.select(sa.func.clock_timestamp(type_=Instant)))  # type: ignore[assignment]
    return round((clock.now() - there).total_seconds(), 1)
