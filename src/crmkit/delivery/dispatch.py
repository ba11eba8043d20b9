"""Sending: what is due is claimed, judged again, rendered, written down as intended, and only then handed over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from crmkit.clock import Clock
from crmkit.delivery.again import Again
from crmkit.delivery.channel import Channel, Outcome, Receipt
from crmkit.errors import MissingField, TemplateError
from crmkit.ledger.attempts import Attempt, answered, intend
from crmkit.ledger.audit import Seal
from crmkit.ledger.ledger import Ledger
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch
from crmkit.messages.message import Message
from crmkit.messages.renderer import Renderer
from crmkit.people.medium import Medium
from crmkit.store.store import Connection

#: At most so many messages are on their way at once, and so many are in doubt after a crash.
WINDOW = 100
CLAIM = 1000
LEASE = timedelta(minutes=5)
_RETRY_AFTER = timedelta(minutes=15)
_RETRY_AT_MOST = timedelta(hours=6)


@attrs.frozen
class Written:
    """A message that is about to be handed over, and its touch."""

    touch: Touch
    message: Message


@attrs.frozen
class Dispatched:
    """What a sending came to.

    Attributes:
        touches: Every touch that was taken up, with the state and reason that it has now.
    """

    touches: tuple[Touch, ...] = attrs.field(default=(), repr=False)

    def counts(self) -> Mapping[State, int]:
        """Return how many touches came to each state."""
        return Counter(touch.state for touch in self.touches)

    @property
    def sent(self) -> int:
        """How many messages the channels took."""
        return self.counts().get(State.SENT, 0)

    def __add__(self, other: Dispatched) -> Dispatched:
        return Dispatched(self.touches + other.touches)


@attrs.frozen(eq=False)
class Dispatch:
    """Sends what is due.

    Attributes:
        seal: The database, and the trail of what is written to it.
        ledger: The touches.
        again: Judges a second time.
        renderer: Writes the messages.
        channels: The channel for each medium.
        clock: Tells the time of each window.
        owner: The name under which touches are claimed.
    """

    seal: Seal
    ledger: Ledger
    again: Again
    renderer: Renderer
    channels: Mapping[Medium, Channel]
    clock: Clock
    owner: str

    def send(
        self,
        *,
        limit: int | None = None,
        only_to: Sequence[str] | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Dispatched:
        """Hand over all that is due, window by window, and return what came of it.

        Args:
            limit: Take up at most so many touches.
            only_to: Reach nobody but these patients.
            progress: Is told the size of each finished window.
        """
        with self.seal.begin() as connection:
            self.ledger.recover(connection, self.clock.now())
        done, left = Dispatched(), limit
        while claimed := self._claim(min(CLAIM, CLAIM if left is None else left), only_to):
            for start in range(0, len(claimed), WINDOW):
                window = claimed[start : start + WINDOW]
                done += self._window(window)
                progress(len(window))
            left = None if left is None else left - len(claimed)
        return done

    def due(self, *, only_to: Sequence[str] | None = None) -> Dispatched:
        """Return what `send` would do at this instant, without doing it."""
        now = self.clock.now()
        with self.seal.store.read() as connection:
            second = self.again.look(connection, self.ledger.due(connection, now, only_to), now)
        return Dispatched((*(one.touch for one in second.going), *second.staying))

    def _claim(self, size: int, only_to: Sequence[str] | None) -> list[Touch]:
        if size <= 0:
            return []
        with self.seal.begin() as connection:
            now = self.clock.now()
            return self.ledger.claim(connection, owner=self.owner, now=now, lease=LEASE, limit=size, only_to=only_to)

    def _window(self, claimed: Sequence[Touch]) -> Dispatched:
        with self.seal.begin() as connection:
            written, staying = self._prepare(connection, claimed, self.clock.now())
        receipts = self._hand_over(written)
        with self.seal.begin() as connection:
            gone = self._record(connection, written, receipts, self.clock.now())
        return Dispatched((*gone, *staying))

    def _prepare(
        self, connection: Connection, claimed: Sequence[Touch], now: datetime
    ) -> tuple[list[Written], list[Touch]]:
        """Judge again, render, and write down the intent; return what goes and what stays."""
        was = {touch.key: touch for touch in claimed}
        second = self.again.look(connection, claimed, now)
        staying = list(second.staying)
        written: list[Written] = []
        for judged in second.going:
            touch = judged.touch
            try:
                message = self.renderer.render(judged.draft(), now)
            except MissingField as problem:
                staying.append(self._held(touch, "field_missing", now, field=problem.field))
            except TemplateError as problem:
                staying.append(self._held(touch, "template_failed", now, problem=problem.problem))
            else:
                written.append(Written(self._sending(was[touch.key], touch, now), message))
        going = [(was[one.touch.key], one.touch) for one in written]
        mine = {touch.key: touch for touch in self.ledger.move(connection, going, "send")}
        moved = [attrs.evolve(one, touch=mine[one.touch.key]) for one in written if one.touch.key in mine]
        intend(connection, self.ledger.tables, self.ledger.practice, [self._attempt(one) for one in moved], now)
        kept = self.ledger.move(connection, [(was[touch.key], touch) for touch in staying], "send")
        return moved, kept

    def _held(self, touch: Touch, reason: str, now: datetime, **detail: Any) -> Touch:
        return attrs.evolve(touch, state=State.HELD, reason=reason, detail=detail, changed_at=now)

    def _sending(self, was: Touch, touch: Touch, now: datetime) -> Touch:
        return attrs.evolve(
            touch,
            state=State.SENDING,
            reason="handing_over",
            detail={"channel": self.channels[touch.medium].name},
            owner=was.owner,
            lease=now + LEASE,
            changed_at=now,
            sent_at=now,
            attempts=was.attempts + 1,
        )

    def _attempt(self, one: Written) -> Attempt:
        channel = self.channels[one.touch.medium].name
        return Attempt(one.touch.key, channel, one.message.message_id, one.message.digest, one.touch.attempts)

    def _hand_over(self, written: Sequence[Written]) -> dict[str, Receipt]:
        receipts: dict[str, Receipt] = {}
        for medium, channel in self.channels.items():
            messages = [one.message for one in written if one.touch.medium is medium]
            if messages:
                receipts |= {receipt.key: receipt for receipt in channel.send(messages)}
        return receipts

    def _record(
        self, connection: Connection, written: Sequence[Written], receipts: Mapping[str, Receipt], now: datetime
    ) -> list[Touch]:
        moves, answers = [], []
        for one in written:
            receipt = receipts.get(one.touch.key) or Receipt(one.touch.key, Outcome.UNKNOWN, evidence="no receipt")
            moves.append((one.touch, self._outcome(one.touch, receipt, now)))
            answers.append({**attrs.asdict(receipt), "outcome": receipt.outcome.value})
        answered(connection, self.ledger.tables, self.ledger.practice, answers, now)
        moved = self.ledger.move(connection, moves, "send")
        return moved if len(moved) == len(moves) else [*moved, *self._late(connection, moves)]

    def _late(self, connection: Connection, moves: Sequence[tuple[Touch, Touch]]) -> list[Touch]:
        """Take answers that came when the touch had been given up as unknown: better late than in doubt."""
        given_up = {touch.key: touch for touch in self.ledger.unknown(connection, [was.key for was, _ in moves])}
        late = [(given_up[was.key], now) for was, now in moves if was.key in given_up]
        sure = [(was, now) for was, now in late if now.state in (State.SENT, State.REFUSED)]
        return self.ledger.move(connection, sure, "send")

    def _outcome(self, touch: Touch, receipt: Receipt, now: datetime) -> Touch:
        state = State(receipt.outcome.value)
        nothing_left = state in (State.RETRY, State.REFUSED)
        return attrs.evolve(
            touch,
            state=state,
            reason=state.value,
            owner="",
            lease=None,
            due=now + _back_off(touch.attempts) if state is State.RETRY else touch.due,
            changed_at=now,
            sent_at=None if nothing_left else touch.sent_at,
        )


def _back_off(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts without effect: twice as long each time, up to six hours."""
    doublings: int = 2 ** min(attempts - 1, 10)
    return min(_RETRY_AFTER * doublings, _RETRY_AT_MOST)
