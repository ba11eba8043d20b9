"""Getting rid of what was deleted: a database keeps the bytes of it until it needs the room."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import sqlalchemy as sa

#: For how many seconds one waits for others who are at work in the file.
PATIENCE = 5.0
_OTHER = "the database gives the space of what was erased free in its own time; its log and its backups keep it"
_BUSY = "another program uses the database, so its file could not be written anew: try again"
_SET = ("temp_store", "busy_timeout")


def rewrite(engine: sa.Engine) -> str:
    """Write the file of a SQLite database anew, without what was deleted, and empty its log.

    It takes as long as copying the file, and needs as much room once more.

    Returns:
        What is left to do, in words; empty if nothing is.
    """
    if engine.dialect.name != "sqlite":
        return _OTHER
    # The driver's own connection: a host's engine may begin a transaction on every other, and none may be open.
    with closing(engine.raw_connection()) as raw, closing(raw.cursor()) as cursor:
        return "" if _rewritten(cursor) else _BUSY


def _rewritten(cursor: Any) -> bool:
    was = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in _SET}
    try:
        # The copy is as large as the database: on the disk, not in memory.
        cursor.execute("PRAGMA temp_store = FILE")
        cursor.execute(f"PRAGMA busy_timeout = {int(PATIENCE * 1000)}")
        cursor.execute("VACUUM")
        busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        return False
    finally:
        for name, value in was.items():
            cursor.execute(f"PRAGMA {name} = {value}")
    return not busy
