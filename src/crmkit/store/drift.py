"""What is missing in a database, or is not as this version of the package expects it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata

from crmkit.store.store import Connection, Store
from crmkit.store.upgrade import migration_context

_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(:table) AND tgenabled <> 'D'",
}


def drift(store: Store) -> list[str]:
    """Return in words how the tables differ from those that are declared, and what one may not do with them.

    Tables of others, and what the host added to ours, are passed over.
    """
    with store.read() as connection:
        context = migration_context(store, connection)
        found = compare_metadata(context, store.metadata)
        return [*filter(None, map(_words, found)), *_triggers(connection, store), *_rights(connection, store)]


def _words(found: Any) -> str:
    """Return one of Alembic's findings in words, empty if there is merely more than expected."""
    if isinstance(found, list):
        _, _, table, column, *_ = found[0]
        how = " and ".join(str(one[0]).removeprefix("modify_") for one in found)
        return f"the column {table}.{column} differs in {how}"
    what, *about = found
    if what == "add_table":
        return f"the table {about[0].name} is missing"
    if what == "add_column":
        return f"the column {about[1]}.{about[2].name} is missing"
    if what == "add_index":
        return f"the index {about[0].name} is missing, or another one"
    return "" if what.startswith("remove_") else f"{what} is needed"


def _triggers(connection: Connection, store: Store) -> Iterator[str]:
    asked = sa.text(_TRIGGERS[connection.dialect.name])
    for table in store.metadata.tables.values():
        if expected := table.info.get("triggers", ()):
            there = set(connection.scalars(asked, {"table": store.real(str(table.name))}))
            yield from (f"the trigger {name} is missing" for name in expected if name not in there)


def _rights(connection: Connection, store: Store) -> Iterator[str]:
    """Yield what this role may not do: rights on all tables are not rights on one that an upgrade has added since."""
    if connection.dialect.name != "postgresql":
        return
    for table in store.metadata.tables.values():
        here = sa.func.to_regclass(store.real(str(table.name)))
        may = connection.execute(sa.select(*(sa.func.has_table_privilege(here, right) for right in _RIGHTS))).one()
        # Of a table that is missing nothing is said.
        if lacks := [right for right, has in zip(_RIGHTS, may, strict=True) if has is False]:
            yield f"on the table {table.name} this role lacks {', '.join(lacks)}"
