"""What a sending is asked for, and what it came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import attrs

from crmkit.ledger.share import Share
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch


def _number(touches: Sequence[Touch]) -> str:
    return f"<{len(touches)}>"


@attrs.frozen
class Dispatched:
    """What a sending came to.

    Attributes:
        touches: The touches that were taken up, with the state and reason that each has now; of a long sending the
            first so many only, as the order said.
        untold: How many more came to each state.
        doubted: How many messages came into doubt that a sender before had on its way when it died.
    """

    # Shown as their number: without it the whole would look as if nothing had been sent.
    touches: tuple[Touch, ...] = attrs.field(default=(), repr=_number)
    untold: Mapping[State, int] = attrs.field(factory=dict)
    doubted: int = 0

    def counts(self) -> Mapping[State, int]:
        """Return how many touches came to each state."""
        return Counter(touch.state for touch in self.touches) + Counter(self.untold)

    @property
    def sent(self) -> int:
        """How many messages the channels took."""
        return self.counts().get(State.SENT, 0)


@attrs.frozen
class Order:
    """What a sending is asked for.

    Attributes:
        limit: Take up at most so many touches; None for all.
        only_to: Reach nobody but these patients; None for anybody.
        share: Only the households of this share.
        progress: Is told the size of each finished window.
        stopping: Is asked between windows whether to leave the rest for later.
        cut_short: Is told what a sending came to that something ends, such as a database that is away.
        keep: How many touches to return; of the rest only the states are counted, so that memory stays flat.
    """

    limit: int | None = None
    only_to: Sequence[str] | None = None
    share: Share | None = None
    progress: Callable[[int], None] = lambda _: None
    stopping: Callable[[], bool] = lambda: False
    cut_short: Callable[[Dispatched], None] = lambda _: None
    keep: int = 10_000


@attrs.define
class Tally:
    """What a sending has come to so far.

    Attributes:
        keep: How many touches to keep.
        doubted: How many messages of a dead sender came into doubt.
    """

    keep: int
    doubted: int = 0
    _touches: list[Touch] = attrs.field(factory=list, init=False)
    _untold: Counter[State] = attrs.field(factory=Counter, init=False)

    def add(self, touches: Sequence[Touch]) -> None:
        """Count some more."""
        room = max(self.keep - len(self._touches), 0)
        self._touches += touches[:room]
        self._untold.update(touch.state for touch in touches[room:])

    def told(self) -> Dispatched:
        """Return what it came to."""
        return Dispatched(tuple(self._touches), dict(self._untold), self.doubted)
