"""What a sync did, in counts."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen
class Counts:
    """How many rows of one kind were added, changed, found unchanged and rejected. What was removed has changed."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(mine + theirs for mine, theirs in zip(attrs.astuple(self), attrs.astuple(other), strict=True)))


@attrs.frozen
class SyncSummary:
    """What one sync did, by kind of row.

    Attributes:
        kinds: Counts by kind; contact points that stand in a patient's row are counted as contacts.
        failures: Sources that could not be read, with the reason; the other sources were.
        forgotten: Rows that were left out since they are of patients who were erased on request.
        missing: Patients whom a complete reading lacks, and who had not left: they stay, and may be written to.
    """

    kinds: Mapping[str, Counts] = attrs.field(factory=dict)
    failures: tuple[str, ...] = ()
    forgotten: int = 0
    missing: int = 0

    @property
    def total(self) -> Counts:
        """The counts of all kinds together."""
        return sum(self.kinds.values(), Counts())

    def __add__(self, other: SyncSummary) -> SyncSummary:
        names = [*self.kinds, *(name for name in other.kinds if name not in self.kinds)]
        kinds = {name: self.kinds.get(name, Counts()) + other.kinds.get(name, Counts()) for name in names}
        failures, forgotten = self.failures + other.failures, self.forgotten + other.forgotten
        return SyncSummary(kinds, failures, forgotten, self.missing + other.missing)
