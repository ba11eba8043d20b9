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

from crmkit.records.intake import Intake
from crmkit.records.records import Records
from crmkit.records.source import Row, patient_of
from crmkit.records.summary import Counts, SyncSummary

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


def take_waiting(records: Records, summary: SyncSummary, since: datetime, now: datetime) -> SyncSummary:
    """Take the rejected rows whose patients have become known, and return a sync's summary with them in it.

    Args:
        records: What is written.
        summary: What the sync did.
        since: When it began: what it has rejected itself and takes after all does not count as rejected.
        now: The instant at which the rows become known.
    """
    after = None
    while True:
        with records.store.read() as connection:
            page = _page(connection, records, after)
        if page.last is None:
            return summary
        if page.waiting:
            with records.begin() as connection:
                # Somebody else may have taken them meanwhile.
                again = _page(connection, records, after)
                for source, found in again.waiting.items():
                    intake = Intake(records, source, now, again.owners)
                    summary += intake.take(connection, [row for row, _ in found])
                    intake.keep_rejections(connection, all_was_read=False)
                    summary = _not_rejected(summary, (row for row, at in found if at >= since))
        after = page.last


def _page(connection: sa.Connection, records: Records, after: tuple[Any, ...] | None) -> _Page:
    table = records.tables.rejected
    key = [table.c[name] for name in _KEY]
    mine = [table.c.practice == records.practice.id, table.c.field == "patient"]
    mine += [sa.tuple_(*key) > after] if after else []
    found = connection.execute(sa.select(table).where(*mine).order_by(*key).limit(_PAGE)).all()
    rows = [(one.source, Row(one.kind, one.row_id, one.row, one.file, one.line), one.rejected_at) for one in found]
    owners = records.owners(connection, sorted({patient_of(row) for _, row, _ in rows}))
    foreign = _foreign(connection, records) if owners else frozenset()
    waiting: dict[str, list[tuple[Row, datetime]]] = defaultdict(list)
    for source, row, at in rows:
        if patient_of(row) in owners and (source, patient_of(row)) not in foreign:
            waiting[source].append((row, at))
    return _Page(waiting, owners, tuple(getattr(found[-1], name) for name in _KEY) if found else None)


def _foreign(connection: sa.Connection, records: Records) -> frozenset[tuple[str, str]]:
    """Return source and id of the patients of whom a source has a row that could not be used: it may mean another."""
    table = records.tables.rejected
    mine = (table.c.practice == records.practice.id, table.c.kind == "patient")
    query = sa.select(table.c.source, table.c.row_id).where(*mine)
    return frozenset((source, id_.strip()) for source, id_ in connection.execute(query))


def _not_rejected(summary: SyncSummary, rows: Iterable[Row]) -> SyncSummary:
    kinds = dict(summary.kinds)
    for row in rows:
        counts = kinds.get(row.kind, Counts())
        if counts.rejected:
            kinds[row.kind] = attrs.evolve(counts, rejected=counts.rejected - 1)
    return attrs.evolve(summary, kinds=kinds)
