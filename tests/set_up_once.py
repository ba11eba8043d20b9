"""The tables of an SQLite file are made once in a run; every other file that is empty is given a copy of the first.

To make forty tables with their indexes takes longer than all else that opening a practice does, and nearly every test
opens one on a file of its own. Only a file in which nothing is yet is given a copy: databases in memory, or with tables
of a host's, and those of PostgreSQL (see `Postgres.ready`) are set up as ever. A test about setting up takes
`inspect.unwrap(make_ready)`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy as sa

from crmkit.store import version
from crmkit.store.store import Store


def set_up_once(replace: Callable[[Any, Any], None]) -> None:
    """Let whoever makes a file ready be given the tables that were made before."""
    real, made, alone = version.make_ready, dict[sa.MetaData, bytes](), Lock()

    @wraps(real)
    def make_ready(store: Store) -> None:
        with alone:
            file = _empty_file(store)
            if file and store.metadata in made:
                file.write_bytes(made[store.metadata])
                file = None
        real(store)
        if file:
            made[store.metadata] = _copy(file)

    replace(real, make_ready)


def _empty_file(store: Store) -> Path | None:
    file = store._file
    return file if file and not (file.exists() and file.stat().st_size) else None


def _copy(file: Path) -> bytes:
    with closing(sqlite3.connect(file)) as given, closing(sqlite3.connect(":memory:")) as taken:
        given.backup(taken)
        return taken.serialize()
