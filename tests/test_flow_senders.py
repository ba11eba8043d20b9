"""Two senders on one database, either of which may die at any statement: nobody gets anything twice, no touch is lost.

The same machine runs on SQLite and on PostgreSQL, with channels of every guarantee. That it can fail is shown by a
sender that notes its intents only after the hand-over.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from crmkit import CRM, Campaign, FixedClock, Practice, State
from crmkit.campaigns.reasons import in_words
from crmkit.delivery import dispatch
from crmkit.delivery.channel import BLIND, QUERYABLE, Guarantee, keyed
from crmkit.ledger.doubt import Settled
from crmkit.people.medium import Medium
from crmkit.plugins import Batch, CrmkitSpec, Outcome, PluginInfo, Receipt, Row, hookimpl

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
LEASE = timedelta(minutes=5, seconds=1)
FATES = ("sent", "refused", "retry", "lost", "raise", "slow", "death before", "death after")


class Crash(BaseException):
    """The process dies."""


class Inline(Executor):
    """Hands over in the same thread, so that an example runs the same way each time."""

    def __init__(self, *_):
        pass

    def submit(self, task, /, *given):
        done = Future()
        try:
            done.set_result(task(*given))
        except BaseException as problem:  # noqa: BLE001 - as an executor does
            done.set_exception(problem)
        return done


@attrs.define
class Provider:
    """What the world outside knows: what arrived, when, and how often it may have."""

    clock: FixedClock
    guarantee: Guarantee
    arrived: list[str] = attrs.field(factory=list)
    seen: dict[str, tuple[datetime, str]] = attrs.field(factory=dict)
    allowed: Counter[str] = attrs.field(factory=Counter)
    fates: list[str] = attrs.field(factory=list)

    def take(self, message):
        """Let a message arrive, unless it is one that a keyed provider has had already."""
        now, text = self.clock.now(), message.digest
        before = self.seen.get(message.key)
        if before and self.guarantee.ttl and now - before[0] < self.guarantee.ttl:
            assert before[1] == text, "repeated under the same key, and not word for word"
            return
        self.seen[message.key] = before or (now, text)
        self.arrived.append(message.key)


class People(CrmkitSpec):
    """Six patients who agreed, one of them a child of another."""

    info = PluginInfo("people")
    name = "people"

    @hookimpl
    def crmkit_sources(self, ctx):
        return [self]

    def read(self, since):
        rows = []
        for number in range(6):
            who, day = f"P{number}", f"19{70 + number}-11-{22 + number % 3}"
            fields = {"given": "Mia", "family": "Stone", "born": day, "household": who, "email": f"{who}@x.example"}
            said = {"patient": who, "purpose": "marketing", "medium": "email", "given": "yes", "at": "2025-03-01"}
            rows += [Row("patient", who, fields), Row("consent", f"C{number}", said)]
        yield Batch(tuple(sorted(rows, key=lambda row: row.kind == "consent")))


class Post(CrmkitSpec):
    """A sender's channel: what becomes of a message is told beforehand."""

    info = PluginInfo("post")
    name = "post"
    medium = Medium.EMAIL

    def __init__(self, provider: Provider):
        self.provider = provider
        self.guarantee = provider.guarantee
        self.meanwhile: Callable[[], None] = lambda: None
        self.stopped = False

    @hookimpl
    def crmkit_channels(self, ctx):
        return [self]

    def send(self, messages):
        return [receipt for message in messages for receipt in self._one(message)]

    def ask(self, questions):
        known = {True: Outcome.SENT, False: Outcome.RETRY}
        return [Receipt(one.key, known[one.key in self.provider.seen]) for one in questions]

    def _one(self, message):
        fate = self.provider.fates.pop(0) if self.provider.fates else "sent"
        if fate == "death before":
            raise Crash
        if fate in ("refused", "retry"):
            return [Receipt(message.key, Outcome(fate))]
        self.provider.take(message)
        if fate == "death after":
            raise Crash
        if fate == "raise":
            raise RuntimeError("no answer")
        if fate == "slow":
            self.meanwhile()
        return [] if fate == "lost" else [Receipt(message.key, Outcome.SENT)]


