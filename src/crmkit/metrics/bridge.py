"""From the active patients at the start of a window to those at its end, with everybody who came and went."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from crmkit.metrics.panel import PanelRow
from crmkit.people.patient import Status


@attrs.frozen
class Bridge:
    """The patient bridge. Bridges of disjoint groups of patients add up.

    Each patient is in at most one of the groups between `start` and `end`. Who first came in the window and is not
    active at its end (died, moved, or came long ago in a long window) is in none of them.

    Attributes:
        start: Active when the window began.
        new: Active at the end, and first seen in the window.
        returned: Active at the end, seen before the window, and not active when it began.
        lapsed_silent: Active at the start, not at the end, for no reason that is known.
        deceased: Active at the start, deceased by the end.
        moved: Active at the start, moved or transferred by the end.
        end: Active when the window ended, counted on its own.
    """

    start: int = 0
    new: int = 0
    returned: int = 0
    lapsed_silent: int = 0
    deceased: int = 0
    moved: int = 0
    end: int = 0

    @classmethod
    def of(cls, rows: Iterable[PanelRow]) -> Bridge:
        """Return the bridge of some patients."""
        counts = dict.fromkeys((field.name for field in attrs.fields(cls)), 0)
        for row in rows:
            counts["start"] += row.active_at_start
            counts["end"] += row.active_at_end
            if row.active_at_start != row.active_at_end:
                counts[_way_out(row) if row.active_at_start else _way_in(row)] += 1
        return cls(**counts)

    @property
    def joined(self) -> int:
        """All who became active."""
        return self.new + self.returned

    @property
    def left(self) -> int:
        """All who ceased to be active."""
        return self.lapsed_silent + self.deceased + self.moved

    @property
    def reconciles(self) -> bool:
        """Tell whether the start, with who came and went, gives the end as counted on its own."""
        return self.start + self.joined - self.left == self.end

    def __add__(self, other: Bridge) -> Bridge:
        ours, theirs = attrs.astuple(self), attrs.astuple(other)
        return Bridge(*(mine + more for mine, more in zip(ours, theirs, strict=True)))


def _way_in(row: PanelRow) -> str:
    return "new" if row.new else "returned"


def _way_out(row: PanelRow) -> str:
    if not row.gone:
        return "lapsed_silent"
    return "deceased" if row.status is Status.DECEASED else "moved"
