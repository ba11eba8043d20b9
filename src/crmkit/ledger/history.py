"""What holds now: the records and what the kit learnt, joined. Every stage reads people through here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.learnt import address_digest
from crmkit.ledger.tables import LedgerTables
from crmkit.people.attribute import Attribute, unpacked
from crmkit.people.consent import Consent, standing
from crmkit.people.contact import ContactPoint, Line
from crmkit.people.medium import Medium, Purpose
from crmkit.people.name import PersonName
from crmkit.people.patient import Patient, Status
from crmkit.records.tables import RecordTables
from crmkit.store.among import among
from crmkit.store.rows import Rows

#: What one statement of SQL may name at once, on every database.
CHUNK = 500
_NAME = ("prefix", "given", "preferred", "middle", "family", "suffix", "full_name")
_REST = (
    *("id", "born", "language", "status", "status_reason", "status_date"),
    *("household", "guardian", "referrer", "tags", "attributes", "region", "country"),
)
_POINT = ("medium", "typed", "value", "patient", "problem", "line", "until")
_SAID = ("patient", "purpose", "medium", "given", "at", "wording", "evidence")

# Looked up, for each value of each row, in a third of the time that an enumeration takes to find its member.
_STATUS, _LINE = {one.value: one for one in Status}, {"": None, **{one.value: one for one in Line}}
_PURPOSE, _MEDIUM = {one.value: one for one in Purpose}, {one.value: one for one in Medium}
# What nearly all patients have in common.
_NO_TAGS: frozenset[str] = frozenset()
_NO_ATTRIBUTES: Mapping[str, Attribute] = MappingProxyType({})

Consents = dict[tuple[str, Purpose, Medium], Consent]


@attrs.frozen
class _Asks:
    """The statements, made once: to make one takes longer than to find its rows."""

    patients: Rows
    contacts: Rows
    said: Rows
    any_stopped: sa.Select[Any]
    stopped: sa.Select[Any]

    @classmethod
    def of(cls, records: RecordTables, tables: LedgerTables, practice: str) -> _Asks:
        """Return the statements about one practice's people."""
        patient, contact, consent = records.patient.now, records.contact.now, records.consent.now
        suppression = tables.learnt.suppression
        said = (_said(consent, practice, learnt=False), _said(tables.learnt.consent, practice, learnt=True))
        order = (contact.c.patient, contact.c.rank, contact.c.id, contact.c.source)
        of_addresses = _columns(suppression, ("address", "reason"), practice)
        return cls(
            patients=Rows(_columns(patient, (*_NAME, *_REST), practice).where(among(patient.c.id, "ids"))),
            contacts=Rows(_columns(contact, _POINT, practice).where(among(contact.c.patient, "ids")).order_by(*order)),
            said=Rows(sa.union_all(*said)),
            any_stopped=of_addresses.limit(1),
            stopped=of_addresses.where(among(suppression.c.address, "addresses")).order_by(suppression.c.number),
        )


def _columns(table: sa.Table, names: Sequence[str], practice: str) -> sa.Select[Any]:
    return sa.select(*(table.c[name] for name in names)).where(table.c.practice == practice)


