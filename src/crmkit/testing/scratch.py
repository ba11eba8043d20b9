"""A database in memory with the records of a made-up practice: what fields are asked about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.tables import LedgerTables, declare_ledger
from crmkit.practice import Practice
from crmkit.records.records import Records
from crmkit.records.source import Batch, Row
from crmkit.records.sync import Sync
from crmkit.records.tables import RecordTables, declare_records
from crmkit.segments.field import Field
from crmkit.segments.moment import Span
from crmkit.segments.scope import Scope
from crmkit.segments.tree import Rule
from crmkit.store.store import Store, open_store
from crmkit.testing.home import NOW
from crmkit.testing.samples import PRACTICE


@attrs.frozen
class _Told:
    rows: Sequence[Row]
    name: str

    def read(self, since: str | None) -> Iterator[Batch]:
        del since
        yield Batch(tuple(self.rows), complete=False)


@attrs.frozen(eq=False)
class Scratch:
    """Records of one practice or of several, in one database.

    Attributes:
        store: The database.
        records: The canonical tables.
        ledger: The ledger's tables.
    """

    store: Store
    records: RecordTables
    ledger: LedgerTables

    def put(self, rows: Sequence[Row], practice: Practice = PRACTICE) -> None:
        """Add rows to a practice's records, or replace those of the same kind and id."""
        Sync(Records(self.store, self.records, practice), _Told(rows, "made-up"), NOW - timedelta(days=1)).run()

    def values(self, field: Field, window: Span | None = None, practice: Practice = PRACTICE) -> Mapping[str, Any]:
        """Return a field's value by patient's id, as of `NOW`."""
        scope = self.scope(practice)
        patient = scope.patient
        asked = sa.select(patient.c.id, field.value(scope, window)).where(patient.c.practice == practice.id)
        with self.store.read() as connection:
            return {row[0]: row[1] for row in connection.execute(asked)}

    def most_rows(self, field: Field, window: Span | None = None) -> int:
        """Return how many rows the field's subqueries find for one patient at most; of one value it is one."""
        scope = self.scope()
        patient, most = scope.patient, 0
        for inner in _subqueries(field.value(scope, window)):
            for id_ in self.values(field, window):
                one = inner.correlate(None).where(patient.c.practice == PRACTICE.id, patient.c.id == id_).subquery()
                counted = sa.select(sa.func.count()).select_from(one)
                with self.store.read() as connection:
                    most = max(most, connection.scalar(counted) or 0)
        return most

    def matches(self, field: Field, rule: Rule) -> int:
        """Return how many patients a rule matches."""
        scope = self.scope()
        met = sa.and_(scope.patient.c.practice == PRACTICE.id, field.condition(rule, scope))
        with self.store.read() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(scope.patient).where(met)) or 0

    def scope(self, practice: Practice = PRACTICE) -> Scope:
        """Return what a field is judged against."""
        return Scope(self.records, self.ledger, practice, practice.today(NOW))


def _subqueries(value: sa.ClauseElement) -> Iterator[sa.Select[Any]]:
    """Yield the subqueries that give a value, or a part of it, but not those within them."""
    if isinstance(value, sa.ScalarSelect):
        if isinstance(value.element, sa.Select):
            yield value.element
        return
    for part in value.get_children():
        if isinstance(part, sa.ClauseElement):
            yield from _subqueries(part)


@contextmanager
def scratch(rows: Sequence[Row] = ()) -> Iterator[Scratch]:
    """Open a database in memory that holds these rows."""
    store = open_store("sqlite://")
    made = Scratch(store, declare_records(store), declare_ledger(store))
    try:
        store.create()
        made.put(rows)
        yield made
    finally:
        store.engine.dispose()
