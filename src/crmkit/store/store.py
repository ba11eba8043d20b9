"""The database as the stages see it: transactions on one engine, tables under one prefix."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from time import monotonic, sleep

import attrs
import sqlalchemy as sa

from crmkit.errors import ConfigError, StoreError
from crmkit.exact import exact
from crmkit.store.engine import insist_on_sense, joined, open_engine, transaction
from crmkit.store.names import insist_on_name, written
from crmkit.store.postgresql_statistics import count, uncounted
from crmkit.store.scrub import rewrite
from crmkit.store.sqlite_statistics import is_told, tell
from crmkit.store.sqlite_unchanged import unchanged
from crmkit.store.sqlite_writer import at_once

#: An open transaction, for stages that pass it on without speaking SQL themselves.
Connection = sa.Connection


def _within_schema(store: Store) -> sa.MetaData:
    # Temporary tables have a schema of their own, which the database looks through first.
    return sa.MetaData(schema=None if store.temporary else store.schema or None)


#: In seconds, where somebody else holds a lock.
_LOOK_AGAIN = 0.002


@attrs.define(eq=False)
class Store:
    """One database.

    Attributes:
        engine: The SQLAlchemy engine, the kit's own or the host's.
        prefix: What the names of all tables begin with.
        schema: In which schema they lie; empty for the one that the database takes by itself.
        owned: True if the engine is closed together with the store.
        pinned: A connection with an open transaction in which everything runs, for rehearsals; else each
            transaction takes its own.
        temporary: True if the tables declared in this store are to shadow the real ones on that connection.
        metadata: The tables that the stages have declared.
        insist: Is called at the beginning of each transaction that may write, and raises if the database is no more
            as it was when it was opened; before that nothing is asked.
    """

    engine: sa.Engine
    prefix: str = "crmkit_"
    schema: str = ""
    owned: bool = True
    pinned: sa.Connection | None = None
    temporary: bool = False
    metadata: sa.MetaData = attrs.field(default=attrs.Factory(_within_schema, takes_self=True), init=False)
    insist: Callable[[sa.Connection], None] = attrs.field(default=lambda _: None, init=False, repr=False)
    _process: int = attrs.field(factory=os.getpid, init=False, repr=False)

    @property
    def inherited(self) -> bool:
        """Whether it was opened by another process, of which this one is a fork."""
        return self._process != os.getpid()

    def not_forked(self) -> None:
        """Refuse to work in a fork: two processes would speak on one connection, and write under one name.

        Raises:
            StoreError: If it was opened before the fork.
        """
        if self.inherited:
            mend = "open one in each process, after the fork: in gunicorn without --preload, or in its hook post_fork"
            raise StoreError("this CRM was opened before the process forked", mend=mend)

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Open a transaction that may write; it is committed at the end, rolled back on an exception.

        Raises:
            StoreError: If the database refuses, or another transaction is in the way.
        """
        self.not_forked()
        if self.pinned is not None:
            with self.pinned.begin_nested():
                yield self.pinned
            return
        with exact(), transaction(self.engine, writes=True, owned=self.owned) as connection:
            self.insist(connection)
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a connection for reading only: it sees the database as it was at one instant.

        Raises:
            StoreError: If the database refuses.
        """
        self.not_forked()
        if self.pinned is not None:
            yield self.pinned
            return
        with exact(), transaction(self.engine, writes=False, owned=self.owned) as connection:
            yield connection

    @property
    def tells_changes(self) -> bool:
        """Whether `unchanged` can be asked: only a file of SQLite says so, to connections of an engine of our own."""
        return self.owned and self.pinned is None and self._file is not None

    def unchanged(self) -> AbstractContextManager[Callable[[], bool]]:
        """Yield what tells whether nobody has committed anything since this began.

        Raises:
            StoreError: If the database refuses.
        """
        self.not_forked()
        return unchanged(self.engine)

    @contextmanager
    def within(self, connection: sa.Connection) -> Iterator[sa.Connection]:
        """Take part in a transaction that somebody else has opened and will end; on an exception our part is undone.

        Raises:
            ConfigError: If it is no open transaction on this database.
            StoreError: If the database refuses, or another transaction is in the way.
        """
        self.not_forked()
        with exact(), joined(connection, self.engine):
            self.insist(connection)
            yield connection

    @contextmanager
    def scratch(self) -> Iterator[Store]:
        """Open a store of temporary tables, in a transaction of which nothing remains."""
        self.not_forked()
        with exact(), transaction(self.engine, writes=False, owned=self.owned) as connection:
            try:
                yield Store(self.engine, self.prefix, self.schema, owned=False, pinned=connection, temporary=True)
            finally:
                connection.rollback()

    def lock(self, connection: sa.Connection, what: str) -> None:
        """Let nobody else take the lock of this name until the transaction ends; on SQLite only one writes anyway."""
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(self._number_of(what))))

    def lock_unless_held(self, connection: sa.Connection, what: str, patience: float) -> None:
        """Take a lock like `lock`, but go on without it if somebody holds it for longer than so many seconds."""
        if connection.dialect.name == "postgresql":
            tried, until = sa.select(sa.func.pg_try_advisory_xact_lock(self._number_of(what))), monotonic() + patience
            while not connection.scalar(tried) and monotonic() < until:
                sleep(_LOOK_AGAIN)

    def _number_of(self, lock: str) -> int:
        # The prefix belongs to the name: another application's tables in this database have locks of their own.
        digest = hashlib.sha256(self.real(self.name(lock)).encode()).digest()
        return int.from_bytes(digest[:8], signed=True)

    def name(self, table: str) -> str:
        """Return a table's name in the database."""
        return f"{self.prefix}{table}"

    def real(self, name: str) -> str:
        """Return how a statement names a real table, also where a temporary one of the same name shadows it."""
        return f"{written(self.schema)}.{name}" if self.schema else name

    @property
    def place(self) -> str:
        """Where its tables are: kind and machine of the database, its name or file, schema and prefix; no secrets."""
        url = self.engine.url
        name = str(self._file.absolute()) if self._file else url.database
        known = sa.URL.create(url.get_backend_name(), host=url.host, port=url.port, database=name)
        return f"{known.render_as_string()}, tables {self.real(self.prefix)}*"

    @property
    def prefixes(self) -> list[str]:
        """What stands between CREATE and TABLE for tables of this store."""
        return ["TEMPORARY"] if self.temporary else []

    def exists(self) -> bool:
        """Tell whether there is anything to connect to: to look into a file of SQLite that is missing would make it."""
        return self._file is None or self._file.exists()

    @property
    def _file(self) -> Path | None:
        url = self.engine.url
        if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:" or url.query:
            return None
        return Path(url.database)

    def create(self) -> None:
        """Create the declared tables that do not exist yet, and keep no revision: enough to try one room alone."""
        with self.begin() as connection:
            self.metadata.create_all(connection)
            self.tell_planner(connection)

    def scrub(self) -> str:
        """Write the database's file anew, so that nothing which was deleted remains in it; return what is left to do.

        It takes as long as copying the file, and needs as much room once more.
        """
        return rewrite(self.engine)

    def close(self) -> None:
        """Give the connections back; a host's engine is left alone, and so is what another process opened."""
        if self.owned and self.pinned is None and not self.inherited:
            self.engine.dispose()

    def tell_planner(self, connection: sa.Connection) -> None:
        """Tell the database's planner what to expect of the tables that were just made; others than SQLite count."""
        if connection.dialect.name == "sqlite":
            tell(connection, self.metadata.tables.values(), "temp" if self.temporary else "")
        elif self.temporary:
            # Nobody else sees them, and so nobody counts them in passing.
            for table in self.metadata.tables:
                connection.exec_driver_sql(f"ANALYZE {table}")

    def count_new(self) -> None:
        """Let PostgreSQL's planner count tables that have grown and were never counted; SQLite's is told."""
        if self.engine.dialect.name != "postgresql" or self.pinned is not None:
            return
        with self.read() as connection:
            new = uncounted(connection, (table.name for table in self.metadata.tables.values()), self.schema)
        # Where nothing may be written, or somebody is in the way, it goes on as it is.
        with suppress(StoreError):
            for name in new:
                with self.begin() as connection:
                    count(connection, self.real(name))

    def count_again(self) -> None:
        """Let PostgreSQL's planner count temporary tables that have changed much: nobody else ever does."""
        if self.temporary and self.engine.dialect.name == "postgresql":
            with self.begin() as connection:
                self.tell_planner(connection)

    def remind_planner(self) -> None:
        """Tell SQLite's planner again if it expects something else: somebody may have counted, or made a table anew."""
        if self.engine.dialect.name != "sqlite" or self.pinned is not None:
            return
        with self.read() as connection:
            if is_told(connection, self.metadata.tables.values()):
                return
        # Where somebody else writes just now, or nobody may, whoever opens the database next will do it.
        with (
            suppress(sa.exc.OperationalError),
            self.engine.connect() as connection,
            at_once(connection) if self.owned else nullcontext(),
        ):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            self.tell_planner(connection)
            connection.commit()


def open_store(database: str | sa.Engine, *, prefix: str = "crmkit_", schema: str = "") -> Store:
    """Return a store on a database URL or on the host's own engine; nothing is connected yet.

    Raises:
        ConfigError: If the URL cannot be read, the prefix or the schema is no identifier or a word that PostgreSQL
            keeps for itself, the database has no schemas, or the engine is asynchronous or writes another schema
            before all names.
        StoreError: If the database's folder does not exist.
    """
    for what, name in (("table prefix", prefix), *([("schema", schema)] if schema else [])):
        insist_on_name(what, name)
    owned = not isinstance(database, sa.Engine)
    engine = database if isinstance(database, sa.Engine) else open_engine(database)
    if schema and engine.dialect.name == "sqlite":
        mend = "leave the schema out: an SQLite database is one file, and the table prefix keeps its tables apart"
        raise ConfigError("SQLite has no schemas", where="schema", mend=mend)
    insist_on_sense(engine)
    return Store(engine, prefix, schema, owned)