def _said(table: sa.Table, practice: str, *, learnt: bool) -> sa.Select[Any]:
    """Return the statements of patients that a table holds, and whether the kit learnt them."""
    origin = sa.literal(learnt).label("learnt")
    return _columns(table, _SAID, practice).add_columns(origin).where(among(table.c.patient, "ids"))


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
    _asks: _Asks = attrs.field(init=False, repr=False)
    _people: dict[str, Patient] = attrs.field(factory=dict, init=False, repr=False)
    _said: dict[str, Consents] = attrs.field(factory=dict, init=False, repr=False)

    @_asks.default
    def _put_asks(self) -> _Asks:
        return _Asks.of(self.records, self.tables, self.practice)

    def patients(self, connection: sa.Connection, ids: Sequence[str]) -> dict[str, Patient]:
        """Return the patients with these ids, with their contact points; unknown ids are left out."""
        if not self.remember:
            return self._read_patients(connection, ids)
        self._people.update(self._read_patients(connection, [one for one in ids if one not in self._people]))
        return {one: self._people[one] for one in ids if one in self._people}

    def _read_patients(self, connection: sa.Connection, ids: Sequence[str]) -> dict[str, Patient]:
        if not ids:
            return {}
        contacts = self._contacts(connection, ids)
        rows = self._asks.patients.of(connection, {"ids": ids})
        return {patient.id: patient for patient in (_patient(row, contacts) for row in rows)}

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
        holds: Consents = {}
        several: dict[tuple[str, Purpose, Medium], list[Consent]] = {}
        rows = self._asks.said.of(connection, {"ids": ids}) if ids else ()
        for who, why, how, given, at, wording, evidence, learnt in rows:
            key = who, _PURPOSE[why], _MEDIUM[how]
            one = Consent(*key, given, at, wording, evidence, learnt)
            first = holds.setdefault(key, one)
            if first is not one:
                several.setdefault(key, [first]).append(one)
        # Nearly everybody has said one thing once.
        return holds | {key: last for key, said in several.items() if (last := standing(said))}

    def said(self, connection: sa.Connection, patient: str) -> list[Consent]:
        """Return all that a patient ever said, the latest first, also what does not hold any more."""
        rows = self._asks.said.of(connection, {"ids": [patient]})
        said = [Consent(who, _PURPOSE[why], _MEDIUM[how], *rest) for who, why, how, *rest in rows]
        return sorted(said, key=lambda one: one.at, reverse=True)

    def at_address(self, connection: sa.Connection, medium: Medium, value: str, of_age: date) -> list[str]:
        """Return the patients whose messages an address gets: those who have it, and those in their care.

        Args:
            connection: Reads.
            medium: The medium. A telephone number counts for messages and for calls.
            value: The address in its normal form.
            of_age: The last date of birth of those who read what is meant for them.
        """
        table = self.records.contact.now
        media = (Medium.SMS, Medium.PHONE) if medium in (Medium.SMS, Medium.PHONE) else (medium,)
        # Letters of either case are one address. That is for Python to say; the database tells what is as long.
        query = sa.select(table.c.patient, table.c.value).where(
            table.c.practice == self.practice,
            table.c.medium.in_([one.value for one in media]),
            sa.func.length(table.c.value) == len(value),
        )
        wanted = value.casefold()
        owners = {row.patient for row in connection.execute(query) if row.value.casefold() == wanted}
        return sorted(owners.union(self.wards(connection, sorted(owners), of_age)))

    def wards(self, connection: sa.Connection, guardians: Sequence[str], of_age: date) -> list[str]:
        """Return the patients whose messages some guardians get in their place; not those who have come of age."""
        patient = self.records.patient.now
        young = patient.c.born.is_(None) | (patient.c.born > of_age)
        mine = (patient.c.practice == self.practice, among(patient.c.guardian, guardians), young)
        return sorted(connection.scalars(sa.select(patient.c.id).where(*mine)))

    def _contacts(self, connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[ContactPoint]]:
        points: dict[str, list[ContactPoint]] = defaultdict(list)
        rows = self._asks.contacts.of(connection, {"ids": ids})
        for medium, typed, value, owner, problem, line, until in rows:
            points[owner].append(ContactPoint(_MEDIUM[medium], typed, value, owner, problem, _LINE[line], until))
        stopped = self._stopped(connection, points.values())
        return _without(points, stopped) if stopped else points

    def _stopped(self, connection: sa.Connection, points: Iterable[Sequence[ContactPoint]]) -> dict[ContactPoint, str]:
        """Return which addresses are suppressed, and why."""
        if connection.execute(self._asks.any_stopped).first() is None:
            return {}
        used = [point for owned in points for point in owned if point.value]
        digests = {point: address_digest(self.practice, point.medium, point.value) for point in used}
        rows = connection.execute(self._asks.stopped, {"addresses": sorted(set(digests.values()))})
        # The last row of an address holds; one without a reason lets it be used again.
        reasons = {row.address: row.reason for row in rows}
        return {point: reasons[address] for point, address in digests.items() if reasons.get(address)}


def _without(points: dict[str, list[ContactPoint]], stopped: dict[ContactPoint, str]) -> dict[str, list[ContactPoint]]:
    return {
        owner: [attrs.evolve(point, problem=stopped.get(point, point.problem)) for point in owned]
        for owner, owned in points.items()
    }


def _patient(row: Sequence[Any], contacts: dict[str, list[ContactPoint]]) -> Patient:
    *name, id_, born, language, status, reason, since, household, guardian, referrer, tags, free, region, country = row
    points = tuple(contacts.get(id_, ()))
    labels = frozenset(tags.strip("|").split("|")) if tags != "|" else _NO_TAGS
    attributes = MappingProxyType(unpacked(free)) if free else _NO_ATTRIBUTES
    # By place: by name it takes half as long again, for each patient of each window.
    known = (language, _STATUS[status], reason, since, household, guardian, referrer, points, labels, attributes)
    return Patient(id_, PersonName(*name), born, *known, region, country)
