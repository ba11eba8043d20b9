"""The audit trail: one signed link for each transaction, over the digests of the rows that it wrote.

Each writer (a process, or rather a `CRM` in it) has a chain of its own, so that writers never wait for one another.
A link signs the link before it: who changes, adds or removes a row later cannot make the chain fit without the key,
which the host keeps and the database never sees. What is cut off at the end of a chain is found only by somebody who
noted the head; the report prints it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import attrs
import sqlalchemy as sa

from crmkit.clock import Clock
from crmkit.errors import InTheWay
from crmkit.ledger.feed_entries import Entries, Move, insist_on
from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.trail.digests import handed_digest, last_noted, link_digest, rows_of_link, signed
from crmkit.store.store import Store

_TRIES = 3
_LEAST = timedelta(microseconds=1)
_T = TypeVar("_T")
_Found = TypeVar("_Found")


@attrs.define(eq=False)
class Seal:
    """Seals what one writer writes.

    Attributes:
        store: The database.
        tables: The ledger's tables.
        practice: The practice's id.
        clock: Tells when a transaction was sealed.
        writer: The name of the chain, which no other process has.
        key: The host's key; without one no trail is kept.
    """

    store: Store
    tables: LedgerTables
    practice: str
    clock: Clock
    writer: str
    key: bytes = attrs.field(default=b"", repr=False)
    _number: int = attrs.field(default=0, init=False)
    _last: str = attrs.field(default="", init=False)
    #: The link that a transaction has added, until it is committed.
    _link: str = attrs.field(default="", init=False)
    _unsure: bool = attrs.field(default=False, init=False)
    _moves: list[Move] = attrs.field(factory=list, init=False, repr=False)
    _handed: list[Sequence[Any]] = attrs.field(factory=list, init=False, repr=False)
    #: The last entry that a transaction wrote, and the last that was committed.
    _wrote: int | None = attrs.field(default=None, init=False, repr=False)
    _kept: int | None = attrs.field(default=None, init=False, repr=False)
    _entries: Entries = attrs.field(init=False, repr=False)
    _writing: threading.RLock = attrs.field(factory=threading.RLock, init=False, repr=False)

    @_entries.default
    def _of_the_practice(self) -> Entries:
        return Entries(self.tables, self.practice)

    def columns(self) -> dict[str, Any]:
        """Return what a row says of the link that will seal it."""
        return {"writer": self.writer, "link": self._number + 1} if self.key else {}

    def moved(self, moves: Iterable[Move]) -> None:
        """Be told which transitions this transaction has written: the feed finds them by that."""
        self._moves += moves

    def handed(self, attempts: Iterable[Sequence[Any]]) -> None:
        """Be told which attempts this transaction has written, by the columns of `HANDED`.

        They are not read again to be sealed: that would take longer than to write them down.
        """
        if self.key:
            self._handed += attempts

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Open a transaction that may write; what it wrote is sealed at its end."""
        # In a fork, the thread that held the lock may not be there to let it go.
        self.store.not_forked()
        with self._turn(), self.store.begin() as connection, self._sealed(connection):
            yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let no other thread write: from before what is sealed is written, until it is committed or undone."""
        with self._writing:
            self._link, self._wrote = "", None
            yield
            self._unsure = False
            self._kept = self._wrote or self._kept
            if self._link:
                # Only what is committed counts: after a rollback the same number is used again.
                self._number, self._last = self._number + 1, self._link

    @contextmanager
    def _sealed(self, connection: sa.Connection) -> Iterator[None]:
        """Seal what is written in here, in a transaction that may write."""
        if self._unsure:
            self._number, self._last = self._end(connection)
        # A connection that is lost amid a commit does not tell whether that was done.
        self._unsure = bool(self.key)
        with self._entered(connection):
            yield
            if self.key:
                self._link = self._close(connection)

    @contextmanager
    def within(self, connection: sa.Connection) -> Iterator[sa.Connection]:
        """Write within a transaction that somebody else has opened and will end.

        What is written is the only link of a chain of its own: nobody tells us whether it was committed, and so no
        other link may rest on it.

        Raises:
            ConfigError: If it is no open transaction on this database.
            StoreError: If the database refuses; what was written here is undone, the transaction stays open.
        """
        self.store.not_forked()
        with self._writing:
            own = self.writer, self._number, self._last
            self.writer, self._number, self._last = f"{self.writer}.{uuid4().hex[:16]}", 0, ""
            try:
                with self.store.within(connection), self._entered(connection):
                    yield connection
                    if self.key:
                        self._close(connection)
            finally:
                self.writer, self._number, self._last = own

    def still_knows(self, connection: sa.Connection) -> None:
        """Raise GoneBack if the database has forgotten what this writer wrote, and so what was sent since, too."""
        if self._kept is not None:
            insist_on(connection, self.tables, self.practice, self._kept)

    def done(self, step: Callable[[sa.Connection], _T]) -> _T:
        """Return what a step comes to that is a transaction of its own.

        It is taken again if others were in the way, for then nothing of it was written.

        Raises:
            StoreError: If the database refuses, or others are in the way time and again.
        """
        return _again(partial(self._step, step))

    def looked(self, look: Callable[[sa.Connection], _Found], write: Callable[[sa.Connection, _Found], _T]) -> _T:
        """Return what a step comes to that looks first, which may take long, and writes at its end.

        Other threads write meanwhile, and only wait while this one does. That is for databases of which a transaction
        that has written nothing keeps nobody else from writing: so not for SQLite.

        Raises:
            StoreError: If the database refuses, or others are in the way time and again.
        """
        return _again(partial(self._looked, look, write))

    def _step(self, step: Callable[[sa.Connection], _T]) -> _T:
        with self.begin() as connection:
            return step(connection)

    def _looked(self, look: Callable[[sa.Connection], _Found], write: Callable[[sa.Connection, _Found], _T]) -> _T:
        self.store.not_forked()
        # The turn begins late, and ends after the transaction.
        with ExitStack() as turn, self.store.begin() as connection:
            found = look(connection)
            turn.enter_context(self._turn())
            with self._sealed(connection):
                return write(connection, found)

    @contextmanager
    def _entered(self, connection: sa.Connection) -> Iterator[None]:
        """Enter what a transaction has moved, for the feed."""
        before = self._moves, self._handed
        self._moves, self._handed = [], []
        try:
            yield
            if self._moves:
                self._wrote = self._entries.enter(connection, self._moves, self.clock.now())
        finally:
            self._moves, self._handed = before

    def _end(self, connection: sa.Connection) -> tuple[int, str]:
        """Return number and link of the end of the chain, as the database has it."""
        audit = self.tables.learnt.audit
        mine = (audit.c.practice == self.practice, audit.c.writer == self.writer)
        query = sa.select(audit.c.number, audit.c.link).where(*mine).order_by(audit.c.number.desc()).limit(1)
        row = connection.execute(query).first()
        return (row.number, row.link) if row else (0, "")

    def _close(self, connection: sa.Connection) -> str:
        number = self._number + 1
        rows = list(rows_of_link(connection, self.tables, self.practice, self.writer, number))
        rows += [handed_digest(self._handed)] if self._handed else []
        if not rows:
            return ""
        # A clock that was set back must not put a link among those that a noted head counts.
        noted, now = last_noted(connection, self.tables, self.practice), self.clock.now()
        at = max(now, noted + _LEAST) if noted else now
        digest = link_digest(rows)
        link = signed(self.key, self.practice, self.writer, number, self._last, at, digest)
        row = {"number": number, "at": at, "rows": len(rows), "digest": digest, "link": link}
        connection.execute(
            sa.insert(self.tables.learnt.audit).values(practice=self.practice, writer=self.writer, **row)
        )
        return link


def _again(once: Callable[[], _T]) -> _T:
    for _ in range(_TRIES):
        with suppress(InTheWay):
            return once()
    return once()
