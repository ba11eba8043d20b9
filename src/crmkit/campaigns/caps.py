"""How much one patient, and one address, may get: room is given out by priority, across all campaigns. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from crmkit.people.medium import Purpose


@attrs.frozen
class Cap:
    """The most that may be sent in any span of days.

    Attributes:
        purposes: To which purposes it applies, counted together.
        most: How many messages one patient gets at most.
        per_address: How many messages one address gets at most; families share addresses.
        days: The length of the span.
    """

    purposes: tuple[Purpose, ...] = (Purpose.MARKETING, Purpose.FEEDBACK)
    most: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    per_address: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    days: int = attrs.field(default=7, validator=attrs.validators.ge(1))

    @property
    def span(self) -> timedelta:
        """The length of the span."""
        return timedelta(days=self.days)


@attrs.frozen
class Ask:
    """A message that wants room: its key, when it would leave, when it is stale, for whom and to which address."""

    key: str
    at: datetime
    stale: datetime
    purpose: Purpose
    patient: str
    address: str


@attrs.frozen
class Room:
    """What an ask was given.

    Attributes:
        at: When there is room; None if there is none before the occasion is stale.
        cap: The cap that made it later, None if it may leave when it asked.
    """

    at: datetime | None
    cap: Cap | None = None


Past = Mapping[str, Sequence[datetime]]


def allocate(asks: Iterable[Ask], cap: Cap, past: Past) -> dict[str, Room]:
    """Give room to the asks in their order and return it by key.

    Args:
        asks: Most urgent first; those of other purposes than the cap's pass freely.
        cap: The most that may be sent.
        past: When messages of the cap's purposes left, by `patient:ID` and `address:DIGEST`.
    """
    taken: dict[str, list[datetime]] = defaultdict(list)
    for who, times in past.items():
        taken[who].extend(times)
    rooms: dict[str, Room] = {}
    for ask in asks:
        if ask.purpose not in cap.purposes:
            rooms[ask.key] = Room(ask.at)
            continue
        counted = _counted(ask)
        at = _first_room(ask, cap, counted, taken)
        if at >= ask.stale:
            rooms[ask.key] = Room(None, cap)
            continue
        rooms[ask.key] = Room(at, cap if at > ask.at else None)
        for who in counted:
            taken[who].append(at)
    return rooms


def _counted(ask: Ask) -> tuple[str, ...]:
    return (of_patient(ask.patient), of_address(ask.address)) if ask.address else (of_patient(ask.patient),)


def of_patient(patient: str) -> str:
    """Return under which name the messages about a patient are counted."""
    return f"patient:{patient}"


def of_address(address: str) -> str:
    """Return under which name the messages to an address are counted, given its digest."""
    return f"address:{address}"


def _first_room(ask: Ask, cap: Cap, counted: Sequence[str], taken: Mapping[str, Sequence[datetime]]) -> datetime:
    at = ask.at
    if not any(who in taken for who in counted):
        return at
    while True:
        later = [_free_at(at, taken.get(who, ()), most, cap.span) for who, most in zip(counted, _most(cap))]  # noqa: B905 - an ask without an address has only the first
        latest = max(later)
        if latest == at:
            return at
        at = latest


def _most(cap: Cap) -> tuple[int, int]:
    return cap.most, cap.per_address


def _free_at(at: datetime, times: Sequence[datetime], most: int, span: timedelta) -> datetime:
    near = sorted(time for time in times if abs(time - at) < span)
    # Counting both sides of the moment is a little stricter than any window, and leaves room for what goes first.
    return at if len(near) < most else near[-most] + span
