"""Events that name a message by what its provider calls it, as most status webhooks do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from events_desk import MIA, Desk

from crmkit import CRM, FixedClock, Medium, Policy, Purpose, State
from crmkit.ledger.heard import waiting
from crmkit.plugins import QUERYABLE, EventKind, Outcome, Receipt, Stop

DAY = timedelta(days=1)


@pytest.fixture
def open_desk(open_crm: Callable[..., CRM], exports: Callable[..., None], clock: FixedClock) -> Callable[..., Desk]:
    return lambda **more: Desk(open_crm, exports, clock, **{"own": True, **more})


@pytest.fixture
def desk(open_desk: Callable[..., Desk]) -> Desk:
    return open_desk().send()


def reference(desk: Desk, patient: str = "P1") -> str:
    """Return what the recording channel's provider calls a patient's card."""
    return f"Q{desk.channel.keys.index(desk.key(patient)) + 1}"


def tell(desk: Desk, kind: EventKind, named: str, **parts: Any) -> list[str]:
    return desk.tell(kind, **{"key": "", "reference": named, **parts})


def waits(desk: Desk) -> int:
    with desk.crm._store.read() as connection:
        return len(waiting(connection, desk.crm._stages.ledger.tables, desk.crm.practice.id))


def test_an_event_settles_the_message_that_its_provider_names(desk: Desk) -> None:
    assert tell(desk, EventKind.DELIVERED, reference(desk)) == ["moved"]
    assert tell(desk, EventKind.BOUNCED, reference(desk, "P2"), permanent=True) == ["moved", "suppressed"]
    assert (desk.state(), desk.state("P2")) == (State.DELIVERED, State.BOUNCED)


def test_a_no_to_a_message_that_its_provider_names_is_of_its_reader_alone(desk: Desk) -> None:
    stop = Stop((Purpose.MARKETING,))
    assert tell(desk, EventKind.REPLIED, reference(desk), stop=stop, address="else@x.example") == [
        "other_address",
        "stopped",
    ]
    assert desk.noes() == {("P1", Purpose.MARKETING, Medium.EMAIL)}


def test_another_plugins_provider_may_call_its_own_messages_the_same(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(own=False).send()
    assert tell(desk, EventKind.BOUNCED, reference(desk), permanent=True) == ["waits"]
    assert tell(desk, EventKind.DELIVERED, "another program's", address=MIA) == ["waits"]
    assert (desk.state(), waits(desk)) == (State.SENT, 2)
    desk.clock.move(2 * DAY)
    desk.send()
    assert (desk.state(), waits(desk), desk.next_year()) == (State.SENT, 0, {"P1": "ready", "P2": "ready"})


def test_what_its_provider_tells_before_its_answer_is_written_down_is_not_lost(open_desk: Callable[..., Desk]) -> None:
    desk, heard = open_desk(), []

    def called(message: Any) -> None:
        stop = {"stop": Stop((Purpose.FEEDBACK,))} if message.to == MIA else {}
        kind = EventKind.UNSUBSCRIBED if message.to == MIA else EventKind.BOUNCED
        named = f"Q{len(desk.channel.handed) + 1}"
        heard.append(tell(desk, kind, named, permanent=kind is EventKind.BOUNCED, **stop))

    desk.channel.between = called
    desk.send()
    assert heard == [["waits"], ["waits"]]
    assert (desk.state(), desk.state("P2")) == (State.SENT, State.BOUNCED)
    assert desk.noes() == {("P1", purpose, Medium.EMAIL) for purpose in (Purpose.MARKETING, Purpose.FEEDBACK)}
    assert desk.next_year() == {"P1": "opted_out", "P2": "bad_address"}
    assert desk.crm.audit().faults == ()


def test_an_answer_that_got_lost_is_made_up_for_when_the_provider_is_asked(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(guarantee=QUERYABLE)
    desk.channel.fate = ["silent"]
    desk.send()
    [lost] = [one for one in ("P1", "P2") if desk.state(one) is State.UNKNOWN]
    assert tell(desk, EventKind.DELIVERED, "M-7") == ["waits"], "nobody knows what it is that it calls so"
    assert desk.state(lost) is State.UNKNOWN
    desk.channel.ask = lambda asked: [Receipt(one.key, Outcome.SENT, reference="M-7") for one in asked]
    desk.clock.move(timedelta(hours=2))
    desk.send()
    assert desk.state(lost) is State.DELIVERED


def test_a_name_that_stands_for_several_messages_leads_to_the_one_at_the_address(desk: Desk) -> None:
    """Some providers name the call, and not the message."""
    with desk.crm._store.begin() as connection:
        attempt = desk.crm._stages.ledger.tables.attempt
        connection.execute(sa.update(attempt).values(reference="batch-1"))
    assert tell(desk, EventKind.DELIVERED, "batch-1") == ["waits"]
    assert tell(desk, EventKind.DELIVERED, "batch-1", address=MIA) == ["moved"]
    assert (desk.state(), desk.state("P2")) == (State.DELIVERED, State.SENT)


def test_an_event_that_names_a_message_and_another_address_is_not_believed(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    desk.channel.between = lambda _: tell(desk, EventKind.BOUNCED, "Q1", permanent=True, address="else@x.example")
    desk.send()
    assert tell(desk, EventKind.BOUNCED, "Q2", permanent=True, address="else@x.example") == ["other_address"]
    assert (desk.state(), desk.state("P2"), desk.next_year()) == (
        State.SENT,
        State.SENT,
        {"P1": "ready", "P2": "ready"},
    )


def test_a_soft_bounce_that_was_heard_early_counts(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(policy=Policy(soft_bounces=1))
    desk.channel.between = lambda _: tell(desk, EventKind.BOUNCED, f"Q{len(desk.channel.handed) + 1}")
    desk.send()
    assert (desk.state(), desk.state("P2")) == (State.BOUNCED, State.BOUNCED)
    assert desk.next_year() == {"P1": "bad_address", "P2": "bad_address"}
