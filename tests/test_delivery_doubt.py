"""What may have left: never repeated by itself, but where the provider swallows repetitions or can be asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import attrs
import pytest
from recording_channel import Crash, Recorder
from situations import consent, patient

from crmkit import CRM, Campaign, FixedClock, State
from crmkit.delivery.record import _back_off
from crmkit.delivery.rescue import Rescue
from crmkit.errors import InTheWay, StoreError
from crmkit.ledger.doubt import Settled
from crmkit.ledger.trail.seal import Seal
from crmkit.people.medium import Medium, Purpose
from crmkit.plugins import BLIND, QUERYABLE, Guarantee, Outcome, PluginInfo, Receipt, keyed, secret

CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
HOUR, LONG_AFTER = timedelta(hours=1), timedelta(minutes=30)


@pytest.fixture
def one(exports: Callable[..., None], open_crm: Callable[..., CRM]) -> Callable[..., CRM]:
    """Open a CRM on the one database, with one patient whose card is due, through a given channel."""
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])

    def opened(recorder: Recorder, **settings: str) -> CRM:
        chosen = "recorder" if recorder.name == "recorder" else f"recorder.{recorder.name}"
        more = {"settings": {"recorder": settings}} if settings else {}
        crm = open_crm(plugins=["csv", "folder", recorder], channels={Medium.EMAIL: chosen}, **more)
        crm.sync()
        crm.add(CARD)
        crm.plan()
        return crm

    return opened


def crash(crm: CRM, recorder: Recorder) -> None:
    recorder.fate = ["crash after"]
    with pytest.raises(Crash):
        crm.send()


def state(crm: CRM) -> State:
    return crm.feed()[-1].state


def test_a_blind_channel_is_never_handed_it_again(one: Any, clock: FixedClock) -> None:
    recorder = Recorder()
    crm = one(recorder)
    crash(crm, recorder)
    assert state(crm) is State.SENDING
    for _ in range(3):
        clock.move(LONG_AFTER)
        crm.plan()
        assert crm.send().touches == ()
    assert (state(crm), len(recorder.handed)) == (State.UNKNOWN, 1)
    [doubt] = crm.unknowns()
    assert doubt.evidence == "the sender ended before the channel had answered"


@pytest.mark.no_cover
@pytest.mark.parametrize("fate", ["crash after", "silent"])
def test_a_keyed_channel_is_handed_the_same_words_again_in_time(one: Any, clock: FixedClock, fate: str) -> None:
    recorder = Recorder(guarantee=keyed(HOUR))
    crm = one(recorder)
    recorder.fate = [fate]
    if fate == "silent":
        assert crm.send().counts() == {State.RETRY: 1}
    else:
        crash(crm, recorder)
    assert crm.send().touches == (), "not before its time"
    clock.move(LONG_AFTER)
    assert crm.send().sent == 1
    first, second = recorder.handed
    assert (first.key, first.digest) == (second.key, second.digest), "word for word, under the same key"
    clock.move(LONG_AFTER)
    assert crm.send().touches == ()


@pytest.mark.no_cover
def test_what_left_without_a_key_is_not_repeated_when_a_later_version_knows_keys(one: Any, clock: FixedClock) -> None:
    recorder = Recorder()
    crash(one(recorder), recorder)
    upgraded = Recorder(guarantee=keyed(24 * HOUR))
    crm = one(upgraded)
    clock.move(LONG_AFTER)
    crm.send()
    assert (state(crm), upgraded.handed) == (State.UNKNOWN, [])


def test_a_keyed_channel_whose_time_is_over_is_blind(one: Any, clock: FixedClock) -> None:
    recorder = Recorder(guarantee=keyed(HOUR))
    crm = one(recorder)
    crash(crm, recorder)
    clock.move(2 * HOUR)
    crm.send()
    assert (state(crm), len(recorder.handed)) == (State.UNKNOWN, 1)


def test_who_is_asked_may_say_that_nobody_is_there(one: Any, clock: FixedClock) -> None:
    recorder = Recorder(guarantee=QUERYABLE)
    crm = one(recorder)
    crash(crm, recorder)
    recorder.ask = lambda asked: [Receipt(one.key, Outcome.REFUSED, evidence="21211", permanent=True) for one in asked]
    clock.move(2 * HOUR)
    crm.send()
    assert (state(crm), crm.feed()[-1].reason) == (State.REFUSED, "refused_address")
    clock.set(clock.now().replace(year=clock.now().year + 1))
    [again] = crm.plan(dry=True).touches
    assert again.reason == "bad_address"
    assert again.detail["problem"] == "nobody is there, says the channel recorder (21211)"


@pytest.mark.no_cover
@pytest.mark.parametrize("fate", ["retry", "not sent"])
def test_a_repetition_that_had_no_effect_does_not_end_the_doubt_about_the_first_attempt(
    one: Any, clock: FixedClock, fate: str
) -> None:
    recorder = Recorder(guarantee=keyed(HOUR))
    crm = one(recorder)
    crash(crm, recorder)
    clock.move(LONG_AFTER)
    recorder.fate = [fate]
    assert crm.send().counts() == {State.RETRY: 1}
    clock.move(HOUR)
    crm.send()
    assert (state(crm), len(recorder.handed)) == (State.UNKNOWN, 1), "the provider has forgotten the key"


def test_a_repetition_leaves_time_for_the_call_to_end_before_the_key_is_forgotten(one: Any, clock: FixedClock) -> None:
    recorder = Recorder(guarantee=keyed(HOUR))
    crm = one(recorder)
    crash(crm, recorder)
    clock.move(HOUR - timedelta(minutes=15))
    crm.send()
    assert (state(crm), len(recorder.handed)) == (State.UNKNOWN, 1)


def test_what_a_person_has_sent_once_more_is_repeated_in_the_words_of_that_time(one: Any, clock: FixedClock) -> None:
    recorder = Recorder(guarantee=keyed(HOUR))
    crm = one(recorder)
    crash(crm, recorder)
    clock.move(HOUR)
    crm.send()
    [doubt] = crm.unknowns()
    crm.settle(doubt.touch.key, Settled.AGAIN, by="Kim")
    recorder.fate = ["silent"]
    assert crm.send().counts() == {State.RETRY: 1}
    clock.move(LONG_AFTER)
    assert crm.send().sent == 1
    first, second, third = recorder.handed
    assert first.digest != second.digest == third.digest


@pytest.mark.no_cover
@pytest.mark.parametrize("changed", ["name", "consent", "another channel"])
def test_what_would_not_be_the_same_message_is_not_repeated(
    one: Any, exports: Any, clock: FixedClock, changed: str
) -> None:
    recorder = Recorder(guarantee=keyed(HOUR))
    crm = one(recorder)
    crash(crm, recorder)
    clock.move(LONG_AFTER)
    if changed == "name":
        exports("patients", [patient("P1", given="Maia")])
        crm.sync()
    elif changed == "consent":
        crm.opt_out("P1", Purpose.MARKETING, Medium.EMAIL)
    else:
        other = Recorder(guarantee=keyed(HOUR))
        other.name = "other"
        other_crm = one(other)
        other_crm.send()
        assert other.handed == []
    crm.send()
    assert (state(crm), len(recorder.handed)) == (State.UNKNOWN, 1)


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("said", "then", "handed"),
    [
        (Outcome.SENT, State.SENT, 1),
        (Outcome.REFUSED, State.REFUSED, 1),
        (Outcome.RETRY, State.SENT, 2),
        (Outcome.UNKNOWN, State.UNKNOWN, 1),
    ],
)
def test_a_channel_that_can_be_asked_is_asked_first(
    one: Any, clock: FixedClock, said: Outcome, then: State, handed: int
) -> None:
    recorder = Recorder(guarantee=QUERYABLE)
    crm = one(recorder)
    crash(crm, recorder)
    recorder.answers = {recorder.handed[0].key: said}
    crm.send()
    assert recorder.asked == [], "the provider may not know it yet"
    clock.move(LONG_AFTER)
    crm.send()
    assert recorder.asked == [], "a sender that has been given up may still be in the middle of its call"
    clock.move(HOUR)
    crm.send()
    assert recorder.asked == [recorder.handed[0].key]
    assert (state(crm), len(recorder.handed)) == (then, handed)


@attrs.frozen
class Account:
    """What a provider knows a practice by."""

    token: str = secret("of the provider")


class Provider(Recorder):
    """A channel whose account is told by its settings."""

    info = PluginInfo("recorder", settings=Account)


@pytest.mark.no_cover
@pytest.mark.parametrize("guarantee", [QUERYABLE, keyed(24 * HOUR)], ids=("queryable", "keyed"))
@pytest.mark.parametrize("again", ["hush", "psst"], ids=("same", "other"))
def test_another_account_of_the_provider_is_neither_asked_nor_handed_what_may_have_left(
    one: Any, clock: FixedClock, guarantee: Guarantee, again: str
) -> None:
    """It would say that it never saw the message, and the patient would get it twice."""
    before, later = Provider(guarantee=guarantee), Provider(guarantee=guarantee)
    crash(one(before, token="hush"), before)
    later.answers = {before.handed[0].key: Outcome.RETRY}
    crm = one(later, token=again)
    clock.move(2 * HOUR)
    crm.send()
    if again == "hush":
        assert (state(crm), len(later.handed)) == (State.SENT, 1)
    else:
        assert (state(crm), later.handed, later.asked) == (State.UNKNOWN, [], [])


@pytest.mark.no_cover
def test_a_channel_that_names_its_account_may_change_its_other_settings(one: Any, clock: FixedClock) -> None:
    """A new token, for one."""
    before, later, other = (Provider(guarantee=QUERYABLE) for _ in range(3))
    before.account, later.account, other.account = "practice-7", "practice-7", "practice-8"
    crash(one(before, token="hush"), before)
    clock.move(2 * HOUR)
    crm = one(other, token="hush")
    crm.send()
    assert (state(crm), other.asked) == (State.UNKNOWN, [])
    crm = one(later, token="psst")
    later.answers = {before.handed[0].key: Outcome.SENT}
    crm.send()
    assert (state(crm), later.asked) == (State.SENT, before.keys)


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        (None, timedelta(minutes=15)),
        (timedelta(minutes=2), timedelta(minutes=15)),
        (timedelta(hours=3), timedelta(hours=3)),
        (timedelta(days=400), timedelta(days=1)),
    ],
)
def test_a_message_is_not_tried_again_before_the_time_that_its_provider_asked_for(
    one: Any, clock: FixedClock, asked: timedelta | None, wait: timedelta
) -> None:
    recorder = Recorder()
    crm = one(recorder)
    recorder.send = lambda batch: [Receipt(one.key, Outcome.RETRY, retry_after=asked) for one in batch]
    began = clock.now()
    [touch] = crm.send().touches
    assert (touch.state, touch.due - began) == (State.RETRY, wait)


@pytest.mark.no_cover
def test_a_provider_that_does_not_know_is_not_asked_at_every_turn(one: Any, clock: FixedClock) -> None:
    recorder = Recorder(guarantee=QUERYABLE)
    crm = one(recorder)
    recorder.fate = ["silent"]
    crm.send()
    clock.move(2 * HOUR)
    for _ in range(120):
        crm.send()
        clock.move(timedelta(seconds=30))
    assert len(recorder.asked) == 4


def test_what_was_asked_of_many_at_once_is_written_down(exports: Any, open_crm: Any, clock: FixedClock) -> None:
    exports("patients", [patient("P1"), patient("P2", email="p2@x.example")])
    exports("consents", [consent("P1"), consent("P2")])
    recorder = Recorder(guarantee=QUERYABLE)
    crm = open_crm(plugins=["csv", "folder", recorder], channels={Medium.EMAIL: "recorder"})
    crm.sync()
    crm.add(CARD)
    crm.plan()
    recorder.fate = ["silent", "silent"]
    assert crm.send().counts() == {State.UNKNOWN: 2}
    recorder.answers = dict.fromkeys(recorder.keys, Outcome.RETRY)
    clock.move(HOUR)
    assert crm.send().sent == 2


@pytest.mark.no_cover
def test_an_answer_that_comes_late_settles_the_doubt(one: Any, clock: FixedClock) -> None:
    recorder = Recorder()
    crm, other = one(recorder), one(Recorder())

    def slow(_: Any) -> None:
        clock.move(LONG_AFTER)
        other.send()
        assert state(other) is State.UNKNOWN

    recorder.between = slow
    assert crm.send().counts() == {State.SENT: 1}
    assert state(crm) is State.SENT


def test_a_lease_that_ran_out_before_the_hand_over_hands_over_nothing(
    one: Any, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder()
    crm = one(recorder)
    renderer = crm._stages.renderer
    render = type(renderer).render

    def slowly(self: Any, *given: Any) -> Any:
        clock.move(LONG_AFTER)
        return render(self, *given)

    monkeypatch.setattr(type(renderer), "render", slowly)
    crm.send()
    assert recorder.handed == []
    monkeypatch.undo()
    clock.move(LONG_AFTER)
    assert crm.send().sent == len(recorder.handed) == 1


def test_a_person_may_have_it_sent_once_more(one: Any, clock: FixedClock) -> None:
    recorder = Recorder()
    crm = one(recorder)
    crash(crm, recorder)
    clock.move(LONG_AFTER)
    crm.send()
    [doubt] = crm.unknowns()
    crm.settle(doubt.touch.key, Settled.AGAIN, by="Kim")
    assert crm.send().sent == 1
    assert len(recorder.handed) == 2


def test_what_was_to_be_repeated_and_has_become_stale_stays_in_doubt(one: Any, clock: FixedClock) -> None:
    recorder = Recorder(guarantee=keyed(timedelta(days=365)))
    crm = one(recorder)
    crash(crm, recorder)
    clock.move(timedelta(days=100))
    crm.send()
    assert (state(crm), len(recorder.handed)) == (State.UNKNOWN, 1)


def test_a_refusal_for_now_that_outlives_its_occasion_expires(one: Any, clock: FixedClock) -> None:
    recorder = Recorder()
    crm = one(recorder)
    recorder.fate = ["retry"]
    assert crm.send().counts() == {State.RETRY: 1}
    clock.move(timedelta(days=100))
    assert crm.send().counts() == {State.EXPIRED: 1}
    assert recorder.handed == []


def test_a_receipt_that_comes_when_nobody_waits_any_more_is_heeded_at_the_next_sending(one: Any) -> None:
    recorder = Recorder()
    crm = one(recorder)
    recorder.fate = ["silent"]
    assert crm.send().counts() == {State.UNKNOWN: 1}
    [channel] = crm._stages.dispatch.channels.values()
    channel.late.add([Receipt(recorder.handed[0].key, Outcome.SENT, reference="Q1")])
    crm.send()
    assert state(crm) is State.SENT
    assert len(recorder.handed) == 1


def test_a_late_receipt_is_not_lost_with_the_database(one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    crm = one(recorder)
    recorder.fate = ["silent"]
    crm.send()
    [channel] = crm._stages.dispatch.channels.values()
    channel.late.add([Receipt(recorder.handed[0].key, Outcome.SENT)])
    write = Rescue._write

    def away(self: Any, *given: Any, **more: Any) -> None:
        monkeypatch.setattr(Rescue, "_write", write)
        raise StoreError("the connection to the database was lost")

    monkeypatch.setattr(Rescue, "_write", away)
    with pytest.raises(StoreError):
        crm.send()
    crm.send()
    assert (state(crm), crm.unknowns()) == (State.SENT, [])


def test_a_late_no_to_the_first_attempt_says_nothing_of_the_second(one: Any) -> None:
    recorder = Recorder()
    crm = one(recorder)
    recorder.fate = ["silent", "silent"]
    crm.send()
    [doubt] = crm.unknowns()
    crm.settle(doubt.touch.key, Settled.AGAIN, by="Kim")
    assert crm.send().counts() == {State.UNKNOWN: 1}
    [channel] = crm._stages.dispatch.channels.values()
    channel.late.add([Receipt(doubt.touch.key, Outcome.RETRY)])
    crm.send()
    assert (state(crm), len(recorder.handed)) == (State.UNKNOWN, 2)


def obstruct(monkeypatch: pytest.MonkeyPatch) -> list[Seal]:
    """Let every second transaction that writes meet another one at its end; return the list of all of them."""
    begin, transactions = Seal.begin, []

    @contextmanager
    def obstructed(seal: Seal) -> Iterator[Any]:
        with begin(seal) as connection:
            yield connection
            transactions.append(seal)
            if len(transactions) % 2:
                raise InTheWay("another transaction was in the way")

    monkeypatch.setattr(Seal, "begin", obstructed)
    return transactions


def test_whatever_is_in_the_way_of_what_a_person_decides_it_is_done_once(
    one: Any, exports: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder()
    crm = one(recorder)
    recorder.fate = ["silent"]
    crm.send()
    [doubt] = crm.unknowns()
    transactions = obstruct(monkeypatch)
    assert (crm.stop(by="Kim"), crm.resume()) == (True, True)
    assert crm.settle(doubt.touch.key, Settled.AGAIN, by="Kim").state is State.RETRY
    assert crm.cancel(by="Kim") == 1
    assert crm.forget("P1", by="Kim").erased["patient"] == 1
    assert len(transactions) == 10, "each was taken twice, and written once"
    monkeypatch.undo()
    assert [event.state for event in crm.feed()][-2:] == [State.RETRY, State.CANCELLED]


@pytest.mark.no_cover
def test_whatever_is_in_the_way_of_a_transaction_the_sending_goes_on(
    exports: Any, open_crm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports("patients", [patient(f"P{one}", email=f"p{one}@x.example", household=f"H{one}") for one in range(20)])
    exports("consents", [consent(f"P{one}") for one in range(20)])
    recorder = Recorder()
    crm = open_crm(plugins=["csv", "folder", recorder], channels={Medium.EMAIL: "recorder"})
    crm.sync()
    crm.add(CARD)
    crm.plan()
    transactions = obstruct(monkeypatch)
    recorder.fate = ["silent", "refused"]
    crm.send(stopping=lambda: bool(recorder.handed))
    assert len(recorder.handed) == 1
    crm.send()
    monkeypatch.undo()
    last = {event.key: event.state for event in crm.feed()}
    assert Counter(last.values()) == {State.SENT: 18, State.REFUSED: 1, State.UNKNOWN: 1}
    assert len(set(recorder.keys)) == len(recorder.keys) == 19
    assert any(event.reason == "released" for event in crm.feed())
    assert len(transactions) > 10


def test_a_late_yes_ends_the_waiting_for_a_repetition(one: Any, clock: FixedClock) -> None:
    recorder = Recorder(guarantee=keyed(24 * HOUR))
    crm = one(recorder)
    recorder.fate = ["silent"]
    assert crm.send().counts() == {State.RETRY: 1}
    [channel] = crm._stages.dispatch.channels.values()
    channel.late.add([Receipt(recorder.handed[0].key, Outcome.SENT, reference="Q1")])
    clock.move(LONG_AFTER)
    assert crm.send().touches == ()
    assert (state(crm), len(recorder.handed)) == (State.SENT, 1)
    clock.move(24 * HOUR)
    assert crm.send().touches == ()


def test_each_time_without_effect_it_waits_twice_as_long_and_six_hours_at_most():
    minutes = [_back_off(attempts) // timedelta(minutes=1) for attempts in (1, 2, 3, 4, 5, 6, 50)]
    assert minutes == [15, 30, 60, 120, 240, 360, 360]


def test_what_waits_to_be_repeated_is_not_handed_to_another_channel_that_knows_nothing_of_it(
    one: Any, clock: FixedClock
) -> None:
    recorder = Recorder(guarantee=keyed(HOUR))
    crm = one(recorder)
    recorder.fate = ["silent"]
    assert crm.send().counts() == {State.RETRY: 1}
    clock.move(timedelta(minutes=20))
    other = Recorder(guarantee=keyed(HOUR))
    other.name = "other"
    moved = one(other)
    moved.send()
    assert (state(moved), other.handed, len(recorder.handed)) == (State.UNKNOWN, [], 1)


@pytest.mark.parametrize("guarantee", [BLIND, keyed(timedelta(hours=6)), QUERYABLE], ids=["blind", "keyed", "asked"])
@pytest.mark.parametrize("campaign", ["card", ""])
def test_what_is_called_off_while_it_is_on_its_way_is_not_tried_again(
    one: Any, clock: FixedClock, guarantee: Any, campaign: str
) -> None:
    recorder = Recorder(guarantee=guarantee)
    crm, desk = one(recorder), one(Recorder())
    recorder.fate = ["silent"] if guarantee.queryable else ["retry"]
    recorder.between = lambda _: desk.cancel(campaign, by="Kim")
    crm.send()
    recorder.answers = dict.fromkeys(recorder.keys, Outcome.RETRY)
    for _ in range(3):
        clock.move(2 * HOUR)
        crm.send()
    assert (state(crm), crm.feed()[-1].reason) == (State.CANCELLED, "cancelled")
    assert len(recorder.handed) == (1 if guarantee.queryable else 0)