class Hasty(dispatch.Dispatch):
    """The mutant: it hands over first, and writes down intents and answers afterwards."""

    def _turn(self, flight, window, waiting, thread):
        assert flight is None
        landing = self._deliver(window.written)
        with self.seal.begin() as connection:
            going, stayed = self._begin(connection, window, waiting)
            done = self._answered(connection, dispatch.Flight(going, Future()), landing)
        return [*done, *stayed], None


@attrs.define(eq=False)
class Sender:
    """A process with a CRM of its own, that may die at any statement that it sends to the database."""

    crm: CRM
    post: Post
    lives_for: int | None = None

    def __attrs_post_init__(self):
        for event in ("before_cursor_execute", "commit"):
            sa.event.listen(self.crm._store.engine, event, self._live)

    def _live(self, *_):
        if self.lives_for is not None:
            self.lives_for -= 1
            if self.lives_for < 0:
                raise Crash

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

    @initialize(guarantee=st.sampled_from([BLIND, keyed(TTL), QUERYABLE]))
    def open(self, guarantee):
        self.provider = Provider(self.clock, BLIND if self.mutant else guarantee)
        self.senders = [self.new(), self.new()]
        crm = self.senders[0].crm
        crm.sync()
        for campaign in (CARD, BACK):
            crm.add(campaign)
        crm.plan()

    def new(self):
        post = Post(self.provider)
        crm = CRM(PRACTICE, self.url, plugins=[People(), post], clock=self.clock, caps=())
        if self.mutant:
            usual = crm._stages.dispatch
            given = {field.name: getattr(usual, field.name) for field in attrs.fields(type(usual)) if field.init}
            crm._stages = attrs.evolve(crm._stages, dispatch=Hasty(**given))
        return Sender(crm, post)

    def send(self, who, limit, dies_at=None):
        sender = self.senders[who]
        other = self.senders[1 - who]

        def meanwhile():
            self.clock.move(LEASE)
            other.crm.send()

        sender.post.meanwhile = meanwhile
        sender.lives_for = dies_at
        try:
            sender.crm.send(limit=limit)
        except Crash:
            sender.bury()
            self.senders[who] = self.new()
        sender.lives_for = None
        self.provider.fates = []

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

    @rule(minutes=st.sampled_from([1, 6, 6, 20, 70]))
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
        """Nothing may be left in anybody's hands, and the ledger must know of all that arrived."""
        for _ in range(3):
            self.clock.move(LEASE)
            self.send(0, None)
        self.nobody_gets_an_occasion_twice()
        known = {touch.key: touch for touch in self.touches()}
        stuck = [one for one in known.values() if one.state in (State.CLAIMED, State.SENDING)]
        assert not stuck, stuck
        idle = [one for one in known.values() if one.state is State.READY and one.due <= self.clock.now()]
        assert not idle, idle
        for touch in known.values():
            if touch.state is State.SENT and touch.reason == "sent":
                assert touch.key in self.provider.arrived, (touch, "sent, yet it never arrived")


USUAL = settings(
    max_examples=15,
    stateful_step_count=15,
    deadline=None,
    # A failure is told as it was found: making it smaller would take minutes.
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def inline(monkeypatch):
    monkeypatch.setattr(dispatch, "ThreadPoolExecutor", Inline)


def on_sqlite(folder):
    return f"sqlite:///{folder}/crm.db"


def test_senders_on_sqlite():
    run_state_machine_as_test(lambda: Senders(on_sqlite), settings=USUAL)


def test_senders_on_postgresql(postgres_server):
    run_state_machine_as_test(lambda: Senders(lambda _: postgres_server.fresh()), settings=USUAL)


def test_a_sender_that_notes_its_intents_afterwards_is_found_out():
    with pytest.raises(AssertionError, match="an occasion twice"):
        run_state_machine_as_test(lambda: Senders(on_sqlite, mutant=True), settings=settings(USUAL, max_examples=100))
