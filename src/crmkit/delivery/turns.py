"""Turns: when a channel with a limit may be handed its next messages, over all processes together.

A turn names the instant at which a hand-over begins. Who comes later than a little takes another one: if each began
whenever it was ready, those of several processes would fall together. The little is dealt out too, so that no second,
whenever it begins, sees more messages begin than the limit allows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import attrs

from crmkit.clock import Clock, wait, wait_unless
from crmkit.delivery.turn import SLACK, Measure, Turn
from crmkit.errors import StoreError
from crmkit.ledger.channel_turns import reserve
from crmkit.ledger.claims import LEASE, Claims
from crmkit.ledger.trail.seal import Seal

#: Half of it for whoever waits, the other half until the channel is called.
_LATE = SLACK / 2
#: What is made ready before a turn begins takes no longer; if it does, another turn is taken.
_MOST_LEAD = timedelta(seconds=1)


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

    def take(self, channel: str, measure: Measure, messages: int, stopping: Callable[[], bool]) -> Turn:
        """Take the next turn of a channel, and wait until its messages are to be made ready, or until told to stop."""
        turn = self._reserve(channel, measure, messages, self._leads.get(channel, timedelta(0)))
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
            turn = self._reserve(turn.channel, turn.measure, turn.messages, timedelta(0))
        lead = _LATE
        while turn.start <= until:
            wait(self.clock, turn.start - self.clock.now())
            if self.clock.now() - turn.start <= _LATE:
                return True
            # Even to be given one takes too long here: so it is to begin later.
            turn, lead = self._reserve(turn.channel, turn.measure, turn.messages, lead), lead * 2
        return False

    def _reserve(self, channel: str, measure: Measure, messages: int, lead: timedelta) -> Turn:
        with self.seal.begin() as connection:
            tables, practice = self.claims.ledger.tables, self.claims.ledger.practice
            now = self.clock.now()
            start = reserve(connection, tables, practice, channel, measure.each, now, messages, lead)
        return Turn(channel, measure, messages, start, lead)
