"""One window: touches that were judged a second time, and are rendered and handed over together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from crmkit.campaigns.judge import Judged, held
from crmkit.clock import Clock
from crmkit.delivery.channel import Channel, account_of, guarantee_of
from crmkit.delivery.recheck import Recheck
from crmkit.delivery.turns import Turn
from crmkit.delivery.verdicts import Verdicts, holds
from crmkit.errors import MissingField, TemplateError
from crmkit.ledger.attempts import Attempt, first_attempts
from crmkit.ledger.claims import LEASE
from crmkit.ledger.ledger import Ledger
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch, on_its_way
from crmkit.messages.message import Message
from crmkit.messages.renderer import Renderer
from crmkit.people.medium import Medium
from crmkit.records.truth import Truth
from crmkit.store.store import Connection, Store

#: So long may a call to a channel take: its last message reaches the provider that much later than it was judged.
CALL = timedelta(minutes=15)
#: When a source that gave no answer about a patient is asked again.
_ASK_AGAIN = timedelta(minutes=15)


@attrs.frozen
class Written:
    """A message that is about to be handed over: its touch as it was claimed, and as it is while it is on its way."""

    was: Touch
    touch: Touch
    message: Message


@attrs.frozen
class Window:
    """What came of judging and rendering some touches.

    Attributes:
        at: When they were judged.
        written: What may leave.
        staying: What may not, as it was claimed and as it is now.
        stopped: What was stopped at that time, by campaign; an empty text stands for all.
        turn: When its channel may be handed it, where that has a limit.
        ready: When it was ready to be written down as intended.
    """

    at: datetime
    written: tuple[Written, ...] = ()
    staying: tuple[tuple[Touch, Touch], ...] = ()
    stopped: frozenset[str] = frozenset()
    turn: Turn | None = None
    ready: datetime = attrs.field(default=attrs.Factory(lambda self: self.at, takes_self=True))

    def kept_waiting(self, now: datetime) -> bool:
        """Tell whether it waited for others who wrote for so long that its verdicts are no longer to be relied on.

        Where to judge takes longer than they hold, by a plugin's slow guard, they count from when it was ready: else
        it would be judged again for ever.
        """
        return not holds(self.at if self.holds_at(self.ready) else self.ready, now)

    def holds_at(self, now: datetime) -> bool:
        """Tell whether the verdicts are still fresh."""
        return holds(self.at, now)

    def touches(self) -> list[Touch]:
        """Return all that was judged, as it was claimed."""
        return [one.was for one in self.written] + [was for was, _ in self.staying]


@attrs.frozen(eq=False)
class Preparation:
    """Makes windows.

    Attributes:
        store: The database.
        ledger: The touches.
        truth: Asks the sources once more.
        recheck: Judges a second time.
        renderer: Writes the messages.
        channels: The channel for each medium.
        clock: Tells the time.
    """

    store: Store
    ledger: Ledger
    truth: Truth
    recheck: Recheck
    renderer: Renderer
    channels: Mapping[Medium, Channel]
    clock: Clock

    def window(self, claimed: Sequence[Touch]) -> Window:
        """Judge claimed touches again, on the records as they are now, and render what may leave."""
        return self.written(self.verdicts(claimed))

    def verdicts(self, claimed: Sequence[Touch]) -> Verdicts:
        """Judge claimed touches again, on the records as they are now."""
        unsure = self._unsure(claimed)
        sure = [touch for touch in claimed if touch.patient not in unsure]
        now = self.clock.now()
        doubtful = [touch.key for touch in sure if touch.in_doubt]
        with self.store.read() as connection:
            stopped = self.recheck.judge.stops.now(connection)
            second = self.recheck.look(connection, sure, now)
            first = first_attempts(connection, self.ledger.tables, self.ledger.practice, doubtful)
        was = {touch.key: touch for touch in claimed}
        going = tuple((was[judged.touch.key], judged) for judged in second.going)
        staying = [(was[touch.key], _kept(was[touch.key], touch, now)) for touch in second.staying]
        staying += [(touch, _put_off(touch, now)) for touch in claimed if touch.patient in unsure]
        return Verdicts(now, going, tuple(staying), stopped, first)

    def written(self, verdicts: Verdicts) -> Window:
        """Render what may leave."""
        written: list[Written] = []
        staying = [*verdicts.staying]
        now = verdicts.at
        for was, judged in verdicts.going:
            done = self._repeat(was, judged, verdicts.first, now) if was.in_doubt else self._write(was, judged, now)
            if isinstance(done, Written):
                written.append(done)
            else:
                staying.append((was, done))
        return Window(now, tuple(written), tuple(staying), verdicts.stopped)

    def stopped_since(self, connection: Connection, window: Window) -> bool:
        """Tell whether a person has stopped something since a window was judged."""
        return not self.recheck.judge.stops.now(connection) <= window.stopped

    def _unsure(self, claimed: Sequence[Touch]) -> frozenset[str]:
        """Return the patients of whom no source says anything sure just now."""
        if not self.truth.asks:
            return frozenset()
        return self.truth.renew([touch.patient for touch in claimed], self.clock.now())

    def _write(self, was: Touch, judged: Judged, now: datetime, at: datetime | None = None) -> Written | Touch:
        """Return the written message, or the touch with what keeps it from being written."""
        try:
            message = self.renderer.render(judged.draft(), at or now)
        except MissingField as problem:
            return held(judged.touch, "field_missing", now, field=problem.field)
        except TemplateError as problem:
            return held(judged.touch, "template_failed", now, problem=problem.problem)
        return Written(was, self._on_its_way(was, judged.touch, now), message)

    def _repeat(self, was: Touch, judged: Judged, first: Mapping[str, Attempt], now: datetime) -> Written | Touch:
        """Write once more what may have left, word for word, where the provider swallows what it has had already.

        Anything else might be a second message: then it stays unknown.
        """
        before = first.get(was.key)
        channel = self.channels[judged.touch.medium]
        if before is None or (before.channel, before.account) != (channel.name, account_of(channel)):
            return doubted(was, now)
        if now - before.at + CALL >= guarantee_of(channel).ttl:
            return doubted(was, now)
        done = self._write(was, judged, now, before.at)
        same = isinstance(done, Written) and done.message.digest == before.digest
        return done if same else doubted(was, now)

    def _on_its_way(self, was: Touch, touch: Touch, now: datetime) -> Touch:
        channel = self.channels[touch.medium]
        return touch.changed(
            state=State.SENDING,
            reason="handing_over",
            detail=on_its_way(channel.name, keyed=guarantee_of(channel).ttl > timedelta(0)),
            owner=was.owner,
            lease=now + LEASE,
            changed_at=now,
            sent_at=now,
            moves=was.moves + 1,
            attempts=was.attempts + 1,
        )


def doubted(was: Touch, now: datetime) -> Touch:
    """Return a touch of which nobody knows whether it left, for a person to settle."""
    return attrs.evolve(was, state=State.UNKNOWN, reason="unknown", owner="", lease=None, changed_at=now)


def _put_off(was: Touch, now: datetime) -> Touch:
    """Return a touch about whose patient nothing sure is known just now: it waits for the source to answer again."""
    state = State.RETRY if was.in_doubt else State.DEFERRED
    later = now + _ASK_AGAIN
    return attrs.evolve(was, state=state, reason="source_silent", due=later, owner="", lease=None, changed_at=now)


def _kept(was: Touch, touch: Touch, now: datetime) -> Touch:
    if not was.in_doubt:
        return touch
    if touch.state is State.DEFERRED:
        # The provider swallows a repetition in the morning as well, if its time is not over by then.
        later = attrs.evolve(was, reason=touch.reason, detail=touch.detail, due=touch.due)
        return attrs.evolve(later, state=State.RETRY, owner="", lease=None, changed_at=now)
    # What may have left already cannot be un-sent by a verdict of now.
    return doubted(was, now)
