"""What touches that may go owe each other: one message for one occasion, one copy for one address, room for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.campaigns.caps import Ask, Cap, Room, allocate
from crmkit.campaigns.gone import Gone
from crmkit.campaigns.household import Copy, carriers
from crmkit.campaigns.judge import refused
from crmkit.ledger.state import State
from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.touch import Touch
from crmkit.messages.type import MessageType


@attrs.frozen(eq=False)
class Settlement:
    """Settles ready touches among each other and with what has left already.

    Attributes:
        tables: The ledger's tables.
        practice: The practice's id.
        types: Message types by full name.
        caps: How much a patient and an address may get.
        gone: What has left already.
    """

    tables: LedgerTables
    practice: str
    types: Mapping[str, MessageType]
    caps: Sequence[Cap]
    gone: Gone = attrs.field(init=False)

    @gone.default
    def _what_is_gone(self) -> Gone:
        return Gone(self.tables, self.practice)

    def settle(self, connection: sa.Connection, touches: Sequence[Touch], now: datetime) -> list[Touch]:
        """Return the touches, those that are ready settled by priority; all others pass unchanged."""
        settled = {touch.key: touch for touch in touches}
        for step in (self._once, self._carried, self._capped):
            ready = sorted(
                (touch for touch in settled.values() if touch.state is State.READY),
                key=lambda touch: (touch.priority, touch.due, touch.key),
            )
            if ready:
                settled |= {touch.key: touch for touch in step(connection, ready, now)}
        return list(settled.values())

    def _once(self, _: sa.Connection, ready: Sequence[Touch], now: datetime) -> list[Touch]:
        first: dict[tuple[str, str, str], Touch] = {}
        later = []
        for touch in ready:
            winner = first.setdefault((touch.patient, touch.message, touch.occasion), touch)
            if winner is not touch:
                later.append(refused(touch, "same_message", now, campaign=winner.campaign))
        return later

    def _carried(self, connection: sa.Connection, ready: Sequence[Touch], now: datetime) -> list[Touch]:
        shared = [touch for touch in ready if touch.address and not self.types[touch.message].personal]
        copies = [Copy(touch.key, touch.patient, _same(touch), touch.recipient == touch.patient) for touch in shared]
        by = carriers(copies, self.gone.copies(connection, shared)) if copies else {}
        return [
            attrs.evolve(
                touch,
                state=State.CARRIED,
                reason="carried",
                detail={"patient": by[touch.key][1]},
                carried_by=by[touch.key][0],
                changed_at=now,
            )
            for touch in shared
            if touch.key in by
        ]

    def _capped(self, connection: sa.Connection, ready: Sequence[Touch], now: datetime) -> list[Touch]:
        changed: dict[str, Touch] = {}
        for cap in self.caps:
            asking = [touch for touch in ready if touch.key not in changed]
            rooms = allocate([_ask(touch, now) for touch in asking], cap, self.gone.past(connection, cap, asking, now))
            changed |= {touch.key: _given(touch, rooms[touch.key], now) for touch in asking if rooms[touch.key].cap}
        return list(changed.values())


def _same(touch: Touch) -> tuple[str, ...]:
    return touch.message, touch.occasion, touch.medium.value, touch.address


def _ask(touch: Touch, now: datetime) -> Ask:
    return Ask(touch.key, max(touch.due, now), touch.stale, touch.purpose, touch.patient, touch.address)


def _given(touch: Touch, room: Room, now: datetime) -> Touch:
    if room.at is None or room.cap is None:
        return refused(touch, "too_much", now)
    detail: dict[str, Any] = {"most": room.cap.most, "days": room.cap.days}
    return attrs.evolve(touch, state=State.DEFERRED, reason="cap", detail=detail, due=room.at, changed_at=now)
