"""What comes back, on PostgreSQL: the same as on SQLite, also where many listen at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from events_desk import MIA, Desk, answer, bounce
from situations import patient

from crmkit import CRM, FixedClock, Medium, Practice, Purpose, State
from crmkit.plugins import EventKind, Stop


@pytest.fixture
def open_there(
    postgres_ready: str, practice: Practice, clock: FixedClock, tmp_path: Path
) -> Iterator[Callable[..., CRM]]:
    opened: list[CRM] = []

    def open_one(**more: Any) -> CRM:
        settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}} | more.pop("settings", {})
        opened.append(CRM(practice, postgres_ready, settings=settings, clock=clock, root=tmp_path, **more))
        return opened[-1]

    yield open_one
    for crm in opened:
        crm.close()


@pytest.fixture
def desk(open_there: Callable[..., CRM], exports: Callable[..., None], clock: FixedClock) -> Desk:
    return Desk(open_there, exports, clock).send()


def test_from_a_bounce_mail_to_the_next_plan_and_back_by_a_person(desk: Desk) -> None:
    mail = bounce(desk.word(), "Mia@stone.example")
    assert [desk.crm.receive("email.bounces", mail).applied for _ in range(2)] == [1, 0]
    assert desk.state() is State.BOUNCED
    assert desk.tell(EventKind.COMPLAINED) == ["moved", "stopped"]
    assert desk.steps()[-3:] == ["bounced", "delivered", "complained"]
    assert desk.next_year() == {"P1": "opted_out", "P2": "ready"}
    assert desk.crm.unsuppress(Medium.EMAIL, MIA, by="Kim")
    assert desk.crm.audit().faults == ()


def test_an_address_alone_is_enough_for_a_wish_and_for_the_last_message(desk: Desk) -> None:
    stop = Stop((Purpose.MARKETING,), "en")
    assert desk.tell(EventKind.REPLIED, key="", address="MIA@stone.example", stop=stop) == ["stopped"]
    assert desk.tell(EventKind.BOUNCED, key="", address=MIA, permanent=True) == ["moved", "suppressed"]
    assert desk.noes() == {("P1", Purpose.MARKETING, Medium.EMAIL)}


def test_what_waits_for_the_end_of_the_hand_over_is_told_then(
    open_there: Callable[..., CRM], exports: Callable[..., None], clock: FixedClock
) -> None:
    desk = Desk(open_there, exports, clock)
    desk.channel.between = lambda message: desk.tell(EventKind.DELIVERED, key=message.key) and None
    desk.send()
    assert (desk.state(), desk.state("P2")) == (State.DELIVERED, State.DELIVERED)


def test_many_who_listen_at_once_hear_each_event_once(desk: Desk, open_there: Callable[..., CRM]) -> None:
    more = {"plugins": ["csv", "folder", "email"], "channels": {Medium.EMAIL: "folder"}, "audit_key": "a key for tests"}
    others = [open_there(settings={"email": {"host": "mx.example"}}, **more) for _ in range(3)]
    mails = [bounce(desk.word(), MIA), bounce(desk.word("P2"), "p2@x.example")]
    with ThreadPoolExecutor(6) as pool:
        work = [(crm, mail) for crm in (desk.crm, *others) for mail in mails] * 2
        received = list(pool.map(lambda one: one[0].receive("email.bounces", one[1]), work))
        wishes = list(pool.map(lambda crm: crm.receive("email.replies", answer(desk.key(), "STOP")), others))
    assert (sum(one.applied for one in received), sum(one.known for one in received)) == (2, len(work) - 2)
    assert sum(one.applied for one in wishes) == 1
    assert (desk.state(), desk.state("P2")) == (State.BOUNCED, State.BOUNCED)
    assert desk.crm.audit().faults == ()


def test_senders_who_learn_of_one_dead_address_at_once_stop_it_once(
    open_there: Callable[..., CRM], exports: Callable[..., None], clock: FixedClock
) -> None:
    people = [patient(f"P{number}", household=f"H{number}") for number in range(2)]
    desks = [Desk(open_there, exports, clock, people=people, caps=()) for _ in range(2)]
    together = Barrier(2, timeout=30)
    for desk in desks:
        desk.channel.fate = ["nobody"]
        desk.channel.between = lambda _: together.wait() and None
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda desk: desk.crm.send(limit=1), desks))
    assert [one.counts() for one in told] == [{State.REFUSED: 1}] * 2
    assert set(desks[0].next_year().values()) == {"bad_address"}
    assert desks[0].crm.unsuppress(Medium.EMAIL, MIA, by="Kim")
    assert not desks[0].crm.unsuppress(Medium.EMAIL, MIA, by="Kim"), "it was stopped once"
    assert desks[0].crm.audit().faults == ()
