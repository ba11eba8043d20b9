"""Applying what a source says to the canonical tables, idempotently. Nothing else writes them."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

import attrs
import sqlalchemy as sa

from crmkit.practice import Practice
from crmkit.records.apply import apply_rows
from crmkit.records.build import Values, build
from crmkit.records.rejected import Rejection, keep_rejections
from crmkit.records.source import Batch, Fault, Row, Source
from crmkit.records.summary import Counts, SyncSummary
from crmkit.records.tables import RecordTables
from crmkit.store.store import Store


@attrs.define(eq=False)
class Sync:
    """One run over one source.

    Attributes:
        store: The database.
        tables: The canonical tables.
        practice: Whose patients they are.
        source: Where the rows come from.
        now: The instant at which all changes of this run become known.
    """

    store: Store
    tables: RecordTables
    practice: Practice
    source: Source
    now: datetime
    _owners: dict[str, str] = attrs.field(factory=dict, init=False)
    _foreign: set[str] = attrs.field(factory=set, init=False)
    _seen: dict[tuple[str, str], tuple[str, int]] = attrs.field(factory=dict, init=False)
    _rejections: list[Rejection] = attrs.field(factory=list, init=False)

    def run(self) -> SyncSummary:
        """Read the source to its end and apply it; rows that cannot be used are kept as rejected."""
        self._owners = self._patient_owners()
        since = self._cursor()
        summary, cursor, said = SyncSummary(), since, list[bool]()
        for batch in self.source.read(since):
            summary += self._apply(batch)
            cursor = batch.cursor or cursor
            said.append(batch.complete)
        # Without a word, only a source that was asked for everything has said everything.
        settled = None if (all(said) if said else since is None) else self._seen
        with self.store.begin() as connection:
            keep_rejections(connection, self.tables, self._scope, self._rejections, self.now, settled=settled)
            self._remember(connection, cursor)
        return summary

    @property
    def _scope(self) -> tuple[str, str]:
        return self.practice.id, self.source.name

    def _apply(self, batch: Batch) -> SyncSummary:
        rows: dict[str, dict[str, Values]] = defaultdict(dict)
        blank: dict[str, list[str]] = defaultdict(list)
        rejected: dict[str, int] = defaultdict(int)
        for row in batch.rows:
            faults = self._take(row, rows, blank)
            if faults:
                rejected[row.kind] += 1
                self._rejections.append(Rejection(row, faults))
        kinds: dict[str, Counts] = {}
        with self.store.begin() as connection:
            for kind in self.tables.kinds():
                counts = apply_rows(connection, kind, self._scope, rows[kind.name], blank[kind.name], self.now)
                if rows[kind.name] or blank[kind.name] or rejected[kind.name]:
                    kinds[kind.name] = counts + Counts(rejected=rejected[kind.name])
        return SyncSummary(kinds)

    def _take(self, row: Row, rows: dict[str, dict[str, Values]], blank: dict[str, list[str]]) -> tuple[Fault, ...]:
        built = build(row, self.practice)
        faults = built.faults or self._misplaced(row, built.rows[0][1])
        if faults:
            return faults
        for kind, values in built.rows:
            rows[kind][values["id"]] = values
        for kind, id_ in built.blank:
            blank[kind].append(id_)
        if row.kind == "patient":
            self._owners[row.id.strip()] = self.source.name
        return ()

    def _misplaced(self, row: Row, values: Values) -> tuple[Fault, ...]:
        key = (row.kind, row.id.strip())
        first = self._seen.setdefault(key, (row.file, row.line))
        if first != (row.file, row.line):
            return (Fault("id", f"occurs twice: first in {first[0]}, line {first[1]}"),)
        return self._of_another(key[1]) if row.kind == "patient" else self._of_nobody(values["patient"])

    def _of_another(self, id_: str) -> tuple[Fault, ...]:
        if self._owners.get(id_, self.source.name) == self.source.name:
            return ()
        self._foreign.add(id_)
        return (Fault("id", "belongs to a patient of another source: let one of the sources prefix its ids"),)

    def _of_nobody(self, patient: str) -> tuple[Fault, ...]:
        if patient in self._foreign:
            return (Fault("patient", "names a patient whose id another source has too: mend the patient's row first"),)
        if patient not in self._owners:
            return (Fault("patient", "names a patient who is not known: is the patient's own row missing?"),)
        return ()

    def _patient_owners(self) -> dict[str, str]:
        patient = self.tables.patient.now
        query = sa.select(patient.c.id, patient.c.source).where(patient.c.practice == self.practice.id)
        with self.store.read() as connection:
            return {row.id: row.source for row in connection.execute(query)}

    def _cursor(self) -> str | None:
        table = self.tables.source
        mine = sa.and_(table.c.practice == self.practice.id, table.c.source == self.source.name)
        with self.store.read() as connection:
            return connection.scalar(sa.select(table.c.cursor).where(mine)) or None

    def _remember(self, connection: sa.Connection, cursor: str | None) -> None:
        table = self.tables.source
        practice, source = self._scope
        connection.execute(sa.delete(table).where(table.c.practice == practice, table.c.source == source))
        connection.execute(
            sa.insert(table).values(practice=practice, source=source, cursor=cursor or "", synced_at=self.now)
        )
