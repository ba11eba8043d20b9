"""Last-second truth: asking the sources once more about a few patients, just before they are written to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import attrs
import sqlalchemy as sa

from crmkit.errors import CrmkitError
from crmkit.records.fields import WEIGHTY
from crmkit.records.intake import Intake
from crmkit.records.records import Records
from crmkit.records.source import Batch, FetchingSource, Source, fetches, patient_of

_CHUNK = 500


def _fetching(sources: Iterable[Source]) -> tuple[FetchingSource, ...]:
    return tuple(source for source in sources if fetches(source))


@attrs.frozen(eq=False)
class Truth:
    """Brings the records of some patients up to date.

    Attributes:
        records: What is brought up to date.
        sources: Those of the sources that can be asked about single patients.
    """

    records: Records
    sources: tuple[FetchingSource, ...] = attrs.field(converter=_fetching)

    @property
    def asks(self) -> bool:
        """Tell whether any source can be asked; if not, the records are as good as the last sync."""
        return bool(self.sources)

    def renew(self, ids: Sequence[str], now: datetime) -> frozenset[str]:
        """Take over what the sources say of some patients and their guardians, in transactions of its own.

        Args:
            ids: The patients' ids.
            now: The instant at which changes become known.

        Returns:
            The patients who must not be written to, for nothing sure is known of them or of their guardian: a source
            failed, does not know them any more, or says something that cannot be read.
        """
        if not self.sources:
            return frozenset()
        asked = sorted({*ids})
        unsure = self._ask(asked, now)
        # Only now it is known who the guardians are.
        guardians = self._guardians(asked)
        unsure |= self._ask(sorted({*guardians.values()} - {*asked}), now)
        return frozenset(id_ for id_ in asked if id_ in unsure or guardians.get(id_) in unsure)

    def _ask(self, ids: Sequence[str], now: datetime) -> set[str]:
        unsure: set[str] = set()
        for start in range(0, len(ids), _CHUNK):
            some = ids[start : start + _CHUNK]
            for source in self.sources:
                unsure |= self._ask_one(source, some, now)
        return unsure

    def _ask_one(self, source: FetchingSource, ids: Sequence[str], now: datetime) -> set[str]:
        try:
            batches = list(source.fetch(tuple(ids)))
        except CrmkitError:
            return {*ids}
        with self.records.begin() as connection:
            owners = self.records.owners(connection, ids)
            own = {id_ for id_, owner in owners.items() if owner == source.name}
            intake = Intake(self.records, source.name, now, owners)
            self._apply(connection, intake, batches, ids)
        told = {id_ for kind, id_ in intake.seen if kind == "patient"}
        unread = {patient_of(one.row) for one in intake.rejections if one.row.kind in WEIGHTY}
        return (own - told) | (unread - intake.foreign)

    def _apply(self, connection: sa.Connection, intake: Intake, batches: Sequence[Batch], ids: Sequence[str]) -> None:
        asked = frozenset(ids)
        rows = [row for batch in batches for row in batch.rows if patient_of(row) in asked]
        whole = {kind for batch in batches for kind in batch.whole}
        # Patients first, whatever the order in which they were told.
        rows.sort(key=lambda row: row.kind != "patient")
        there = {(row.kind, row.id.strip()) for row in rows}
        intake.take(connection, rows, self._gone(connection, intake, whole, there, ids))
        intake.keep_rejections(connection, all_was_read=False)

    def _gone(
        self,
        connection: sa.Connection,
        intake: Intake,
        whole: Iterable[str],
        there: set[tuple[str, str]],
        ids: Sequence[str],
    ) -> Mapping[str, list[str]]:
        """Return by kind the rows that the source had for these patients and has no more."""
        gone: dict[str, list[str]] = defaultdict(list)
        practice, source = intake.scope
        for kind in self.records.tables.kinds():
            if kind.name not in whole or kind.name == "patient":
                continue
            table = kind.now
            mine = (table.c.practice == practice, table.c.source == source, table.c.patient.in_(ids))
            for id_ in connection.scalars(sa.select(table.c.id).where(*mine)):
                if (kind.name, id_) not in there and not _derived(kind.name, id_, ids):
                    gone[kind.name].append(id_)
        return gone

    def _guardians(self, ids: Sequence[str]) -> dict[str, str]:
        """Return by ward who the guardian is, of those who have one."""
        patient = self.records.tables.patient.now
        query = sa.select(patient.c.id, patient.c.guardian).where(
            patient.c.practice == self.records.practice.id, patient.c.guardian != ""
        )
        found: dict[str, str] = {}
        with self.records.store.read() as connection:
            for start in range(0, len(ids), _CHUNK):
                some = query.where(patient.c.id.in_(ids[start : start + _CHUNK]))
                found |= {row.id: row.guardian for row in connection.execute(some)}
        return found


def _derived(kind: str, id_: str, ids: Sequence[str]) -> bool:
    """Tell whether a contact point stands in its patient's own row, which speaks for it."""
    return kind == "contact" and id_.rpartition(":")[0] in ids
