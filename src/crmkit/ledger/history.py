"""What holds now: the records and what the kit learnt, joined. Every stage reads people through here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.learnt import address_digest
from crmkit.ledger.tables import LedgerTables
from crmkit.people.consent import Consent, standing
from crmkit.people.contact import ContactPoint, Line
from crmkit.people.medium import Medium, Purpose
from crmkit.people.name import PersonName
from crmkit.people.patient import Patient, Status
from crmkit.records.tables import RecordTables

#: What one statement of SQL may name at once, on every database.
CHUNK = 500
_NAME = ("prefix", "given", "preferred", "middle", "family", "suffix")

Consents = dict[tuple[str, Purpose, Medium], Consent]


@attrs.frozen(eq=False)
class History:
    """People as records and ledger together say, read in batches.

    Attributes:
        records: The canonical tables.
        tables: The ledger's tables.
        practice: The practice's id.
    """

    records: RecordTables
    tables: LedgerTables
    practice: str

    def patients(self, connection: sa.Connection, ids: Sequence[str]) -> dict[str, Patient]:
        """Return the patients with these ids, with their contact points; unknown ids are left out."""
        found: dict[str, Patient] = {}
        for chunk in _chunks(ids):
            contacts = self._contacts(connection, chunk)
            table = self.records.patient.now
            query = sa.select(table).where(table.c.practice == self.practice, table.c.id.in_(chunk))
            for row in connection.execute(query).mappings():
                found[row["id"]] = _patient(row, tuple(contacts.get(row["id"], ())))
        return found

    def consents(self, connection: sa.Connection, ids: Sequence[str]) -> Consents:
        """Return the statement that holds for each patient, purpose and medium that has one."""
        said: dict[tuple[str, Purpose, Medium], list[Consent]] = defaultdict(list)
        for chunk in _chunks(ids):
            for table, learnt in ((self.records.consent.now, False), (self.tables.consent, True)):
                for one in self._statements(connection, table, chunk, learnt=learnt):
                    said[one.patient, one.purpose, one.medium].append(one)
        return {key: holds for key, statements in said.items() if (holds := standing(statements))}

    def _statements(
        self, connection: sa.Connection, table: sa.Table, ids: Sequence[str], *, learnt: bool
    ) -> Iterator[Consent]:
        names = ("patient", "purpose", "medium", "given", "at", "wording", "evidence")
        query = sa.select(*(table.c[name] for name in names))
        for row in connection.execute(query.where(table.c.practice == self.practice, table.c.patient.in_(ids))):
            purpose, medium = Purpose(row.purpose), Medium(row.medium)
            yield Consent(row.patient, purpose, medium, row.given, row.at, row.wording, row.evidence, learnt)

    def _contacts(self, connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[ContactPoint]]:
        table = self.records.contact.now
        query = (
            sa.select(table)
            .where(table.c.practice == self.practice, table.c.patient.in_(ids))
            .order_by(table.c.patient, table.c.rank, table.c.id)
        )
        rows = connection.execute(query).mappings().all()
        stopped = self._stopped(connection, rows)
        points: dict[str, list[ContactPoint]] = defaultdict(list)
        for row in rows:
            points[row["patient"]].append(_point(row, stopped.get(self._address(row), "")))
        return points

    def _stopped(self, connection: sa.Connection, rows: Iterable[Any]) -> dict[str, str]:
        table = self.tables.suppression
        found: dict[str, str] = {}
        for chunk in _chunks([self._address(row) for row in rows if row["value"]]):
            query = sa.select(table.c.address, table.c.reason)
            mine = (table.c.practice == self.practice, table.c.address.in_(chunk))
            found |= {row.address: row.reason for row in connection.execute(query.where(*mine))}
        return found

    def _address(self, row: Any) -> str:
        return address_digest(self.practice, Medium(row["medium"]), row["value"])


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def _point(row: Any, stopped: str) -> ContactPoint:
    return ContactPoint(
        medium=Medium(row["medium"]),
        typed=row["typed"],
        value=row["value"],
        owner=row["patient"],
        problem=stopped or row["problem"],
        line=Line(row["line"]) if row["line"] else None,
        until=row["until"],
    )


def _patient(row: Any, contacts: tuple[ContactPoint, ...]) -> Patient:
    return Patient(
        id=row["id"],
        name=PersonName(**{part: row[part] for part in _NAME}, full=row["full_name"]),
        born=row["born"],
        language=row["language"],
        status=Status(row["status"]),
        status_reason=row["status_reason"],
        status_date=row["status_date"],
        household=row["household"],
        guardian=row["guardian"],
        referrer=row["referrer"],
        contacts=contacts,
        tags=frozenset(tag for tag in row["tags"].split("|") if tag),
        attributes=MappingProxyType(row["attributes"]),
    )
