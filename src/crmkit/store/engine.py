"""The engine of one database, and transactions that mean the same on each of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from crmkit.errors import ConfigError, StoreError
from crmkit.store.durable import await_disk, on_disk
from crmkit.store.refusal import not_to_a_standby, refusals
from crmkit.store.sqlite_file import SameFile
from crmkit.store.sqlite_writer import PATIENCE, begin, in_transaction, let_go

#: The drivers that hand what the address says on to PostgreSQL's own library.
_LIBPQ = ("psycopg", "psycopg2", "psycopg2cffi")

#: So it is noticed within half a minute that a server died, or a firewall on the way fell silent, without a word: by
#: itself the system tries for a quarter of an hour, and whoever only waits for an answer waits for two hours.
_NOTICED = {
    "connect_timeout": str(PATIENCE),
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": str(1000 * PATIENCE),
}

#: Of these no answer can be waited for in a plain function.
_ASYNCHRONOUS = ("asyncpg", "psycopg_async", "aiosqlite")

#: After so many seconds a connection is asked whether it still leads somewhere.
IDLE = 5.0
_USED = "crmkit_used"

#: psycopg's own setting, which is a number and so cannot stand in an address by itself.
_PREPARE = "prepare_threshold"


def open_engine(url: str) -> sa.Engine:
    """Return an engine on a database URL; nothing is connected yet.

    Raises:
        ConfigError: If the URL cannot be read, or its driver is not installed.
        StoreError: If the folder of a database file does not exist.
    """
    try:
        made = sa.engine.make_url(url)
    except sa.exc.ArgumentError:
        if hasattr(url, "sync_engine"):
            raise _asynchronous() from None
        mend = "write it as sqlite:///practice.db, or give an Engine of SQLAlchemy"
        raise ConfigError("the database is no URL", mend=mend) from None
    except ValueError:
        # Its text quotes what stands in the port's place, and that is the end of a password perhaps.
        mend = "write it as postgresql+psycopg://user:password@host:5432/name, with %40 for @, %3A for : and %2F for /"
        raise ConfigError("the database's port is no number, or its password has signs in it", mend=mend) from None
    if made.get_backend_name() == "sqlite":
        return _sqlite(made)
    more: dict[str, Any] = {}
    if _PREPARE in made.query:
        more["connect_args"] = {_PREPARE: _threshold(str(made.query[_PREPARE]))}
        made = made.difference_update_query([_PREPARE])
    try:
        if made.get_driver_name() in _LIBPQ:
            # Else the server's settings decide on the letters, and may have none for some patient's name.
            made = made.set(query={"client_encoding": "utf8", **_NOTICED, **made.query})
        return sa.create_engine(made, hide_parameters=True, **more)
    except (sa.exc.NoSuchModuleError, ImportError) as problem:
        if made.drivername.partition("+")[2] in _ASYNCHRONOUS:
            raise _asynchronous() from None
        mend = "install it, such as psycopg for postgresql+psycopg://"
        if made.drivername == "postgres":
            mend = "write postgresql+psycopg:// in the place of postgres://, which SQLAlchemy does not know"
        raise ConfigError(f"the database needs a driver that is missing ({problem})", mend=mend) from None


def _threshold(told: str) -> int | None:
    if told.lower() == "none":
        return None
    if told.isdecimal():
        return int(told)
    raise ConfigError(f"{_PREPARE} is no number", where="database", mend="write none where a pooler stands between")


@contextmanager
def transaction(engine: sa.Engine, *, writes: bool, owned: bool) -> Iterator[sa.Connection]:
    """Open a transaction on a connection of its own: committed at the end, rolled back on an exception.

    Args:
        engine: The database.
        writes: Whether it may write. One that only reads sees the database as it was at one instant.
        owned: False for an engine of the host, which may have any isolation, and listeners.

    Raises:
        StoreError: If the database refuses; it holds no value of any row.
    """
    with refusals(_file(engine)), let_go(), engine.connect() as connection, not_to_a_standby(connection):
        if connection.dialect.name == "postgresql":
            # First: what is set of a connection does not hold of the one that is opened in its place.
            _wake(connection)
            # A host's AUTOCOMMIT would make each statement a transaction, and SERIALIZABLE end claims with errors.
            level = "READ COMMITTED" if writes else "REPEATABLE READ"
            connection.execution_options(isolation_level=level)
        before = in_transaction(connection)
        # An engine of our own was opened that way.
        with on_disk(connection) if writes and not owned else nullcontext(), connection.begin():
            if in_transaction(connection) and not before:
                # A listener of the host has just begun, perhaps as a reader. Nothing was done yet.
                connection.exec_driver_sql("ROLLBACK")
            # A writer that starts as a reader can fail half-way when another writer was faster.
            begin(connection, "BEGIN IMMEDIATE" if writes else "BEGIN", owned=owned)
            if writes:
                await_disk(connection)
            yield connection


def _wake(connection: sa.Connection) -> None:
    """Ask a connection that lay idle whether it still leads to the server: if not, another one is opened.

    A pool does not notice that the server has restarted, or that a firewall on the way forgot who was silent. The first
    call after that would fail, such as that of a patient who unsubscribes.
    """
    last = connection.info.get(_USED)
    if last is None or monotonic() - last > IDLE:
        try:
            connection.exec_driver_sql("SELECT 1")
        except sa.exc.DBAPIError as problem:
            if not problem.connection_invalidated:
                raise
        # Nothing was done yet, and nothing of a transaction is left.
        connection.rollback()
    connection.info[_USED] = monotonic()


@contextmanager
def joined(connection: sa.Connection, engine: sa.Engine) -> Iterator[None]:
    """Take part in a transaction that a host has opened: whatever is done is undone on an exception, and nothing else.

    Raises:
        ConfigError: If the connection is none of the engine's, commits by itself, has no transaction open, or writes
            another schema before the names of tables.
        StoreError: If the database refuses; it holds no value of any row.
    """
    # An engine with other options shares the pool of the one that it was made of.
    if connection.engine.pool is not engine.pool:
        mend = "give the CRM the engine of this connection in the place of a URL"
        raise ConfigError("the connection is none of this CRM's engine", where="connection", mend=mend)
    insist_on_names(connection.get_execution_options(), "connection")
    if not connection.in_transaction():
        mend = "open one with engine.begin(), or leave the connection out"
        raise ConfigError("no transaction is open on the connection", where="connection", mend=mend)
    with refusals():
        if _commits_by_itself(connection):
            mend = "give it an isolation level, such as READ COMMITTED"
            raise ConfigError("the connection commits by itself", where="connection", mend=mend)
        # What SQLite's own driver calls a transaction begins with the first INSERT: a savepoint before it would commit.
        begin(connection, "BEGIN IMMEDIATE", owned=False)
        with connection.begin_nested():
            yield


def insist_on_sense(engine: sa.Engine) -> None:
    """Refuse an engine with which nothing could be done.

    Raises:
        ConfigError: If it is asynchronous, or writes another schema before the names of tables.
    """
    if engine.dialect.is_async:
        raise _asynchronous()
    insist_on_names(engine.get_execution_options(), "database")


def _asynchronous() -> ConfigError:
    mend = (
        "give crmkit an engine of its own with another driver, such as postgresql+psycopg:// or sqlite://, "
        "and call it in a thread: await asyncio.to_thread(crm.plan)"
    )
    return ConfigError("the driver is asynchronous", where="database", mend=mend)


def insist_on_names(options: Mapping[str, Any], where: str) -> None:
    """Refuse to let SQLAlchemy write another schema before the names of tables: not every statement would go along.

    Raises:
        ConfigError: If a host's options say so of tables without a schema.
    """
    if None in (options.get("schema_translate_map") or {}):
        mend = "leave it out here, and name the schema to the CRM: CRM(..., schema=...)"
        raise ConfigError("the schema_translate_map moves tables without a schema", where=where, mend=mend)


def _commits_by_itself(connection: sa.Connection) -> bool:
    # On SQLite a listener of the host may begin transactions in the place of a driver that begins none.
    driver = connection.connection.dbapi_connection
    return (
        driver is not None and connection.dialect.detect_autocommit_setting(driver) and not in_transaction(connection)
    )


def _file(engine: sa.Engine) -> str:
    return engine.url.database or "" if engine.dialect.name == "sqlite" else ""


def _sqlite(url: sa.URL) -> sa.Engine:
    memory = not url.database or url.database == ":memory:"
    if not memory:
        path = Path(str(url.database)).expanduser()
        if not path.absolute().parent.is_dir():
            raise StoreError("the database's folder does not exist", where=str(path), mend="create the folder")
        url = url.set(database=str(path))
    more: dict[str, Any] = {"poolclass": StaticPool} if memory else {}
    more["connect_args"] = {"timeout": PATIENCE, "check_same_thread": False}
    engine = sa.create_engine(url, hide_parameters=True, json_deserializer=_from_json, **more)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    if not memory and not url.query:
        SameFile(os.path.abspath(str(url.database))).watch(engine)
        sa.event.listen(engine, "do_connect", partial(_make_private, str(url.database)))
    return engine


def _make_private(path: str, *_: Any) -> None:
    # SQLite would let everybody on the machine read it; its other files take over the rights of this one.
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o660))


def _from_json(text: str) -> Any:
    # Most such columns of most rows are empty.
    return {} if text == "{}" else json.loads(text)


def _prepare_sqlite(raw: Any, _: Any) -> None:
    # The driver's own transaction handling is switched off: it would begin as late as the first write.
    raw.isolation_level = None
    cursor = raw.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA temp_store=MEMORY")
    cursor.execute("PRAGMA cache_size=-16384")
    cursor.close()
