"""What came back, as it was heard: each event once, with what it did, and nothing that anybody wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.touch import digest
from crmkit.ledger.trail.seal import Seal
from crmkit.people.medium import Medium
from crmkit.store.among import among

_CHUNK = 500
_PLAIN_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9._:/-]{1,100}")


class Did(StrEnum):
    """What an event did, or why it did less."""

    # What followed.
    MOVED = "moved"
    SUPPRESSED = "suppressed"
    STOPPED = "stopped"
    RATED = "rated"
    # Why less followed.
    WAITS = "waits"
    STANDS = "stands"
    NO_TOUCH = "no_touch"
    NOT_SENT = "not_sent"
    OTHER_MEDIUM = "other_medium"
    OTHER_ADDRESS = "other_address"
    UNPROVEN = "unproven"


@attrs.frozen
class Heard:
    """One event, as far as it is kept.

    Attributes:
        parser: The full name of the parser that read it.
        id: The event's id; by parser and id it is known again.
        kind: What happened, such as `bounced`.
        medium: By which way.
        at: When it happened, in UTC.
        key: The key of the touch that it names, empty if that is none of ours.
        address: The digest of that touch's address, empty if the event is not believed of it.
        permanent: Of a bounce: the address itself is at fault.
        status: An enhanced status code such as `5.1.1`.
        did: What it did.
        payload: The id of the payload that it was read from.
        reference: What the provider calls the message, where no message of that name was known yet.
        named: Then also what stands for the address that it named, empty if it named none.
        wishes: And for which purposes nobody may write any more, with blanks between them.
    """

    parser: str
    id: str
    kind: str
    medium: Medium
    at: datetime
    key: str = ""
    address: str = ""
    permanent: bool = False
    status: str = ""
    did: tuple[Did, ...] = ()
    payload: str = ""
    reference: str = ""
    named: str = ""
    wishes: str = ""


@attrs.frozen
class Sign:
    """One thing heard of an address: what, when, of which message, and of a bounce with which status code."""

    kind: str
    at: datetime
    key: str
    permanent: bool = False
    status: str = ""


def kept_id(id_: str) -> str:
    """Return an event's id as it is kept: as it is, or its digest where it could hold an address or a number.

    >>> kept_id("e-1"), kept_id("mia@home.example")
    ('e-1', '0c83ca975237224d0d83e43d0dfebfb3')
    """
    return id_ if _PLAIN_ID.fullmatch(id_) else digest(id_)


def known(
    connection: sa.Connection, tables: LedgerTables, practice: str, parser: str, ids: Sequence[str]
) -> frozenset[str]:
    """Return which of some events, by their kept ids, were heard before."""
    table = tables.learnt.heard
    found: set[str] = set()
    for start in range(0, len(ids), _CHUNK):
        mine = (table.c.practice == practice, table.c.parser == parser, among(table.c.id, ids[start : start + _CHUNK]))
        found |= set(connection.scalars(sa.select(table.c.id).where(*mine)))
    return frozenset(found)


def hear(connection: sa.Connection, seal: Seal, one: Heard, now: datetime, *, number: int = 1) -> None:
    """Write down an event with what it did; what it did later has a row of its own, with the next number."""
    row = {
        **attrs.asdict(one),
        "practice": seal.practice,
        "number": number,
        "medium": one.medium.value,
        "did": " ".join(one.did),
        "waits": Did.WAITS in one.did,
        "heard_at": now,
    }
    connection.execute(sa.insert(seal.tables.learnt.heard).values(**row, **seal.columns()))


def waiting(connection: sa.Connection, tables: LedgerTables, practice: str) -> list[tuple[Heard, datetime]]:
    """Return the events whose touch could not be moved yet, oldest first, each with when it was heard."""
    table = tables.learnt.heard
    after = table.alias("after")
    same = [after.c[name] == table.c[name] for name in ("practice", "parser", "id")]
    answered = sa.exists().where(*same, after.c.number > table.c.number)
    mine = (table.c.practice == practice, table.c.waits, ~answered)
    query = _select(table).add_columns(table.c.heard_at).where(*mine).order_by(table.c.at, table.c.id)
    return [(_heard(row), row.heard_at) for row in connection.execute(query)]


def signs(connection: sa.Connection, tables: LedgerTables, practice: str, address: str, since: datetime) -> list[Sign]:
    """Return what was heard of an address, given by its digest, from an instant on, oldest first."""
    table = tables.learnt.heard
    told = [table.c[field.name] for field in attrs.fields(Sign)]
    mine = (table.c.practice == practice, table.c.address == address, table.c.address != "", table.c.at >= since)
    # What waited has two rows, and the first may not have known whose address it is.
    query = sa.select(*told, table.c.id, table.c.parser).distinct().where(*mine).order_by(table.c.at, table.c.id)
    return [Sign(*row[: len(told)]) for row in connection.execute(query)]


def rate(connection: sa.Connection, seal: Seal, one: Heard, patient: str, rating: int) -> None:
    """Keep a rating with the patient who gave it and the message that asked for it."""
    row = {"parser": one.parser, "id": one.id, "patient": patient, "key": one.key, "at": one.at, "rating": rating}
    connection.execute(sa.insert(seal.tables.learnt.rating).values(practice=seal.practice, **row, **seal.columns()))


def _select(table: sa.Table) -> sa.Select[Any]:
    return sa.select(*(table.c[field.name] for field in attrs.fields(Heard)))


def _heard(row: sa.Row[Any]) -> Heard:
    did = tuple(Did(word) for word in row.did.split())
    told = {field.name: row._mapping[field.name] for field in attrs.fields(Heard)}
    return Heard(**{**told, "medium": Medium(row.medium), "did": did})
