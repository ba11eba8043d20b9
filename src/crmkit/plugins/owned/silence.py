"""When a channel is given a rest: what it is handed and does not answer is in doubt, and a person must settle that."""

from __future__ import annotations

from threading import Lock
from time import monotonic

import attrs

#: After so many calls in a row without any receipt a channel is broken, and not this or that message.
MOST = 3
#: For so many seconds it is not called then. One more call tells whether it answers again.
REST = 300.0


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
