"""Taking in what comes back, whatever comes in whichever order: once is once, the strictest stands, a no stays a no."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from events_desk import MIA, Desk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from situations import NOW

from crmkit import CRM, FixedClock, Medium, Purpose, State
from crmkit.people.consent import allows
from crmkit.plugins import Event, EventKind, Stop

EVERY = [(patient, purpose, medium) for patient in ("P1", "P2") for purpose in Purpose for medium in Medium]
STRICTNESS = [State.SENT, State.DELIVERED, State.BOUNCED, State.COMPLAINED]
STATES = {
    EventKind.DELIVERED: State.DELIVERED,
    EventKind.BOUNCED: State.BOUNCED,
    EventKind.COMPLAINED: State.COMPLAINED,
}
PLACES = ("P1", "P2", "nobody")
ADDRESSES = ("", MIA, "P2@x.example", "else@x.example")
#: The desk's fixture serves all examples: each leaves it as it was.
MANY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def desk(open_crm: Callable[..., CRM], exports: Callable[..., None], clock: FixedClock) -> Desk:
    desk = Desk(open_crm, exports, clock)
    desk.channel.fate = ["sent", "silent"]
    desk.send()
    assert {desk.state(), desk.state("P2")} == {State.SENT, State.UNKNOWN}
    clock.move(timedelta(days=2))
    return desk


@attrs.frozen
class After:
    """What stands after some events."""

    states: dict[str, str]
    stopped: frozenset[str]
    allowed: frozenset[Any]
    heard: int


class UndoneError(Exception):
    """Rolls a transaction back."""


@contextmanager
def undone(desk: Desk) -> Iterator[sa.Connection]:
    """Open a transaction of which nothing remains."""
    with suppress(UndoneError), desk.crm._store.begin() as connection:
        yield connection
        raise UndoneError


def take(desk: Desk, connection: sa.Connection, events: Sequence[Event]) -> None:
    now = desk.clock.now()
    desk.crm._stages.arrivals.intake.take(connection, "told", "", events, received_at=now, now=now)


def standing(desk: Desk, connection: sa.Connection) -> After:
    stages = desk.crm._stages
    said = stages.history.consents(connection, ["P1", "P2"])
    people = stages.history.patients(connection, ["P1", "P2"])
    points = [point for one in people.values() for point in one.contacts]
    heard = stages.tables.learnt.heard
    return After(
        {touch.patient: touch.state.value for touch in stages.ledger.touches(connection)},
        frozenset(point.value for point in points if point.problem),
        frozenset(place for place in EVERY if allows(said.get(place), place[1])),
        connection.scalar(sa.select(sa.func.count()).select_from(heard)) or 0,
    )


def keys(desk: Desk) -> dict[str, str]:
    return {"P1": desk.key("P1"), "P2": desk.key("P2"), "nobody": "f" * 32}


@st.composite
def told(draw: st.DrawFn, most: int = 6) -> list[dict[str, Any]]:
    """Draw events as parts, their touches by patient."""
    found = []
    for number in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(EventKind))
        parts: dict[str, Any] = {"id": f"e-{number}", "kind": kind, "address": draw(st.sampled_from(ADDRESSES))}
        parts["about"] = draw(st.sampled_from(PLACES if parts["address"] == "" else ("", *PLACES)))
        parts["at"] = draw(st.none() | st.integers(-90, 90).map(lambda hours: NOW + timedelta(hours=hours)))
        parts["permanent"] = kind is EventKind.BOUNCED and draw(st.booleans())
        parts["rating"] = draw(st.integers(0, 10)) if kind is EventKind.RATED else None
        purposes = draw(st.lists(st.sampled_from(Purpose), max_size=2, unique=True))
        parts["stop"] = Stop(tuple(purposes)) if purposes else None
        found.append(parts)
    return found


def made(desk: Desk, parts: Sequence[dict[str, Any]]) -> list[Event]:
    of = {"": "", **keys(desk)}
    return [
        Event(medium=Medium.EMAIL, key=of[one["about"]], **{name: one[name] for name in one if name != "about"})
        for one in parts
    ]


@MANY
@given(parts=told(), data=st.data())
def test_events_that_come_again_in_whatever_order_change_nothing(
    desk: Desk, parts: list[dict[str, Any]], data: st.DataObject
) -> None:
    events = made(desk, parts)
    with undone(desk) as connection:
        take(desk, connection, events)
        once = standing(desk, connection)
        for _ in range(2):
            take(desk, connection, data.draw(st.permutations([*events, *events])))
        assert standing(desk, connection) == once
    assert once.heard == len([event for event in events if event.kind is not EventKind.CLICKED])


@MANY
@given(parts=told(), data=st.data())
def test_the_order_in_which_events_come_makes_no_difference(
    desk: Desk, parts: list[dict[str, Any]], data: st.DataObject
) -> None:
    events = made(desk, parts)
    ends = []
    for order in (events, data.draw(st.permutations(events))):
        with undone(desk) as connection:
            for event in order:
                take(desk, connection, [event])
            ends.append(standing(desk, connection))
    assert ends[0] == ends[1]


@MANY
@given(parts=told())
def test_the_strictest_of_what_is_believed_stands(desk: Desk, parts: list[dict[str, Any]]) -> None:
    right = {"P1": ("", MIA), "P2": ("", "P2@x.example")}
    with undone(desk) as connection:
        before = standing(desk, connection).states
        take(desk, connection, made(desk, parts))
        found = standing(desk, connection).states
    for patient, addresses in right.items():
        believed = [
            STATES[one["kind"]]
            for one in parts
            if one["kind"] in STATES
            and one["address"] in addresses
            and (one["about"] == patient or (one["about"] == "" and one["address"]))
        ]
        strictest = max(believed, key=STRICTNESS.index, default=None)
        assert found[patient] == (strictest.value if strictest else before[patient])


@MANY
@given(first=told(), then=told())
def test_no_event_ever_lets_anybody_be_written_to_again(
    desk: Desk, first: list[dict[str, Any]], then: list[dict[str, Any]]
) -> None:
    later = [{**one, "id": f"later-{one['id']}"} for one in then]
    with undone(desk) as connection:
        take(desk, connection, made(desk, first))
        before = standing(desk, connection)
        take(desk, connection, made(desk, later))
        after = standing(desk, connection)
    assert after.allowed <= before.allowed
    assert after.stopped >= before.stopped


@MANY
@given(parts=told())
def test_what_events_say_of_one_patient_never_touches_another(desk: Desk, parts: list[dict[str, Any]]) -> None:
    of_mia = [{**one, "about": "P1", "address": ""} for one in parts]
    with undone(desk) as connection:
        before = standing(desk, connection)
        take(desk, connection, made(desk, of_mia))
        after = standing(desk, connection)
    assert after.states["P2"] == before.states["P2"]
    assert after.stopped <= {MIA}
    assert {place for place in before.allowed - after.allowed if place[0] != "P1"} == set()
