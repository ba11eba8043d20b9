"""Records in memory and rows to fill them with, for the tests of syncs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.errors import SourceError
from crmkit.practice import Practice
from crmkit.records.records import Records
from crmkit.records.rejected import RejectedRow, rejected_rows
from crmkit.records.source import Batch, Row
from crmkit.records.summary import SyncSummary
from crmkit.records.sync import Sync
from crmkit.records.tables import RecordTables, declare_records
from crmkit.store.store import Store, open_store

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PRACTICE = Practice(
    id="bright-eyes",
    name="Bright Eyes",
    country="AU",
    timezone="Australia/Sydney",
    locale="en-AU",
    currency="AUD",
    email="hello@brighteyes.example",
)


@attrs.define
class Told:
    """A source that yields what the test hands it."""

    batches: Sequence[Batch] = ()
    name: str = "told"
    breaks: bool = False
    asked: list[str | None] = attrs.field(factory=list)

    def read(self, since: str | None) -> Iterator[Batch]:
        self.asked.append(since)
        yield from self.batches
        if self.breaks:
            raise SourceError("the line went dead")


@attrs.define
class Desk:
    """A practice's records, and the hour at which the next sync runs."""

    store: Store
    tables: RecordTables
    at: datetime = NOW

    def sync(self, *rows: Row, **more: Any) -> SyncSummary:
        return self.run(Told([Batch(rows)], **more))

    @property
    def records(self) -> Records:
        return Records(self.store, self.tables, PRACTICE)

    def run(self, source: Told) -> SyncSummary:
        self.at += timedelta(hours=1)
        return Sync(self.records, source, self.at).run()

    def now(self, kind: str) -> list[Any]:
        return self._all(self.tables.kind(kind).now, "id")

    def was(self, kind: str) -> list[Any]:
        return self._all(self.tables.kind(kind).was, "known_at")

    def rejected(self) -> list[RejectedRow]:
        with self.store.read() as connection:
            return list(rejected_rows(connection, self.tables, PRACTICE.id))

    def _all(self, table: sa.Table, order: str) -> list[Any]:
        with self.store.read() as connection:
            return list(connection.execute(sa.select(table).order_by(table.c[order], table.c.id)))


def new_desk() -> Desk:
    store = open_store("sqlite://")
    tables = declare_records(store)
    store.create()
    return Desk(store, tables)


def row(kind: str, id_: str, line: int = 0, file: str = "", **fields: str) -> Row:
    return Row(kind, id_, fields, file or f"{kind}s.csv", line or int("".join(filter(str.isdigit, id_)) or 1))


def anna(**fields: str) -> Row:
    return row("patient", "P1", **{"given": "Anna", "family": "Berg", **fields})


def visit(id_: str = "V1", patient: str = "P1", **fields: str) -> Row:
    return row("visit", id_, **{"patient": patient, "day": "2026-03-01", "status": "completed", **fields})
