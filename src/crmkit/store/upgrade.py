"""From one revision to the next: the migrations, run by Alembic on a connection of the store, or written as SQL.

Nothing of Alembic's usual surroundings is needed, no `alembic.ini` and no `env.py`. Opening a database does not import
this file.
"""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory

from crmkit.errors import StoreError
from crmkit.store import migrations
from crmkit.store.migrations.change import Change
from crmkit.store.store import Connection, Store
from crmkit.store.version import HEAD, alone, insist_on_utf8, is_empty, make_schema, wrong


def upgrade(store: Store) -> str:
    """Bring a database to the revision that this version needs, in one transaction.

    Returns:
        The revision from which it came; empty if there were no tables.

    Raises:
        StoreError: If it is of a newer revision, or its tables were made by a version that kept none.
    """
    with store.begin() as connection:
        found = alone(connection, store)
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


def _run(context: MigrationContext, store: Store) -> None:
    context.run_migrations(change=Change(Operations(context), store.prefix, store.schema or None))


def _steps(heads: Any, _: MigrationContext) -> list[RevisionStep]:
    return list(_scripts()._upgrade_revs(HEAD, heads))


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(migrations.__file__).parent))
