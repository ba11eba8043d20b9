"""Applying what a source says to the canonical tables, idempotently. Nothing but a sync and a fetch writes them."""

from __future__ import annotations

from datetime import datetime

import attrs
import sqlalchemy as sa

from crmkit.errors import SourceError
from crmkit.records.intake import Intake
from crmkit.records.missing import missing_ahead, missing_patients
from crmkit.records.records import Records
from crmkit.records.source import Source
from crmkit.records.summary import SyncSummary


@attrs.define(eq=False)
class Sync:
    """One run over one source.

    Attributes:
        records: What is written.
        source: Where the rows come from.
        now: The instant at which all changes of this run become known.
        sources: The names of all sources that are admitted.
    """

    records: Records
    source: Source
    now: datetime
    sources: frozenset[str] = frozenset()

    def run(self) -> SyncSummary:
        """Read the source to its end and apply it; rows that cannot be used are kept as rejected."""
        with self.records.store.read() as connection:
            owners = self.records.owners(connection)
        intake = Intake(self.records, self.source.name, self.now, owners, self.sources)
        since = self._cursor()
        summary, cursor, said = SyncSummary(), since, list[bool]()
        for batch in self.source.read(since):
            with self.records.begin() as connection:
                summary += intake.take(connection, batch.rows)
            cursor = batch.cursor or cursor
            said.append(batch.complete)
        # Without a word, only a source that was asked for everything has said everything.
        everything = all(said) if said else since is None
        with self.records.begin() as connection:
            if said and everything:
                summary += self._without_deleted(connection, intake)
            intake.keep_rejections(connection, all_was_read=everything)
            self._remember(connection, cursor)
        return summary

    def _without_deleted(self, connection: sa.Connection, intake: Intake) -> SyncSummary:
        missing = [*missing_ahead(connection, intake, self.records.practice.today(self.now))]
        mend = "see that the export is whole, or say that it holds only what changed"
        doubts = (SourceError(one.doubt, where=self.source.name, mend=mend) for one in missing if one.doubt)
        gone = {one.kind: one.ids for one in missing if one.ids}
        taken = intake.take(connection, (), gone) if gone else SyncSummary()
        patients = missing_patients(connection, intake)
        return attrs.evolve(taken, failures=tuple(map(str, doubts)), missing=patients)

    def _cursor(self) -> str | None:
        table = self.records.tables.source
        mine = sa.and_(table.c.practice == self.records.practice.id, table.c.source == self.source.name)
        with self.records.store.read() as connection:
            return connection.scalar(sa.select(table.c.cursor).where(mine)) or None

    def _remember(self, connection: sa.Connection, cursor: str | None) -> None:
        table = self.records.tables.source
        practice, source = self.records.practice.id, self.source.name
        connection.execute(sa.delete(table).where(table.c.practice == practice, table.c.source == source))
        connection.execute(
            sa.insert(table).values(practice=practice, source=source, cursor=cursor or "", synced_at=self.now)
        )
