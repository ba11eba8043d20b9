"""When a channel is not called because its provider asked to wait: to go on calling would only be refused again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from time import monotonic

import attrs

from crmkit.delivery.channel import Receipt

#: A provider may mean one number only, and then nobody else's messages are to wait for longer.
LONGEST = timedelta(minutes=15)


@attrs.define
class Patience:
    """Remembers until when a provider asked to wait. Several threads may send."""

    _until: float = attrs.field(default=0.0, init=False)

    @property
    def left(self) -> timedelta:
        """How long the channel is still not to be called."""
        return timedelta(seconds=max(self._until - monotonic(), 0))

    def note(self, receipts: Sequence[Receipt]) -> None:
        """Note what became of a call: if each of its messages was told to wait, so is whatever comes next."""
        told = [one.retry_after for one in receipts if one.retry_after]
        if told and len(told) == len(receipts):
            self._until = monotonic() + min(*told, LONGEST).total_seconds()
