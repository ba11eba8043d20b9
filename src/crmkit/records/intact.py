"""Whether rows are what their source gave: each keeps a digest of that, which a sync compares with what comes next.

Who changes a no into a yes beside crmkit, and leaves the digest, is found by it; if the digest is changed too, the next
sync puts the row right, for to it the source gives another one.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from crmkit.records.build import digest
from crmkit.records.tables import Kind, RecordTables

_AT_ONCE = 1000
#: What a row says beside what the source gave.
_OURS = frozenset({"practice", "source", "digest", "known_at"})


def not_as_given(connection: sa.Connection, tables: RecordTables, practice: str) -> Iterator[str]:
    """Yield in words, with ids only, which patients and consents are not what their source gave."""
    for kind in (tables.patient, tables.consent):
        query = sa.select(kind.now).where(kind.now.c.practice == practice).execution_options(yield_per=_AT_ONCE)
        with connection.execute(query) as rows:
            for row in rows.mappings():
                if digest({name: value for name, value in row.items() if name not in _OURS}) != row["digest"]:
                    yield f"{_whose(kind, row)} is not what the source {row['source']} gave"


def _whose(kind: Kind, row: sa.RowMapping) -> str:
    return f"patient {row['id']}" if kind.name == "patient" else f"patient {row['patient']}: a {kind.name}"
