"""Two senders and an office on one database: whatever comes between whichever two transactions, the promises hold.

`CRMKIT_PLAYS=500 pytest tests/test_flow_staged.py` plays many more of them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import attrs
import pytest
from recording_provider import FATES, People, Post, Provider
from senders import BACK, CARD, LEASE, PRACTICE, START
from staged import Stage, set_up

from crmkit import CRM, Cap, FixedClock, Medium, Purpose, State
from crmkit.delivery.channel import BLIND, QUERYABLE, Guarantee, keyed
from crmkit.delivery.record import Record
from crmkit.delivery.verdicts import VALID
from crmkit.delivery.window import Preparation, Window
from crmkit.ledger.doubt import Settled
from crmkit.ledger.state import CLAIMABLE

Deed = Callable[["Play", CRM], object]
PATIENTS = [f"P{number}" for number in range(6)]
SPANS = [timedelta(seconds=1), VALID + timedelta(seconds=1), timedelta(minutes=1), LEASE, timedelta(hours=2)]
#: What fails at one message; who dies is chosen by the stage.
TROUBLE = [fate for fate in FATES if not fate.startswith("death") and fate != "slow"]


class Hand(Post):
    """A channel before each message of which others may go on."""

    def __init__(self, provider: Provider, stage: Stage, name: str):
        super().__init__(provider)
        self.stage, self.hand = stage, name

    def _one(self, message, began):
        self.stage.point("hand", self.hand)
        return super()._one(message, began)


@attrs.define(eq=False)
class Play:
    """One play: who does what is drawn by chance from a seed.

    Attributes:
        url: The database.
        chance: Draws.
        stage: Where they act.
        deeds: What the office may do, some of it more often than the rest.
        nos: When a patient said no, or died, was known.
        intents: For each intent: after how much had happened, when, and what for.
        stops: For each stop: of what, and between which two happenings.
    """

    url: str
    chance: Random
    stage: Stage
    deeds: Sequence[Deed]
    clock: FixedClock = attrs.field(factory=lambda: FixedClock(START))
    provider: Provider = attrs.field(init=False)
    nos: dict[str, datetime] = attrs.field(factory=dict)
    intents: list[tuple[int, datetime, str, str]] = attrs.field(factory=list)
    stops: dict[str, int] = attrs.field(factory=dict)
    stopped: list[tuple[str, int, int]] = attrs.field(factory=list)
    caps: tuple[Cap, ...] = attrs.field(init=False)
    crms: list[CRM] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        hour = timedelta(hours=1)
        guarantee = self.chance.choice([BLIND, BLIND, keyed(hour), QUERYABLE, Guarantee(hour, queryable=True)])
        self.provider = Provider(self.clock, guarantee)
        self.caps = self.chance.choice([(), (Cap(most=1),)])

    def new(self, name: str = "") -> CRM:
        post = Hand(self.provider, self.stage, name and f"{name}.hand")
        key = "a key for the audit trail, long enough"
        crm = CRM(PRACTICE, self.url, plugins=[People(), post], clock=self.clock, caps=self.caps, audit_key=key)
        crm._stages.dispatch.claim = self.chance.choice([2, 4, 1000])
        crm._stages.dispatch.window = self.chance.choice([1, 2, 3, 100])
        self.crms.append(crm)
        return crm

    def begin(self) -> None:
        main = self.new()
        main.sync()
        main.add(CARD)
        main.add(BACK)
        main.plan()

    def sends(self, name: str) -> None:
        crm = self.new(name)
        self.stage.enter(name, lambda: [crm.send(limit=self.chance.choice([None, 3])) for _ in range(3)])

    def office(self) -> None:
        crm = self.new("office")

        def does() -> None:
            for _ in range(24):
                self.stage.point("office")
                self.chance.choice(self.deeds)(self, crm)

        self.stage.enter("office", does)

    def let_pass(self, crm: CRM) -> None:
        self.clock.move(self.chance.choice(SPANS))

    def say_no(self, crm: CRM) -> None:
        who = self.chance.choice(PATIENTS)
        crm.opt_out(who, Purpose.MARKETING, Medium.EMAIL)
        self.nos.setdefault(who, self.clock.now())
        self.clock.move(self.chance.choice([timedelta(0), VALID + timedelta(seconds=1)]))

    def forget(self, crm: CRM) -> None:
        who = self.chance.choice(PATIENTS)
        if crm.knows(who):
            crm.forget(who, by="office")
            self.nos.setdefault(who, self.clock.now())

    def stop(self, crm: CRM) -> None:
        what = self.chance.choice(["", "card", "back"])
        crm.stop(what, by="office")
        self.stops.setdefault(what, len(self.stage.told))

    def go_on(self, crm: CRM) -> None:
        for what in [*self.stops]:
            self.stopped.append((what, self.stops.pop(what), len(self.stage.told)))
            crm.resume(what)

    def settle(self, crm: CRM) -> None:
        """Say of a message in doubt what is true; whether a call that hangs will have an effect nobody can know."""
        for key in sorted(doubt.touch.key for doubt in crm.unknowns()):
            said = Settled.SENT if key in self.provider.arrived else Settled.AGAIN
            self.provider.allowed[key] += said is Settled.AGAIN
            crm.settle(key, said, by="office")

    def intend(self, going: list, now: datetime) -> list:
        """Write down when something was intended."""
        for one in going:
            self.intents.append((len(self.stage.told), now, one.touch.campaign, one.touch.patient))
        return going

    def end(self) -> None:
        """Let all be settled that can be, and look whether everything was kept."""
        main, intents = self.crms[0], [*self.intents]
        self.go_on(main)
        self.provider.fates = []
        for span in (LEASE, LEASE, LEASE, timedelta(hours=2), timedelta(hours=22)):
            self.clock.move(span)
            main.send()
        arrived, allowed = Counter(self.provider.arrived), self.provider.allowed
        assert not [key for key, number in arrived.items() if number > 1 + allowed[key]], "an occasion twice"
        assert not self.provider.broken, self.provider.broken
        for what, since, until in self.stopped:
            gone = [one for one in intents if one[2] == (what or one[2]) and since < one[0] <= until]
            assert not gone, "sent though stopped"
        late = [one for one in self.intents if one[3] in self.nos and one[1] - self.nos[one[3]] > VALID]
        assert not late, "sent after a no"
        with main._store.read() as connection:
            touches = {touch.key: touch for touch in main._stages.ledger.touches(connection)}
        assert not [one for one in touches.values() if one.state in (State.CLAIMED, State.SENDING)], "left in hand"
        waiting = [one for one in touches.values() if one.state in CLAIMABLE and one.due <= self.clock.now()]
        assert not waiting, "left lying"
        sent = {key for key, touch in touches.items() if touch.state is State.SENT}
        assert sent <= {*arrived} | {*allowed}
        if self.caps:
            had = Counter(touches[key].patient for key in arrived if not allowed[key])
            assert not [who for who, number in had.items() if number > 1], "more than the cap"
        assert not main.audit().faults

    def close(self) -> None:
        self.stage.close()
        for crm in self.crms:
            crm.close()


DEEDS = [Play.say_no] * 3 + [Play.stop] * 3 + [Play.go_on] * 2 + [Play.let_pass] * 5
DEEDS += [lambda _, crm: crm.plan(), Play.settle, Play.forget]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Play once by a seed."""

    def played(seed: int, deeds: Sequence[Deed] = DEEDS) -> None:
        with monkeypatch.context() as patched:
            chance = Random(seed)
            stage = Stage(chance, chance.choice([0.2, 0.5, 0.9]))
            one = Play(f"sqlite:///{tmp_path}/{seed}.db", chance, stage, deeds)
            one.begin()
            set_up(stage, patched)
            intend = Record.intend
            patched.setattr(
                Record,
                "intend",
                lambda record, *given, **more: one.intend(intend(record, *given, **more), one.clock.now()),
            )
            one.provider.fates = chance.choices(["sent", *TROUBLE], [20] + [1] * len(TROUBLE), k=60)
            for name in ("S0", "S1"):
                one.sends(name)
            one.office()
            if chance.random() < 0.5:
                stage.deadly = {"S0": 0.04, "S1": 0.01}
            try:
                stage.play()
                one.end()
            finally:
                one.close()

    return played


@pytest.mark.parametrize("seed", range(int(os.environ.get("CRMKIT_PLAYS", "6"))))
def test_whatever_comes_between_two_transactions_the_promises_are_kept(play, seed):
    play(seed)


def test_a_sender_that_does_not_look_whether_somebody_stopped_it_is_caught(play, monkeypatch):
    monkeypatch.setattr(Preparation, "stopped_since", lambda *_: False)
    with pytest.raises(AssertionError, match="sent though stopped"):
        play_all(play, [Play.stop, Play.stop, Play.go_on])


def test_a_sender_that_relies_on_an_old_verdict_is_caught(play, monkeypatch):
    monkeypatch.setattr(Window, "holds_at", lambda *_: True)
    monkeypatch.setattr(Window, "kept_waiting", lambda *_: False)
    with pytest.raises(AssertionError, match="sent after a no"):
        play_all(play, [Play.say_no])


def play_all(play, deeds):
    for seed in range(12):
        play(seed, deeds)
