"""All that is kept about one patient, as it is kept: for a patient who asks what is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.address_search import unread_about
from crmkit.ledger.columns import sealed
from crmkit.ledger.learnt import address_digest
from crmkit.ledger.payloads import about
from crmkit.ledger.tables import LedgerTables
from crmkit.people.medium import Medium
from crmkit.records.erase import addresses_of
from crmkit.records.tables import RecordTables
from crmkit.store.among import among

Row = Mapping[str, Any]
#: What is the same in all rows, and what tells only whether a row was changed.
_OF_NOBODY = frozenset({"practice", "digest", "stamp", *(column.name for column in sealed())})


@attrs.frozen
class Disclosed:
    """All that is kept about a patient.

    Attributes:
        patient: The id.
        rows: The rows by table, each by column as it is kept; tables without any are left out. Digests that serve the
            audit are left out too. `payload` has what arrived as text; `named` is no table: it tells whose rows name
            this patient, and as what.
        withheld: The ids of payloads that may speak of other people too: they stand in `rows` without their content,
            and so does what was rejected and says not whose it is, but quotes an address of the patient.
    """

    patient: str
    rows: Mapping[str, tuple[Row, ...]] = attrs.field(repr=False)
    withheld: tuple[str, ...] = ()


def disclose(
    connection: sa.Connection, records: RecordTables, tables: LedgerTables, practice: str, patient: str
) -> Disclosed:
    """Return all that is kept about a patient; no rows if nothing is.

    Args:
        connection: A connection that sees the database as it was at one instant.
        records: The canonical tables.
        tables: The ledger's.
        practice: The practice's id.
        patient: The patient's id.
    """
    addresses = addresses_of(connection, records, practice, patient)
    found = dict(_recorded(connection, records, practice, patient, addresses))
    found |= _written(connection, tables, practice, patient)
    keys = [row["key"] for row in found["touch"] if row["patient"] == patient]
    digests = {row["address"] for row in found["touch"]} | _digests(records, connection, practice, patient)
    found |= _heard(connection, tables, practice, keys, sorted(digests - {""}))
    found["payload"], withheld = _payloads(connection, tables, practice, keys, addresses)
    return Disclosed(patient, {name: tuple(map(_shown, rows)) for name, rows in found.items() if rows}, withheld)


def _recorded(
    connection: sa.Connection, records: RecordTables, practice: str, patient: str, addresses: Sequence[str]
) -> Iterator[tuple[str, list[Row]]]:
    """Yield what the sources say of a patient, what they said before, and what of it could not be read."""
    for kind in records.kinds():
        for name, table in ((kind.name, kind.now), (f"{kind.name}_was", kind.was)):
            whose = table.c.id if kind.name == "patient" else table.c.patient
            yield name, _rows(connection, table, practice, whose == patient, by=("known_at", "id"))
    rejected = records.rejected
    mine = _rows(connection, rejected, practice, rejected.c.patient == patient, by=("rejected_at", "file", "line"))
    # A family shares an address: a row that says not whose it is may be about another of them.
    unsure = [_without(row, "row") for row in unread_about(connection, rejected, practice, addresses)]
    yield "rejected", [*mine, *unsure]
    person, referral = records.patient.now, records.referral.now
    named = [
        {"patient": other, "as": role}
        for role, whose, column in (
            ("guardian", person.c.id, person.c.guardian),
            ("referrer", person.c.id, person.c.referrer),
            ("referrer", referral.c.patient, referral.c.referrer),
        )
        for other in connection.scalars(sa.select(whose).where(column.table.c.practice == practice, column == patient))
    ]
    yield "named", sorted({(one["patient"], one["as"]): one for one in named}.values(), key=lambda one: one["patient"])


def _written(connection: sa.Connection, tables: LedgerTables, practice: str, patient: str) -> dict[str, list[Row]]:
    """Return what the ledger holds of the messages for a patient, or to one in another's place, and what was said."""
    touch, event, attempt, learnt = tables.touch, tables.event, tables.attempt, tables.learnt
    to_them = sa.or_(touch.c.patient == patient, touch.c.recipient == patient)
    of_theirs = sa.exists().where(tables.same_touch(event), to_them)
    handed = sa.or_(attempt.c.patient == patient, attempt.c.recipient == patient)
    said, rating, gone = learnt.consent, learnt.rating, learnt.forgotten
    return {
        "touch": _rows(connection, touch, practice, to_them, by=("due", "key")),
        "event": _rows(connection, event, practice, of_theirs, by=("at", "campaign", "occasion", "number")),
        "attempt": _rows(connection, attempt, practice, handed, by=("at", "campaign", "occasion", "number")),
        "learnt_consent": _rows(connection, said, practice, said.c.patient == patient, by=("at", "purpose", "medium")),
        "rating": _rows(connection, rating, practice, rating.c.patient == patient, by=("at", "id")),
        "forgotten": _rows(connection, gone, practice, gone.c.patient == patient, by=("at",)),
    }


def _heard(
    connection: sa.Connection, tables: LedgerTables, practice: str, keys: Sequence[str], digests: Sequence[str]
) -> dict[str, list[Row]]:
    """Return what came back about a patient's messages, and which of the addresses must not be used."""
    heard, stopped = tables.learnt.heard, tables.learnt.suppression
    return {
        "suppression": _rows(connection, stopped, practice, among(stopped.c.address, digests), by=("at", "number")),
        "heard": _rows(connection, heard, practice, among(heard.c.key, keys), by=("heard_at", "id", "number")),
    }


def _payloads(
    connection: sa.Connection, tables: LedgerTables, practice: str, keys: Sequence[str], addresses: Sequence[str]
) -> tuple[list[Row], tuple[str, ...]]:
    """Return what arrived about a patient; without its content where it may speak of others, such as a provider's call.

    Nobody else is spoken of where all that was heard of it is about the patient's own messages.
    """
    payload, heard = tables.learnt.payload, tables.learnt.heard
    ids = about(connection, tables, practice, keys, [*addresses, *keys])
    told = sa.select(heard.c.payload, heard.c.key).where(heard.c.practice == practice, among(heard.c.payload, ids))
    of: dict[str, set[str]] = {}
    for row in connection.execute(told):
        of.setdefault(row.payload, set()).add(row.key)
    own = {one for one, told_of in of.items() if told_of <= set(keys)}
    found = _rows(connection, payload, practice, among(payload.c.id, ids), by=("received_at", "id"))
    shown = [_content(row) if row["id"] in own else _without(row, "body", "headers") for row in found]
    return shown, tuple(row["id"] for row in found if row["id"] not in own)


def _content(row: Row) -> Row:
    return {**row, "body": row["body"].decode("utf-8", "replace")}


def _without(row: Row, *columns: str) -> Row:
    return {name: value for name, value in row.items() if name not in columns}


def _digests(records: RecordTables, connection: sa.Connection, practice: str, patient: str) -> set[str]:
    contact = records.contact
    queries = (
        sa.select(table.c.medium, table.c.value).where(table.c.practice == practice, table.c.patient == patient)
        for table in (contact.now, contact.was)
    )
    found = (row for query in queries for row in connection.execute(query))
    return {address_digest(practice, Medium(row.medium), row.value) for row in found}


def _rows(
    connection: sa.Connection,
    table: sa.Table,
    practice: str,
    which: sa.ColumnElement[bool],
    by: Sequence[str],
) -> list[Row]:
    query = sa.select(table).where(table.c.practice == practice, which).order_by(*(table.c[name] for name in by))
    return [dict(row._mapping) for row in connection.execute(query)]


def _shown(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in _OF_NOBODY}
