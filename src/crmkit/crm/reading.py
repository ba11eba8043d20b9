"""Reading: what the sources say is taken over, and what of it could not be used."""

from __future__ import annotations

from collections.abc import Callable

from crmkit.clock import Clock
from crmkit.crm.log import log_sync
from crmkit.crm.plugged import Plugged
from crmkit.crm.stages import Stages
from crmkit.errors import ConfigError, CrmkitError, NotFound, nearest
from crmkit.ledger.decided import Decided, Decision, are_stamped, decide
from crmkit.practice import Practice
from crmkit.records.rejected import RejectedRow, rejected_rows
from crmkit.records.source import Source
from crmkit.records.stamp import stamp_all
from crmkit.records.succession import left_by, take_over
from crmkit.records.summary import SyncSummary
from crmkit.records.sync import Sync
from crmkit.records.waiting import take_waiting
from crmkit.store.store import Connection, Store


class Reading(Plugged):
    """The part of a `CRM` that reads."""

    practice: Practice
    clock: Clock
    _stages: Stages
    _store: Store

    def sync(self, progress: Callable[[str], None] = lambda _: None) -> SyncSummary:
        """Apply what all sources say and return what changed; rows that cannot be used are kept as rejected.

        A row may name a patient whom another source brings: the sources' order does not matter.

        Raises:
            SourceError: If there is only one source and it cannot be read. Of several, the others are still applied
                and the failure stands in the summary.
        """
        self.plugins.insist_on_open()
        summary, sources, began = SyncSummary(), self.plugins.sources, self.clock.now()
        if not sources:
            raise ConfigError("there is no source", where="plugins", mend="admit one, such as csv")
        self._stamp_what_is_there()
        for source in sources:
            progress(source.name)
            try:
                summary += self._synced(source)
            except CrmkitError as problem:
                if len(sources) == 1:
                    raise
                summary += SyncSummary(failures=(str(problem),))
        whole = take_waiting(self._stages.records, summary, began, self.clock.now())
        with self._store.read() as connection:
            left = left_by(
                connection, self._stages.records.tables, self.practice.id, self._source_names, only_here=True
            )
        whole += SyncSummary(missing=sum(left.values()))
        self._store.count_new()
        log_sync(self.practice.id, whole)
        return whole

    def rejected(self) -> list[RejectedRow]:
        """Return the rows that no sync could use, with place and reason."""
        with self._store.read() as connection:
            return list(rejected_rows(connection, self._stages.records.tables, self.practice.id))

    def take_over(self, old: str, new: str) -> int:
        """Let a source go on with the patients of one that is not there any more, and return how many there are.

        So it is where a plugin was renamed, or another one reads the same software: the ids must mean the same people.
        The next sync reads everything anew.

        Args:
            old: The full name of the source that is not there any more.
            new: The full name of the one that goes on, such as `acme.patients`.

        Raises:
            ConfigError: If the old source is still admitted, or the new one is not.
            NotFound: If the old source has no patients.
        """
        names = self._source_names
        with self._store.read() as connection:
            left = left_by(connection, self._stages.records.tables, self.practice.id, names)
        if old in names:
            raise ConfigError(f"the source {old} is still there", where="take over", mend="take its plugin out first")
        if new not in names:
            raise ConfigError(f"there is no source {new}", where="take over", mend=nearest(new, names))
        if old not in left:
            mend = nearest(old, left) if left else "all patients are of sources that are there"
            raise NotFound(f"no patient is of a source {old}", where="take over", mend=mend)
        records = self._stages.records

        def step(connection: Connection) -> int:
            records.lock(connection)
            return take_over(connection, records.tables, self.practice.id, old, new)

        return self._stages.seal.done(step)

    def _synced(self, source: Source) -> SyncSummary:
        return Sync(self._stages.records, source, self.clock.now(), self._source_names).run()

    def _stamp_what_is_there(self) -> None:
        """Once there is a key, stamp what no sync with it wrote: from then on the audit misses stamps."""
        records, seal = self._stages.records, self._stages.seal

        def step(connection: Connection) -> None:
            if not are_stamped(connection, seal):
                records.lock(connection)
                stamp_all(connection, records.tables, records.stamp)
                decide(connection, seal, Decision(Decided.STAMPED, "", self.clock.now()))

        with self._store.read() as connection:
            done = not seal.key or are_stamped(connection, seal)
        if not done:
            self._stages.alone("programme", step)

    @property
    def _source_names(self) -> frozenset[str]:
        return frozenset(source.name for source in self.plugins.sources)
