"""The audit trail: one signed link for each transaction, over the digests of the rows that it wrote.

Each writer (a process, or rather a `CRM` in it) has a chain of its own, so that writers never wait for one another.
A link signs the link before it: who changes, adds or removes a row later cannot make the chain fit without the key,
which the host keeps and the database never sees. What is cut off at the end of a chain is found only by somebody who
noted the head; the report prints it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import attrs
import sqlalchemy as sa

from crmkit.clock import Clock
from crmkit.errors import InTheWay
from crmkit.ledger.entry import Move, enter, insist_on
from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.trail import handed_digest, link_digest, rows_of_link, sealed_tables
from crmkit.store.store import Store

#: After so long, whoever was about to commit has done so.
_SETTLED = timedelta(minutes=1)
#: The chain whose one link stands for the last noted head; every other link is later than it, whatever a clock says.
NOTED = "noted"
_TRIES = 3
_LEAST = timedelta(microseconds=1)
_T = TypeVar("_T")


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
    _unsure: bool = attrs.field(default=False, init=False)
    _moves: list[Move] = attrs.field(factory=list, init=False, repr=False)
    _handed: list[Sequence[Any]] = attrs.field(factory=list, init=False, repr=False)
    #: The last entry that a transaction wrote, and the last that was committed.
    _wrote: int | None = attrs.field(default=None, init=False, repr=False)
    _kept: int | None = attrs.field(default=None, init=False, repr=False)
    _writing: threading.RLock = attrs.field(factory=threading.RLock, init=False, repr=False)

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
        with self._writing:
            link, self._wrote = "", None
            with self.store.begin() as connection:
                if self._unsure:
                    self._number, self._last = self._end(connection)
                # A connection that is lost amid a commit does not tell whether that was done.
                self._unsure = bool(self.key)
                with self._entered(connection):
                    yield connection
                    if self.key:
                        link = self._close(connection)
            self._unsure = False
            self._kept = self._wrote or self._kept
            if link:
                # Only what is committed counts: after a rollback the same number is used again.
                self._number, self._last = self._number + 1, link

    @contextmanager
    def within(self, connection: sa.Connection) -> Iterator[sa.Connection]:
        """Write within a transaction that somebody else has opened and will end.

        What is written is the only link of a chain of its own: nobody tells us whether it was committed, and so no
        other link may rest on it.

        Raises:
            ConfigError: If it is no open transaction on this database.
            StoreError: If the database refuses; what was written here is undone, the transaction stays open.
        """
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
        for _ in range(_TRIES):
            with suppress(InTheWay), self.begin() as connection:
                return step(connection)
        with self.begin() as connection:
            return step(connection)

    @contextmanager
    def _entered(self, connection: sa.Connection) -> Iterator[None]:
        """Enter what a transaction has moved, for the feed."""
        before = self._moves, self._handed
        self._moves, self._handed = [], []
        try:
            yield
            if self._moves:
                self._wrote = enter(connection, self.tables, self.practice, self._moves, self.clock.now())
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


@attrs.frozen
class Head:
    """What stands for the whole trail up to an instant.

    Attributes:
        digest: The digest over the last link of every chain.
        at: The instant, a whole second in UTC.
    """

    digest: str
    at: datetime


def note_head(seal: Seal, now: datetime) -> Head | None:
    """Return the head to note at an instant, None without a trail and as long as it has no link.

    Whoever asks later for the head as of the same instant must find the same. On SQLite nobody writes while it is
    taken; elsewhere other machines may be about to commit, and so it is that of a minute ago. Whatever is sealed later
    is later by its link too, for the instant is kept.
    """
    if not seal.key:
        return None
    with seal.store.begin() as connection:
        before = last_noted(connection, seal.tables, seal.practice)
        if before and now < before:
            # The clock was set back: what was sealed since lies just behind that instant.
            now = before + timedelta(seconds=1)
        at = settled(connection, now)
        digest = head(connection, seal.tables, seal.practice, at)
        if digest:
            _keep_noted(connection, seal, now)
    return Head(digest, at) if digest else None


def settled(connection: sa.Connection, now: datetime) -> datetime:
    """Return the whole second up to which all that was sealed is there to be seen."""
    return (now if connection.dialect.name == "sqlite" else now - _SETTLED).replace(microsecond=0)


def last_noted(connection: sa.Connection, tables: LedgerTables, practice: str) -> datetime | None:
    """Return when a head was last noted."""
    audit = tables.learnt.audit
    mine = (audit.c.practice == practice, audit.c.writer == NOTED, audit.c.number == 1)
    at: datetime | None = connection.scalar(sa.select(audit.c.at).where(*mine))
    return at


def _keep_noted(connection: sa.Connection, seal: Seal, at: datetime) -> None:
    audit, digest = seal.tables.learnt.audit, link_digest([])
    told = {"at": at, "link": signed(seal.key, seal.practice, NOTED, 1, "", at, digest)}
    mine = (audit.c.practice == seal.practice, audit.c.writer == NOTED)
    # Of two who note one at the same time the later instant stays.
    if connection.execute(sa.update(audit).where(*mine, audit.c.at < at).values(**told)).rowcount:
        return
    row = {"practice": seal.practice, "writer": NOTED, "number": 1, "rows": 0, "digest": digest}
    # It is there if another's instant is as late.
    with suppress(sa.exc.IntegrityError), connection.begin_nested():
        connection.execute(sa.insert(audit).values(**row, **told))


def head(connection: sa.Connection, tables: LedgerTables, practice: str, until: datetime) -> str:
    """Return the digest over the last link that each chain had at an instant, empty where there was none.

    It covers how many rows no link seals, too: one that somebody slips in later is told by it. Ratings are left out,
    for who is forgotten takes them away.
    """
    audit = tables.learnt.audit
    last = (
        sa.select(audit.c.writer, sa.func.max(audit.c.number).label("number"))
        .where(audit.c.practice == practice, audit.c.writer != NOTED, audit.c.at <= until)
        .group_by(audit.c.writer)
        .subquery()
    )
    ends = sa.and_(audit.c.writer == last.c.writer, audit.c.number == last.c.number)
    query = sa.select(audit.c.writer, audit.c.number, audit.c.link).join(last, ends)
    # Sorted here: no database's own order of text is trusted.
    chains = sorted(tuple(row) for row in connection.execute(query.where(audit.c.practice == practice)))
    if not chains:
        return ""
    told = json.dumps([chains, _unsealed(connection, tables, practice)])
    return hashlib.sha256(told.encode()).hexdigest()


def _unsealed(connection: sa.Connection, tables: LedgerTables, practice: str) -> int:
    return sum(
        connection.scalar(
            sa.select(sa.func.count()).select_from(table).where(table.c.practice == practice, table.c.link == 0)
        )
        or 0
        for name, table in sealed_tables(tables).items()
        if name != "rating"
    )


def signed(key: bytes, practice: str, writer: str, number: int, before: str, at: datetime, digest: str) -> str:
    """Return a link: the HMAC-SHA-256 over its place, the link before it and the digest of its rows."""
    told = json.dumps([practice, writer, number, before, at.isoformat(), digest])
    return hmac.new(key, told.encode(), hashlib.sha256).hexdigest()
