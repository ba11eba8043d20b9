"""The end of a CRM: what other threads are sending comes to an end before what they work with is closed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, get_ident

import attrs

from crmkit.errors import ConfigError

#: How many seconds are waited for a window that is on its way; a channel that takes longer is left to itself.
PATIENCE = 60.0


@attrs.define(eq=False)
class Ending:
    """Counts the sendings that run, and ends them between two windows.

    Attributes:
        asked: Whether the CRM is being closed, or was.
    """

    asked: bool = attrs.field(default=False, init=False)
    _running: list[int] = attrs.field(factory=list, init=False)
    _changed: Condition = attrs.field(factory=Condition, init=False)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Count as running within.

        Raises:
            ConfigError: If the CRM was closed.
        """
        with self._changed:
            if self.asked:
                raise ConfigError("it is closed", where="crm", mend="open another CRM, and close it when all is done")
            self._running.append(get_ident())
        try:
            yield
        finally:
            with self._changed:
                self._running.remove(get_ident())
                self._changed.notify_all()

    def await_others(self) -> None:
        """Let no other sending begin, and wait until those of other threads have ended, but no longer than a minute.

        A channel whose client is closed under it leaves in doubt whatever it is handed from then on.
        """
        if sys.is_finalizing():
            # No thread goes on any more.
            self.asked = True
            return
        with self._changed:
            self.asked = True
            self._changed.wait_for(lambda: all(one == get_ident() for one in self._running), PATIENCE)
