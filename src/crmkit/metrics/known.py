"""What was known at an instant: the versions of the canonical rows that a report may use."""

from __future__ import annotations

from datetime import date, datetime

import attrs
import sqlalchemy as sa

from crmkit.clock import utc
from crmkit.ledger.tables import LedgerTables
from crmkit.people.patient import Status
from crmkit.practice import Practice
from crmkit.records.tables import Kind, RecordTables

#: Who was never a patient, whatever the diary says.
NEVER_PATIENTS = (Status.PROSPECTIVE, Status.NON_PATIENT)

_GONE = [status.value for status in Status if status.gone]


@attrs.frozen(eq=False)
class Known:
    """One practice's records as they were known at an instant.

    Attributes:
        records: What the sources say.
        ledger: What was sent. A touch's state is taken as it stands; what was sent after `as_of` is not seen.
        practice: Whose rows are meant.
        as_of: Only versions known at this instant are used.
        present: True if nothing has become known since, so that the tables of what holds now are enough.
    """

    records: RecordTables
    ledger: LedgerTables
    practice: Practice
    as_of: datetime = attrs.field(converter=utc)
    present: bool = False

    def rows(self, kind: Kind, *columns: str) -> sa.Subquery:
        """Return these columns of the versions of a kind's rows that were known."""
        now = sa.select(*(kind.now.c[name] for name in columns)).where(kind.now.c.practice == self.practice.id)
        if self.present:
            return now.subquery()
        was = sa.select(*(kind.was.c[name] for name in columns)).where(
            kind.was.c.practice == self.practice.id,
            kind.was.c.known_at <= self.as_of,
            kind.was.c.known_until > self.as_of,
        )
        return sa.union_all(now.where(kind.now.c.known_at <= self.as_of), was).subquery()

    def patients(self) -> sa.Subquery:
        """Return id, status and status date of the patients who were known."""
        return self.rows(self.records.patient, "id", "status", "status_date")

    def completed(self, before: date) -> sa.Subquery:
        """Return patient and day of completed visits before a date, without those dated after the patient's death."""
        visit = self.rows(self.records.visit, "patient", "status", "day")
        died = self._died()
        return (
            sa.select(visit.c.patient, visit.c.day)
            .select_from(visit.outerjoin(died, died.c.id == visit.c.patient))
            .where(
                visit.c.status == "completed",
                visit.c.day < before,
                sa.or_(died.c.id.is_(None), visit.c.day <= died.c.status_date),
            )
            .subquery()
        )

    def _died(self) -> sa.Subquery:
        patient = self.patients()
        dead = sa.and_(patient.c.status == Status.DECEASED.value, patient.c.status_date.is_not(None))
        return sa.select(patient.c.id, patient.c.status_date).where(dead).subquery()


def known_at(
    connection: sa.Connection, records: RecordTables, ledger: LedgerTables, practice: Practice, as_of: datetime
) -> Known:
    """Return what was known at an instant; a sync's own record tells whether anything became known since."""
    source = records.source
    latest = connection.scalar(
        sa.select(sa.func.max(source.c.synced_at, type_=source.c.synced_at.type)).where(
            source.c.practice == practice.id
        )
    )
    return Known(records, ledger, practice, as_of, present=latest is not None and latest <= utc(as_of))


def still_here(patient: sa.Subquery, until: sa.ColumnElement[date] | date) -> sa.ColumnElement[bool]:
    """Return the condition that somebody is a patient and had not left for a known reason before a date."""
    return sa.and_(
        patient.c.status.not_in([status.value for status in NEVER_PATIENTS]),
        sa.or_(patient.c.status.not_in(_GONE), patient.c.status_date >= until),
    )
