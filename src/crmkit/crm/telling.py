"""What a host is told of all that happened: the feed, the findings, and the report."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import attrs

from crmkit.campaigns.reasons import REASONS
from crmkit.clock import Clock, SystemClock
from crmkit.crm.answers import unknown_patient
from crmkit.crm.decisions import Decisions
from crmkit.crm.given import patient_id
from crmkit.crm.opened import Opened
from crmkit.crm.stages import Stages
from crmkit.exact import exact
from crmkit.ledger.disclose import Disclosed, disclose
from crmkit.ledger.feed import FeedEvent, feed
from crmkit.ledger.feed_entries import give_places, has_new
from crmkit.ledger.standing import Standing, ahead_of, standing
from crmkit.metrics.gather import Findings, gather
from crmkit.metrics.window import Window
from crmkit.practice import Practice
from crmkit.records.rejected import rejected_rows
from crmkit.report.page import render_page, write_report


class Telling(Decisions):
    """The part of a `CRM` that looks back."""

    practice: Practice
    clock: Clock
    _opened: Opened
    _stages: Stages

    def feed(self, since: str = "", *, limit: int | None = None) -> list[FeedEvent]:
        """Return what happened to touches after a cursor; each event holds the next cursor.

        Whoever goes on with the cursor of the last event gets every change once, however many processes write: the
        order is that in which the feed found them done. The changes of one touch come in their order. On PostgreSQL
        that order is written down here, so the database must be one that may be written to, and no replica.

        Args:
            since: The cursor of the last event that is known; empty to begin.
            limit: How many events at most; without it, all there are, and they may be millions in the first call.

        Raises:
            ConfigError: If the cursor is none that a feed gave, or the limit is below 1.
        """
        store, given = self._stages.store, (self._stages.tables, self.practice.id)
        with store.read() as connection:
            new = has_new(connection, *given)
        if new:
            with store.begin() as connection:
                self._stages.lock(connection, "feed")
                give_places(connection, *given)
        with store.read() as connection:
            return feed(connection, *given, since, limit)

    def disclose(self, patient: str) -> Disclosed:
        """Return all that is kept about a patient, for whoever asks what is known: every row of every table.

        It holds names, addresses and what a patient wrote. What the practice software itself has, and copies of
        messages in an outbox or at a mail server, are not in it.

        Raises:
            NotFound: If nothing is kept about such a patient.
        """
        stages, whom = self._stages, patient_id(patient)
        with stages.store.read() as connection:
            found = disclose(connection, stages.records.tables, stages.tables, self.practice.id, whom)
        if not found.rows:
            raise unknown_patient(whom)
        return found

    def status(self) -> Standing:
        """Return how the sending stands at this instant: what waits and since when, what is in doubt, what is stopped.

        It reads and counts, judges nothing, and is cheap enough to be asked every minute.
        """
        stages = self._stages
        with stages.store.read() as connection:
            found = standing(connection, stages.records.tables, stages.tables, self.practice.id, self.clock.now())
            # A clock of one's own is meant to show another time.
            ahead = ahead_of(connection, self.clock) if isinstance(self.clock, SystemClock) else None
            broken = {name: str(one.problem) for name, one in stages.planner.broken(connection).items()}
            return attrs.evolve(found, ahead=ahead, broken=broken)

    @property
    def place(self) -> str:
        """Where its tables are, for a person who looks for the right database; without user, password and options."""
        return self._stages.store.place

    def findings(self, window: Window | None = None) -> Findings:
        """Return the measures of a window (by default the year that ends today), the bridge, and what plots need."""
        now, stages = self.clock.now(), self._stages
        year = window or Window.year_to(self.practice.today(now) + timedelta(days=1))
        metrics = self._opened.admitted.metrics
        with exact():
            return gather(stages.store, stages.records.tables, stages.tables, self.practice, metrics, year, now)

    def report(self, path: str | Path, window: Window | None = None) -> Path:
        """Write the report as one HTML page and return its path."""
        found = tuple((one.name, one.version) for one in self._opened.admitted.found)
        head = self.head()
        # A trail whose rows are younger than the instant for which a head could stand has none yet.
        trail = ("", self.clock.now()) if self._stages.seal.key else None
        with exact():
            html = render_page(
                self.findings(window),
                self.practice,
                reasons=REASONS,
                rejected=self._rejected(),
                plugins=found,
                audit=(head.digest, head.at) if head else trail,
            )
        return write_report(Path(path), html)

    def _rejected(self) -> int:
        with self._stages.store.read() as connection:
            found = rejected_rows(connection, self._stages.records.tables, self.practice.id)
            return len({one.row for one in found})
