"""How many messages go into one hand-over: few at first, more while the channel is quick, never more than a window."""

from __future__ import annotations

from datetime import timedelta

import attrs

#: At most so many messages are on their way at once, and so many are in doubt after a crash.
WINDOW = 100
#: And never more than the channel takes in this time, so that a verdict is fresh when its message leaves.
SPAN = timedelta(seconds=0.5)
_GROWTH = 10
_AHEAD = 3


@attrs.define
class Pace:
    """What one channel has shown that it can take.

    Attributes:
        most: The most messages in one call.
        size: How many to hand over next.
        slow: Whether it takes so long that the next window is better judged when it has finished.

    >>> pace = Pace()
    >>> pace.took(1, timedelta(seconds=0.01)), pace.size
    (None, 10)
    >>> pace.took(10, timedelta(seconds=10)), pace.size
    (None, 1)
    """

    most: int = WINDOW
    size: int = 1
    slow: bool = True

    @property
    def ahead(self) -> int:
        """How many windows to judge together: several while they leave so fast that the last verdict is fresh too."""
        return 1 if self.slow or self.size < self.most else _AHEAD

    def took(self, messages: int, span: timedelta) -> None:
        """Learn from a call that took so many messages and so long."""
        fits = messages * SPAN // span if span > timedelta(0) else self.most
        # One slow call makes it careful at once; trust comes back step by step.
        self.slow = span > SPAN / 2
        self.size = max(1, min(fits, self.size * _GROWTH, self.most))
