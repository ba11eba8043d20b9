"""A ledger to try things on: temporary tables that stand for the real ones on one connection.

The records are read in place, not copied. What is written is seen by this connection only and goes with its
transaction. It works wherever temporary tables take precedence over others of the same name: SQLite and PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from crmkit.ledger.tables import LedgerTables, declare_ledger
from crmkit.store.store import Store


@contextmanager
def scratch_ledger(store: Store) -> Iterator[tuple[Store, LedgerTables]]:
    """Open a store whose ledger starts as a copy of the real one and leaves no trace."""
    with store.scratch() as shadow, shadow.begin() as connection:
        tables = _copy(shadow, connection)
        yield shadow, tables


def _copy(shadow: Store, connection: sa.Connection) -> LedgerTables:
    tables = declare_ledger(shadow)
    # Most of a ledger, and no plan and no sending asks for it: what arrived, and how all came to stand as it does.
    past = (tables.learnt.payload, tables.event, tables.entry, tables.learnt.decision, tables.learnt.audit)
    kept = {table: f"{table.name}_kept" for table in shadow.metadata.sorted_tables if table not in past}
    for table, copy in kept.items():
        # All names are the store's own, made of its checked prefix and schema.
        real = shadow.real(table.name)
        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {copy} AS SELECT * FROM {real}")  # noqa: S608
    shadow.metadata.create_all(connection, checkfirst=False)
    for table, copy in kept.items():
        columns = [column.name for column in table.columns]
        source = sa.table(copy, *(sa.column(name) for name in columns))
        connection.execute(sa.insert(table).from_select(columns, sa.select(source)))
        connection.exec_driver_sql(f"DROP TABLE {copy}")
    shadow.tell_planner(connection)
    return tables
