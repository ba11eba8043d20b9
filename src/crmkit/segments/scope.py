"""What a segment is judged against: one practice's tables, on one day."""

from __future__ import annotations

from datetime import date

import attrs
import sqlalchemy as sa

from crmkit.ledger.tables import LedgerTables
from crmkit.practice import Practice
from crmkit.records.tables import RecordTables


@attrs.frozen(eq=False)
class Scope:
    """One practice's tables, on one day.

    Attributes:
        records: What the sources say.
        ledger: What was sent.
        practice: Whose patients are meant; every subquery is confined to it.
        today: The practice's date from which all windows are counted.
    """

    records: RecordTables
    ledger: LedgerTables
    practice: Practice
    today: date

    @property
    def patient(self) -> sa.Table:
        """The table that the condition stands on."""
        return self.records.patient.now

    def of_patient(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """Return the join of a table's rows to the patient at hand, the practice first."""
        return sa.and_(table.c.practice == self.practice.id, table.c.patient == self.patient.c.id)
