"""Rows that came before their patient was known: taken as soon as the patient is there, whichever source brought it.

So neither the order of sources nor that of their rows matters, and no row is lost of a source that tells only changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.practice import Practice
from crmkit.records.intake import ForgottenAmong, Intake, nobody, owners_of
from crmkit.records.source import Row, patient_of
from crmkit.records.summary import Counts, SyncSummary
from crmkit.records.sync import write_alone
from crmkit.records.tables import RecordTables
from crmkit.store.store import Store

#: How many rejected rows are looked at together.
_PAGE = 500
_KEY = ("source", "file", "line", "kind", "row_id")


@attrs.frozen
class _Page:
    """Some of the rows that lack a patient.

    Attributes:
        waiting: By source, those whose patients are known by now, with the instants at which they were rejected.
        owners: By the id of each of these patients, the source that the patient belongs to.
        last: Where the page ends; None if it is empty.
    """

    waiting: dict[str, list[tuple[Row, datetime]]] = attrs.field(factory=dict, repr=False)
    owners: dict[str, str] = attrs.field(factory=dict)
    last: tuple[Any, ...] | None = None


def take_waiting(
    store: Store,
    tables: RecordTables,
    practice: Practice,
    summary: SyncSummary,
    since: datetime,
    now: datetime,
    forgotten: ForgottenAmong = nobody,
    key: bytes = b"",
) -> SyncSummary:
    """Take the rejected rows whose patients have become known, and return a sync's summary with them in it.

    Args:
        store: The database.
        tables: The canonical tables.
        practice: Whose patients they are.
        summary: What the sync did.
        since: When it began: what it has rejected itself and takes after all does not count as rejected.
        now: The instant at which the rows become known.
        forgotten: Tells who was erased on request and must not come back.
        key: The host's audit key, which stamps the rows; empty where no trail is kept.
    """
    after = None
    while True:
        with store.read() as connection:
            page = _page(connection, tables, practice.id, after)
        if page.last is None:
            return summary
        if page.waiting:
            with store.begin() as connection:
                write_alone(store, connection, practice.id)
                # Somebody else may have taken them meanwhile.
                again = _page(connection, tables, practice.id, after)
                for source, found in again.waiting.items():
                    intake = Intake(tables, practice, source, now, again.owners, forgotten, key=key)
                    summary += intake.take(connection, [row for row, _ in found])
                    intake.keep_rejections(connection, all_was_read=False)
                    summary = _not_rejected(summary, (row for row, at in found if at >= since))
        after = page.last


def _page(connection: sa.Connection, tables: RecordTables, practice: str, after: tuple[Any, ...] | None) -> _Page:
    table = tables.rejected
    key = [table.c[name] for name in _KEY]
    mine = [table.c.practice == practice, table.c.field == "patient"]
    mine += [sa.tuple_(*key) > after] if after else []
    found = connection.execute(sa.select(table).where(*mine).order_by(*key).limit(_PAGE)).all()
    rows = [(one.source, Row(one.kind, one.row_id, one.row, one.file, one.line), one.rejected_at) for one in found]
    owners = owners_of(connection, tables, practice, sorted({patient_of(row) for _, row, _ in rows}))
    foreign = _foreign(connection, tables, practice) if owners else frozenset()
    waiting: dict[str, list[tuple[Row, datetime]]] = defaultdict(list)
    for source, row, at in rows:
        if patient_of(row) in owners and (source, patient_of(row)) not in foreign:
            waiting[source].append((row, at))
    return _Page(waiting, owners, tuple(getattr(found[-1], name) for name in _KEY) if found else None)


def _foreign(connection: sa.Connection, tables: RecordTables, practice: str) -> frozenset[tuple[str, str]]:
    """Return source and id of the patients of whom a source has a row that could not be used: it may mean another."""
    table = tables.rejected
    query = sa.select(table.c.source, table.c.row_id).where(table.c.practice == practice, table.c.kind == "patient")
    return frozenset((source, id_.strip()) for source, id_ in connection.execute(query))


def _not_rejected(summary: SyncSummary, rows: Iterable[Row]) -> SyncSummary:
    kinds = dict(summary.kinds)
    for row in rows:
        counts = kinds.get(row.kind, Counts())
        if counts.rejected:
            kinds[row.kind] = attrs.evolve(counts, rejected=counts.rejected - 1)
    return attrs.evolve(summary, kinds=kinds)
