"""Taking a turn as the one writer of a SQLite database, of which several processes may want to be."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from traceback import clear_frames
from typing import Any

import sqlalchemy as sa

#: For how many seconds one waits for others who write.
PATIENCE = 30
_LOOK_AGAIN = 0.001


def begin(connection: sa.Connection, how: str, *, owned: bool) -> None:
    """Let a transaction on SQLite begin now: the driver by itself begins as late as the first INSERT, after any DDL.

    Args:
        connection: On any database; on others than SQLite nothing is done.
        how: `BEGIN`, or `BEGIN IMMEDIATE` for one who will write.
        owned: True if the engine is the kit's own, so that its patience may be seen to here.
    """
    if connection.dialect.name != "sqlite" or in_transaction(connection):
        return
    if owned and how != "BEGIN":
        _take_turn(connection, how)
    else:
        connection.exec_driver_sql(how)


def in_transaction(connection: sa.Connection) -> bool:
    """Tell whether the driver's connection to SQLite stands in a transaction; False on other databases."""
    return connection.dialect.name == "sqlite" and bool(driver_of(connection).in_transaction)


@contextmanager
def at_once(connection: sa.Connection) -> Iterator[Any]:
    """Let a connection to SQLite be refused at once, and not wait, while it is used here; yield the driver's own."""
    driver = driver_of(connection)
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        yield driver
    finally:
        driver.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")


@contextmanager
def let_go() -> Iterator[None]:
    """Let go of a statement amid which somebody pressed Ctrl-C.

    SQLAlchemy closes its connection, but as long as the traceback holds the statement, SQLite keeps the transaction
    open: whoever writes next, such as to give back what was claimed, would wait for it in vain.
    """
    try:
        yield
    except BaseException as problem:
        if not isinstance(problem, Exception):
            clear_frames(problem.__traceback__)
        raise


def driver_of(connection: sa.Connection) -> Any:
    """Return the driver's own connection."""
    return connection.connection.driver_connection


def _take_turn(connection: sa.Connection, how: str) -> None:
    # SQLite's own waiting sleeps up to a tenth of a second, while the lock comes free and is taken again.
    until = monotonic() + PATIENCE
    with at_once(connection) as driver:
        while (refused := _refused(driver, how)) == sqlite3.SQLITE_BUSY and monotonic() < until:
            sleep(_LOOK_AGAIN)
        if refused:
            connection.exec_driver_sql(how)


def _refused(driver: sqlite3.Connection, how: str) -> int:
    """Try to begin, and return why it was refused; 0 if it was not."""
    try:
        driver.execute(how)
    except sqlite3.OperationalError as problem:
        return problem.sqlite_errorcode
    return 0
