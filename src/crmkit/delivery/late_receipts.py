"""Receipts that come after nobody waited for them any more: evidence, for whoever settles what is in doubt."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import attrs

from crmkit.delivery.channel import Receipt


@attrs.define(eq=False)
class LateReceipts:
    """Late receipts of one channel. They are put in by one thread and taken out by another.

    >>> from crmkit.delivery.channel import Outcome
    >>> late = LateReceipts()
    >>> late.add([Receipt("k1", Outcome.SENT)])
    >>> [receipt.key for receipt in late.drain()], late.drain()
    (['k1'], [])
    """

    _receipts: deque[Receipt] = attrs.field(factory=deque, init=False, repr=False)

    def add(self, receipts: Iterable[Receipt]) -> None:
        """Keep receipts until somebody asks."""
        self._receipts.extend(receipts)

    def drain(self) -> Sequence[Receipt]:
        """Return the receipts that have come since the last time, in their order; each is returned once."""
        found = []
        while self._receipts:
            found.append(self._receipts.popleft())
        return found
