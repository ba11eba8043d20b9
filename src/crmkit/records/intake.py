"""Rows of one source on their way into the canonical tables: built, checked, applied or rejected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import attrs
import sqlalchemy as sa

from crmkit.records.apply import apply_rows
from crmkit.records.build import Values, build
from crmkit.records.records import Records
from crmkit.records.rejected import Rejection, keep_rejections
from crmkit.records.source import Fault, Row, patient_of
from crmkit.records.summary import Counts, SyncSummary
from crmkit.store.among import among


@attrs.define
class Taken:
    """Rows that were taken, before they are applied.

    Attributes:
        rows: By kind and id, the values of canonical rows.
        blank: By kind, the ids of canonical rows that are not given any more.
        silent: The ids of consents that say nothing: a yes of theirs ends.
        rejected: How many rows could not be used, by kind.
        forgotten: How many were left out, since they are of patients who were erased on request.
    """

    rows: dict[str, dict[str, Values]] = attrs.field(factory=lambda: defaultdict(dict), repr=False)
    blank: dict[str, list[str]] = attrs.field(factory=lambda: defaultdict(list))
    silent: list[str] = attrs.field(factory=list)
    rejected: dict[str, int] = attrs.field(factory=lambda: defaultdict(int))
    forgotten: int = 0


@attrs.define(eq=False)
class Intake:
    """Takes the rows of one source, batch by batch.

    Attributes:
        records: Where they go.
        source: The source's name.
        now: The instant at which all changes become known.
        owners: By the patient's id, the source that the patient belongs to.
        sources: The names of all sources that are admitted; empty where that is not known.
        seen: By kind and id, where each row stood.
        rejections: The rows that could not be used.
        foreign: Ids under which the source has a patient, but another source too.
    """

    records: Records
    source: str
    now: datetime
    owners: dict[str, str]
    sources: frozenset[str] = frozenset()
    seen: dict[tuple[str, str], tuple[str, int]] = attrs.field(factory=dict, init=False)
    rejections: list[Rejection] = attrs.field(factory=list, init=False)
    foreign: set[str] = attrs.field(factory=set, init=False)

    @property
    def scope(self) -> tuple[str, str]:
        """The practice's id and the source's name."""
        return self.records.practice.id, self.source

    def take(
        self, connection: sa.Connection, rows: Sequence[Row], gone: Mapping[str, Iterable[str]] | None = None
    ) -> SyncSummary:
        """Apply some rows in the caller's transaction.

        Args:
            connection: A transaction that may write.
            rows: As found; patients come before what belongs to them.
            gone: By kind, ids of canonical rows that the source has no more; they move to the past.
        """
        taken = self._taken(connection, rows)
        taken.blank["consent"].extend(self._yeses(connection, taken.silent))
        for name, ids in (gone or {}).items():
            taken.blank[name].extend(ids)
        kinds: dict[str, Counts] = {}
        stamp = self.records.stamp
        for kind in self.records.tables.kinds():
            there, blank, rejected = taken.rows[kind.name], taken.blank[kind.name], taken.rejected[kind.name]
            counts = apply_rows(connection, kind, self.scope, there, blank, self.now, stamp)
            if there or blank or rejected or (kind.name == "consent" and taken.silent):
                kinds[kind.name] = counts + Counts(rejected=rejected)
        return SyncSummary(kinds, forgotten=taken.forgotten)

    def keep_rejections(self, connection: sa.Connection, *, all_was_read: bool) -> None:
        """Store what was rejected and remove what has been mended since."""
        settled = None if all_was_read else self.seen
        keep_rejections(connection, self.records.tables, self.scope, self.rejections, self.now, settled=settled)

    def _taken(self, connection: sa.Connection, rows: Sequence[Row]) -> Taken:
        taken = Taken()
        asked = {patient for row in rows if (patient := patient_of(row))}
        forgotten = self.records.forgotten(connection, sorted(asked))
        for row in rows:
            if patient_of(row) in forgotten:
                taken.forgotten += 1
            elif faults := self._take(row, taken):
                taken.rejected[row.kind] += 1
                self.rejections.append(Rejection(row, faults))
        return taken

    def _take(self, row: Row, taken: Taken) -> tuple[Fault, ...]:
        built = build(row, self.records.practice)
        faults = built.faults or self._twice(row) or (() if built.silent else self._misplaced(row, built.rows[0][1]))
        if faults:
            return faults
        if built.silent:
            taken.silent.append(row.id.strip())
        for kind, values in built.rows:
            taken.rows[kind][values["id"]] = values
        for kind, id_ in built.blank:
            # Had the row been told before with an address, in another batch or in this one: now it has none.
            taken.rows[kind].pop(id_, None)
            taken.blank[kind].append(id_)
        if row.kind == "patient":
            self.owners[row.id.strip()] = self.source
        return ()

    def _twice(self, row: Row) -> tuple[Fault, ...]:
        key = (row.kind, row.id.strip())
        first = self.seen.setdefault(key, (row.file, row.line))
        if first == (row.file, row.line):
            return ()
        return (Fault("id", f"occurs twice: first in {first[0]}, line {first[1]}"),)

    def _misplaced(self, row: Row, values: Values) -> tuple[Fault, ...]:
        patient = patient_of(row)
        if row.kind != "patient":
            return self._of_nobody(patient)
        if values["born"] and values["born"] > self.records.practice.today(self.now):
            # What a year of two digits is read as; its owner would pass for a child.
            return (Fault("born", "lies in the future: write the year with four digits"),)
        return self._of_another(patient)

    def _yeses(self, connection: sa.Connection, ids: Sequence[str]) -> list[str]:
        """Return which of some consents are a yes that the source has said. A no stays until there is a yes."""
        consent, (practice, source) = self.records.tables.consent.now, self.scope
        mine = (consent.c.practice == practice, consent.c.source == source, consent.c.given)
        query = sa.select(consent.c.id).where(*mine, among(consent.c.id, ids))
        return list(connection.scalars(query)) if ids else []

    def _of_another(self, id_: str) -> tuple[Fault, ...]:
        owner = self.owners.get(id_, self.source)
        if owner == self.source:
            return ()
        self.foreign.add(id_)
        if self.sources and owner not in self.sources:
            mend = f"admit it, or if this one goes on with its patients: crmkit sync --take-over {owner} {self.source}"
            return (Fault("id", f"belongs to a patient of the source {owner}, which is not there any more: {mend}"),)
        return (Fault("id", "belongs to a patient of another source: let one of the sources prefix its ids"),)

    def _of_nobody(self, patient: str) -> tuple[Fault, ...]:
        if patient in self.foreign:
            return (Fault("patient", "names a patient whose id another source has too: mend the patient's row first"),)
        if patient not in self.owners:
            return (Fault("patient", "names a patient who is not known: is the patient's own row missing?"),)
        return ()
