"""Turns: when a channel with a limit may be handed its next messages, over all processes together.

A turn names the instant at which a hand-over begins. Who comes later than a little takes another one: if each began
whenever it was ready, those of several processes would fall together. The little is dealt out too, so that no second,
whenever it begins, sees more messages begin than the limit allows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import attrs

from crmkit.clock import Clock, wait, wait_unless
from crmkit.errors import StoreError
from crmkit.ledger.channel_turns import reserve
from crmkit.ledger.claims import LEASE, Claims
from crmkit.ledger.trail.seal import Seal

#: So late may a hand-over begin; it costs three hundredths of what a channel allows.
SLACK = timedelta(seconds=0.03)
#: Half of it for whoever waits, the other half until the channel is called.
_LATE = SLACK / 2
#: So much of a limit is worth larger windows.
_NEARLY = 0.98
#: What is made ready before a turn begins takes no longer; if it does, another turn is taken.
_MOST_LEAD = timedelta(seconds=1)


@attrs.frozen
class Allotment:
    """How a limit is dealt out.

    Attributes:
        size: How many messages go together; fewer than that go one by one.
        each: How long the channel is taken up by one message.

    >>> Allotment.of(100, 100)
    Allotment(size=10, each=datetime.timedelta(microseconds=10300))
    """

    size: int
    each: timedelta

    @classmethod
    def of(cls, per_second: float, window: int) -> Allotment:
        """Return the allotment of a limit, with windows of at most so many messages.

        A limit that is no whole number is rounded up, and counts over as much longer than a second.
        """
        most = max(1, math.ceil(per_second - 1e-9))
        largest = max(1, min(most // 10, window))
        # Only what is filled by whole windows can be used up: there are windows of one size, or single messages.
        size = next(one for one in range(largest, 0, -1) if most // one * one >= _NEARLY * most)
        return cls(size, (timedelta(seconds=most / per_second) + SLACK) / (most // size * size))


@attrs.frozen
class Turn:
    """When so many messages may be handed over, and how long before that it is time to make them ready."""

    channel: str
    allotment: Allotment
    messages: int
    start: datetime
    lead: timedelta


@attrs.frozen(eq=False)
class Turns:
    """Takes turns.

    Attributes:
        seal: The database.
        claims: What is claimed is held meanwhile.
        clock: Tells the time.
        owner: The name under which touches are claimed.
    """

    seal: Seal
    claims: Claims
    clock: Clock
    owner: str
    _leads: dict[str, timedelta] = attrs.field(factory=dict, init=False, repr=False)

    def take(self, channel: str, allotment: Allotment, messages: int, stopping: Callable[[], bool]) -> Turn:
        """Take the next turn of a channel, and wait until its messages are to be made ready, or until told to stop."""
        turn = self._reserve(channel, allotment, messages, self._leads.get(channel, timedelta(0)))
        # By spans, not by the clock: that may be set while one waits.
        left = turn.start - turn.lead - self.clock.now()
        while left > timedelta(0) and not stopping():
            nap = min(left, LEASE / 5)
            wait_unless(self.clock, nap, stopping)
            left -= nap
            if left > timedelta(0):
                with self.seal.begin() as connection:
                    self.claims.renew(connection, self.owner, self.clock.now())
        return turn

    def hold(self, sending: Sequence[str]) -> None:
        """Hold what is claimed, and what is on its way, for longer; if the database is away just then, so be it."""
        with suppress(StoreError), self.seal.begin() as connection:
            self.claims.renew(connection, self.owner, self.clock.now(), sending)

    def keep(self, turn: Turn, until: datetime) -> bool:
        """Wait until a turn begins, or another one if it is over; False if none begins before an instant."""
        early = turn.start - self.clock.now()
        # How long it took to make ready, for the next time. A turn that one comes too late for is lost for everybody.
        took = max(timedelta(0), min(turn.lead - early, _MOST_LEAD))
        self._leads[turn.channel] = max(took * 1.5, self._leads.get(turn.channel, took) * 0.95)
        if not -_LATE <= early <= turn.lead + _MOST_LEAD:
            turn = self._reserve(turn.channel, turn.allotment, turn.messages, timedelta(0))
        lead = _LATE
        while turn.start <= until:
            wait(self.clock, turn.start - self.clock.now())
            if self.clock.now() - turn.start <= _LATE:
                return True
            # Even to be given one takes too long here: so it is to begin later.
            turn, lead = self._reserve(turn.channel, turn.allotment, turn.messages, lead), lead * 2
        return False

    def _reserve(self, channel: str, allotment: Allotment, messages: int, lead: timedelta) -> Turn:
        with self.seal.begin() as connection:
            tables, practice = self.claims.ledger.tables, self.claims.ledger.practice
            now = self.clock.now()
            start = reserve(connection, tables, practice, channel, allotment.each, now, messages, lead)
        return Turn(channel, allotment, messages, start, lead)
