"""What a CRM holds open, its plugins and its database, and what a host may ask of the plugins."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from crmkit.crm.ending import Ending
from crmkit.crm.opened import Opened
from crmkit.delivery.channel import Channel
from crmkit.plugins.admitted import Admitted
from crmkit.plugins.failure import Failure


class Plugged:
    """The part of a `CRM` that holds its plugins and its database open; it is a context manager."""

    _opened: Opened
    _ending: Ending

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the plugins, and the database unless it is the host's engine; then nothing is planned or sent any more.

        What another thread is sending ends between two windows, and is waited for, but no longer than a minute.
        """
        if not self._opened.store.inherited:
            self._ending.await_others()
        self._opened.close()

    @property
    def plugins(self) -> Admitted:
        """What the admitted plugins registered."""
        return self._opened.admitted

    @property
    def channels(self) -> Sequence[Channel]:
        """The channels that deliver: of those that the plugins registered one for each medium."""
        return self._opened.channels

    def failures(self) -> Sequence[Failure]:
        """Return what went wrong with plugins since this CRM was opened, each failure once, oldest first.

        A failure names plugin, version, phase and object, and quotes nothing.
        """
        return self._opened.admitted.failures.told()
