"""What arrived, as it arrived: kept apart from all else, until it expires."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs
import sqlalchemy as sa

from crmkit.ledger.address_search import holds
from crmkit.ledger.tables import LedgerTables
from crmkit.store.among import among

#: What opens the sender's door is not kept; what only signs the body is.
_KEYS = frozenset({"authorization", "cookie", "proxy-authorization"})
_AT_ONCE = 20


@attrs.frozen
class Kept:
    """One payload.

    Attributes:
        id: A digest of its bytes and its parser: the same mail twice is one payload.
        parser: The full name of the parser that it was for.
        received_at: When it arrived, in UTC.
        body: The bytes as they came.
        headers: The call's headers with lower-case names, without passwords.
        problem: Why it could not be read, empty where it was.
    """

    id: str
    parser: str
    received_at: datetime
    body: bytes = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    problem: str = ""


def payload_id(parser: str, body: bytes) -> str:
    """Return the id of a payload.

    >>> payload_id("email.bounces", b"")
    '8c7aa12538856314312b432624e06634'
    """
    return hashlib.sha256(parser.encode() + b"\0" + body).hexdigest()[:32]


def keep(connection: sa.Connection, tables: LedgerTables, practice: str, one: Kept, expires_at: datetime) -> None:
    """Keep a payload; what is there already is taken for what it is now, and expires as it would have."""
    table = tables.learnt.payload
    headers = {name: value for name, value in one.headers.items() if name not in _KEYS} if one.problem else {}
    state = {"problem": one.problem, "headers": headers, "received_at": one.received_at}
    mine = (table.c.practice == practice, table.c.id == one.id)
    if connection.execute(sa.update(table).where(*mine).values(**state)).rowcount:
        return
    row = {"practice": practice, "id": one.id, "parser": one.parser, "body": one.body, "expires_at": expires_at}
    connection.execute(sa.insert(table).values(**row, **state))


def drop(connection: sa.Connection, tables: LedgerTables, practice: str, id_: str) -> None:
    """Delete a payload of which it turned out that there is nothing in it."""
    table = tables.learnt.payload
    connection.execute(sa.delete(table).where(table.c.practice == practice, table.c.id == id_))


def has_expired(connection: sa.Connection, tables: LedgerTables, practice: str, now: datetime) -> bool:
    """Tell whether there are payloads whose time is over."""
    table = tables.learnt.payload
    over = sa.select(table.c.id).where(table.c.practice == practice, table.c.expires_at <= now).limit(1)
    return connection.execute(over).first() is not None


def expire(connection: sa.Connection, tables: LedgerTables, practice: str, now: datetime) -> int:
    """Delete the payloads whose time is over; return how many."""
    table = tables.learnt.payload
    gone = connection.execute(sa.delete(table).where(table.c.practice == practice, table.c.expires_at <= now))
    return gone.rowcount


def erase(
    connection: sa.Connection, tables: LedgerTables, practice: str, keys: Sequence[str], addresses: Sequence[str]
) -> int:
    """Delete the payloads that told of touches with these keys, or hold one of these addresses; return how many."""
    table, found = tables.learnt.payload, about(connection, tables, practice, keys, addresses)
    return connection.execute(sa.delete(table).where(table.c.practice == practice, among(table.c.id, found))).rowcount


def about(
    connection: sa.Connection, tables: LedgerTables, practice: str, keys: Sequence[str], addresses: Sequence[str]
) -> list[str]:
    """Return the ids of the payloads that told of touches with these keys, or hold one of these addresses."""
    table, heard = tables.learnt.payload, tables.learnt.heard
    told = sa.select(heard.c.payload).where(heard.c.practice == practice, among(heard.c.key, keys))
    found = {one for one in connection.scalars(told) if one}
    bodies = sa.select(table.c.id, table.c.body, table.c.headers).where(table.c.practice == practice)
    # A driver would hold all of them at once, each up to a million bytes.
    with connection.execute(bodies.execution_options(yield_per=_AT_ONCE)) as rows:
        found |= {row.id for row in rows if holds(_whole(row.body, row.headers), addresses)}
    return sorted(found)


def _whole(body: bytes, headers: Mapping[str, str]) -> bytes:
    return b"\n".join([body, *(str(value).encode("utf-8", "replace") for value in headers.values())])


def unread(connection: sa.Connection, tables: LedgerTables, practice: str) -> list[str]:
    """Return the ids of the payloads that could not be read, oldest first."""
    table = tables.learnt.payload
    mine = (table.c.practice == practice, table.c.problem != "")
    return list(connection.scalars(sa.select(table.c.id).where(*mine).order_by(table.c.received_at, table.c.id)))


def payloads(connection: sa.Connection, tables: LedgerTables, practice: str, ids: Sequence[str]) -> list[Kept]:
    """Return those of some payloads that could not be read, in the order of their ids."""
    table = tables.learnt.payload
    query = sa.select(*(table.c[field.name] for field in attrs.fields(Kept)))
    mine = (table.c.practice == practice, table.c.problem != "", among(table.c.id, ids))
    found = {row.id: Kept(**row._mapping) for row in connection.execute(query.where(*mine))}
    return [found[id_] for id_ in ids if id_ in found]
