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
    """

    tables: RecordTables
    practice: str
    _any: sa.Select[Any] = attrs.field(init=False, repr=False)

    @_any.default
    def _any_weighty(self) -> sa.Select[Any]:
        return sa.select(sa.literal(1)).where(self._weighty()).limit(1)

    def among(self, connection: sa.Connection, ids: Collection[str]) -> frozenset[str]:
        """Return those of some patients of whom a row of their own, or a consent, waits to be mended.

        A row of another source that has a patient of the same id is about somebody else.
        """
        # Mostly there is none, and a sending asks for each of its windows.
        if connection.execute(self._any).first() is None:
            return frozenset()
        table = self.tables.rejected
        named = table.c.row["patient"].as_string()
        rows = connection.execute(sa.select(table.c.source, table.c.kind, table.c.row_id, named).where(self._weighty()))
        own, said = set[tuple[str, str]](), set[tuple[str, str]]()
        for source, kind, id_, patient in rows:
            (own if kind == "patient" else said).add((source, (id_ if kind == "patient" else patient or "").strip()))
        owners = self._owners(connection, {id_ for _, id_ in own | said} & {*ids})
        mine = {id_ for source, id_ in own | said if owners.get(id_) == source}
        return frozenset(mine | {id_ for _, id_ in said - own if id_ in owners})

    def _weighty(self) -> sa.ColumnElement[bool]:
        table = self.tables.rejected
        return sa.and_(table.c.practice == self.practice, table.c.kind.in_(WEIGHTY))

    def _owners(self, connection: sa.Connection, ids: Collection[str]) -> dict[str, str]:
        patient = self.tables.patient.now
        query = sa.select(patient.c.id, patient.c.source).where(patient.c.practice == self.practice)
        return {row.id: row.source for row in connection.execute(query.where(among(patient.c.id, sorted(ids))))}
