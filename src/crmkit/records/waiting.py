"""Rows that came before their patient was known: taken as soon as the patient is there, whichever source brought it.

So neither the order of sources nor that of their rows matters, and no row is lost of a source that tells only changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from crmkit.practice import Practice
from crmkit.records.intake import ForgottenAmong, Intake, nobody, owners_of, patient_of
from crmkit.records.source import Row
from crmkit.records.summary import Counts, SyncSummary
from crmkit.records.sync import write_alone
from crmkit.records.tables import RecordTables
from crmkit.store.store import Store

_CHUNK = 500
#: By source, the rows with the instants at which they were rejected.
_Waiting = dict[str, list[tuple[Row, datetime]]]


def take_waiting(
    store: Store,
    tables: RecordTables,
    practice: Practice,
    since: datetime,
    now: datetime,
    forgotten: ForgottenAmong = nobody,
) -> SyncSummary:
    """Take the rejected rows whose patients have become known, and return what that adds to a sync's summary.

    Args:
        store: The database.
        tables: The canonical tables.
        practice: Whose patients they are.
        since: When the sync began: what it has rejected itself and takes after all does not count as rejected.
        now: The instant at which the rows become known.
        forgotten: Tells who was erased on request and must not come back.
    """
    with store.read() as connection:
        if not _waiting(connection, tables, practice.id):
            return SyncSummary()
    summary = SyncSummary()
    with store.begin() as connection:
        write_alone(store, connection, practice.id)
        for source, found in _waiting(connection, tables, practice.id).items():
            rows = [row for row, _ in found]
            owners = _owners(connection, tables, practice.id, rows)
            intake = Intake(tables, practice, source, now, owners, forgotten)
            summary += intake.take(connection, rows)
            intake.keep_rejections(connection, all_was_read=False)
            summary += _not_rejected(row for row, at in found if at >= since)
    return summary


def _waiting(connection: sa.Connection, tables: RecordTables, practice: str) -> _Waiting:
    """Return the rows that only lacked their patient, and lack it no more."""
    table = tables.rejected
    mine = sa.and_(table.c.practice == practice, table.c.field == "patient")
    query = sa.select(table).where(mine).order_by(table.c.source, table.c.file, table.c.line, table.c.row_id)
    lacking = [
        (one.source, Row(one.kind, one.row_id, one.row, one.file, one.line), one.rejected_at)
        for one in connection.execute(query)
    ]
    owners = _owners(connection, tables, practice, [row for _, row, _ in lacking]) if lacking else {}
    foreign = _foreign(connection, tables, practice) if owners else frozenset()
    found: _Waiting = defaultdict(list)
    for source, row, at in lacking:
        if patient_of(row) in owners and (source, patient_of(row)) not in foreign:
            found[source].append((row, at))
    return found


def _foreign(connection: sa.Connection, tables: RecordTables, practice: str) -> frozenset[tuple[str, str]]:
    """Return source and id of the patients of whom a source has a row that could not be used: it means another."""
    table = tables.rejected
    query = sa.select(table.c.source, table.c.row_id).where(table.c.practice == practice, table.c.kind == "patient")
    return frozenset((source, id_.strip()) for source, id_ in connection.execute(query))


def _owners(connection: sa.Connection, tables: RecordTables, practice: str, rows: Sequence[Row]) -> dict[str, str]:
    ids = sorted({patient_of(row) for row in rows})
    found: dict[str, str] = {}
    for start in range(0, len(ids), _CHUNK):
        found |= owners_of(connection, tables, practice, ids[start : start + _CHUNK])
    return found


def _not_rejected(rows: Iterator[Row]) -> SyncSummary:
    taken: dict[str, Counts] = defaultdict(Counts)
    for row in rows:
        taken[row.kind] += Counts(rejected=-1)
    return SyncSummary(taken)
