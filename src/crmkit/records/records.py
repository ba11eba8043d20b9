"""The records of one practice, with all that whoever writes them needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import attrs
import sqlalchemy as sa

from crmkit.practice import Practice
from crmkit.records.stamp import Stamp
from crmkit.records.tables import RecordTables
from crmkit.store.store import Store

#: Tells, inside a transaction, which of some patients were erased on request and must not come back.
ForgottenAmong = Callable[[sa.Connection, Sequence[str]], frozenset[str]]


def nobody(_: sa.Connection, __: Sequence[str]) -> frozenset[str]:
    """Say that nobody was forgotten."""
    return frozenset()


@attrs.frozen(eq=False)
class Records:
    """What the sources say of one practice's patients.

    Attributes:
        store: The database.
        tables: The canonical tables.
        practice: Whose patients they are.
        forgotten: Tells who was erased on request and must not come back.
        key: The host's audit key, which stamps the rows; empty where no trail is kept.
    """

    store: Store
    tables: RecordTables
    practice: Practice
    forgotten: ForgottenAmong = nobody
    key: bytes = attrs.field(default=b"", repr=False)

    @property
    def stamp(self) -> Stamp:
        """Makes the stamps of the rows."""
        return Stamp(self.practice.id, self.key)

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Open a transaction in which nobody else writes these records."""
        with self.store.begin() as connection:
            self.lock(connection)
            yield connection

    def lock(self, connection: sa.Connection) -> None:
        """Let nobody else write these records until the transaction ends: two would add the same row."""
        self.store.lock(connection, f"records of {self.practice.id}")

    def owners(self, connection: sa.Connection, ids: Sequence[str] | None = None) -> dict[str, str]:
        """Return by id which source each patient belongs to: of all patients, or of a few hundred."""
        patient = self.tables.patient.now
        query = sa.select(patient.c.id, patient.c.source).where(patient.c.practice == self.practice.id)
        some = query if ids is None else query.where(patient.c.id.in_(ids))
        return {row.id: row.source for row in connection.execute(some)}
