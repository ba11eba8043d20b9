"""What PostgreSQL's planner knows of the tables: it counts them in passing, but not before a minute is over.

Until then it knows nothing of a table that was filled at once, by a first sync or a restored copy; and after an upgrade
of the server nothing of any table until a tenth of its rows has changed. It then takes a patient's id for no better
than the practice's, and reads all that the practice has for each hundred patients.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

#: Smaller tables are read whole as fast.
_LEAST_BYTES = 8 * 8192

_UNCOUNTED = sa.text(
    """
    SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = ANY(:names) AND c.relkind = 'r' AND pg_catalog.pg_relation_size(c.oid) >= :least
    AND CASE :schema WHEN '' THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = :schema END
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname)
    """
)


def uncounted(connection: sa.Connection, names: Iterable[str], schema: str) -> list[str]:
    """Return which tables of some names have grown and were never counted, in a schema or where they are visible."""
    given = {"names": [*names], "schema": schema, "least": _LEAST_BYTES}
    return sorted(connection.scalars(_UNCOUNTED, given))


def count(connection: sa.Connection, name: str) -> None:
    """Let the planner count a table, by a sample; if somebody else is about to, let it be."""
    connection.exec_driver_sql(f"ANALYZE (SKIP_LOCKED) {name}")
