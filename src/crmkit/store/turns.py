"""Taking a turn as the one writer of a SQLite database, of which several processes may want to be."""

from __future__ import annotations

import sqlite3
from time import monotonic, sleep
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
    if connection.dialect.name != "sqlite":
        return
    driver: Any = connection.connection.driver_connection
    if driver is None or driver.in_transaction:
        return
    if owned and how != "BEGIN":
        _take_turn(driver, how)
    else:
        connection.exec_driver_sql(how)


def _take_turn(driver: sqlite3.Connection, how: str) -> None:
    # SQLite's own waiting sleeps up to a tenth of a second, while the lock comes free and is taken again.
    until = monotonic() + PATIENCE
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while not _begun(driver, how, last=monotonic() > until):
            sleep(_LOOK_AGAIN)
    finally:
        driver.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")


def _begun(driver: sqlite3.Connection, how: str, *, last: bool) -> bool:
    try:
        driver.execute(how)
    except sqlite3.OperationalError as problem:
        if last or problem.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True
