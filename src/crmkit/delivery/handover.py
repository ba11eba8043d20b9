"""The hand-over itself: a window's messages go to their channels, whose answers are believed as far as they fit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from crmkit.campaigns.openings import ON_ITS_WAY
from crmkit.clock import Clock
from crmkit.delivery.channel import Channel, Outcome, Receipt, limits_of
from crmkit.delivery.refused_addresses import Belief
from crmkit.delivery.window import Written
from crmkit.people.medium import Medium

#: So many go together where all of a call came into doubt once; after that each goes alone.
_FEW = 10
_HELD_UP = "not handed over: the sender was held up, and its verdict was too old by then"


@attrs.frozen
class Landing:
    """What the channels answered to a window, by key, and how many messages each call had and how long it took."""

    receipts: Mapping[str, Receipt]
    calls: Sequence[tuple[Medium, int, timedelta]] = ()


@attrs.frozen(eq=False)
class HandOver:
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


def calls_of(written: Sequence[Written], most: int) -> list[Sequence[Written]]:
    """Return what is handed over in each call.

    Where a channel stumbles over one message, the whole call came into doubt. What is repeated goes in smaller company
    each time, so that the next time only few share its fate, and then nobody.

    Args:
        written: Messages of one medium.
        most: The most messages in one call.
    """
    sizes: dict[int, list[Written]] = defaultdict(list)
    for one in written:
        sizes[_company(one, most)].append(one)
    return [some[start : start + size] for size, some in sizes.items() for start in range(0, len(some), size)]


def _company(one: Written, most: int) -> int:
    if not one.was.in_doubt:
        return most
    return min(_FEW, most) if one.was.attempts == 1 else 1
