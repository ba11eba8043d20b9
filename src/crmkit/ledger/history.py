"""What holds now: the records and what the kit learnt, joined. Every stage reads people through here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.learnt import address_digest
from crmkit.ledger.tables import LedgerTables
from crmkit.people.attribute import unpacked
from crmkit.people.consent import Consent, standing
from crmkit.people.contact import ContactPoint, Line
from crmkit.people.medium import Medium, Purpose
from crmkit.people.name import PersonName
from crmkit.people.patient import Patient, Status
from crmkit.records.tables import RecordTables

#: What one statement of SQL may name at once, on every database.
CHUNK = 500
_NAME = ("prefix", "given", "preferred", "middle", "family", "suffix", "full_name")
_REST = (
    *("id", "born", "language", "status", "status_reason", "status_date"),
    *("household", "guardian", "referrer", "tags", "attributes"),
)
_POINT = ("medium", "typed", "value", "patient", "problem", "line", "until")

Consents = dict[tuple[str, Purpose, Medium], Consent]


@attrs.frozen(eq=False)
class History:
    """People as records and ledger together say, read in batches.

    Attributes:
        records: The canonical tables.
        tables: The ledger's tables.
        practice: The practice's id.
        remember: Read each person once only. For rehearsals, in which neither records nor what was learnt change.
    """

    records: RecordTables
    tables: LedgerTables
    practice: str
    remember: bool = False
    _people: dict[str, Patient] = attrs.field(factory=dict, init=False, repr=False)
    _said: dict[str, Consents] = attrs.field(factory=dict, init=False, repr=False)

    def patients(self, connection: sa.Connection, ids: Sequence[str]) -> dict[str, Patient]:
        """Return the patients with these ids, with their contact points; unknown ids are left out."""
        if not self.remember:
            return self._read_patients(connection, ids)
        self._people.update(self._read_patients(connection, [one for one in ids if one not in self._people]))
        return {one: self._people[one] for one in ids if one in self._people}

    def _read_patients(self, connection: sa.Connection, ids: Sequence[str]) -> dict[str, Patient]:
        found: dict[str, Patient] = {}
        table = self.records.patient.now
        select = sa.select(*(table.c[name] for name in (*_NAME, *_REST)))
        for chunk in _chunks(ids):
            contacts = self._contacts(connection, chunk)
            rows = connection.execute(select.where(table.c.practice == self.practice, table.c.id.in_(chunk)))
            for row in rows:
                patient = _patient(row, contacts)
                found[patient.id] = patient
        return found

    def consents(self, connection: sa.Connection, ids: Sequence[str]) -> Consents:
        """Return the statement that holds for each patient, purpose and medium that has one."""
        if not self.remember:
            return self._read_consents(connection, ids)
        new = [one for one in ids if one not in self._said]
        self._said.update({one: {} for one in new})
        for key, statement in self._read_consents(connection, new).items():
            self._said[key[0]][key] = statement
        return {key: statement for one in ids for key, statement in self._said[one].items()}

    def _read_consents(self, connection: sa.Connection, ids: Sequence[str]) -> Consents:
        said: dict[tuple[str, Purpose, Medium], list[Consent]] = defaultdict(list)
        for chunk in _chunks(ids):
            for table, learnt in ((self.records.consent.now, False), (self.tables.learnt.consent, True)):
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
            sa.select(*(table.c[name] for name in _POINT))
            .where(table.c.practice == self.practice, table.c.patient.in_(ids))
            .order_by(table.c.patient, table.c.rank, table.c.id)
        )
        points: dict[str, list[ContactPoint]] = defaultdict(list)
        for medium, typed, value, owner, problem, line, until in connection.execute(query):
            kind = Line(line) if line else None
            points[owner].append(ContactPoint(Medium(medium), typed, value, owner, problem, kind, until))
        stopped = self._stopped(connection, [point for owned in points.values() for point in owned])
        return _without(points, stopped) if stopped else points

    def _stopped(self, connection: sa.Connection, points: Sequence[ContactPoint]) -> dict[ContactPoint, str]:
        """Return which addresses are suppressed, and why."""
        table = self.tables.learnt.suppression
        any_at_all = sa.select(table.c.reason).where(table.c.practice == self.practice).limit(1)
        if connection.execute(any_at_all).first() is None:
            return {}
        digests = {point: address_digest(self.practice, point.medium, point.value) for point in points if point.value}
        reasons: dict[str, str] = {}
        for chunk in _chunks(sorted(set(digests.values()))):
            mine = (table.c.practice == self.practice, table.c.address.in_(chunk))
            rows = connection.execute(sa.select(table.c.address, table.c.reason).where(*mine))
            reasons |= {row.address: row.reason for row in rows}
        return {point: reasons[address] for point, address in digests.items() if address in reasons}


def _without(points: dict[str, list[ContactPoint]], stopped: dict[ContactPoint, str]) -> dict[str, list[ContactPoint]]:
    return {
        owner: [attrs.evolve(point, problem=stopped.get(point, point.problem)) for point in owned]
        for owner, owned in points.items()
    }


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def _patient(row: sa.Row[Any], contacts: dict[str, list[ContactPoint]]) -> Patient:
    values: list[Any] = list(row)
    name, rest = values[: len(_NAME)], values[len(_NAME) :]
    id_, born, language, status, reason, since, household, guardian, referrer, tags, free = rest
    return Patient(
        id=id_,
        name=PersonName(*name),
        born=born,
        language=language,
        status=Status(status),
        status_reason=reason,
        status_date=since,
        household=household,
        guardian=guardian,
        referrer=referrer,
        contacts=tuple(contacts.get(id_, ())),
        tags=frozenset(tags.strip("|").split("|")) if tags != "|" else frozenset(),
        attributes=MappingProxyType(unpacked(free)),
    )
