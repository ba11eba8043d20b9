"""Two senders on one database, either of which may die at any statement, and in the middle of a hand-over."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from recording_provider import FATES, Crash, People, Post, Provider

from crmkit import CRM, Campaign, FixedClock, Practice, State
from crmkit.campaigns.reasons import in_words
from crmkit.delivery import dispatch
from crmkit.delivery.carrier import Carrier, T
from crmkit.delivery.channel import BLIND, QUERYABLE, Guarantee, keyed
from crmkit.ledger.doubt import Settled
from crmkit.ledger.state import CLAIMABLE

PRACTICE = Practice(
    id="bright-eyes",
    name="Bright Eyes Optometry",
    country="AU",
    timezone="Australia/Sydney",
    locale="en_AU",
    currency="AUD",
    email="hello@brighteyes.example",
    public_url="https://brighteyes.example/crm",
    keys=["a key for tests"],
)
START = datetime(2026, 11, 22, 22, tzinfo=UTC)
CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
BACK = Campaign("back", objective="reactivate", message="reactivation", segment="everybody", schedule="on 2026-11-23")
TTL = timedelta(hours=1)
GUARANTEES = (BLIND, keyed(TTL), QUERYABLE, Guarantee(TTL, queryable=True))
LEASE = timedelta(minutes=5, seconds=1)


class Inline(Carrier[T]):
    """Hands over in the same thread, so that an example runs the same way each time."""

    def __init__(self, told):
        pass

    def __exit__(self, *_):
        pass

    def submit(self, function, underway):
        done = Future()
        try:
            done.set_result(function())
        except BaseException as problem:  # noqa: BLE001 - as a carrier does
            done.set_exception(problem)
        return done


class Hasty(dispatch.Dispatch):
    """The mutant: it hands over first, and writes down intents and answers afterwards."""

    def _turn(self, flight, landing, window, waiting):
        assert flight is None
        landing = self._handing.deliver(window.written, window.ready)
        with self.seal.begin() as connection:
            going, stayed = self._begin(connection, window, waiting)
            done = self.record.answers(connection, going, landing.receipts, self.clock.now())
        return [*done, *stayed], None


@attrs.define(eq=False)
class Sender:
    """A process with a CRM of its own, that may die at any statement that it sends to the database.

    Attributes:
        crm: Its CRM.
        post: Its channel.
        lives_for: So many statements more; None for good.
        busy: In how many sendings it stands, one within the other.
    """

    crm: CRM
    post: Post
    lives_for: int | None = None
    busy: int = 0

    def __attrs_post_init__(self):
        self.post.die, self.post.pulse = self.die, self.pulse
        for event in ("before_cursor_execute", "commit"):
            sa.event.listen(self.crm._store.engine, event, self._live)

    @property
    def is_dead(self):
        return self.lives_for is not None and self.lives_for < 0

    def die(self):
        self.lives_for = -1
        raise Crash

    def pulse(self):
        if self.is_dead:
            raise Crash

    def _live(self, *_):
        if self.lives_for is not None:
            self.lives_for -= 1
        self.pulse()

    def bury(self):
        """Let go of what the operating system would take from a dead process."""
        self.lives_for = None
        self.crm._store.engine.dispose()


class Senders(RuleBasedStateMachine):
    """A practice for which two processes send."""

    def __init__(self, database: Callable[[Path], str], mutant: bool = False):
        super().__init__()
        self.mutant = mutant
        self.folder = tempfile.TemporaryDirectory()
        self.url = database(Path(self.folder.name))
        self.clock = FixedClock(START)
        self.senders: list[Sender] = []

    @initialize(guarantee=st.sampled_from(GUARANTEES), claim=st.sampled_from([1, 3, dispatch.CLAIM]))
    def open(self, guarantee, claim):
        self.claim = claim
        self.provider = Provider(self.clock, BLIND if self.mutant else guarantee)
        self.senders = [self.new(0), self.new(1)]
        crm = self.senders[0].crm
        crm.sync()
        for campaign in (CARD, BACK):
            crm.add(campaign)
        crm.plan()

    def new(self, who):
        post = Post(self.provider)
        post.meanwhile = lambda: self.meanwhile(who)
        crm = CRM(PRACTICE, self.url, plugins=[People(), post], clock=self.clock, caps=())
        if self.mutant:
            usual = crm._stages.dispatch
            given = {field.name: getattr(usual, field.name) for field in attrs.fields(type(usual)) if field.init}
            crm._stages = attrs.evolve(crm._stages, dispatch=Hasty(**given))
        crm._stages.dispatch.claim = self.claim
        return Sender(crm, post)

    def send(self, who, limit, dies_at=None):
        self.senders[who].lives_for = dies_at
        self.go(who, limit)
        self.provider.fates = []

    def go(self, who, limit=None):
        """Let one send; while it waits for a slow answer its lease runs out, and the other sends."""
        sender = self.senders[who]
        sender.busy += 1
        try:
            sender.crm.send(limit=limit)
        except Crash:
            assert sender.is_dead
        finally:
            sender.busy -= 1
        if sender.busy:
            return
        if sender.is_dead:
            sender.bury()
            self.senders[who] = self.new(who)
        sender.lives_for = None

    def meanwhile(self, who):
        self.clock.move(LEASE)
        self.go(1 - who)

    @rule(who=st.integers(0, 1), limit=st.sampled_from([None, 1, 3]))
    def sends(self, who, limit):
        self.send(who, limit)

    @rule(who=st.integers(0, 1), fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=6))
    def sends_with_trouble(self, who, fates):
        self.provider.fates = list(fates)
        self.send(who, None)

    @rule(who=st.integers(0, 1), at=st.integers(0, 120), fates=st.lists(st.sampled_from(FATES), max_size=4))
    def dies(self, who, at, fates):
        self.provider.fates = list(fates)
        self.send(who, None, dies_at=at)

    @rule(who=st.integers(0, 1))
    def plans(self, who):
        self.senders[who].crm.plan()

    @rule(minutes=st.sampled_from([1, 6, 6, 16, 20, 45, 70]))
    def time_passes(self, minutes):
        self.clock.move(timedelta(minutes=minutes))

    @rule()
    def a_day_passes(self):
        self.clock.set(self.clock.now() + timedelta(days=1))

    @rule(who=st.integers(0, 1), campaign=st.sampled_from(["", "card", "back"]), then=st.integers(0, 1))
    def is_stopped_and_goes_on(self, who, campaign, then):
        self.senders[who].crm.stop(campaign, by="owner")
        before = list(self.provider.arrived)
        self.send(then, None)
        names = {touch.key: touch.campaign for touch in self.touches()}
        after = self.provider.arrived[len(before) :]
        assert not [key for key in after if campaign in ("", names[key])], "sent though stopped"
        self.senders[who].crm.resume(campaign)

    @rule(who=st.integers(0, 1), campaign=st.sampled_from(["card", "back"]))
    def is_called_off(self, who, campaign):
        self.senders[who].crm.cancel(campaign, by="owner")
        off = {touch.key for touch in self.touches() if touch.state is State.CANCELLED}
        before = len(self.provider.arrived)
        self.send(1 - who, None)
        assert not off & set(self.provider.arrived[before:]), "sent though called off"

    @rule(who=st.integers(0, 1), said=st.sampled_from(Settled), data=st.data())
    def a_person_settles(self, who, said, data):
        doubts = sorted(doubt.touch.key for doubt in self.senders[who].crm.unknowns())
        if doubts:
            key = data.draw(st.sampled_from(doubts))
            self.senders[who].crm.settle(key, said, by="reception")
            self.provider.allowed[key] += said is Settled.AGAIN
            if said is Settled.AGAIN:
                # The person takes it upon them; a provider that swallows repetitions has forgotten the key by then.
                self.provider.seen.pop(key, None)

    def touches(self):
        crm = self.senders[0].crm
        with crm._store.read() as connection:
            return crm._stages.ledger.touches(connection)

    @invariant()
    def nobody_gets_an_occasion_twice(self):
        if self.senders:
            for key, number in Counter(self.provider.arrived).items():
                assert number <= 1 + self.provider.allowed[key], "an occasion twice"
            assert not self.provider.broken, self.provider.broken

    @invariant()
    def every_touch_has_one_state_a_reason_and_a_past_that_leads_to_it(self):
        if not self.senders:
            return
        past = {}
        for event in self.senders[0].crm.feed():
            past.setdefault(event.key, []).append(event)
        for touch in self.touches():
            words = in_words(touch.reason, touch.detail)
            assert words, touch
            assert "{" not in words, (touch, words)
            states = [event.state for event in past[touch.key]]
            assert states[-1] is touch.state, (touch, states)
            assert len(states) == touch.moves, (touch, states)

    def teardown(self):
        try:
            if self.senders:
                self.let_the_dust_settle()
        finally:
            for sender in self.senders:
                sender.crm.close()
            self.folder.cleanup()

    def let_the_dust_settle(self):
        """Nothing may stay in anybody's hands, nor go out once more later; the ledger knows of all that arrived."""
        for span in (LEASE, LEASE, LEASE, TTL, 7 * TTL, 24 * TTL):
            self.clock.move(span)
            self.send(0, None)
        self.nobody_gets_an_occasion_twice()
        known = self.known = {touch.key: touch for touch in self.touches()}
        stuck = [one for one in known.values() if one.state in (State.CLAIMED, State.SENDING)]
        assert not stuck, stuck
        idle = [one for one in known.values() if one.state in CLAIMABLE and one.due <= self.clock.now()]
        assert not idle, idle
        for touch in known.values():
            if touch.state is State.SENT and touch.reason == "sent":
                assert touch.key in self.provider.arrived, (touch, "sent, yet it never arrived")
