"""Blanking the text of rows on request, in such a way that the audit trail still fits.

A sealed row that is blanked has another digest than its link says. Beside it stands a row, sealed itself, with the
digests before and after: the trail shows that something was taken out, when and by whose key, and not what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from crmkit.errors import ConfigError
from crmkit.ledger.trail.digests import row_digest, sealed_tables
from crmkit.ledger.trail.seal import Seal


def blank(
    connection: sa.Connection,
    seal: Seal,
    name: str,
    where: sa.ColumnElement[bool],
    empty: Mapping[str, Any],
    now: datetime,
    *,
    harmless: Callable[[Mapping[str, Any]], bool] = lambda _: False,
) -> int:
    """Blank columns of some rows of a sealed table and return how many rows had anything in them.

    Args:
        connection: A transaction that may write, opened by `seal`.
        seal: The trail.
        name: The table's name in the trail.
        where: Which rows.
        empty: What to put into which columns.
        now: When it is done.
        harmless: Tells of a row that it may stay as it is.

    Raises:
        ConfigError: If a row is sealed and no audit key was given: without it the trail would break.
    """
    table = sealed_tables(seal.tables)[name]
    found = _rows(connection, table, where)
    changed = [row for row in found if any(row[column] != value for column, value in empty.items())]
    changed = [row for row in changed if not harmless(row)]
    _note(connection, seal, name, [(row, row_digest(name, {**row, **empty})) for row in changed], now)
    if changed:
        connection.execute(sa.update(table).where(*_one(table)).values(dict(empty)), _keys(table, changed))
    return len(changed)


def remove(connection: sa.Connection, seal: Seal, name: str, where: sa.ColumnElement[bool], now: datetime) -> int:
    """Delete some rows of a sealed table, under the same conditions as `blank`; return how many."""
    table = sealed_tables(seal.tables)[name]
    found = _rows(connection, table, where)
    _note(connection, seal, name, [(row, "") for row in found], now)
    if found:
        connection.execute(sa.delete(table).where(*_one(table)), _keys(table, found))
    return len(found)


def _rows(connection: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in connection.execute(sa.select(table).where(where))]


def _note(
    connection: sa.Connection, seal: Seal, name: str, changes: Sequence[tuple[Mapping[str, Any], str]], now: datetime
) -> None:
    """Write down the digest before and after of each sealed row that is about to change."""
    sealed = [
        {"of_writer": row["writer"], "of_link": row["link"], "was": row_digest(name, row), "now": after}
        for row, after in changes
        if row["link"]
    ]
    if sealed and not seal.key:
        mend = "give the key with which the trail was written"
        raise ConfigError("rows of the audit trail cannot be blanked without its key", where="audit_key", mend=mend)
    if sealed:
        always = {"practice": seal.practice, "at": now, **seal.columns()}
        connection.execute(sa.insert(seal.tables.learnt.blanked), [{**always, **row} for row in sealed])


def _one(table: sa.Table) -> list[sa.ColumnElement[bool]]:
    return [column == sa.bindparam(f"of_{column.name}") for column in table.primary_key]


def _keys(table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{f"of_{column.name}": row[column.name] for column in table.primary_key} for row in rows]
