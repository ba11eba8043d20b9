"""What touches that may go owe each other: one message for one occasion, one copy for one address, room for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import attrs
import sqlalchemy as sa

from crmkit.campaigns.caps import Cap, Capped
from crmkit.campaigns.gone import Gone
from crmkit.campaigns.household import Copy, carriers
from crmkit.campaigns.judge import denied
from crmkit.campaigns.openings import HERE, Openings
from crmkit.campaigns.rivals import Rival, Rivals, Urgency, urgency
from crmkit.campaigns.room import Ask, Limit, Room, allocate
from crmkit.campaigns.spread import Spread
from crmkit.campaigns.terms import Terms
from crmkit.hours.hours import CODES
from crmkit.ledger.state import State
from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.touch import Touch
from crmkit.messages.type import MessageType

# Named once: for each touch, an enumeration takes longer to find its member than the question is worth.
_READY, _DEFERRED = State.READY, State.DEFERRED


@attrs.frozen
class Present:
    """The moment of a settlement: when it is, on which terms, and what others have claimed."""

    now: datetime
    terms: Terms
    rivals: tuple[Rival, ...]


@attrs.frozen(eq=False)
class Settlement:
    """Settles touches that may go, now or later, among each other and with what has left or is claimed already.

    Attributes:
        tables: The ledger's tables.
        practice: The practice's id.
        types: Message types by full name.
        caps: How much a patient and an address may get.
        openings: When messages may leave.
        gone: What has left already.
        rivals: What others have claimed.
    """

    tables: LedgerTables
    practice: str
    types: Mapping[str, MessageType]
    caps: Sequence[Cap]
    openings: Openings
    gone: Gone = attrs.field(init=False)
    rivals: Rivals = attrs.field(init=False)

    @gone.default
    def _what_is_gone(self) -> Gone:
        return Gone(self.tables, self.practice)

    @rivals.default
    def _what_is_claimed(self) -> Rivals:
        return Rivals(self.tables, self.practice)

    def settle(self, connection: sa.Connection, touches: Sequence[Touch], now: datetime, terms: Terms) -> list[Touch]:
        """Return the touches, those that may go now or later settled by urgency; all others pass unchanged."""
        # Read before what has left: what is handed over between the two is counted twice then, and never not at all.
        present = Present(now, terms, tuple(self.rivals.of(connection, touches, terms, now)))
        settled = {touch.key: touch for touch in touches}
        # Once, for no step changes what urgency is told by.
        keys = [touch.key for touch in sorted(settled.values(), key=urgency)]
        for step, concerned in ((self._once, _goes), (self._carried, _goes), (self._given_room, _moves)):
            going = [touch for key in keys if concerned(touch := settled[key])]
            if going:
                settled |= {touch.key: touch for touch in step(connection, going, present)}
        return list(settled.values())

    def _once(self, _: sa.Connection, going: Sequence[Touch], present: Present) -> list[Touch]:
        claimed: dict[tuple[str, str, str], list[Rival]] = {}
        for rival in present.rivals:
            claimed.setdefault(_said(rival), []).append(rival)
        first: dict[tuple[str, str, str], Touch] = {}
        later = []
        for touch in going:
            said = _said(touch)
            winners: list[Touch | Rival] = [first.setdefault(said, touch), *claimed.get(said, ())]
            others = [one for one in winners if one is not touch and _is_first(one, touch, present)]
            if others:
                later.append(denied(touch, "same_message", present.now, campaign=others[0].campaign))
        return later

    def _carried(self, connection: sa.Connection, going: Sequence[Touch], present: Present) -> list[Touch]:
        shared = [touch for touch in going if touch.address and not self.types[touch.message].personal]
        copies = [Copy(touch.key, touch.patient, _same(touch), touch.recipient == touch.patient) for touch in shared]
        gone = {**_claimed_copies(shared, present), **self.gone.copies(connection, shared)} if shared else {}
        by = carriers(copies, gone)
        return [
            attrs.evolve(
                touch,
                state=State.CARRIED,
                reason="carried",
                detail={"patient": by[touch.key][1]},
                carried_by=by[touch.key][0],
                changed_at=present.now,
            )
            for touch in shared
            if touch.key in by
        ]

    def _given_room(self, connection: sa.Connection, going: Sequence[Touch], present: Present) -> list[Touch]:
        def lawful(ask: Ask, at: datetime) -> datetime | None:
            where = present.terms.where.get(ask.key, HERE)
            return self.openings.next(where, ask.purpose, ask.medium, at, ask.stale).at

        limits = self._limits(connection, going, present)
        # Nearly all share nothing with anybody, and get what they ask for whoever else gets what.
        crowded = {key for limit in limits for key in limit.crowded([*going, *present.rivals])}
        asking = [touch for touch in going if touch.key in crowded]
        rooms = allocate(_asks(asking, present), limits, lawful) if asking else {}
        return [_given(touch, rooms[touch.key], present.now) for touch in asking]

    def _limits(self, connection: sa.Connection, going: Sequence[Touch], present: Present) -> list[Limit]:
        now, spread = present.now, present.terms.per_day
        limits: list[Limit] = [Capped(cap, self.gone.past(connection, cap, going, now)) for cap in self.caps]
        mine = sorted({touch.campaign for touch in going} & set(spread))
        if mine:
            zone = self.openings.hours.zone
            limits.append(Spread(spread, zone, self.gone.today(connection, mine, zone, now)))
        return limits


def _goes(touch: Touch) -> bool:
    """Tell whether a touch may go as soon as it is due and the hours allow it."""
    return touch.state is _READY or (touch.state is _DEFERRED and touch.reason in CODES)


def _moves(touch: Touch) -> bool:
    """Tell whether a touch takes room, sooner or later."""
    return touch.state is _READY or touch.state is _DEFERRED


def _said(one: Touch | Rival) -> tuple[str, str, str]:
    return one.patient, one.message, one.occasion


def _same(one: Touch | Rival) -> tuple[str, ...]:
    return one.message, one.occasion, one.medium.value, one.address


def _is_first(one: Touch | Rival, touch: Touch, present: Present) -> bool:
    return isinstance(one, Touch) or one.first(present.terms, urgency(touch))


def _claimed_copies(shared: Iterable[Touch], present: Present) -> dict[tuple[str, ...], tuple[str, str]]:
    """Return key and patient of what others have claimed before all of ours that say the same to the same address."""
    ours: dict[tuple[str, ...], Urgency] = {}
    for touch in shared:
        ours.setdefault(_same(touch), urgency(touch))
    return {
        _same(rival): (rival.key, rival.patient)
        for rival in present.rivals
        if _same(rival) in ours and rival.first(present.terms, ours[_same(rival)])
    }


def _asks(going: Iterable[Touch], present: Present) -> list[Ask]:
    """Return what wants room and what others take, in the order in which it is given."""
    before = [rival.ask(present.now) for rival in present.rivals if rival.first(present.terms)]
    level = [rival for rival in present.rivals if rival.claimed_at == present.terms.claimed_at]
    asks = [(urgency(touch), _ask(touch, present.now)) for touch in going]
    asks += [(urgency(rival), rival.ask(present.now)) for rival in level]
    return before + [ask for _, ask in sorted(asks, key=lambda pair: pair[0])]


def _ask(touch: Touch, now: datetime) -> Ask:
    return Ask(
        touch.key,
        touch.campaign,
        max(touch.due, now),
        touch.stale,
        touch.purpose,
        touch.medium,
        touch.patient,
        touch.address,
    )


def _given(touch: Touch, room: Room, now: datetime) -> Touch:
    if room.why is None:
        return touch
    if room.at is None:
        return denied(touch, room.why.never, now, **room.why.detail)
    reason, detail = room.why.later, dict(room.why.detail)
    return attrs.evolve(touch, state=State.DEFERRED, reason=reason, detail=detail, due=room.at, changed_at=now)
