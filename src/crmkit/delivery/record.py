"""The two ends of a hand-over in the ledger: the intent before it, the answer after it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from crmkit.delivery.channel import Channel, Outcome, Receipt, account_of, guarantee_of
from crmkit.delivery.refused_addresses import RefusedAddresses, reason_of
from crmkit.delivery.window import Window, Written
from crmkit.ledger.attempts import Answer, Attempts, Intent
from crmkit.ledger.called_off import keep_off
from crmkit.ledger.claims import Claims
from crmkit.ledger.ledger import Ledger
from crmkit.ledger.state import State
from crmkit.ledger.step import Step
from crmkit.ledger.touch import Touch
from crmkit.people.medium import Medium
from crmkit.store.store import Connection

_RETRY_AFTER = timedelta(minutes=15)
_RETRY_AT_MOST = timedelta(hours=6)
_WAIT_AT_MOST = timedelta(days=1)
_NO_RECEIPT = "no receipt"


@attrs.frozen(eq=False)
class Record:
    """Writes down what is about to happen and what came of it.

    Attributes:
        ledger: The touches.
        claims: Who holds them.
        channels: The channel for each medium.
        at_fault: Stops addresses that are refused for their own sake.
    """

    ledger: Ledger
    claims: Claims
    channels: Mapping[Medium, Channel]
    at_fault: RefusedAddresses
    attempts: Attempts = attrs.field(init=False, repr=False)

    @attempts.default
    def _of_the_ledger(self) -> Attempts:
        return Attempts(self.ledger.tables, self.ledger.practice, self.ledger.seal)

    def intend(self, connection: Connection, window: Window, owner: str, now: datetime) -> list[Written]:
        """Write down what is about to be handed over, and what stays; return what may be.

        Whatever this sender does not hold any more, because its lease ran out, is left alone.
        """
        mine = self._sending(connection, window.written, owner, now)
        going = [one for one in window.written if one.touch.key in mine]
        accounts = {medium: account_of(channel) for medium, channel in self.channels.items()}
        intents = [
            Intent(one.touch, one.message.message_id, one.message.digest, accounts[one.touch.medium]) for one in going
        ]
        self.attempts.intend(connection, intents, now)
        return going

    def staying(self, connection: Connection, window: Window) -> list[Touch]:
        """Write down what stays, with its new state and reason."""
        return self.ledger.move(connection, window.staying, "send")

    def answers(
        self, connection: Connection, handed: Sequence[Written], receipts: Mapping[str, Receipt], now: datetime
    ) -> list[Touch]:
        """Write down what the channels answered; return the touches as they are now."""
        told = [receipts.get(one.touch.key) or _silence(one.touch.key) for one in handed]
        self.at_fault.lock(connection, told)
        pairs = list(zip(handed, told, strict=True))
        answers = [Answer(one.touch, said.outcome.value, said.reference, said.evidence) for one, said in pairs]
        sent = [one.touch for one, receipt in pairs if receipt.outcome is Outcome.SENT]
        done = self._sent(connection, sent, now)
        other = [
            (one.touch, self._outcome(one.touch, receipt, now, doubtful=one.was.in_doubt))
            for one, receipt in pairs
            if receipt.outcome is not Outcome.SENT or one.touch.key not in done
        ]
        moved = self.ledger.move(connection, other, "send")
        # Attempts after their touches, as everybody takes them: two who meet then never wait for one another.
        self.attempts.answered(connection, answers, now)
        moved = keep_off(connection, self.ledger, other, moved, "send", now)
        gone = [*done.values(), *moved]
        gone += self._late(connection, other, now) if len(gone) < len(handed) else []
        self.at_fault.stop(connection, [(touch, receipts[touch.key]) for touch in gone if touch.key in receipts], now)
        return gone

    def _sending(self, connection: Connection, written: Sequence[Written], owner: str, now: datetime) -> frozenset[str]:
        """Move claimed touches to sending: most in one statement, those of which more has changed one by one."""
        plain: dict[tuple[str, bool], list[str]] = defaultdict(list)
        changed = []
        for one in written:
            if one.was.same_ground(one.touch):
                plain[one.touch.detail["channel"], "keyed" in one.touch.detail].append(one.touch.key)
            else:
                changed.append(one)
        mine: set[str] = set()
        for (channel, keyed), keys in plain.items():
            mine |= self.claims.start(connection, keys, channel, owner, now, keyed=keyed)
        held = [(one.was, one.touch) for one in changed if one.was.lease and one.was.lease > now]
        return frozenset(mine | {touch.key for touch in self.ledger.move(connection, held, "send")})

    def _sent(self, connection: Connection, touches: Sequence[Touch], now: datetime) -> dict[str, Touch]:
        owners: dict[str, list[Touch]] = defaultdict(list)
        for touch in touches:
            owners[touch.owner].append(touch)
        done: dict[str, Touch] = {}
        for owner, some in owners.items():
            keys = [touch.key for touch in some]
            step = Step(State.SENDING, State.SENT)
            moved = self.ledger.shift(connection, keys, step, "send", now, held_by=owner, lease=None)
            after: dict[str, Any] = {"state": State.SENT, "reason": "sent", "owner": "", "lease": None}
            done |= {
                touch.key: touch.changed(**after, changed_at=now, moves=touch.moves + 1)
                for touch in some
                if touch.key in moved
            }
        return done

    def _late(self, connection: Connection, moves: Sequence[tuple[Touch, Touch]], at: datetime) -> list[Touch]:
        """Take answers that came when the touch had been given up as unknown: better late than in doubt."""
        given_up = {touch.key: touch for touch in self.ledger.unknown(connection, [was.key for was, _ in moves])}
        late = [(given_up[was.key], now) for was, now in moves if was.key in given_up]
        sure = [(was, now) for was, now in late if _is_sure(was, now)]
        return keep_off(connection, self.ledger, sure, self.ledger.move(connection, sure, "send"), "send", at)

    def _outcome(self, touch: Touch, said: Receipt, now: datetime, *, doubtful: bool = False) -> Touch:
        outcome = said.outcome
        repeated = outcome is Outcome.UNKNOWN and guarantee_of(self.channels[touch.medium]).ttl > timedelta(0)
        state = State.RETRY if repeated else State(outcome.value)
        # Of a repetition such an answer speaks for itself only: the attempt before it may still have had an effect.
        nothing_left = outcome in (Outcome.RETRY, Outcome.REFUSED) and not doubtful
        return touch.changed(
            state=state,
            reason=reason_of(said) if state is State.REFUSED else state.value,
            detail=touch.detail if outcome is Outcome.SENT else {**touch.detail, "told": said.evidence},
            owner="",
            lease=None,
            due=now + _wait(touch.attempts, said) if state is State.RETRY else touch.due,
            changed_at=now,
            sent_at=None if nothing_left else touch.sent_at,
        )


def _is_sure(was: Touch, now: Touch) -> bool:
    """Tell whether a late answer settles what is in doubt: that one attempt had no effect says nothing of a later."""
    nothing_left = now.state in (State.REFUSED, State.RETRY) and now.sent_at is None
    return now.state is State.SENT or (nothing_left and was.attempts == now.attempts)


def _silence(key: str) -> Receipt:
    return Receipt(key, Outcome.UNKNOWN, evidence=_NO_RECEIPT)


def _wait(attempts: int, said: Receipt) -> timedelta:
    """Return how long to wait: at least as long as the provider asked, whatever it says within a day."""
    return max(_back_off(attempts), min(said.retry_after or timedelta(0), _WAIT_AT_MOST))


def _back_off(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts without effect: twice as long each time, up to six hours."""
    doublings: int = 2 ** min(attempts - 1, 10)
    return min(_RETRY_AFTER * doublings, _RETRY_AT_MOST)
