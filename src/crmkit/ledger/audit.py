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
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.clock import Clock
from crmkit.ledger.tables import LedgerTables
from crmkit.store.store import Store

_ROW = 16


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
    _writing: threading.RLock = attrs.field(factory=threading.RLock, init=False, repr=False)

    def columns(self) -> dict[str, Any]:
        """Return what a row says of the link that will seal it."""
        return {"writer": self.writer, "link": self._number + 1} if self.key else {}

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Open a transaction that may write; what it wrote is sealed at its end."""
        with self._writing:
            link = ""
            with self.store.begin() as connection:
                yield connection
                if self.key:
                    link = self._close(connection)
            if link:
                # Only what is committed counts: after a rollback the same number is used again.
                self._number, self._last = self._number + 1, link

    def _close(self, connection: sa.Connection) -> str:
        rows, digest = _digest(connection, self.tables, self.practice, self.writer, self._number + 1)
        if not rows:
            return ""
        at = self.clock.now()
        link = signed(self.key, self.practice, self.writer, self._number + 1, self._last, at, digest)
        row = {"number": self._number + 1, "at": at, "rows": rows, "digest": digest, "link": link}
        connection.execute(
            sa.insert(self.tables.learnt.audit).values(practice=self.practice, writer=self.writer, **row)
        )
        return link


@attrs.frozen
class Verified:
    """What a verification found.

    Attributes:
        chains: How many chains there are.
        links: How many links they have altogether.
        rows: How many rows are sealed.
        unsealed: How many rows were written while no trail was kept.
        faults: What does not fit, in words with ids only; empty where all does.
        head: The digest over the heads of all chains.
    """

    chains: int
    links: int
    rows: int
    unsealed: int
    faults: tuple[str, ...]
    head: str


def verify(
    connection: sa.Connection, tables: LedgerTables, practice: str, key: bytes, until: datetime | None = None
) -> Verified:
    """Compute every link anew and return what does not fit.

    Args:
        connection: Reads.
        tables: The ledger's tables.
        practice: The practice's id.
        key: The host's key.
        until: Take the head as it stood at that instant, to compare it with one that was noted then.
    """
    audit = tables.learnt.audit
    query = sa.select(audit).where(audit.c.practice == practice).order_by(audit.c.writer, audit.c.number)
    faults: list[str] = []
    last: dict[str, tuple[int, str]] = {}
    links = rows = 0
    for row in connection.execute(query).all():
        number, before = last.get(row.writer, (0, ""))
        faults += _link_faults(connection, tables, practice, key, row, number, before)
        last[row.writer] = (row.number, row.link)
        links, rows = links + 1, rows + row.rows
    faults += _loose(connection, tables, practice, last)
    faults += _present(connection, tables, practice)
    unsealed = sum(_count(connection, table, practice, sa.literal(0) == table.c.link) for table in _sealed(tables))
    return Verified(len(last), links, rows, unsealed, tuple(faults), head(connection, tables, practice, until))


def head(connection: sa.Connection, tables: LedgerTables, practice: str, until: datetime | None = None) -> str:
    """Return the digest over the last link of each chain, empty where there is none."""
    audit = tables.learnt.audit
    query = sa.select(audit.c.writer, audit.c.number, audit.c.link).where(
        audit.c.practice == practice, *([] if until is None else [audit.c.at <= until])
    )
    last: dict[str, tuple[int, str]] = {}
    for writer, number, link in connection.execute(query):
        last[writer] = max(last.get(writer, (0, "")), (number, link))
    if not last:
        return ""
    told = json.dumps(sorted((writer, *place) for writer, place in last.items()))
    return hashlib.sha256(told.encode()).hexdigest()


def signed(key: bytes, practice: str, writer: str, number: int, before: str, at: datetime, digest: str) -> str:
    """Return a link: the HMAC-SHA-256 over its place, the link before it and the digest of its rows."""
    told = json.dumps([practice, writer, number, before, at.isoformat(), digest])
    return hmac.new(key, told.encode(), hashlib.sha256).hexdigest()


def _sealed(tables: LedgerTables) -> tuple[sa.Table, ...]:
    return (tables.event, *tables.learnt.sealed())


def _digest(
    connection: sa.Connection, tables: LedgerTables, practice: str, writer: str, number: int
) -> tuple[int, str]:
    """Return how many rows a link seals, and the digest over theirs."""
    rows: list[bytes] = []
    for place, table in enumerate(_sealed(tables)):
        mine = (table.c.practice == practice, table.c.writer == writer, table.c.link == number)
        for row in connection.execute(sa.select(table).where(*mine)):
            told = json.dumps([place, *row], default=str, sort_keys=True)
            rows.append(hashlib.sha256(told.encode()).digest()[:_ROW])
    # Sorted as digests: no database's own order of text is trusted.
    return len(rows), hashlib.sha256(b"".join(sorted(rows))).hexdigest()


def _link_faults(
    connection: sa.Connection,
    tables: LedgerTables,
    practice: str,
    key: bytes,
    row: sa.Row[Any],
    number: int,
    before: str,
) -> list[str]:
    place = f"chain {row.writer}, link {row.number}"
    if row.number != number + 1:
        return [f"{place}: the link before it is missing"]
    count, digest = _digest(connection, tables, practice, row.writer, row.number)
    faults = [] if (count, digest) == (row.rows, row.digest) else [f"{place}: a row was changed, added or removed"]
    link = signed(key, practice, row.writer, row.number, before, row.at, row.digest)
    if not hmac.compare_digest(link, row.link):
        faults.append(f"{place}: the signature does not fit")
    return faults


def _loose(
    connection: sa.Connection, tables: LedgerTables, practice: str, last: dict[str, tuple[int, str]]
) -> list[str]:
    """Return the rows that name a link which is not there."""
    faults = set()
    for table in _sealed(tables):
        query = sa.select(table.c.writer, sa.func.max(table.c.link)).where(
            table.c.practice == practice, table.c.link > 0
        )
        for writer, number in connection.execute(query.group_by(table.c.writer)):
            if number > last.get(writer, (0, ""))[0]:
                faults.add(f"chain {writer}, link {number}: it is missing, though rows name it")
    return sorted(faults)


def _present(connection: sa.Connection, tables: LedgerTables, practice: str) -> list[str]:
    """Return the touches whose state is not the one that their history tells."""
    touch, event = tables.touch, tables.event
    query = (
        sa.select(touch.c.key)
        .join(event, sa.and_(tables.same_touch(event), event.c.number == touch.c.moves), isouter=True)
        .where(touch.c.practice == practice, sa.or_(event.c.state.is_(None), event.c.state != touch.c.state))
    )
    return [f"touch {key}: its state is not what its history tells" for key in connection.scalars(query)]


def _count(connection: sa.Connection, table: sa.Table, practice: str, *where: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(table.c.practice == practice, *where)
    return int(connection.scalar(query) or 0)
