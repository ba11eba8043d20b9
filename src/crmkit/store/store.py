"""The database as the stages see it: transactions on one engine, tables under one prefix."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from crmkit.errors import ConfigError, StoreError
from crmkit.store.turns import PATIENCE, begin

#: An open transaction, for stages that pass it on without speaking SQL themselves.
Connection = sa.Connection


@attrs.define(eq=False)
class Store:
    """One database.

    Attributes:
        engine: The SQLAlchemy engine, the kit's own or the host's.
        metadata: The tables that the stages have declared, under `prefix`.
        owned: True if the engine is closed together with the store.
        pinned: A connection with an open transaction in which everything runs, for rehearsals; else each
            transaction takes its own.
        temporary: True if the tables declared in this store are to shadow the real ones on that connection.
    """

    engine: sa.Engine
    metadata: sa.MetaData = attrs.field(factory=sa.MetaData)
    prefix: str = "crmkit_"
    owned: bool = True
    pinned: sa.Connection | None = None
    temporary: bool = False

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Open a transaction that may write; it is committed at the end, rolled back on an exception."""
        if self.pinned is not None:
            with self.pinned.begin_nested():
                yield self.pinned
            return
        with self.engine.connect() as connection, connection.begin():
            # A writer that starts as a reader can fail half-way when another writer was faster.
            begin(connection, "BEGIN IMMEDIATE", owned=self.owned)
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a connection for reading only."""
        if self.pinned is not None:
            yield self.pinned
            return
        with self.engine.connect() as connection, connection.begin():
            begin(connection, "BEGIN", owned=self.owned)
            yield connection

    @contextmanager
    def scratch(self) -> Iterator[Store]:
        """Open a store of temporary tables, in a transaction of which nothing remains."""
        with self.engine.connect() as connection:
            transaction = connection.begin()
            try:
                begin(connection, "BEGIN", owned=self.owned)
                yield Store(self.engine, prefix=self.prefix, owned=False, pinned=connection, temporary=True)
            finally:
                transaction.rollback()

    def lock(self, connection: sa.Connection, what: str) -> None:
        """Let nobody else take the lock of this name until the transaction ends; on SQLite only one writes anyway."""
        if connection.dialect.name == "postgresql":
            # The prefix belongs to the name: another application's tables in this database have locks of their own.
            digest = hashlib.sha256(f"{self.prefix}{what}".encode()).digest()
            number = int.from_bytes(digest[:8], signed=True)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))

    def name(self, table: str) -> str:
        """Return a table's name in the database."""
        return f"{self.prefix}{table}"

    @property
    def prefixes(self) -> list[str]:
        """What stands between CREATE and TABLE for tables of this store."""
        return ["TEMPORARY"] if self.temporary else []

    def create(self) -> None:
        """Create the tables and indexes that do not exist yet."""
        with self.begin() as connection:
            self.metadata.create_all(connection)

    def close(self) -> None:
        """Give the connections back; a host's engine is left alone."""
        if self.owned and self.pinned is None:
            if self.engine.dialect.name == "sqlite":
                self._analyse()
            self.engine.dispose()

    def _analyse(self) -> None:
        """Count rows for SQLite's planner, which else takes the primary key: its first column is the practice's id."""
        # Somebody else who writes just now will do it when they close.
        with suppress(sa.exc.OperationalError), self.engine.connect() as connection:
            for statement in ("PRAGMA busy_timeout = 0", "PRAGMA analysis_limit = 1000", "ANALYZE"):
                connection.exec_driver_sql(statement)


def open_store(database: str | sa.Engine, *, prefix: str = "crmkit_") -> Store:
    """Return a store on a database URL or on the host's own engine.

    Raises:
        ConfigError: If the URL cannot be read or the prefix is no identifier.
        StoreError: If the database's folder does not exist.
    """
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,20}", prefix):
        raise ConfigError(
            f"the table prefix {prefix!r} is no identifier", mend="use lower-case letters, such as crmkit_"
        )
    if isinstance(database, sa.Engine):
        return Store(database, prefix=prefix, owned=False)
    try:
        url = sa.engine.make_url(database)
    except sa.exc.ArgumentError:
        raise ConfigError("the database is no URL", mend="write it as sqlite:///practice.db") from None
    return Store(_engine(url), prefix=prefix)


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    try:
        return sa.create_engine(url, hide_parameters=True)
    except (sa.exc.NoSuchModuleError, ImportError) as problem:
        mend = "install it, such as psycopg for postgresql+psycopg://"
        raise ConfigError(f"the database needs a driver that is missing ({problem})", mend=mend) from None


def _sqlite(url: sa.URL) -> sa.Engine:
    memory = not url.database or url.database == ":memory:"
    if not memory:
        path = Path(str(url.database)).expanduser()
        if not path.absolute().parent.is_dir():
            raise StoreError("the database's folder does not exist", where=str(path), mend="create the folder")
        url = url.set(database=str(path))
    more: dict[str, Any] = {"poolclass": StaticPool} if memory else {}
    engine = sa.create_engine(
        url, hide_parameters=True, connect_args={"timeout": PATIENCE, "check_same_thread": False}, **more
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(raw: Any, _: Any) -> None:
    # The driver's own transaction handling is switched off: it would begin as late as the first write.
    raw.isolation_level = None
    cursor = raw.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA temp_store=MEMORY")
    cursor.execute("PRAGMA cache_size=-16384")
    cursor.close()
