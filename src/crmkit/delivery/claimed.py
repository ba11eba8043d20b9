"""What a sender has claimed and not yet handed over, and the windows that are made of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

import attrs

from crmkit.clock import Clock
from crmkit.delivery.verdicts import Verdicts
from crmkit.delivery.window import Preparation, Window
from crmkit.ledger.claims import LEASE
from crmkit.ledger.touch import Touch
from crmkit.people.medium import Medium


@attrs.define(eq=False)
class Claimed:
    """Claimed touches that wait for their window, most urgent first.

    Several windows may be judged at once, for one question to the database costs nearly as much for a hundred people
    as for three hundred. Each is written and handed over by itself, and none whose verdict is too old.

    Attributes:
        preparation: Makes windows.
        clock: Tells the time.
        touches: What waits.
        held: The keys of what was claimed last: who ends early may hold all of it.
        number: How many were claimed so far.
    """

    preparation: Preparation
    clock: Clock
    touches: list[Touch] = attrs.field(factory=list)
    held: frozenset[str] = attrs.field(default=frozenset(), init=False)
    number: int = attrs.field(default=0, init=False)
    _judged: Verdicts | None = attrs.field(default=None, init=False, repr=False)

    def __bool__(self) -> bool:
        return bool(self.touches)

    def take(self, claimed: Sequence[Touch]) -> None:
        """Let others wait, when nothing does any more."""
        self.touches = [*claimed]
        self.held = frozenset(touch.key for touch in claimed)
        self.number += len(claimed)

    @property
    def medium(self) -> Medium:
        """The medium of the next window."""
        judged = self._still_judged()
        return judged.going[0][0].medium if judged else self.touches[0].medium

    def window(self, medium: Medium, size: int, *, windows: int = 1) -> Window:
        """Return the next window of one medium.

        What was judged together leaves before anything else is judged: that counts what has left, and not what may.

        Args:
            medium: The medium.
            size: How many touches are looked at, and the most messages that may leave.
            windows: How many windows to judge together, if none is left of those that were.
        """
        judged = self._still_judged()
        if judged is None:
            some = [touch for touch in islice(self.touches, size * windows) if touch.medium is medium]
            judged = self.preparation.verdicts(some)
        first, rest = judged.parted(size)
        self._judged = rest if rest.going else None
        return self.preparation.written(first)

    def judge_anew(self) -> None:
        """Forget the verdicts of windows that have not been handed over."""
        self._judged = None

    def without(self, window: Window) -> bool:
        """Take a window's touches out, for they wait no more; tell whether the others must be held for longer."""
        taken = {one.was.key for one in window.written} | {was.key for was, _ in window.staying}
        # Nearly always the first of those that wait; to look at all of a thousand each time adds up.
        first, rest = self.touches[: len(taken)], self.touches[len(taken) :]
        others = [touch for touch in first if touch.key not in taken]
        self.touches = [*others, *(touch for touch in rest if touch.key not in taken)] if others else rest
        return bool(self.touches) and self._runs_out(self.clock.now())

    def hold(self, now: datetime) -> None:
        """Note that the lease was renewed."""
        self.touches = [attrs.evolve(touch, lease=now + LEASE) for touch in self.touches]

    def _still_judged(self) -> Verdicts | None:
        if self._judged and not self._judged.hold_at(self.clock.now()):
            self._judged = None
        return self._judged

    def _runs_out(self, now: datetime) -> bool:
        lease = self.touches[0].lease
        return lease is not None and lease - now < LEASE / 2
