"""The hand-over itself: a window's messages go to their channels, whose answers are believed as far as they fit."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import Lock

import attrs

from crmkit.campaigns.openings import ON_ITS_WAY
from crmkit.clock import Clock
from crmkit.delivery.at_fault import at_fault
from crmkit.delivery.carrier import Landing
from crmkit.delivery.channel import Channel, Outcome, Receipt, limits_of
from crmkit.delivery.company import calls_of
from crmkit.delivery.window import Written
from crmkit.people.medium import Medium

#: Of so many answers one looks at how many say that nobody is there. Of fewer than half as many all must say so, and of
#: one or two nothing is concluded.
_LOOKED_AT, _FEW = 20, 3
_HELD_UP = "not handed over: the sender was held up, and its verdict was too old by then"
_BROKEN = "; it says so of most addresses: look at the mail server, not at the addresses"


@attrs.define
class Belief:
    """Whether a channel's word that nobody is at an address is taken.

    A server that has lost its list of users, or asks one that has, says so of everybody. No practice has moved that
    many of its patients: their addresses stay in use, and their messages wait.
    """

    _last: deque[bool] = attrs.field(factory=lambda: deque(maxlen=_LOOKED_AT), init=False)
    _looking: Lock = attrs.field(factory=Lock, init=False, repr=False)

    def of(self, receipts: Sequence[Receipt]) -> list[Receipt]:
        """Return the receipts as they are to be believed."""
        said = [at_fault(one) for one in receipts if one.outcome in (Outcome.SENT, Outcome.REFUSED)]
        # Several threads of a host may send.
        with self._looking:
            self._last.extend(said)
            looked_at, nobody = len(self._last), sum(self._last)
        broken = nobody == looked_at >= _FEW if looked_at < _LOOKED_AT / 2 else nobody * 2 > looked_at
        if not broken:
            return list(receipts)
        return [_not_believed(one) if at_fault(one) else one for one in receipts]


def _not_believed(receipt: Receipt) -> Receipt:
    return attrs.evolve(receipt, outcome=Outcome.RETRY, permanent=False, evidence=receipt.evidence + _BROKEN)


@attrs.frozen(eq=False)
class Handing:
    """Hands windows over.

    Attributes:
        channels: The channel for each medium.
        clock: Tells how long each call takes.
    """

    channels: Mapping[Medium, Channel]
    clock: Clock
    _beliefs: dict[Medium, Belief] = attrs.field(factory=dict, init=False, repr=False)

    def deliver(self, written: Sequence[Written], ready: datetime) -> Landing:
        """Hand over the messages of a window, and return what the channels answered.

        A process may be held up at any place for hours: a laptop sleeps, a machine is moved. A call that would begin
        that late after the window was ready is not made, and its messages wait to be judged anew.
        """
        receipts: dict[str, Receipt] = {}
        calls = []
        for medium, channel in self.channels.items():
            mine = [one for one in written if one.touch.medium is medium]
            for call in calls_of(mine, limits_of(channel).batch):
                some = [one.message for one in call]
                began = self.clock.now()
                if abs(began - ready) > ON_ITS_WAY:
                    receipts |= {one.key: Receipt(one.key, Outcome.RETRY, evidence=_HELD_UP) for one in some}
                    continue
                told = list(channel.send(some))
                calls.append((medium, len(some), self.clock.now() - began))
                receipts |= {receipt.key: receipt for receipt in self._belief(medium).of(told)}
        return Landing(receipts, calls)

    def _belief(self, medium: Medium) -> Belief:
        return self._beliefs.setdefault(medium, Belief())
