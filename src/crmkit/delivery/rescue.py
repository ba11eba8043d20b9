"""What a dead sender left behind, and what is in doubt: settled as far as the channel's guarantee allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

import attrs

from crmkit.clock import Clock
from crmkit.delivery.channel import Channel, Outcome, QueryableChannel, Question, Receipt, account_of, guarantee_of
from crmkit.delivery.late_receipts import LateReceipts
from crmkit.delivery.refused_addresses import RefusedAddresses, reason_of
from crmkit.delivery.window import doubted
from crmkit.errors import StoreError
from crmkit.ledger.attempts import cleared, last_attempts
from crmkit.ledger.called_off import keep_off
from crmkit.ledger.claims import Claims
from crmkit.ledger.ledger import Ledger
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch
from crmkit.ledger.trail.seal import Seal
from crmkit.people.medium import Medium
from crmkit.store.among import among
from crmkit.store.store import Connection

_ASKED = 100
#: Only then is it asked what became of an attempt: a sender whose lease ran out may still be in the middle of its call,
#: and what the provider has not seen yet would be taken for what it never saw. A call may take a quarter of an hour.
ASK_AFTER = timedelta(hours=1)
#: And not more often than that: who did not know it then is asked by each sender, for as long as it stays in doubt.
ASK_AGAIN = timedelta(minutes=15)


@attrs.frozen(eq=False)
class Rescue:
    """Looks after what nobody holds any more.

    What was only claimed is ready again. What was on its way may have left: it is repeated if the provider swallows
    repetitions, asked about if the provider can be asked, and else stays unknown until a person settles it.

    Attributes:
        seal: The database, and the trail of what is written to it.
        ledger: The touches.
        claims: Who holds them.
        channels: The channel for each medium.
        at_fault: Stops addresses that are refused for their own sake.
        clock: Tells the time.
    """

    seal: Seal
    ledger: Ledger
    claims: Claims
    channels: Mapping[Medium, Channel]
    at_fault: RefusedAddresses
    clock: Clock
    _asked: dict[str, datetime] = attrs.field(factory=dict, init=False, repr=False)

    def run(self) -> int:
        """Settle what can be settled; return how many messages of dead senders came into doubt."""
        doubted = self.seal.done(self._recover)
        for channel in self.channels.values():
            late = getattr(channel, "late", None)
            if isinstance(late, LateReceipts) and (receipts := late.drain()):
                self._take_late(late, receipts)
            if guarantee_of(channel).queryable and hasattr(channel, "ask"):
                self._ask(cast("QueryableChannel", channel))
        return doubted

    def _take_late(self, late: LateReceipts, receipts: Sequence[Receipt]) -> None:
        try:
            self._write(receipts, may_be_old=True)
        except StoreError:
            # Nobody will say it again.
            late.add(receipts)
            raise

    def _recover(self, connection: Connection) -> int:
        now = self.clock.now()
        found = self.claims.recover(connection, now, lambda touch: self._repeatable(touch, now))
        return sum(touch.state is State.UNKNOWN for touch in found)

    def _repeatable(self, touch: Touch, now: datetime) -> bool:
        channel = self.channels.get(touch.medium)
        if channel is None or touch.detail.get("channel") != channel.name or "keyed" not in touch.detail:
            return False
        ttl = guarantee_of(channel).ttl
        return ttl > timedelta(0) and touch.sent_at is not None and now - touch.sent_at < ttl

    def _ask(self, channel: QueryableChannel) -> None:
        """Ask about what is in doubt, once the provider has had time to know it itself, and not at every turn."""
        now = self.clock.now()
        if abs(now - self._asked.get(channel.name, now - ASK_AGAIN)) < ASK_AGAIN:
            return
        for questions in self._questions(channel, now - ASK_AFTER):
            self._asked[channel.name] = now
            self._write(channel.ask(questions))

    def _questions(self, channel: Channel, before: datetime) -> Iterator[Sequence[Question]]:
        with self.seal.store.read() as connection:
            table = self.ledger.tables.touch
            waiting = self.ledger.touches(
                connection, table.c.state == State.UNKNOWN.value, table.c.medium == channel.medium.value
            )
            keys = [touch.key for touch in waiting]
            last = last_attempts(connection, self.ledger.tables, self.ledger.practice, keys)
        asking = (channel.name, account_of(channel))
        mine = [one for one in last.values() if (one.channel, one.account) == asking and one.at <= before]
        asked = [Question(one.key, one.message_id, one.reference, one.at) for one in mine]
        for start in range(0, len(asked), _ASKED):
            yield asked[start : start + _ASKED]

    def _write(self, receipts: Sequence[Receipt], *, may_be_old: bool = False) -> None:
        """Write down what became of attempts.

        Args:
            receipts: The answers.
            may_be_old: They may be about an earlier attempt than the last: that this one had no effect settles nothing.
        """
        known = {one.key: one for one in receipts if one.outcome is not Outcome.UNKNOWN}

        def step(connection: Connection) -> None:
            now = self.clock.now()
            self.at_fault.lock(connection, known.values())
            if may_be_old:
                self._doubt(connection, [one.key for one in known.values() if one.outcome is Outcome.SENT], now)
            unknown = self.ledger.unknown(connection, list(known))
            told = [(was, _told(was, known[was.key], now)) for was in unknown]
            moves = [(was, one) for was, one in told if not may_be_old or was.attempts == 1 or one.state is State.SENT]
            moved = self.ledger.move(connection, moves, "ask")
            moved = keep_off(connection, self.ledger, moves, moved, "ask", now)
            found_out = [(one, known[one.key].outcome.value, known[one.key].reference) for one in moved]
            self.at_fault.stop(connection, [(one, known[one.key]) for one in moved], now)
            cleared(connection, self.ledger.tables, self.ledger.practice, found_out)

        self.seal.done(step)

    def _doubt(self, connection: Connection, keys: Sequence[str], now: datetime) -> None:
        """Let what waits to be repeated wait no more, for an attempt has arrived: it is settled like all in doubt."""
        table = self.ledger.tables.touch
        mine = (among(table.c.key, keys), table.c.state == State.RETRY.value)
        waiting = [touch for touch in self.ledger.touches(connection, *mine) if touch.in_doubt]
        self.ledger.move(connection, [(was, doubted(was, now)) for was in waiting], "ask")


def _told(was: Touch, receipt: Receipt, now: datetime) -> Touch:
    sent = receipt.outcome is Outcome.SENT
    state = State(receipt.outcome.value)
    due = now if state is State.RETRY else was.due
    # What the provider never saw has had no effect, and counts for nobody.
    sent_at = was.sent_at if sent else None
    return attrs.evolve(doubted(was, now), state=state, reason=reason_of(receipt), due=due, sent_at=sent_at)
