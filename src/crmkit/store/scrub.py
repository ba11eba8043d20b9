"""Getting rid of what was deleted: a database keeps the bytes of it until it needs the room."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import sqlalchemy as sa

from crmkit.store.refusal import is_in_the_way

#: For how many seconds one waits for others who are at work in the file.
PATIENCE = 5.0
_OTHER = "the database gives the space of what was erased free in its own time; its log and its backups keep it"
_BUSY = "another program uses the database, so its file could not be written anew: try again"
_NO_ROOM = (
    "the database's file could not be written anew ({}), which needs as much room once more where the system keeps"
    " temporary files (SQLITE_TMPDIR): make room, then try again"
)
_COPY = "VACUUM"
_SET = ("temp_store", "busy_timeout")


def rewrite(engine: sa.Engine) -> str:
    """Write the file of a SQLite database anew, without what was deleted, and empty its log.

    It takes as long as copying the file, and needs as much room once more. Nothing less does: with `secure_delete`
    SQLite blanks what is deleted, but where it moves rows and keys from one page to another their bytes stay behind in
    the first, and no later deletion finds them there.

    Returns:
        What is left to do, in words; empty if nothing is.
    """
    if engine.dialect.name != "sqlite":
        return _OTHER
    # The driver's own connection: a host's engine may begin a transaction on every other, and none may be open.
    with closing(engine.raw_connection()) as raw, closing(raw.cursor()) as cursor:
        return _rewritten(cursor)


def _rewritten(cursor: Any) -> str:
    """Write the file anew, and return why that could not be done; empty if it was."""
    was = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in _SET}
    try:
        # The copy is as large as the database: on the disk, not in memory.
        cursor.execute("PRAGMA temp_store = FILE")
        cursor.execute(f"PRAGMA busy_timeout = {int(PATIENCE * 1000)}")
        cursor.execute(_COPY)
        busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as problem:
        return _BUSY if is_in_the_way(problem) else _NO_ROOM.format(problem)
    finally:
        for name, value in was.items():
            cursor.execute(f"PRAGMA {name} = {value}")
    return _BUSY if busy else ""
