"""A database moved into another one, of another kind perhaps: every row as it is, all of them or none."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import sqlalchemy as sa

from crmkit.errors import StoreError
from crmkit.store.store import Connection, Store
from crmkit.store.version import alone, is_new, set_up, to_itself, wrong

_AT_ONCE = 1000


def copy(source: Store, target: Store, may: Callable[[Connection], None]) -> int:
    """Copy all rows into a database that has none of the tables yet, and return how many there were.

    Nobody writes to the source meanwhile. If it fails or is killed, the target is as empty as before.

    Args:
        source: The database to read.
        target: Where to write.
        may: Is asked when nobody else writes to the source any more, and raises if it is not to be copied now.

    Raises:
        StoreError: If the source is of another revision than this version needs, the target is not empty, or a
            database refuses.
    """
    copied = 0

    def fill(read: Connection, write: Connection) -> None:
        nonlocal copied
        # Both stand in the order in which they were declared.
        for table, same in zip(source.metadata.tables.values(), target.metadata.tables.values(), strict=True):
            copied += _rows(read, table, write, same)

    # To open a file that is missing would make it.
    if not source.exists() or is_new(source):
        raise StoreError("there is nothing to copy", where=_where(source), mend="name the database that has been used")
    with source.begin() as connection:
        if problem := wrong(source, alone(connection, source)):
            raise problem
        to_itself(connection, source)
        may(connection)
        if not set_up(target, partial(fill, connection)):
            mend = "give an empty one: another file, schema or prefix"
            raise StoreError("the database to copy to has tables of crmkit already", where=_where(target), mend=mend)
    return copied


def _rows(read: Connection, table: sa.Table, write: Connection, same: sa.Table) -> int:
    number = 0
    with read.execute(sa.select(table).execution_options(yield_per=_AT_ONCE)) as found:
        for rows in found.mappings().partitions():
            write.execute(sa.insert(same), [dict(row) for row in rows])
            number += len(rows)
    return number


def _where(store: Store) -> str:
    return store.engine.url.database or ""
