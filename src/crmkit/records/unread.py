"""Of whom something is known that could not be read: a row that was rejected may have said that they died, or a no."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.records.fields import WEIGHTY
from crmkit.records.tables import RecordTables
from crmkit.store.among import among


@attrs.frozen(eq=False)
class Unread:
    """Looks among the rejected rows of one practice.

    Attributes:
        tables: The canonical tables.
        practice: The practice's id.
        sources: The names of all sources that are admitted; empty where a process has none.
    """

    tables: RecordTables
    practice: str
    sources: frozenset[str] = frozenset()
    _select: sa.Select[Any] = attrs.field(init=False, repr=False)

    @_select.default
    def _weighty(self) -> sa.Select[Any]:
        table, patient = self.tables.rejected, self.tables.patient.now
        same = sa.and_(patient.c.practice == table.c.practice, patient.c.id == table.c.patient)
        asked = (table.c.practice == self.practice, among(table.c.patient, "ids"), table.c.kind.in_(WEIGHTY))
        columns = (table.c.patient, table.c.source, table.c.kind, patient.c.source.label("owner"))
        return sa.select(*columns).join(patient, same).where(*asked)

    def among(self, connection: sa.Connection, ids: Collection[str]) -> frozenset[str]:
        """Return those of some patients of whom a row of their own, or a consent, waits to be mended.

        A row of another source that has a patient of the same id is about somebody else. Where the source that the
        patient belongs to is not there any more, it may be the same software under another name: then it counts.
        """
        rows = connection.execute(self._select, {"ids": [*ids]}).all()
        others = [row for row in rows if row.kind == "patient" and row.source != row.owner]
        foreign = {(row.source, row.patient) for row in others if not self.sources or row.owner in self.sources}
        return frozenset(row.patient for row in rows if (row.source, row.patient) not in foreign)
