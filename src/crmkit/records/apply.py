"""Writing one kind of row: what is new is added, what changed keeps its past, what is the same is left alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa

from crmkit.records.build import Values, digest
from crmkit.records.stamp import Stamp, restamp
from crmkit.records.summary import Counts
from crmkit.records.tables import Kind

_CHUNK = 500


def apply_rows(
    connection: sa.Connection,
    kind: Kind,
    scope: tuple[str, str],
    rows: Mapping[str, Values],
    blank: Iterable[str],
    now: datetime,
    stamp: Stamp,
) -> Counts:
    """Write the rows of one kind of one source and return how many were added, changed and left alone.

    Args:
        connection: A transaction that may write.
        kind: The tables.
        scope: The practice's id and the source's name.
        rows: Values by id.
        blank: Ids that the source no longer gives; they move to the past.
        now: When all this became known.
        stamp: Makes the stamps of the rows.
    """
    gone = [id_ for id_ in blank if id_ not in rows]
    stamped = bool(stamp.key) and "stamp" in kind.now.c
    there = _there(connection, kind, scope, [*rows, *gone], "stamp" if stamped else "digest")
    digests = {id_: digest(values) for id_, values in rows.items()}
    added = [id_ for id_ in digests if id_ not in there]
    changed = [id_ for id_ in digests if id_ in there and there[id_][0] != digests[id_]]
    removed = [id_ for id_ in gone if id_ in there]
    _retire(connection, kind, scope, [*changed, *removed], now)
    practice, source = scope
    fresh = [
        {
            "practice": practice,
            "source": source,
            "digest": digests[id_],
            "known_at": now,
            **stamp.on(kind, digests[id_]),
            **rows[id_],
        }
        for id_ in (*added, *changed)
    ]
    if fresh:
        connection.execute(sa.insert(kind.now), fresh)
    unchanged = [id_ for id_ in digests if id_ in there and there[id_][0] == digests[id_]]
    if stamped:
        # A row that somebody slipped in, or a sync without the key wrote: the source says the same now.
        stamps = {id_: stamp.of(kind, digests[id_]) for id_ in unchanged}
        restamp(connection, kind, scope, {id_: one for id_, one in stamps.items() if there[id_][1] != one})
    return Counts(len(added), len(changed) + len(removed), len(unchanged))


def _there(
    connection: sa.Connection, kind: Kind, scope: tuple[str, str], ids: list[str], other: str
) -> dict[str, tuple[str, str]]:
    """Return by id the digest of each row that is there, and one other column."""
    table = kind.now
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        query = sa.select(table.c.id, table.c.digest, table.c[other]).where(_mine(table, scope), table.c.id.in_(some))
        found |= {row[0]: (row[1], row[2]) for row in connection.execute(query)}
    return found


def _retire(connection: sa.Connection, kind: Kind, scope: tuple[str, str], ids: list[str], now: datetime) -> None:
    names = [column.name for column in kind.now.columns if column.name in kind.was.c]
    for start in range(0, len(ids), _CHUNK):
        mine = sa.and_(_mine(kind.now, scope), kind.now.c.id.in_(ids[start : start + _CHUNK]))
        past = sa.select(
            *(kind.now.c[name] for name in names), sa.bindparam("until", now, kind.was.c.known_until.type)
        ).where(mine)
        connection.execute(sa.insert(kind.was).from_select([*names, "known_until"], past))
        connection.execute(sa.delete(kind.now).where(mine))


def _mine(table: sa.Table, scope: tuple[str, str]) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.practice == scope[0], table.c.source == scope[1])
