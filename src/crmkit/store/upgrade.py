"""From one revision to the next: the migrations, run by Alembic on a connection of the store, or written as SQL.

Nothing of Alembic's usual surroundings is needed, no `alembic.ini` and no `env.py`. Opening a database does not import
this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory

from crmkit.errors import InTheWay, StoreError
from crmkit.store import migrations
from crmkit.store.migrations.change import Change
from crmkit.store.sqlite_writer import PATIENCE
from crmkit.store.store import Connection, Store
from crmkit.store.version import (
    HEAD,
    alone,
    insist_on_utf8,
    is_empty,
    make_schema,
    take_it,
    to_itself,
    wrong,
)


def upgrade(store: Store, may: Callable[[Connection], None] = lambda _: None) -> str:
    """Bring a database to the revision that this version needs, in one transaction.

    Nobody writes meanwhile. Who has a transaction open is waited for, but not for long: all others wait behind.

    Args:
        store: The database.
        may: Is asked when nobody else writes any more, and raises if the tables are not to be changed now.

    Returns:
        The revision from which it came; empty if there were no tables.

    Raises:
        StoreError: If it is of a newer revision, its tables were made by a version that kept none, or others work on
            them.
    """
    try:
        with store.begin() as connection:
            return _upgraded(connection, store, may)
    except InTheWay as problem:
        told = f"others work on the tables, and did not end within {PATIENCE} seconds; nothing was changed"
        mend = (
            "end all senders, workers, reports and dumps of this database, and what is idle in a transaction; then call"
            " it again"
        )
        raise StoreError(told, where=problem.where, mend=mend) from None


def _upgraded(connection: Connection, store: Store, may: Callable[[Connection], None]) -> str:
    found = alone(connection, store)
    if found in revisions()[:-1]:
        found = to_itself(connection, store)
        may(connection)
    known = found in revisions() if found else is_empty(connection, store)
    if not known and (problem := wrong(store, found)):
        raise problem
    if not found:
        insist_on_utf8(connection)
    make_schema(connection, store)
    _run(migration_context(store, connection), store)
    store.tell_planner(connection)
    return found


def revisions() -> tuple[str, ...]:
    """Return the revisions that this version of the package knows, oldest first."""
    return tuple(script.revision for script in reversed(list(_scripts().walk_revisions())))


def as_sql(store: Store, since: str = "") -> str:
    """Return the statements that bring a database from a revision to the newest, for somebody else to run.

    Nothing is connected: the dialect is that of the store's address.

    Args:
        store: The database.
        since: The revision that it is of; empty for a database without tables.

    Raises:
        StoreError: If there is no such revision.
    """
    if since and since not in revisions():
        raise StoreError(f"there is no revision {since}", mend=f"known are: {', '.join(revisions())}")
    written = StringIO()
    # A driver's own way to write parameters would double each per cent sign.
    dialect = store.engine.url.get_dialect()(paramstyle="named")  # type: ignore[call-arg]
    context = migration_context(store, dialect=dialect, as_sql=True, output_buffer=written, starting_rev=since or None)
    with context.begin_transaction():
        if store.schema and not since:
            context.impl.static_output(f"CREATE SCHEMA IF NOT EXISTS {store.schema};\n")
        if since:
            for statement in _only_since(store, since, dialect.name):
                context.impl.static_output(f"{statement};\n")
        _run(context, store)
    return written.getvalue()


def migration_context(
    store: Store, connection: Connection | None = None, dialect: sa.Dialect | None = None, **more: Any
) -> MigrationContext:
    """Return Alembic's context for a store: its own version table, in its own schema; other tables do not exist."""
    ours = {table.name for table in store.metadata.tables.values()}

    def include_name(name: str | None, kind: str, _: Any) -> bool:
        if kind == "schema":
            return name == (store.schema or None)
        return kind != "table" or name in ours

    opts = {
        "version_table": store.name("version"),
        "version_table_schema": store.schema or None,
        "transactional_ddl": True,
        "include_name": include_name,
        "include_schemas": bool(store.schema),
        "fn": _steps,
    }
    return MigrationContext.configure(connection, dialect=dialect, opts=opts | more)


def _only_since(store: Store, since: str, dialect: str) -> Iterator[str]:
    """Yield statements that fail unless the database is of a revision, and let nobody write until all is done."""
    if dialect == "postgresql":
        yield take_it(store)
    version, here = store.real(store.name("version")), f"is_of_revision_{since}"
    yield f"CREATE TEMPORARY TABLE {here} (found TEXT CHECK (found = '{since}'))"
    yield f"INSERT INTO {here} SELECT version_num FROM {version}"  # noqa: S608 - the store's own, checked names
    yield f"DROP TABLE {here}"


def _run(context: MigrationContext, store: Store) -> None:
    context.run_migrations(change=Change(Operations(context), store.prefix, store.schema or None))


def _steps(heads: Any, _: MigrationContext) -> list[RevisionStep]:
    return list(_scripts()._upgrade_revs(HEAD, heads))


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(migrations.__file__).parent))
