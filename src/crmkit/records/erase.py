"""Erasing one patient from the records: what holds now, what held before, and what could not be read."""

from __future__ import annotations

import sqlalchemy as sa

from crmkit.people.medium import Medium
from crmkit.records.tables import Kind, RecordTables


def erase(connection: sa.Connection, tables: RecordTables, practice: str, patient: str) -> dict[str, int]:
    """Delete all rows of a patient and return how many there were in each table; tables without any are left out.

    Rows of others that merely name the patient's id, as their guardian or referrer, stay: an id says nothing any more.

    Args:
        connection: A transaction that may write, in which nobody else writes the records.
        tables: The canonical tables.
        practice: The practice's id.
        patient: The patient's id.
    """
    rejected = tables.rejected
    mine = sa.delete(rejected).where(rejected.c.practice == practice, rejected.c.patient == patient)
    erased = {"rejected": connection.execute(mine).rowcount}
    for kind in tables.kinds():
        for name, table in ((kind.name, kind.now), (f"{kind.name}_was", kind.was)):
            done = connection.execute(sa.delete(table).where(*_of(kind, table, practice, patient)))
            erased[name] = done.rowcount
    return {name: number for name, number in erased.items() if number}


def addresses_of(connection: sa.Connection, tables: RecordTables, practice: str, patient: str) -> list[str]:
    """Return all addresses and numbers that a patient has or had, as typed and in normal form."""
    found: set[str] = set()
    for table in (tables.contact.now, tables.contact.was):
        mine = (table.c.practice == practice, table.c.patient == patient, table.c.medium != Medium.POST.value)
        for row in connection.execute(sa.select(table.c.typed, table.c.value).where(*mine)):
            found |= {row.typed, row.value}
    return sorted(found - {""})


def _of(kind: Kind, table: sa.Table, practice: str, patient: str) -> tuple[sa.ColumnElement[bool], ...]:
    whose = table.c.id if kind.name == "patient" else table.c.patient
    return table.c.practice == practice, whose == patient
