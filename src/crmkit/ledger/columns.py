"""What the ledger's tables have in common: their form, and columns that many of them have."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from crmkit.store.store import Store


def table(store: Store, name: str, primary: tuple[str, ...], *columns: sa.Column[Any]) -> sa.Table:
    """Declare a table of the practice's id and other columns, whose rows lie in the order of its primary key."""
    return sa.Table(
        store.name(name),
        store.metadata,
        key("practice"),
        *columns,
        sa.PrimaryKeyConstraint(*primary),
        sqlite_with_rowid=False,
        prefixes=store.prefixes,
    )


def key(name: str) -> sa.Column[str]:
    """Return a column of text that is always filled."""
    return sa.Column(name, sa.Text, nullable=False)


def optional(name: str) -> sa.Column[str]:
    """Return a column of text that may be empty, but never NULL."""
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def sealed() -> tuple[sa.Column[str], sa.Column[int]]:
    """Return the columns that name the link of the audit trail by which a row is sealed; link 0 where none is kept."""
    return optional("writer"), sa.Column("link", sa.Integer, nullable=False, server_default="0")


def sealed_index(table: sa.Table) -> None:
    """Let the rows of a link be found at once; without a trail the index stays empty and costs nothing."""
    where = table.c.link > 0
    name = f"{table.name}_link"
    sa.Index(name, table.c.practice, table.c.writer, table.c.link, sqlite_where=where, postgresql_where=where)
