"""Rows that could not be used: kept with their place and reason until they are mended or expire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import attrs
import sqlalchemy as sa

from crmkit.records.source import Fault, Row
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
    """What a person sees of a rejected row: its place and reason, not its content."""

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


def keep_rejections(
    connection: sa.Connection,
    tables: RecordTables,
    scope: tuple[str, str],
    rejections: Iterable[Rejection],
    now: datetime,
    *,
    complete: bool,
) -> None:
    """Store the rejections of one sync; after a complete one, those of earlier syncs are settled and go."""
    table, (practice, source) = tables.rejected, scope
    mine = sa.and_(table.c.practice == practice, table.c.source == source)
    connection.execute(sa.delete(table).where(mine if complete else sa.and_(mine, table.c.expires_at <= now)))
    rows = {
        (one.row.file, one.row.line, one.row.kind, fault.field): {
            "practice": practice,
            "source": source,
            "file": one.row.file,
            "line": one.row.line,
            "kind": one.row.kind,
            "field": fault.field,
            "row_id": one.row.id,
            "reason": fault.reason,
            "row": dict(one.row.fields),
            "rejected_at": now,
            "expires_at": now + KEEP,
        }
        for one in rejections
        for fault in one.faults
    }
    if not complete:
        for file, line, kind, field in rows:
            again = (table.c.file == file, table.c.line == line, table.c.kind == kind, table.c.field == field)
            connection.execute(sa.delete(table).where(mine, *again))
    if rows:
        connection.execute(sa.insert(table), list(rows.values()))


def rejected_rows(connection: sa.Connection, tables: RecordTables, practice: str) -> Iterator[RejectedRow]:
    """Yield the rejected rows of a practice by source, file and line."""
    table = tables.rejected
    shown = [table.c[field.name] for field in attrs.fields(RejectedRow)]
    order = (table.c.source, table.c.file, table.c.line, table.c.field)
    for row in connection.execute(sa.select(*shown).where(table.c.practice == practice).order_by(*order)):
        yield RejectedRow(**row._mapping)
