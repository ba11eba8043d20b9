"""Of which revision a database is: a current one is opened, an empty one set up, any other refused."""

from __future__ import annotations

import re
from collections.abc import Callable

import sqlalchemy as sa

from crmkit.errors import GoneBack, OtherRevision, StoreError
from crmkit.store.sqlite_writer import PATIENCE
from crmkit.store.store import Connection, Store

#: The revision that this version of crmkit needs: the last one in `migrations/versions`.
HEAD = "0011"

#: The schema of a table that the search path leads to.
_WHERE = sa.text("""
    SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = to_regclass(:name)
""")
_KNOWN = re.compile(r"\d{4}")


def version_table(store: Store) -> sa.Table:
    """Return the table that holds the revision. It is Alembic's, so that its own commands read it too."""
    name = store.name("version")
    number = sa.Column("version_num", sa.String(32), nullable=False)
    key = sa.PrimaryKeyConstraint("version_num", name=f"{name}_pkc")
    return sa.Table(name, sa.MetaData(schema=store.schema or None), number, key)


def make_ready(store: Store) -> None:
    """Set up an empty database; let one of the needed revision be. A current one costs a SELECT or two.

    Raises:
        OtherRevision: If the database is of another revision, or its tables were made by a version that kept none.
        StoreError: If the database does not answer.
    """
    found = revision(store)
    if not found:
        set_up(store)
        found = revision(store)
    if problem := wrong(store, found):
        raise problem
    store.insist = _still_of_it(store)
    store.remind_planner()
    store.count_new()


def schema_of(store: Store) -> str:
    """Return in which schema the tables lie; empty if there are none yet, or where there are no schemas.

    Raises:
        StoreError: If the database does not answer.
    """
    if store.schema or store.engine.dialect.name != "postgresql":
        return store.schema
    with store.read() as connection:
        return connection.scalar(_WHERE, {"name": store.name("version")}) or ""


def revision(store: Store) -> str:
    """Return the revision of a database, empty if it says none."""
    asked = sa.select(version_table(store).c.version_num)
    try:
        with store.read() as connection:
            return connection.scalar(asked) or ""
    except StoreError:
        with store.read() as connection:
            if not has(connection, store, "version"):
                return ""
        # Somebody has set the database up in this very moment, or else it says again what is wrong.
        with store.read() as connection:
            return connection.scalar(asked) or ""


def wrong(store: Store, found: str) -> OtherRevision | None:
    """Return why a database of a revision cannot be opened; None if it can."""
    if found == HEAD:
        return None
    where = store.engine.url.database or ""
    if not found:
        mend = "set it aside and give crmkit an empty one; the page Upgrade the database tells what that means"
        return OtherRevision("the database was made by a version that kept no revision of it", where=where, mend=mend)
    if _KNOWN.fullmatch(found) and found < HEAD:
        mend = "take a backup, then run crmkit db upgrade, or call crmkit.upgrade_database"
        return OtherRevision(f"the database is of revision {found}, older than {HEAD}", where=where, mend=mend)
    mend = "upgrade the package crmkit"
    return OtherRevision(f"the database is of revision {found}, newer than {HEAD}", where=where, mend=mend)


def has(connection: Connection, store: Store, table: str) -> bool:
    """Tell whether a table of the store exists in the database."""
    return sa.inspect(connection).has_table(store.name(table), schema=store.schema or None)


def alone(connection: Connection, store: Store) -> str:
    """Let nobody else change the tables until the transaction ends, and return the revision as it is then."""
    store.lock(connection, "version")
    if not has(connection, store, "version"):
        return ""
    return connection.scalar(sa.select(version_table(store).c.version_num)) or ""


def to_itself(connection: Connection, store: Store) -> str:
    """Wait until nobody writes to any of the tables, let nobody until the transaction ends; return the revision then.

    All who write look at the revision first, and hold on to that until they are done.
    """
    if connection.dialect.name == "postgresql":
        # Who waits for a lock lets nobody pass, not even those who only read.
        connection.execute(sa.select(sa.func.set_config("lock_timeout", f"{PATIENCE}s", True)))
        connection.execute(sa.text(take_it(store)))
    return alone(connection, store)


def take_it(store: Store) -> str:
    """Return the statement by which somebody takes the table of the revision, on PostgreSQL."""
    return f"LOCK TABLE {store.real(store.name('version'))} IN ACCESS EXCLUSIVE MODE"


def is_empty(connection: Connection, store: Store) -> bool:
    """Tell whether none of the declared tables exists."""
    there = set(sa.inspect(connection).get_table_names(schema=store.schema or None))
    return there.isdisjoint(table.name for table in store.metadata.tables.values())


def is_new(store: Store) -> bool:
    """Tell whether a database has none of the tables yet."""
    with store.read() as connection:
        return is_empty(connection, store)


def make_schema(connection: Connection, store: Store) -> None:
    """Create the schema unless it exists: whoever may not create one can still be given one."""
    if store.schema and not sa.inspect(connection).has_schema(store.schema):
        connection.execute(sa.schema.CreateSchema(store.schema))


def insist_on_utf8(connection: Connection) -> None:
    """Refuse a database of PostgreSQL that has no letter for some patient's name, before anything is in it.

    Raises:
        StoreError: If it is of another encoding.
    """
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.scalar(sa.text("SELECT current_setting('server_encoding')"))
    if encoding != "UTF8":
        mend = "create it anew by CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
        raise StoreError(f"the database is of the encoding {encoding}, which has not every letter", mend=mend)


def _still_of_it(store: Store) -> Callable[[Connection], None]:
    """Return what refuses a database that was upgraded, or put back, while this process runs."""
    table = version_table(store)
    asked = sa.select(table.c.version_num)

    def insist(connection: Connection) -> None:
        found = connection.scalar(asked) or ""
        if found == HEAD:
            return
        told, where = (
            f"the database is of revision {found or '?'} now, and was of {HEAD}",
            store.engine.url.database or "",
        )
        if found < HEAD:
            mend = "do what the page Restore a backup tells before anything is sent, then start this process anew"
            raise GoneBack(f"{told}: a backup was restored", where=where, mend=mend)
        mend = "start this process anew, with the version of crmkit for which the database was upgraded"
        raise OtherRevision(told, where=where, mend=mend)

    return insist


def set_up(store: Store, fill: Callable[[Connection], None] = lambda _: None) -> bool:
    """Create all tables at once, as the migrations would one after the other; return False if there are some already.

    Args:
        store: The database.
        fill: Writes what is to be in them from the beginning.
    """
    with store.begin() as connection:
        if alone(connection, store) or not is_empty(connection, store):
            return False
        insist_on_utf8(connection)
        make_schema(connection, store)
        store.metadata.create_all(connection, checkfirst=False)
        table = version_table(store)
        table.create(connection, checkfirst=True)
        connection.execute(sa.insert(table).values(version_num=HEAD))
        fill(connection)
        store.tell_planner(connection)
    return True
