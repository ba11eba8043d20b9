"""A sender that is held up at the wrong moment: a laptop sleeps, a machine is moved, another writer takes its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from recording_channel import Recorder
from situations import consent, patient

from crmkit import CRM, Campaign, FixedClock, State
from crmkit.campaigns.judge import Judge
from crmkit.delivery import carrier
from crmkit.delivery.handover import HandOver
from crmkit.people.medium import Medium, Purpose
from crmkit.store.store import Store

CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
#: From the morning into the night, and until the morning after.
TO_THE_NIGHT, TO_THE_MORNING = timedelta(hours=13), timedelta(hours=12)


@pytest.fixture
def opened(exports: Callable[..., None], open_crm: Callable[..., CRM]) -> Callable[[Recorder], CRM]:
    """Open a CRM on the one database, with one patient whose card is due, through a given channel."""
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])

    def opened(recorder: Recorder) -> CRM:
        crm = open_crm(plugins=["csv", "folder", recorder], channels={Medium.EMAIL: recorder.name})
        crm.sync()
        crm.add(CARD)
        crm.plan()
        return crm

    return opened


@contextmanager
def held_up(before: Callable[[], None]) -> Iterator[None]:
    """Let something happen between the intent and the hand-over, once."""
    deliver, waiting = HandOver.deliver, [before]

    def late(self: HandOver, *given: Any) -> Any:
        while waiting:
            waiting.pop()()
        return deliver(self, *given)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(HandOver, "deliver", late)
        yield


def test_a_laptop_that_slept_until_the_night_hands_nothing_over_then(opened: Any, clock: FixedClock) -> None:
    recorder = Recorder()
    crm = opened(recorder)
    with held_up(lambda: clock.move(TO_THE_NIGHT)):
        assert crm.send().counts() == {State.RETRY: 1}
        clock.move(timedelta(minutes=20))
        assert crm.send().sent == 0
    assert recorder.handed == []
    clock.move(TO_THE_MORNING)
    assert crm.send().sent == len(recorder.handed) == 1


@pytest.mark.no_cover
def test_who_opted_out_while_a_sender_stood_still_is_not_written_to(opened: Any, clock: FixedClock) -> None:
    recorder = Recorder()
    crm, desk = opened(recorder), opened(Recorder())

    def meanwhile() -> None:
        desk.opt_out("P1", Purpose.MARKETING, Medium.EMAIL)
        clock.move(timedelta(minutes=2))

    with held_up(meanwhile):
        crm.send()
    clock.move(timedelta(hours=1))
    crm.send()
    assert recorder.handed == []
    assert crm.feed()[-1].state is State.DENIED


def test_what_others_gave_up_meanwhile_is_in_doubt_no_more_once_it_is_known_to_have_stayed(
    opened: Any, clock: FixedClock
) -> None:
    recorder = Recorder()
    crm, other = opened(recorder), opened(Recorder())

    def meanwhile() -> None:
        clock.move(timedelta(minutes=6))
        other.send()
        assert len(other.unknowns()) == 1

    with held_up(meanwhile):
        crm.send()
    assert crm.unknowns() == []
    clock.move(timedelta(hours=1))
    assert crm.send().sent == len(recorder.handed) == 1


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("taken", "span"),
    [(0, timedelta(seconds=20)), (0, timedelta(minutes=-30)), (3, timedelta(seconds=3))],
    ids=["for long", "the clock is set back", "with a verdict that has an age"],
)
def test_who_opted_out_while_another_wrote_is_not_written_to(
    opened: Any, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, taken: int, span: timedelta
) -> None:
    recorder = Recorder()
    crm, desk = opened(recorder), opened(Recorder())
    judge, begin, judged = Judge.judge, Store.begin, list[bool]()

    def noticed(self: Judge, *given: Any) -> Any:
        judged.append(True)
        clock.move(timedelta(seconds=taken))
        return judge(self, *given)

    def waited_for(self: Store) -> Any:
        if judged == [True]:
            judged.append(False)
            desk.opt_out("P1", Purpose.MARKETING, Medium.EMAIL)
            clock.move(span)
        return begin(self)

    monkeypatch.setattr(Judge, "judge", noticed)
    monkeypatch.setattr(Store, "begin", waited_for)
    crm.send()
    assert recorder.handed == []
    assert crm.feed()[-1].state is State.DENIED


@pytest.mark.no_cover
def test_who_needs_longer_to_judge_than_a_verdict_holds_sends_all_the_same(
    opened: Any, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, judge = Recorder(), Judge.judge

    def slow(self: Judge, *given: Any) -> Any:
        clock.move(timedelta(seconds=7))
        return judge(self, *given)

    crm = opened(recorder)
    monkeypatch.setattr(Judge, "judge", slow)
    assert crm.send().sent == len(recorder.handed) == 1


def test_a_sender_that_waits_for_a_slow_server_does_not_pass_for_dead(
    opened: Any, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrier, "_NOW_AND_THEN", 0.05)
    recorder = Recorder()
    crm, other = opened(recorder), opened(Recorder())

    def held_until() -> datetime:
        with crm._store.read() as connection:
            return crm._stages.ledger.touches(connection)[0].lease

    def slow(_: Any) -> None:
        for _ in range(5):
            clock.move(timedelta(minutes=3))
            deadline = time.monotonic() + 20
            while held_until() <= clock.now() + timedelta(minutes=3) and time.monotonic() < deadline:
                time.sleep(0.01)
            other.send()
            assert other.unknowns() == []

    recorder.between = slow
    assert crm.send().sent == len(recorder.handed) == 1
