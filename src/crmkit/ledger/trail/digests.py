"""How the audit trail tells rows: a digest for each row, and one over the rows that a link seals."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from crmkit.ledger.tables import LedgerTables

#: So many hexadecimal digits stand for one row.
_DIGITS = 32
_BLANK: tuple[Any, ...] = (None, "", {}, [])
#: The chain whose one link stands for the last noted head; every other link is later than it, whatever a clock says.
NOTED = "noted"


def sealed_tables(tables: LedgerTables) -> dict[str, sa.Table]:
    """Return, under names that never change, the tables whose rows the audit trail covers."""
    return {"event": tables.event, **tables.learnt.sealed()}


def row_digest(name: str, row: Mapping[str, Any]) -> str:
    """Return the digest of a row of a table.

    What is blank is passed over, so that a column which a later version adds does not change the digests of old rows.

    >>> row_digest("event", {"state": "sent", "detail": {}}) == row_digest("event", {"state": "sent"})
    True
    """
    told = {column: value for column, value in row.items() if value not in _BLANK}
    text = json.dumps([name, told], default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def link_digest(rows: Iterable[str]) -> str:
    """Return the digest over the digests of the rows that a link seals, in whatever order they come."""
    return hashlib.sha256("".join(sorted(rows)).encode()).hexdigest()


#: What an attempt's row says when it is made; what the channel answers is written later, and told by the history.
HANDED = (
    *("campaign", "occasion", "patient", "number", "at", "channel", "message_id", "digest"),
    *("version", "recipient", "address"),
)


def handed_digest(attempts: Iterable[Sequence[Any]]) -> str:
    """Return the digest over what was handed over under one link, each told by the columns of `HANDED`."""
    text = json.dumps(["attempt", sorted(attempts)], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def rows_of_link(
    connection: sa.Connection, tables: LedgerTables, practice: str, writer: str, number: int
) -> Iterator[str]:
    """Yield the digests of the rows that name a link."""
    for name, table in sealed_tables(tables).items():
        columns = table.columns.keys()
        mine = (table.c.practice == practice, table.c.writer == writer)
        # A range of one, and the index's own condition beside it: without statistics SQLite would read the whole chain.
        here = (table.c.link.between(number, number), table.c.link > 0)
        for row in connection.execute(sa.select(table).where(*mine, *here)):
            yield row_digest(name, dict(zip(columns, row, strict=True)))


def last_noted(connection: sa.Connection, tables: LedgerTables, practice: str) -> datetime | None:
    """Return when a head was last noted."""
    audit = tables.learnt.audit
    mine = (audit.c.practice == practice, audit.c.writer == NOTED, audit.c.number == 1)
    at: datetime | None = connection.scalar(sa.select(audit.c.at).where(*mine))
    return at


def signed(key: bytes, practice: str, writer: str, number: int, before: str, at: datetime, digest: str) -> str:
    """Return a link: the HMAC-SHA-256 over its place, the link before it and the digest of its rows."""
    told = json.dumps([practice, writer, number, before, at.isoformat(), digest])
    return hmac.new(key, told.encode(), hashlib.sha256).hexdigest()
