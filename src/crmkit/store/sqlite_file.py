"""Whether the file of a SQLite database is still the one that was opened.

Who opened a file that is then replaced or removed goes on with what has no name any more: what it writes there nobody
else will ever read, and others send the same once more.
"""

from __future__ import annotations

import os
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.errors import GoneBack


@attrs.define(eq=False)
class SameFile:
    """The file that an engine has opened first; from then on it takes no other.

    Attributes:
        path: Where it lies.
    """

    path: str
    _opened: tuple[int, int] | None = attrs.field(default=None, init=False)

    def watch(self, engine: sa.Engine) -> None:
        """Look at the file whenever the engine is asked for a connection."""
        # To connect would make a file where there is none.
        sa.event.listen(engine, "do_connect", self._insist)
        sa.event.listen(engine, "connect", self._note)
        sa.event.listen(engine, "checkout", self._insist)

    def _note(self, *_: Any) -> None:
        self._opened = self._opened or self._found()

    def _insist(self, *_: Any) -> None:
        found = self._found()
        if self._opened is None or found == self._opened:
            return
        what = "replaced" if found else "removed"
        mend = "do what the page Restore a backup tells before anything is sent, then start this process anew"
        raise GoneBack(f"the database's file was {what} while it was in use", where=self.path, mend=mend)

    def _found(self) -> tuple[int, int] | None:
        try:
            stat = os.stat(self.path)
        except OSError:
            return None
        return stat.st_dev, stat.st_ino
