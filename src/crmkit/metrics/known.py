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
        synced_at: When a source was last read, None if never by then.
        other_currency: How many invoices are in another currency than the practice's, as those from before it changed.
    """

    records: RecordTables
    ledger: LedgerTables
    practice: Practice
    as_of: datetime = attrs.field(converter=utc)
    present: bool = False
    synced_at: datetime | None = None
    other_currency: int = 0

    def in_currency(self, invoice: sa.Subquery) -> sa.ColumnElement[bool]:
        """Return the condition that an amount is in the practice's currency: others cannot be added to it."""
        # Nearly always all are; then an index answers that does not hold the currency.
        return invoice.c.currency == self.practice.currency if self.other_currency else sa.true()

    def rows(self, kind: Kind, *columns: str) -> sa.Subquery:
        """Return these columns of the versions of a kind's rows that were known."""
        now = sa.select(*(kind.now.c[name] for name in columns)).where(kind.now.c.practice == self.practice.id)
        if self.present:
            return now.subquery()
        was = sa.select(*(kind.was.c[name] for name in columns)).where(
            kind.was.c.practice == self.practice.id, self._held(kind.was)
        )
        return sa.union_all(now.where(kind.now.c.known_at <= self.as_of), was).subquery()

    def patients(self) -> sa.Subquery:
        """Return id, status and status date of the patients who were known."""
        return self.rows(self.records.patient, "id", "status", "status_date")

    def completed(self, before: date) -> sa.Subquery:
        """Return the patients' completed visits before a date: patient, day, and the patient's status and its date.

        Visits dated after the patient's death are not among them.
        """
        visit = self.of_patients(self.records.visit, "status", "day", patient_status="standing")
        alive = sa.or_(
            visit.c.standing != Status.DECEASED.value,
            visit.c.status_date.is_(None),
            visit.c.day <= visit.c.status_date,
        )
        return (
            sa.select(visit.c.patient, visit.c.day, visit.c.standing.label("status"), visit.c.status_date)
            .where(visit.c.status == "completed", visit.c.day < before, alive)
            .subquery()
        )

    def of_patients(self, kind: Kind, *columns: str, patient_status: str = "status") -> sa.Subquery:
        """Return known rows of known patients, each with the status and status date that its patient had."""
        row = self.rows(kind, "patient", *columns)
        now, was = self.records.patient.now, self.records.patient.was
        mine = sa.and_(now.c.practice == self.practice.id, now.c.id == row.c.patient)
        if self.present:
            present = sa.select(*row.c, now.c.status.label(patient_status), now.c.status_date)
            return present.select_from(row.join(now, mine)).subquery()
        # Two look-ups by key; joined to the union of both tables, SQLite would compare every row with every patient.
        then = sa.and_(was.c.practice == self.practice.id, was.c.id == row.c.patient, self._held(was))
        status = sa.func.coalesce(was.c.status, now.c.status)
        since = sa.case((was.c.id.is_not(None), was.c.status_date), else_=now.c.status_date)
        return (
            sa.select(*row.c, status.label(patient_status), since.label("status_date"))
            .select_from(row.outerjoin(now, sa.and_(mine, now.c.known_at <= self.as_of)).outerjoin(was, then))
            .where(status.is_not(None))
            .subquery()
        )

    def _held(self, was: sa.Table) -> sa.ColumnElement[bool]:
        return sa.and_(was.c.known_at <= self.as_of, was.c.known_until > self.as_of)


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
    present = latest is not None and latest <= utc(as_of)
    known = Known(records, ledger, practice, as_of, present, latest if present else None)
    invoice = known.rows(records.invoice, "currency")
    others = sa.select(sa.func.count()).select_from(invoice).where(invoice.c.currency != practice.currency)
    return attrs.evolve(known, other_currency=connection.scalar(others) or 0)


def ever_patient(row: sa.Subquery) -> sa.ColumnElement[bool]:
    """Return the condition that somebody with this status is or was a patient."""
    return row.c.status.not_in([status.value for status in NEVER_PATIENTS])


def still_here(row: sa.Subquery, until: date) -> sa.ColumnElement[bool]:
    """Return the condition that somebody is a patient and had not left for a known reason before a date."""
    return sa.and_(ever_patient(row), sa.or_(~gone(row), row.c.status_date >= until))


def gone(row: sa.Subquery) -> sa.ColumnElement[bool]:
    """Return the condition that somebody has left for a known reason, whenever that was."""
    return row.c.status.in_(_GONE)
