"""Commits that are on the disk when they return, whatever speed the database or the host's engine was tuned for.

A sender hands over what it has written down as intended. If a server or a machine that fails could forget that, the
next sender would hand the same over once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from crmkit.store.sqlite_writer import driver_of, in_transaction

_FULL = 2
_WAIT = sa.text("""
    SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'
""")


@contextmanager
def on_disk(connection: sa.Connection) -> Iterator[None]:
    """Let the commits of a connection to SQLite wait for the disk within; afterwards it is as it was."""
    if connection.dialect.name != "sqlite" or in_transaction(connection):
        yield
        return
    driver = driver_of(connection)
    (level,) = driver.execute("PRAGMA synchronous").fetchone()
    if level >= _FULL:
        yield
        return
    driver.execute(f"PRAGMA synchronous = {_FULL}")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA synchronous = {level}")


def await_disk(connection: sa.Connection) -> None:
    """Let the commit of this transaction on PostgreSQL wait for the disk, where it was told not to."""
    if connection.dialect.name == "postgresql":
        connection.execute(_WAIT)
