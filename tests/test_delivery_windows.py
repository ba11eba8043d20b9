"""Windows: few messages at a time, verdicts that are fresh, and nothing that waits longer than it must."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from recording_channel import Recorder
from situations import consent, patient

from crmkit import CRM, Campaign, FixedClock, State
from crmkit.delivery.order import Dispatched
from crmkit.delivery.pace import SPAN, WINDOW, Pace
from crmkit.delivery.turns import Turns
from crmkit.delivery.verdicts import Verdicts
from crmkit.delivery.window import Preparation
from crmkit.errors import StoreError
from crmkit.people.medium import Medium, Purpose
from crmkit.plugins import Limits

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

SECOND = timedelta(seconds=1)
RETURN = Campaign(
    "back",
    objective="reactivate",
    message="reactivation",
    segment="next_visit is empty",
    schedule="on 2026-11-23",
)


def person(id_: str, **fields: str) -> dict[str, str]:
    return patient(id_, **{"household": f"H{id_}", "email": f"{id_.lower()}@x.example", **fields})


@pytest.fixture
def many(exports: Callable[..., None], open_crm: Callable[..., CRM]) -> Callable[..., CRM]:
    """Open a CRM whose so many patients are all due, through a given channel."""

    def opened(number: int, recorder: Recorder, **more: Any) -> CRM:
        rows = [person(f"P{one:04}") for one in range(number)]
        exports("patients", rows)
        exports("consents", [consent(row["id"]) for row in rows])
        crm = open_crm(plugins=["csv", "folder", recorder], channels={Medium.EMAIL: "recorder"}, **more)
        crm.sync()
        crm.add(RETURN)
        assert len(crm.plan().ready()) == number
        return crm

    return opened


@given(st.lists(st.tuples(st.integers(1, 100), st.floats(0, 1000)), max_size=20))
def test_a_window_is_small_at_first_and_never_longer_than_the_channel_has_shown(calls: list[tuple[int, float]]) -> None:
    pace = Pace()
    assert pace.size == 1
    for messages, seconds in calls:
        before = pace.size
        pace.took(messages, timedelta(seconds=seconds))
        assert 1 <= pace.size <= min(WINDOW, before * 10)
        if timedelta(seconds=seconds) >= messages * SPAN:
            assert pace.size == 1


def test_a_quick_channel_gets_windows_of_a_hundred(many: Any) -> None:
    recorder = Recorder()
    assert many(500, recorder).send().sent == 500
    assert recorder.sizes == [1, 10, 10, 100, 100, 100, 100, 79]


def test_a_host_that_never_closes_looks_for_a_patient_by_an_index(many: Any) -> None:
    crm = many(500, Recorder())
    with crm._store.read() as connection:
        counted = {*connection.scalars(sa.text("SELECT DISTINCT tbl FROM sqlite_stat1"))}
    assert {"crmkit_patient", "crmkit_touch"} <= counted


def test_a_slow_channel_gets_one_message_at_a_time(many: Any, clock: FixedClock) -> None:
    recorder = Recorder(clock=clock, each=SECOND)
    assert many(20, recorder).send().sent == 20
    assert set(recorder.sizes) == {1}


def test_what_becomes_true_within_a_slow_batch_counts_for_all_that_has_not_left(
    many: Any, exports: Any, clock: FixedClock
) -> None:
    recorder = Recorder(clock=clock, each=SECOND)
    crm = many(1000, recorder)
    order = [touch.patient for touch in crm.send(dry=True).touches]
    withdrawn, died, booked, bounced = order[301], order[302], order[999], order[640]

    def happen(_: Any) -> None:
        if len(recorder.handed) == 300:
            crm.opt_out(withdrawn, Purpose.MARKETING, Medium.EMAIL)
            other = {died: {"deceased_on": "2026-11-01"}, bounced: {"email": "gone"}}
            exports("patients", [person(one, **other.get(one, {})) for one in order])
            at = (clock.now() + timedelta(days=9)).isoformat()
            exports("visits", [{"id": "V1", "patient": booked, "starts_at": at, "status": "booked"}])
            crm.sync()

    recorder.between = happen
    done = crm.send()
    assert done.sent == 996
    assert not {message.key for message in recorder.handed} & keys_of(done, {withdrawn, died, booked, bounced})
    reasons = {touch.patient: touch.reason for touch in done.touches if touch.state is not State.SENT}
    assert reasons == {
        withdrawn: "opted_out",
        died: "deceased",
        booked: "left_segment",
        bounced: "bad_address",
    }


def keys_of(done: Any, patients: set[str]) -> set[str]:
    return {touch.key for touch in done.touches if touch.patient in patients}


def test_stopping_amid_a_batch_keeps_the_rest(many: Any, clock: FixedClock) -> None:
    recorder = Recorder(clock=clock, each=SECOND)
    crm = many(30, recorder)
    recorder.between = lambda _: crm.stop(by="Kim") if len(recorder.handed) == 9 else None  # type: ignore[assignment, func-returns-value]
    counts = crm.send().counts()
    assert counts == {State.SENT: 10, State.HELD: 20}
    crm.resume()
    crm.plan()
    assert crm.send().counts() == {State.SENT: 20}
    assert Counter(recorder.keys).most_common(1)[0][1] == 1


def test_a_stop_counts_for_every_window_that_is_not_on_its_way(many: Any) -> None:
    """Also for those that were judged together with the one that is."""
    recorder = Recorder()
    crm = many(800, recorder)

    def stopping(_: Any) -> None:
        if len(recorder.handed) == 150:
            crm.stop(by="Kim")

    recorder.between = stopping
    counts = crm.send().counts()
    assert recorder.sizes == [1, 10, 10, 100, 100]
    assert counts == {State.SENT: 221, State.HELD: 579}


def test_what_was_judged_together_is_judged_anew_when_its_verdict_is_old(many: Any, clock: FixedClock) -> None:
    recorder = Recorder()
    crm = many(521, recorder)
    order = [touch.patient for touch in crm.send(dry=True).touches]
    done_with: list[int] = []

    def happen(size: int) -> None:
        # Three windows of a hundred are answered and one is on its way; what follows was judged with it. How much of
        # that the channel has noted by now is left to chance.
        done_with.append(size)
        if sum(done_with) - size < 321 <= sum(done_with):
            crm.opt_out(order[-1], Purpose.MARKETING, Medium.EMAIL)
            clock.move(6 * SECOND)

    done = crm.send(progress=happen)
    assert {touch.patient: touch.reason for touch in done.touches if touch.state is not State.SENT} == {
        order[-1]: "opted_out"
    }


def test_an_interrupt_leaves_nothing_in_doubt_that_was_answered(many: Any) -> None:
    recorder = Recorder()
    crm = many(300, recorder)

    def interrupt(size: int) -> None:
        if len(recorder.handed) > 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crm.send(progress=interrupt)
    states = Counter(event.state for event in last_events(crm))
    assert set(states) == {State.SENT, State.READY}
    assert states[State.SENT] == len(recorder.handed)
    crm.send()
    assert len(set(recorder.keys)) == len(recorder.keys) == 300


def last_events(crm: CRM) -> list[Any]:
    return list({event.key: event for event in crm.feed()}.values())


def test_a_limit_counts_over_all_senders_together(many: Any, clock: FixedClock) -> None:
    recorder = Recorder(limits=Limits(per_second=2))
    crm = many(20, recorder)
    began = clock.now()
    seen: list[Any] = []
    recorder.between = lambda _: seen.append(clock.now())  # type: ignore[assignment]
    crm.send(limit=10)
    crm.send(limit=10)
    assert clock.now() - began >= timedelta(seconds=9)
    within = Counter((at - began) // SECOND for at in seen)
    assert max(within.values()) <= 2


def test_no_second_whenever_it_begins_has_more_than_the_limit_though_two_send(
    many: Any, open_crm: Callable[..., CRM], clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(limits=Limits(per_second=20))
    seen: list[Any] = []
    recorder.between = lambda _: seen.append(clock.now())  # type: ignore[assignment]
    first = many(100, recorder)
    second = open_crm(plugins=["csv", "folder", recorder], channels={Medium.EMAIL: "recorder"})
    took, judge = cycle([*[0.0] * 20, 0.3]), Preparation.verdicts

    def slowly(*given: Any) -> Verdicts:
        clock.move(SECOND * next(took))
        return judge(*given)

    # Now and then one takes long to make ready what it has a turn for, and comes when it is the turn of the other.
    monkeypatch.setattr(Preparation, "verdicts", slowly)
    assert sum(one.send(limit=2).sent for one in (first, second) * 25) == 100
    assert max(sum(at <= one < at + SECOND for one in seen) for at in seen) <= 20


def test_a_limit_is_used_up_nearly_whole(many: Any, clock: FixedClock) -> None:
    crm = many(300, Recorder(limits=Limits(per_second=20)))
    began = clock.now()
    assert crm.send().sent == 300
    assert 300 / 20 <= (clock.now() - began) / SECOND <= 300 / 20 * 1.05


def test_a_window_that_gets_no_turn_while_its_verdicts_are_fresh_waits_and_is_not_in_doubt(
    many: Any, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(limits=Limits(per_second=0.1))
    crm = many(1, recorder)
    judge = Preparation.verdicts

    def slowly(*given: Any) -> Verdicts:
        verdicts = judge(*given)
        clock.move(3 * SECOND)
        return verdicts

    monkeypatch.setattr(Preparation, "verdicts", slowly)
    (touch,) = crm.send().touches
    assert (touch.state, touch.detail["told"]) == (State.RETRY, "the channel had no turn for it in time")
    assert not recorder.handed
    monkeypatch.undo()
    clock.move(timedelta(hours=1))
    assert crm.send().sent == 1


@pytest.mark.parametrize("problem", [KeyboardInterrupt(), StoreError("the connection to the database was lost")])
def test_a_window_whose_sender_is_ended_before_its_turn_waits_and_is_not_in_doubt(
    many: Any, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, problem: BaseException
) -> None:
    recorder = Recorder(limits=Limits(per_second=2))
    crm = many(3, recorder)
    keep, told = Turns.keep, list[Dispatched]()

    def ended(*given: Any) -> bool:
        if recorder.handed:
            raise problem
        return keep(*given)

    monkeypatch.setattr(Turns, "keep", ended)
    with pytest.raises(type(problem)):
        crm.send(cut_short=told.append)
    assert Counter(event.state for event in last_events(crm)) == {State.SENT: 1, State.RETRY: 1, State.READY: 1}
    assert told[0].counts() == {State.SENT: 1, State.RETRY: 1}
    monkeypatch.undo()
    clock.move(timedelta(hours=1))
    assert (crm.send().sent, crm.unknowns()) == (2, [])


def test_who_waits_for_a_turn_ends_when_told_to_and_gives_back_what_it_holds(many: Any, clock: FixedClock) -> None:
    recorder = Recorder(limits=Limits(per_second=0.01))
    crm = many(5, recorder)
    end = clock.now() + 3 * SECOND
    assert crm.send(stopping=lambda: clock.now() >= end).sent == 1
    assert clock.now() - end < SECOND
    assert Counter(event.state for event in last_events(crm)) == {State.SENT: 1, State.READY: 4}


def test_a_turn_that_was_taken_by_a_clock_that_was_ahead_keeps_nobody_waiting(many: Any, clock: FixedClock) -> None:
    crm = many(3, Recorder(limits=Limits(per_second=2)))
    crm.send(limit=1)
    clock.move(-timedelta(hours=1))
    began = clock.now()
    assert crm.send(limit=1).sent == 1
    assert clock.now() - began < SECOND


def test_a_server_without_its_list_of_users_costs_nobody_the_message(many: Any, clock: FixedClock) -> None:
    recorder = Recorder()
    recorder.fate = ["nobody"] * 40
    crm = many(40, recorder)
    touches = crm.send().touches
    states = [touch.state for touch in touches]
    assert 0 < states.count(State.REFUSED) < 3
    waits = next(touch for touch in touches if touch.state is State.RETRY)
    assert "look at the mail server" in crm.why(waits.patient)[0].words
    with crm._store.read() as connection:
        stopped = connection.scalar(sa.text("SELECT count(*) FROM crmkit_suppression"))
    assert stopped == states.count(State.REFUSED)
    clock.set(clock.now() + timedelta(hours=1))
    assert crm.send().sent == 40 - stopped
