"""Rows that could not be used: kept with their place and reason until they are mended or expire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.records.fields import WEIGHTY
from crmkit.records.source import Fault, Row, patient_of
from crmkit.records.tables import RecordTables

#: How long a rejected row, which may hold a patient's data, is kept.
KEEP = timedelta(days=90)


@attrs.frozen
class Rejection:
    """A row and why it was not used."""

    row: Row
    faults: tuple[Fault, ...]


@attrs.frozen
class RejectedRow:
    """What a person sees of a rejected row: its place and reason, not its content.

    Attributes:
        source: The full name of the source that gave it.
        file: Where it stood: a file, a view, an endpoint.
        line: The line or row number there; 0 if the source does not say.
        kind: Of which kind it is, such as `visit`.
        field: What is at fault, as the file calls it; empty if the whole row is.
        row_id: Its id in the source.
        reason: Why, in words, with how to mend it.
        rejected_at: When a sync last left it out.
    """

    source: str
    file: str
    line: int
    kind: str
    field: str
    row_id: str
    reason: str
    rejected_at: datetime

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def row(self) -> tuple[str, str, int, str, str]:
        """What makes it one row: several of its fields may be at fault."""
        return self.source, self.file, self.line, self.kind, self.row_id


def keep_rejections(
    connection: sa.Connection,
    tables: RecordTables,
    scope: tuple[str, str],
    rejections: Sequence[Rejection],
    now: datetime,
    *,
    settled: Iterable[tuple[str, str]] | None,
) -> None:
    """Store the rejections of one sync and remove those that are settled.

    Args:
        connection: A transaction that may write.
        tables: The canonical tables.
        scope: The practice's id and the source's name.
        rejections: The rows of this sync that could not be used.
        now: When they were rejected.
        settled: Kind and id of the rows that this sync read; None if it read all that there are.
    """
    table, (practice, source) = tables.rejected, scope
    mine = sa.and_(table.c.practice == practice, table.c.source == source)
    if settled is None:
        connection.execute(sa.delete(table).where(mine))
    _expire(connection, tables, scope, now)
    rows = {
        (one.row.file, one.row.line, one.row.kind, one.row.id, fault.field): _values(scope, one.row, fault, now)
        for one in rejections
        for fault in one.faults
    }
    if settled is not None:
        again = {*settled, *((one.row.kind, one.row.id.strip()) for one in rejections)}
        # Thousands may have been read anew, and few were ever rejected: only those are looked for.
        there = {(kind, id_) for kind, id_ in connection.execute(sa.select(table.c.kind, table.c.row_id).where(mine))}
        one = sa.and_(mine, table.c.kind == sa.bindparam("of"), table.c.row_id == sa.bindparam("id_"))
        if mended := [{"of": kind, "id_": id_} for kind, id_ in there if (kind, id_.strip()) in again]:
            connection.execute(sa.delete(table).where(one), mended)
    if rows:
        connection.execute(sa.insert(table), list(rows.values()))


def _values(scope: tuple[str, str], row: Row, fault: Fault, now: datetime) -> dict[str, Any]:
    return {
        "practice": scope[0],
        "source": scope[1],
        "file": row.file,
        "line": row.line,
        "kind": row.kind,
        "field": fault.field,
        "row_id": row.id,
        "reason": _told(row, fault),
        "row": dict(row.fields),
        "rejected_at": now,
        "expires_at": now + KEEP,
        "patient": patient_of(row),
    }


def _expire(connection: sa.Connection, tables: RecordTables, scope: tuple[str, str], now: datetime) -> None:
    """Remove the rows whose time is over, with any sync: a source that was taken out has none of its own any more.

    What was found goes. That a patient has a row which nobody could read stays known, as long as its source comes: one
    that tells only changes will not tell it again, and the patient may have died.
    """
    table, source, (practice, here) = tables.rejected, tables.source, scope
    over = sa.and_(table.c.practice == practice, table.c.expires_at <= now)
    comes = sa.select(source.c.source).where(source.c.practice == practice, source.c.synced_at > now - KEEP)
    matters = sa.and_(table.c.kind.in_(WEIGHTY), sa.or_(table.c.source == here, table.c.source.in_(comes)))
    connection.execute(sa.delete(table).where(over, sa.not_(matters)))
    connection.execute(sa.update(table).where(over).values(row={}, expires_at=now + KEEP))


def _told(row: Row, fault: Fault) -> str:
    """Return why a field cannot be used, under the name that a person finds in the file."""
    called = row.called.get(fault.field, "")
    return fault.reason if called in ("", fault.field) else f'"{called}" {fault.reason}'


def rejected_rows(connection: sa.Connection, tables: RecordTables, practice: str) -> Iterator[RejectedRow]:
    """Yield the rejected rows of a practice by source, file and line."""
    table = tables.rejected
    shown = [table.c[field.name] for field in attrs.fields(RejectedRow)]
    order = (table.c.source, table.c.file, table.c.line, table.c.field)
    for row in connection.execute(sa.select(*shown).where(table.c.practice == practice).order_by(*order)):
        yield RejectedRow(**row._mapping)
