"""Claims: who holds which touch, for how long, and what becomes of it when its holder dies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Any, TypeAlias

import attrs
import sqlalchemy as sa

from crmkit.ledger.called_off import keep_off
from crmkit.ledger.ledger import COLUMNS, Ledger, to_touch
from crmkit.ledger.share import Share
from crmkit.ledger.state import CLAIMABLE, State
from crmkit.ledger.step import Step
from crmkit.ledger.tables import URGENCY, LedgerTables
from crmkit.ledger.touch import Touch, on_its_way
from crmkit.store.among import among
from crmkit.store.rows import Rows

#: For so long a sender holds what it has claimed or is handing over; then somebody else may look after it.
LEASE = timedelta(minutes=5)
#: So many seconds one waits for others who claim: a thousand touches take a tenth of one.
_PATIENCE = 5.0
_TICK = timedelta(microseconds=1)
_HELD = [State.CLAIMED.value, State.SENDING.value]
_Conditions: TypeAlias = Sequence[sa.ColumnElement[bool]]


@attrs.frozen(eq=False)
class Claims:
    """The claims on the touches of one practice. Every method works inside the caller's transaction.

    Attributes:
        ledger: The touches.
    """

    ledger: Ledger
    _anybody: Rows = attrs.field(init=False, repr=False)

    @_anybody.default
    def _of_all_households(self) -> Rows:
        return self._first(())

    def start(
        self,
        connection: sa.Connection,
        keys: Sequence[str],
        channel: str,
        owner: str,
        now: datetime,
        *,
        keyed: bool = False,
    ) -> frozenset[str]:
        """Note that claimed touches are on their way; return the keys of those that the owner still holds."""
        step = Step(State.CLAIMED, State.SENDING, tried=True)
        detail = on_its_way(channel, keyed=keyed)
        given = {"reason": "handing_over", "detail": detail, "owner": owner, "lease": now + LEASE}
        return self.ledger.shift(
            connection, keys, step, "send", now, held_by=owner, lease_after=now, sent_at=now, **given
        )

    def due(self, connection: sa.Connection, now: datetime, only_to: Sequence[str] | None = None) -> list[Touch]:
        """Return the touches that may leave at an instant, most urgent first."""
        found: list[Touch] = []
        for state in CLAIMABLE:
            rows = connection.execute(self._due(state.value, now, self._wanted(only_to, None))).all()
            found += map(to_touch, rows)
        return sorted(found, key=_urgency)

    def in_hand(self, connection: sa.Connection) -> int:
        """Return how many touches senders hold, living or dead: claimed, or on their way."""
        table = self.ledger.tables.touch
        held = among(table.c.state, _HELD)
        counted = sa.select(sa.func.count()).select_from(table)
        return connection.scalar(counted.where(table.c.practice == self.ledger.practice, held)) or 0

    def next_due(self, connection: sa.Connection, after: datetime) -> datetime | None:
        """Return the first instant after another one at which a touch falls due that a sender may take up then."""
        table = self.ledger.tables.touch
        mine = (table.c.practice == self.ledger.practice, among(table.c.state, [state.value for state in CLAIMABLE]))
        found: datetime | None = connection.scalar(
            sa.select(sa.func.min(table.c.due)).where(*mine, table.c.due > after)
        )
        return found

    def take_turn(self, connection: sa.Connection) -> None:
        """Let nobody else claim until the transaction ends, before the clock is asked when this is done.

        What was claimed earlier goes first, so whoever claims later must be able to see it: else two senders each take
        their own for the first, and one patient gets both. A sender that stands still amid its claim is not waited for.
        """
        # Without a seal a ledger is only read, or thrown away.
        if self.ledger.seal:
            self.ledger.seal.store.lock_unless_held(connection, f"claims of {self.ledger.practice}", _PATIENCE)

    def claim(
        self,
        connection: sa.Connection,
        owner: str,
        now: datetime,
        limit: int,
        *,
        only_to: Sequence[str] | None = None,
        share: Share | None = None,
    ) -> list[Touch]:
        """Claim touches that are due, most urgent first, of all households or of a share, and return them."""
        wanted = self._wanted(only_to, share)
        rows = self._first(wanted) if wanted else self._anybody
        # Each state by itself comes in the order of an index, so that the first thousand of a million are at hand.
        asked: list[dict[str, Any]] = [{"of_state": state.value, "now": now, "most": limit} for state in CLAIMABLE]
        found = [map(to_touch, rows.of(connection, one)) for one in asked]
        first = list(islice(merge(*found, key=_urgency), limit))
        at = self._after_others(connection, owner, now)
        given: dict[str, Any] = {"reason": "claimed", "owner": owner, "lease": now + LEASE}
        mine: set[str] = set()
        for state in CLAIMABLE:
            keys = [touch.key for touch in first if touch.state is state]
            step = Step(state, State.CLAIMED)
            mine |= self.ledger.shift(connection, keys, step, owner, at, held_by="", **given)
        return [
            was.changed(state=State.CLAIMED, changed_at=at, moves=was.moves + 1, **given)
            for was in first
            if was.key in mine
        ]

    def _after_others(self, connection: sa.Connection, owner: str, now: datetime) -> datetime:
        """Return an instant, mostly the present one, that is later than what others have claimed and still hold.

        They may have looked already and not have seen this claim. The clocks of two machines differ a little, and some
        stand still for milliseconds; one that is wrong by more than a claim holds is not followed.
        """
        table = self.ledger.tables.touch
        theirs = (table.c.state == State.CLAIMED.value, table.c.owner != owner, table.c.lease > now)
        last: datetime | None = connection.scalar(
            sa.select(sa.func.max(table.c.changed_at)).where(table.c.practice == self.ledger.practice, *theirs)
        )
        return now if last is None else max(now, min(last + _TICK, now + LEASE))

    def _first(self, wanted: _Conditions) -> Rows:
        """Return what asks for the most urgent touches of a state; nobody else can claim them until the end.

        Its parameters are `of_state`, `now` and `most`. To write it takes longer than to claim ten touches.
        """
        now = sa.bindparam("now", type_=self.ledger.tables.touch.c.due.type)
        query = self._due(sa.bindparam("of_state"), now, wanted).limit(sa.bindparam("most", type_=sa.Integer))
        # Several senders on one database pass over each other's rows; SQLite has one writer at a time anyway.
        # On SQLite in one row: a window may be on its way meanwhile, and at each row its thread goes first.
        return Rows(query.with_for_update(skip_locked=True))

    def _due(
        self, state: str | sa.BindParameter[Any], now: datetime | sa.BindParameter[Any], wanted: _Conditions
    ) -> sa.Select[Any]:
        table = self.ledger.tables.touch
        query = sa.select(*(table.c[name] for name in COLUMNS)).order_by(*(table.c[name] for name in URGENCY))
        mine = (table.c.practice == self.ledger.practice, table.c.state == state, table.c.due <= now)
        return query.where(*mine, *wanted)

    def _wanted(self, only_to: Sequence[str] | None, share: Share | None) -> _Conditions:
        table = self.ledger.tables.touch
        wanted = [] if only_to is None else [among(table.c.patient, only_to)]
        return wanted + ([] if share is None else [share.holds(table.c.household)])

    def hurry(self, connection: sa.Connection, now: datetime, only_to: Sequence[str] | None = None) -> int:
        """Let what waits for another try be due at once; return how many touches."""
        table = self.ledger.tables.touch
        mine = (table.c.practice == self.ledger.practice, table.c.state == State.RETRY.value, table.c.due > now)
        done = connection.execute(sa.update(table).where(*mine, *self._wanted(only_to, None)).values(due=now))
        return done.rowcount

    def renew(self, connection: sa.Connection, owner: str, now: datetime, sending: Sequence[str] = ()) -> None:
        """Hold what an owner has claimed, and these that he hands over, for longer; what has run out is his no more."""
        table = self.ledger.tables.touch
        held = table.c.state == State.CLAIMED.value
        if sending:
            held |= (table.c.state == State.SENDING.value) & among(table.c.key, sending)
        mine = (table.c.practice == self.ledger.practice, table.c.owner == owner, table.c.lease > now)
        connection.execute(sa.update(table).where(*mine, held).values(lease=now + LEASE))

    def release(self, connection: sa.Connection, keys: Sequence[str], owner: str, now: datetime) -> None:
        """Give back what an owner claimed and did not hand over; what is in doubt goes back to where it was."""
        table = self.ledger.tables.touch
        mine = (among(table.c.key, keys), table.c.owner == owner, table.c.state == State.CLAIMED.value)
        self.ledger.move(
            connection, [(was, _freed(was, now)) for was in self.ledger.touches(connection, *mine)], "release"
        )

    def abandoned(self, connection: sa.Connection, now: datetime) -> list[Touch]:
        """Return what senders hold whose lease is over, in a transaction that may write.

        What is locked is not abandoned: its sender lives, and is about to say what came of it. To wait for it would
        often be to wait for one another, since it takes the rows of one window after those of the one before.
        """
        table = self.ledger.tables.touch
        held = table.c.state.in_(_HELD)
        return self.ledger.touches(connection, held, table.c.lease <= now, free=True)

    def recover(
        self, connection: sa.Connection, now: datetime, repeatable: Callable[[Touch], bool] = lambda _: False
    ) -> list[Touch]:
        """Settle what a dead sender left behind, once its lease is over.

        What it had only claimed is ready again. What it was handing over may have left: it stays unknown, or is tried
        again if it is `repeatable`, since the provider swallows what it has had already.
        """
        moves = []
        for was in self.abandoned(connection, now):
            state = State.RETRY if repeatable(was) else State.UNKNOWN
            gone = attrs.evolve(was, state=state, reason=state.value, owner="", lease=None, changed_at=now)
            moves.append((was, _freed(was, now) if was.state is State.CLAIMED else gone))
        return keep_off(connection, self.ledger, moves, self.ledger.move(connection, moves, "recover"), "recover", now)


def _freed(was: Touch, now: datetime) -> Touch:
    # A repetition whose first attempt may have had an effect is never judged anew: it waits as what it was.
    state = State.RETRY if was.in_doubt else State.READY
    return attrs.evolve(was, state=state, reason="released", owner="", lease=None, changed_at=now)


def underway(connection: sa.Connection, tables: LedgerTables, now: datetime) -> tuple[int, datetime | None]:
    """Return how many messages of all practices are being handed over, and until when the last of them is held."""
    touch = tables.touch
    asked = sa.select(sa.func.count(), sa.func.max(touch.c.lease))
    number, until = connection.execute(asked.where(touch.c.state == State.SENDING.value, touch.c.lease > now)).one()
    return number, until


_urgency = attrgetter(*URGENCY)
