"""Claims: who holds which touch, for how long, and what becomes of it when its holder dies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.ledger import COLUMNS, Ledger, to_touch
from crmkit.ledger.share import Share
from crmkit.ledger.state import CLAIMABLE, State
from crmkit.ledger.tables import URGENCY
from crmkit.ledger.touch import Touch
from crmkit.store.among import among


@attrs.frozen(eq=False)
class Claims:
    """The claims on the touches of one practice. Every method works inside the caller's transaction.

    Attributes:
        ledger: The touches.
    """

    ledger: Ledger

    def start(
        self,
        connection: sa.Connection,
        keys: Sequence[str],
        channel: str,
        owner: str,
        now: datetime,
        lease: timedelta,
    ) -> frozenset[str]:
        """Note that claimed touches are on their way; return the keys of those that the owner still holds."""
        return self.ledger.shift(
            connection,
            keys,
            State.CLAIMED,
            State.SENDING,
            "send",
            now,
            owner=owner,
            reason="handing_over",
            detail={"channel": channel},
            lease_after=now,
            to=owner,
            lease=now + lease,
            sent_at=now,
            attempts=self.ledger.tables.touch.c.attempts + 1,
        )

    def due(
        self,
        connection: sa.Connection,
        now: datetime,
        only_to: Sequence[str] | None = None,
        limit: int | None = None,
        share: Share | None = None,
    ) -> list[Touch]:
        """Return the touches that may leave at an instant, most urgent first; of all households or of a share."""
        wanted = [] if only_to is None else [among(self.ledger.tables.touch.c.patient, only_to)]
        wanted += [] if share is None else [share.holds(self.ledger.tables.touch.c.household)]
        # Each state by itself comes in the order of an index, so that the first thousand of a million are at hand.
        found = [touch for state in CLAIMABLE for touch in self._due(connection, state, now, wanted, limit)]
        return sorted(found, key=_urgency)[:limit]

    def _due(
        self,
        connection: sa.Connection,
        state: State,
        now: datetime,
        wanted: Sequence[sa.ColumnElement[bool]],
        limit: int | None,
    ) -> list[Touch]:
        table = self.ledger.tables.touch
        query = (
            sa.select(*(table.c[name] for name in COLUMNS))
            .where(table.c.practice == self.ledger.practice, table.c.state == state.value, table.c.due <= now, *wanted)
            .order_by(*(table.c[name] for name in URGENCY))
            .limit(limit)
        )
        # Several senders on one database pass over each other's rows; SQLite has one writer at a time anyway.
        locked = query.with_for_update(skip_locked=True) if limit is not None else query
        return [to_touch(row) for row in connection.execute(locked).all()]

    def claim(
        self,
        connection: sa.Connection,
        owner: str,
        now: datetime,
        lease: timedelta,
        limit: int,
        *,
        only_to: Sequence[str] | None = None,
        share: Share | None = None,
    ) -> list[Touch]:
        """Claim touches that are due, most urgent first, and return them."""
        due = self.due(connection, now, only_to, limit, share)
        mine: set[str] = set()
        for state in CLAIMABLE:
            keys = [touch.key for touch in due if touch.state is state]
            mine |= self.ledger.shift(
                connection,
                keys,
                state,
                State.CLAIMED,
                owner,
                now,
                owner="",
                reason="claimed",
                to=owner,
                lease=now + lease,
            )
        taken: dict[str, Any] = {
            "state": State.CLAIMED,
            "owner": owner,
            "lease": now + lease,
            "reason": "claimed",
            "changed_at": now,
        }
        return [attrs.evolve(one, **taken, moves=one.moves + 1) for one in due if one.key in mine]

    def renew(self, connection: sa.Connection, owner: str, now: datetime, lease: timedelta) -> None:
        """Hold what an owner has claimed for longer; what has run out already is not his any more."""
        table = self.ledger.tables.touch
        held = (table.c.owner == owner, table.c.state == State.CLAIMED.value, table.c.lease > now)
        mine = (table.c.practice == self.ledger.practice, *held)
        connection.execute(sa.update(table).where(*mine).values(lease=now + lease))

    def release(self, connection: sa.Connection, keys: Sequence[str], owner: str, now: datetime) -> None:
        """Give back what an owner claimed and did not hand over; what is in doubt goes back to where it was."""
        table = self.ledger.tables.touch
        mine = (among(table.c.key, keys), table.c.owner == owner, table.c.state == State.CLAIMED.value)
        self.ledger.move(
            connection, [(was, _freed(was, now)) for was in self.ledger.touches(connection, *mine)], "release"
        )

    def abandoned(self, connection: sa.Connection, now: datetime) -> list[Touch]:
        """Return what senders hold whose lease is over."""
        table = self.ledger.tables.touch
        held = table.c.state.in_([State.CLAIMED.value, State.SENDING.value])
        return self.ledger.touches(connection, held, table.c.lease <= now)

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
        return self.ledger.move(connection, moves, "recover")


def _freed(was: Touch, now: datetime) -> Touch:
    # A repetition whose first attempt may have had an effect is never judged anew: it waits as what it was.
    state = State.RETRY if was.in_doubt else State.READY
    return attrs.evolve(was, state=state, reason="released", owner="", lease=None, changed_at=now)


_urgency = attrgetter(*URGENCY)
