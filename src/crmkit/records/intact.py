"""Whether rows are what their source gave, and whether a sync wrote them.

Each keeps a digest of what was given, which a sync compares with what comes next. Who changes a no into a yes beside
crmkit, and leaves the digest, is found by it. Who changes the digest too, or slips in a row, cannot stamp it: for that
one needs the key.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from crmkit.records.stamp import Stamp, rows_of, stamped
from crmkit.records.tables import Kind, RecordTables

_CALLED = {"contact": "contact point"}


def not_as_given(
    connection: sa.Connection, tables: RecordTables, practice: str, stamp: Stamp | None = None
) -> Iterator[str]:
    """Yield in words, with ids only, which patients, contact points and consents are not what their source gave.

    Args:
        connection: Reads.
        tables: The canonical tables.
        practice: The practice's id.
        stamp: Makes the stamps that the rows must bear; None as long as they bear none.
    """
    for kind in stamped(tables):
        for row, as_given in rows_of(connection, kind, practice):
            if not as_given:
                yield f"{_whose(kind, row)} is not what the source {row['source']} gave"
            elif stamp and row["stamp"] != stamp.of(kind, row["digest"]):
                yield f"{_whose(kind, row)} was written by no sync that had the audit key"


def _whose(kind: Kind, row: sa.RowMapping) -> str:
    called = _CALLED.get(kind.name, kind.name)
    return f"patient {row['id']}" if kind.name == "patient" else f"patient {row['patient']}: a {called}"
