"""A turn: when a channel with a limit may be handed so many messages; and how a limit is dealt out in turns."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import attrs

#: So late may a hand-over begin; it costs three hundredths of what a channel allows.
SLACK = timedelta(seconds=0.03)
#: So much of a limit is worth larger windows.
_NEARLY = 0.98


@attrs.frozen
class Measure:
    """How a limit is dealt out.

    Attributes:
        size: How many messages go together; fewer than that go one by one.
        each: How long the channel is taken up by one message.

    >>> Measure.of(100, 100)
    Measure(size=10, each=datetime.timedelta(microseconds=10300))
    """

    size: int
    each: timedelta

    @classmethod
    def of(cls, per_second: float, window: int) -> Measure:
        """Return the measure of a limit, with windows of at most so many messages.

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
    measure: Measure
    messages: int
    start: datetime
    lead: timedelta
