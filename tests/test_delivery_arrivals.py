"""What arrives is never lost and never kept for longer than needed; what is forged leaves no trace."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from events_desk import MIA, SECRET, Desk, answer, bounce

from crmkit import CRM, FixedClock, Policy, State
from crmkit.builtin.webhook import HookParser
from crmkit.errors import NotFound, PluginError, SourceError, StoreError
from crmkit.ledger.payloads import Kept, drop, erase, keep, payload_id
from crmkit.plugins import EventKind


@pytest.fixture
def desk(open_crm: Callable[..., CRM], exports: Callable[..., None], clock: FixedClock) -> Desk:
    return Desk(open_crm, exports, clock).send()


def payloads(desk: Desk) -> list[Any]:
    with desk.crm._store.read() as connection:
        return list(connection.execute(sa.text("SELECT * FROM crmkit_payload")))


@pytest.mark.no_cover
def test_a_parser_that_fails_leaves_its_payload_to_be_tried_again(desk: Desk) -> None:
    desk.told.events.append(desk.event(EventKind.BOUNCED, permanent=True))
    desk.told.fails = ValueError(f"{MIA} is no number")
    for _ in range(2):
        with pytest.raises(PluginError, match="told"):
            desk.crm.receive("told", b"0")
    [one] = desk.crm.unread()
    assert (one.parser, one.body, one.problem) == ("told", b"0", "reading a payload failed (ValueError)")
    assert MIA not in repr(one)
    assert desk.crm.receive_again().applied == 0
    assert len([*desk.crm.unread()]) == 1
    desk.clock.move(timedelta(days=3))
    desk.told.fails = None
    assert desk.crm.receive_again().applied == 1
    assert [*desk.crm.unread()] == []
    assert desk.state() is State.BOUNCED
    assert desk.crm.receive_again().applied == 0
    assert desk.crm.audit().faults == ()


@pytest.mark.no_cover
def test_an_event_read_late_happened_when_its_payload_came(desk: Desk) -> None:
    came = desk.clock.now()
    desk.told.events.append(desk.event(EventKind.UNSUBSCRIBED))
    desk.told.fails = SourceError("is no JSON")
    with pytest.raises(SourceError):
        desk.crm.receive("told", b"0")
    desk.clock.move(timedelta(days=3))
    desk.told.fails = None
    desk.crm.receive_again()
    with desk.crm._store.read() as connection:
        said = desk.crm._stages.history.consents(connection, ["P1"])
    assert {one.at for one in said.values() if not one.given} == {came}


def test_a_database_that_fails_half_way_leaves_nothing_half_done(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.told.events.append(desk.event(EventKind.COMPLAINED))
    with monkeypatch.context() as patched:
        patched.setattr("crmkit.delivery.events.intake.refuse", lambda *_: (_ for _ in ()).throw(StoreError("is full")))
        with pytest.raises(StoreError, match="full"):
            desk.crm.receive("told", b"0")
    assert desk.state() is State.SENT
    assert [one.problem for one in desk.crm.unread()] == ["is full"]
    assert desk.crm.receive_again().applied == 1
    assert desk.state() is State.COMPLAINED


@pytest.mark.no_cover
def test_of_many_events_the_rest_is_taken_in_later_where_something_comes_between(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.told.events += [desk.event(EventKind.DELAYED, id=f"d-{number}") for number in range(250)]
    body = " ".join(str(number) for number in range(250)).encode()
    outcomes = iter([True] * 120 + [False])

    def hear(*given: Any, **more: Any) -> None:
        if not next(outcomes, True):
            raise StoreError("another transaction was in the way")
        real(*given, **more)

    from crmkit.delivery.events import intake

    real = intake.hear
    monkeypatch.setattr(intake, "hear", hear)
    with pytest.raises(StoreError):
        desk.crm.receive("told", body)
    assert len([*desk.crm.unread()]) == 1
    again = desk.crm.receive_again()
    assert (again.applied, again.known) == (150, 100)
    assert [*desk.crm.unread()] == []


@pytest.mark.no_cover
def test_a_signed_call_that_could_not_be_read_is_verified_again_by_its_own_time(desk: Desk) -> None:
    body = b'{"events": [{"id": "e-1"}]}'
    signed = HookParser((SECRET,)).sign("m-1", desk.clock.now(), body)
    secret = dict.fromkeys(("Authorization", "Cookie", "Proxy-Authorization"), "Basic c2VjcmV0")
    headers = {**signed, **secret}
    with pytest.raises(SourceError, match="lacks kind"):
        desk.crm.receive("hook", body, headers)
    desk.clock.move(timedelta(days=1))
    desk.crm.receive_again()
    [one] = desk.crm.unread()
    assert "lacks kind" in one.problem, "it is genuine still"
    assert one.headers == signed, "what opens the sender's door is not kept"


@pytest.mark.no_cover
def test_of_a_call_that_was_read_no_headers_are_kept(desk: Desk) -> None:
    body = json.dumps({"events": [{"id": "e-1", "kind": "delivered", "medium": "email", "key": desk.key()}]}).encode()
    desk.crm.receive("hook", body, HookParser((SECRET,)).sign("m-1", desk.clock.now(), body))
    [one] = payloads(desk)
    assert (one.body, json.loads(one.headers)) == (body, {})


def test_what_is_forged_or_nobodys_event_is_not_kept(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.crm.receive("hook", b"{}", {"webhook-id": "m-1"})
    with pytest.raises(NotFound, match="no such event parser"):
        desk.crm.receive("hooks", b"{}")
    letter = b"From: Mia <mia@stone.example>\nSubject: My eyes\n\nThey hurt since Monday.\n"
    assert desk.crm.receive("email.replies", letter).heard == ()
    assert payloads(desk) == []


@pytest.mark.no_cover
def test_a_payload_that_turns_out_to_be_no_event_is_not_kept_any_longer(desk: Desk) -> None:
    desk.told.fails = SourceError("is no JSON")
    with pytest.raises(SourceError):
        desk.crm.receive("told", b"")
    desk.told.fails = None
    desk.crm.receive_again()
    assert payloads(desk) == []


@pytest.mark.no_cover
def test_of_a_mail_with_a_film_in_it_only_the_beginning_is_kept(desk: Desk) -> None:
    mail = bounce(desk.word(), MIA).replace(
        b"--b--", b"--b\nContent-Type: video/mp4\n\n" + b"x" * 3_000_000 + b"\n--b--"
    )
    assert desk.crm.receive("email.bounces", mail).heard[0].did == ("moved", "suppressed")
    assert desk.crm.receive("email.bounces", mail).known == 1
    with desk.crm._store.read() as connection:
        assert connection.scalar(sa.text("SELECT sum(length(body)) FROM crmkit_payload")) == 1_000_000


@pytest.mark.no_cover
@pytest.mark.parametrize(("policy", "days"), [(None, 30), (Policy(keep_days=7), 7)])
def test_a_payload_expires_and_what_was_learnt_from_it_does_not(
    open_crm: Callable[..., CRM],
    exports: Callable[..., None],
    clock: FixedClock,
    policy: Policy | None,
    days: int,
) -> None:
    desk = Desk(open_crm, exports, clock, policy=policy).send()
    mail = bounce(desk.word(), MIA)
    desk.crm.receive("email.bounces", mail)
    clock.move(timedelta(days=days) - timedelta(seconds=1))
    desk.crm.receive("email.replies", answer(desk.key("P2"), "Hello", sender="p2@x.example"))
    assert len(payloads(desk)) == 2
    clock.move(timedelta(seconds=1))
    desk.crm.receive("email.replies", answer(desk.key("P2"), "Hello again", sender="p2@x.example"))
    assert [b"p2@x.example" in one.body for one in payloads(desk)] == [True, True]
    assert desk.crm.receive("email.bounces", mail).known == 1
    assert desk.crm.audit().faults == ()


def test_a_payload_expires_where_nothing_is_received_any_more(desk: Desk, clock: FixedClock) -> None:
    desk.crm.receive("email.bounces", bounce(desk.word(), MIA))
    clock.move(timedelta(days=30) - timedelta(seconds=1))
    desk.crm.send()
    assert len(payloads(desk)) == 1
    clock.move(timedelta(seconds=1))
    desk.crm.send()
    assert payloads(desk) == []


def test_what_arrived_about_a_patient_can_be_erased(desk: Desk) -> None:
    desk.crm.receive("email.bounces", bounce(desk.word(), MIA))
    desk.crm.receive("email.replies", answer(desk.key(), "Hello", sender="mia@work.example"))
    desk.crm.receive("email.bounces", bounce("0" * 32, "MIA@stone.example", "5.2.2"))
    desk.crm.receive("email.bounces", bounce(desk.word("P2"), "p2@x.example"))
    with desk.crm._stages.seal.begin() as connection:
        assert erase(connection, desk.crm._stages.tables, "bright-eyes", [desk.key()], [MIA]) == 3
    assert [b"p2@x.example" in one.body for one in payloads(desk)] == [True]
    assert desk.crm.audit().faults == ()


@pytest.mark.no_cover
def test_what_could_not_be_read_is_held_in_memory_a_little_at_a_time(desk: Desk) -> None:
    size, number = 100_000, 200
    desk.told.fails = ValueError  # an error that is raised again keeps all frames that it has seen
    tables, now, ids = desk.crm._stages.tables, desk.clock.now(), []
    with desk.crm._store.begin() as connection:
        for one in range(number):
            body = b"%03d" % one * (size // 3)
            ids.append(payload_id("told", body))
            kept = Kept(ids[-1], "told", now + timedelta(seconds=one), body, problem="is no JSON")
            keep(connection, tables, "bright-eyes", kept, now + timedelta(days=30))
    tracemalloc.start()
    assert [one.id for one in desk.crm.unread()] == ids
    assert desk.crm.receive_again().applied == 0
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < number * size / 2
    later = desk.crm.unread()
    next(later)
    with desk.crm._store.begin() as connection:
        for one in ids[:150]:
            drop(connection, tables, "bright-eyes", one)
    assert 50 <= len([*later]) < 100, "what was read meanwhile, by others, is left out"
