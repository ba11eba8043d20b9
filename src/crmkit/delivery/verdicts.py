"""What was judged together: more than one window, for one question costs nearly as much for a hundred as for more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import attrs

from crmkit.campaigns.judge import Judged
from crmkit.ledger.attempts import Attempt
from crmkit.ledger.touch import Touch

#: For so long a verdict holds: what is older is judged again before it leaves.
VALID = timedelta(seconds=5)


def holds(at: datetime, now: datetime) -> bool:
    """Tell whether a verdict that was passed at an instant is still fresh; if the clock was set back, nobody knows.

    >>> from crmkit.clock import SystemClock
    >>> now = SystemClock().now()
    >>> holds(now, now + VALID), holds(now, now + 2 * VALID), holds(now, now - 2 * VALID)
    (True, False, False)
    """
    return abs(now - at) <= VALID


@attrs.frozen
class Verdicts:
    """What the second judgement said of claimed touches, before any of their messages is written.

    Attributes:
        at: When they were judged.
        going: What may leave, as it was claimed and as it was judged.
        staying: What may not, as it was claimed and as it is now.
        stopped: What was stopped at that time, by campaign; an empty text stands for all.
        first: By key, the first attempt of each of which nobody knows whether it had an effect.
    """

    at: datetime
    going: tuple[tuple[Touch, Judged], ...] = ()
    staying: tuple[tuple[Touch, Touch], ...] = ()
    stopped: frozenset[str] = frozenset()
    first: Mapping[str, Attempt] = attrs.field(factory=dict)

    def hold_at(self, now: datetime) -> bool:
        """Tell whether they are still fresh."""
        return holds(self.at, now)

    def parted(self, size: int) -> tuple[Verdicts, Verdicts]:
        """Return the verdicts on so many messages, with what stays, and those on the rest.

        Whom a message of the rest speaks for stays with that: it may yet be judged anew.
        """
        later = {was.key for was, _ in self.going[size:]}
        spoken_for = tuple(pair for pair in self.staying if pair[1].carried_by in later)
        staying = tuple(pair for pair in self.staying if pair[1].carried_by not in later)
        first = attrs.evolve(self, going=self.going[:size], staying=staying)
        return first, attrs.evolve(self, going=self.going[size:], staying=spoken_for)
