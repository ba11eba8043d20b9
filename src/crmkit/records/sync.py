"""Applying what a source says to the canonical tables, idempotently. Nothing but a sync and a fetch writes them."""

from __future__ import annotations

from datetime import datetime

import attrs
import sqlalchemy as sa

from crmkit.errors import SourceError
from crmkit.practice import Practice
from crmkit.records.intake import ForgottenAmong, Intake, nobody, owners_of
from crmkit.records.missing import missing_ahead, missing_patients
from crmkit.records.source import Source
from crmkit.records.summary import SyncSummary
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
        forgotten: Tells who was erased on request and must not come back.
        sources: The names of all sources that are admitted.
        key: The host's audit key, which stamps the rows; empty where no trail is kept.
    """

    store: Store
    tables: RecordTables
    practice: Practice
    source: Source
    now: datetime
    forgotten: ForgottenAmong = nobody
    sources: frozenset[str] = frozenset()
    key: bytes = attrs.field(default=b"", repr=False)

    def run(self) -> SyncSummary:
        """Read the source to its end and apply it; rows that cannot be used are kept as rejected."""
        with self.store.read() as connection:
            owners = owners_of(connection, self.tables, self.practice.id)
        scope = (self.tables, self.practice, self.source.name, self.now)
        intake = Intake(*scope, owners, self.forgotten, self.sources, self.key)
        since = self._cursor()
        summary, cursor, said = SyncSummary(), since, list[bool]()
        for batch in self.source.read(since):
            with self.store.begin() as connection:
                write_alone(self.store, connection, self.practice.id)
                summary += intake.take(connection, batch.rows)
            cursor = batch.cursor or cursor
            said.append(batch.complete)
        # Without a word, only a source that was asked for everything has said everything.
        everything = all(said) if said else since is None
        with self.store.begin() as connection:
            write_alone(self.store, connection, self.practice.id)
            if said and everything:
                summary += self._without_deleted(connection, intake)
            intake.keep_rejections(connection, all_was_read=everything)
            self._remember(connection, cursor)
        return summary

    def _without_deleted(self, connection: sa.Connection, intake: Intake) -> SyncSummary:
        missing = [*missing_ahead(connection, self.tables, intake, self.practice.today(self.now))]
        mend = "see that the export is whole, or say that it holds only what changed"
        doubts = (SourceError(one.doubt, where=self.source.name, mend=mend) for one in missing if one.doubt)
        gone = {one.kind: one.ids for one in missing if one.ids}
        taken = intake.take(connection, (), gone) if gone else SyncSummary()
        patients = missing_patients(connection, self.tables, intake)
        return attrs.evolve(taken, failures=tuple(map(str, doubts)), missing=patients)

    def _cursor(self) -> str | None:
        table = self.tables.source
        mine = sa.and_(table.c.practice == self.practice.id, table.c.source == self.source.name)
        with self.store.read() as connection:
            return connection.scalar(sa.select(table.c.cursor).where(mine)) or None

    def _remember(self, connection: sa.Connection, cursor: str | None) -> None:
        table = self.tables.source
        practice, source = self.practice.id, self.source.name
        connection.execute(sa.delete(table).where(table.c.practice == practice, table.c.source == source))
        connection.execute(
            sa.insert(table).values(practice=practice, source=source, cursor=cursor or "", synced_at=self.now)
        )


def write_alone(store: Store, connection: sa.Connection, practice: str) -> None:
    """Let nobody else write this practice's records until the transaction ends: two would add the same row."""
    store.lock(connection, f"records of {practice}")
