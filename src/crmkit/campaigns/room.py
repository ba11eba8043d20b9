"""Room for what may go: each message gets the first instant at which every limit and every clock allow it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import attrs

from crmkit.people.medium import Medium, Purpose


@attrs.frozen
class Ask:
    """A message that wants room.

    Attributes:
        key: The touch's key.
        campaign: The campaign's id.
        at: When it would leave, in UTC.
        stale: From when on it is too late.
        purpose: Why one would write.
        medium: By which way.
        patient: About whom.
        address: A digest of the address, empty where there is none.
        held: True if it is about to leave anyway, and so takes room without being given any.
    """

    key: str
    campaign: str
    at: datetime
    stale: datetime
    purpose: Purpose
    medium: Medium
    patient: str
    address: str
    held: bool = False


@attrs.frozen
class Why:
    """What is told of a message that a limit keeps back.

    Attributes:
        later: The reason if it leaves later.
        never: The reason if there is no room before it is stale.
        detail: What the words for either need.
    """

    later: str
    never: str
    detail: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen
class Room:
    """What an ask was given.

    Attributes:
        at: When it may leave; None if there is no room before it is stale.
        why: What made it later, or left no room; None if it may leave when it asked.
    """

    at: datetime | None
    why: Why | None = None


class Asking(Protocol):
    """What limits count by: a message that wants room, or takes it."""

    @property
    def key(self) -> str:
        """The touch's key."""
        ...

    @property
    def campaign(self) -> str:
        """The campaign's id."""
        ...

    @property
    def purpose(self) -> Purpose:
        """Why one would write."""
        ...

    @property
    def patient(self) -> str:
        """About whom."""
        ...

    @property
    def address(self) -> str:
        """A digest of the address, empty where there is none."""
        ...


class Limit(Protocol):
    """Something of which there is only so much. It remembers what it has given out."""

    def crowded(self, asking: Sequence[Asking]) -> set[str]:
        """Return the keys of those, of all that ask together, that may not get what they ask for.

        All others it would let leave when they ask, and what it gives them nobody else could have had.
        """
        ...

    def free_at(self, ask: Ask, at: datetime) -> datetime:
        """Return the first instant from `at` on at which there is room for an ask that it concerns, else `at`."""
        ...

    def take(self, ask: Ask, at: datetime) -> None:
        """Give room to an ask at an instant."""
        ...

    def why(self, ask: Ask, at: datetime) -> Why:
        """Return what is told of an ask that it keeps back, which may not have an instant."""
        ...


#: Returns the first instant from another one on at which the message may arrive, None if there is none in time.
Lawful = Callable[[Ask, datetime], "datetime | None"]


def allocate(asks: Iterable[Ask], limits: Sequence[Limit], lawful: Lawful) -> dict[str, Room]:
    """Give room to the asks in their order and return it by key.

    Args:
        asks: Most urgent first, each at an instant that is lawful.
        limits: What there is only so much of.
        lawful: Moves an instant on to one at which the message may arrive.
    """
    rooms: dict[str, Room] = {}
    for ask in asks:
        room = Room(ask.at) if ask.held else _first_room(ask, limits, lawful)
        if room.at is not None:
            for limit in limits:
                limit.take(ask, room.at)
        if not ask.held:
            rooms[ask.key] = room
    return rooms


def _first_room(ask: Ask, limits: Sequence[Limit], lawful: Lawful) -> Room:
    at, why = ask.at, None
    while True:
        free, by = _latest(ask, limits, at)
        if by is None:
            return Room(at, why)
        why = by.why(ask, at)
        # Room at night is none: the morning after may be full again, and so both are asked until they agree.
        open_at = lawful(ask, free) if free < ask.stale else None
        if open_at is None or open_at >= ask.stale:
            return Room(None, why)
        at = open_at


def _latest(ask: Ask, limits: Sequence[Limit], at: datetime) -> tuple[datetime, Limit | None]:
    """Return the latest of the limits' first instants, and which limit's it is; none if all have room."""
    latest, by = at, None
    for limit in limits:
        free = limit.free_at(ask, at)
        if free > latest:
            latest, by = free, limit
    return latest, by
