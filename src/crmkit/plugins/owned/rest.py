"""When a channel is not called for a while: it answers nothing at all, or its provider asked to wait.

What it is handed and does not answer is in doubt, and a person must settle that. Where one was asked to wait, to go on
calling would only be refused again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from threading import Lock
from time import monotonic

import attrs

from crmkit.delivery.channel import Receipt

#: After so many calls in a row without any receipt a channel is broken, and not this or that message.
MOST = 3
#: For so many seconds it is not called then. One more call tells whether it answers again.
REST = 300.0
#: A provider may mean one number only, and then nobody else's messages are to wait for longer.
LONGEST = timedelta(minutes=15)


@attrs.define
class Silence:
    """Counts the calls in a row to which a channel gave no receipt at all. Several threads may send."""

    _calls: int = attrs.field(default=0, init=False)
    _until: float = attrs.field(default=0.0, init=False)
    _counting: Lock = attrs.field(factory=Lock, init=False, repr=False)

    @property
    def rests(self) -> bool:
        """Tell whether the channel is not to be called now."""
        return monotonic() < self._until

    def note(self, *, answered: bool) -> bool:
        """Note whether a call was answered; tell whether the channel's rest begins with it."""
        with self._counting:
            self._calls = 0 if answered else self._calls + 1
            begins = self._calls >= MOST
            if begins:
                self._until = monotonic() + REST
        return begins


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
