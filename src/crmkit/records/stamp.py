"""Stamps: by them a row that a sync wrote is told from one that somebody slipped in, who has no key to make one."""

from __future__ import annotations

import hmac
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping

import attrs
import sqlalchemy as sa

from crmkit.records.build import digest
from crmkit.records.tables import Kind, RecordTables

_AT_ONCE = 1000
_DIGITS = 32
#: What a row says beside what the source gave.
_OURS = frozenset({"practice", "source", "digest", "stamp", "known_at"})


@attrs.frozen
class Stamp:
    """Makes the stamps of one practice.

    A stamp says nothing of the source, which another may succeed, nor of the time.

    Attributes:
        practice: The practice's id.
        key: The host's audit key; without one no row is stamped.
    """

    practice: str
    key: bytes = attrs.field(default=b"", repr=False)

    def on(self, kind: Kind, digest: str) -> dict[str, str]:
        """Return what the row of a digest says beside what the source gave; empty where the kind bears no stamps."""
        return {"stamp": self.of(kind, digest)} if "stamp" in kind.now.c else {}

    def of(self, kind: Kind, digest: str) -> str:
        """Return the stamp of the row of a digest; empty without a key."""
        if not self.key:
            return ""
        told = json.dumps([self.practice, kind.name, digest])
        return hmac.digest(self.key, told.encode(), "sha256").hex()[:_DIGITS]


def stamped(tables: RecordTables) -> tuple[Kind, ...]:
    """Return the kinds whose rows bear stamps: who somebody is, where, and what may be sent."""
    return tuple(kind for kind in tables.kinds() if "stamp" in kind.now.c)


def rows_of(connection: sa.Connection, kind: Kind, practice: str) -> Iterator[tuple[sa.RowMapping, bool]]:
    """Yield the rows of a kind, and whether each is what its digest says."""
    query = sa.select(kind.now).where(kind.now.c.practice == practice).execution_options(yield_per=_AT_ONCE)
    with connection.execute(query) as rows:
        for row in rows.mappings():
            yield row, digest({name: value for name, value in row.items() if name not in _OURS}) == row["digest"]


def stamp_all(connection: sa.Connection, tables: RecordTables, stamp: Stamp) -> None:
    """Stamp the rows that are there as they are found, where they are what their source gave.

    Args:
        connection: A transaction that may write, in which nobody else writes the records.
        tables: The canonical tables.
        stamp: Makes the stamps.
    """
    for kind in stamped(tables):
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for row, as_given in rows_of(connection, kind, stamp.practice):
            if as_given:
                found[row["source"]][row["id"]] = stamp.of(kind, row["digest"])
        for source, stamps in found.items():
            restamp(connection, kind, (stamp.practice, source), stamps)


def restamp(connection: sa.Connection, kind: Kind, scope: tuple[str, str], stamps: Mapping[str, str]) -> None:
    """Stamp rows anew, given by id."""
    now = kind.now
    this = (now.c.practice == scope[0], now.c.source == scope[1], now.c.id == sa.bindparam("of_id"))
    if stamps:
        values = [{"of_id": id_, "stamp": one} for id_, one in stamps.items()]
        connection.execute(sa.update(now).where(*this), values)
