"""A ledger to try things on: temporary tables that stand for the real ones on one connection.

The records are read in place, not copied. What is written is seen by this connection only and goes with its
transaction. It works wherever temporary tables take precedence over others of the same name: SQLite and PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.state import CLAIMABLE, State
from crmkit.ledger.tables import TOUCH, LedgerTables, declare_ledger
from crmkit.store.among import among
from crmkit.store.store import Store

_UNDERWAY = tuple(one.value for one in (State.CLAIMED, State.SENDING, State.RETRY, State.UNKNOWN))
#: Where touches stand that a plan or a sender takes up again, however old they are.
_UNSETTLED = (*(one.value for one in (*CLAIMABLE, State.HELD)), *_UNDERWAY)


@attrs.frozen
class Needed:
    """What of a ledger a trial can ask for; all else is left out of the copy.

    Attributes:
        practice: Whose rows.
        since: Settled touches are asked for only if they were not stale by then.
        whole: The names of the tables of which anything may be asked.
    """

    practice: str
    since: datetime
    whole: frozenset[str] = frozenset()


@contextmanager
def scratch_ledger(store: Store, needed: Needed) -> Iterator[tuple[Store, LedgerTables]]:
    """Open a store whose ledger starts as a copy of what is needed of the real one, and leaves no trace."""
    with store.scratch() as shadow, shadow.begin() as connection:
        tables = _copy(shadow, connection, needed)
        yield shadow, tables


def _copy(shadow: Store, connection: sa.Connection, needed: Needed) -> LedgerTables:
    tables = declare_ledger(shadow)
    for table in shadow.metadata.sorted_tables:
        # All names are the store's own, made of its checked prefix and schema.
        empty = f"CREATE TEMPORARY TABLE {table.name}_kept AS SELECT * FROM {shadow.real(table.name)} WHERE 1 = 0"  # noqa: S608
        connection.exec_driver_sql(empty)
        for chosen in _chosen(shadow, tables, table, needed):
            connection.execute(sa.insert(_plain(table)).from_select(table.columns.keys(), chosen))
    for table in shadow.metadata.sorted_tables:
        connection.execute(sa.schema.CreateTable(table))
        filled = sa.insert(table).from_select(table.columns.keys(), sa.select(_plain(table)))
        connection.execute(filled)
        connection.exec_driver_sql(f"DROP TABLE {table.name}_kept")
        # Sorting the rows of an index once takes a fraction of the time of finding each one's place.
        for index in table.indexes:
            index.create(connection)
    shadow.tell_planner(connection)
    return tables


def _plain(table: sa.Table) -> sa.TableClause:
    return sa.table(f"{table.name}_kept", *(sa.column(column.name) for column in table.columns))


def _chosen(shadow: Store, tables: LedgerTables, table: sa.Table, needed: Needed) -> Iterator[sa.Select[Any]]:
    """Yield the select of a real table's rows that are needed, while no other table stands before it; or nothing."""
    there = sa.MetaData(schema=shadow.schema or None)
    touch = tables.touch.to_metadata(there)
    real = touch if table is tables.touch else table.to_metadata(there)
    rows = sa.select(real).where(real.c.practice == needed.practice)
    learnt = tables.learnt
    if table.name in needed.whole:
        yield rows
    elif table is tables.touch:
        yield rows.where(sa.or_(real.c.stale > needed.since, among(real.c.state, _UNSETTLED)))
    elif table is tables.attempt:
        # Only of what is in doubt: what is said again must be what was said before.
        yield rows.join(touch, sa.and_(*(touch.c[name] == real.c[name] for name in TOUCH))).where(
            among(touch.c.state, _UNDERWAY)
        )
    elif table not in (tables.event, tables.entry, learnt.payload, learnt.heard, learnt.decision, learnt.audit):
        # Those are most of a ledger, and no plan and no sending asks for them: what arrived, and how all came to stand.
        yield rows
