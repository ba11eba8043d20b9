"""The notation in which a revision is written: tables under any prefix, in any schema, on SQLite and PostgreSQL.

A revision's words mean for good what they meant when it was released. So what stands here may be added to, and not
changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import sqlalchemy as sa
from alembic.operations import Operations

Column = sa.Column[Any]


def text(name: str, *, default: str | None = None, empty: bool = False) -> Column:
    """Return a column of text."""
    return _column(name, sa.Text(), default, empty)


def texts(names: str, *, default: str | None = None) -> list[Column]:
    """Return columns of text that are always filled; their names with spaces between them."""
    return [text(name, default=default) for name in names.split()]


def number(name: str, *, default: str | None = None, empty: bool = False) -> Column:
    """Return a column of whole numbers."""
    return _column(name, sa.Integer(), default, empty)


def big(name: str, *, empty: bool = False) -> Column:
    """Return a column of whole numbers that may be large."""
    return _column(name, sa.BigInteger(), None, empty)


def amount(name: str, *, empty: bool = False) -> Column:
    """Return a column of money, in ten-thousandths."""
    return _column(name, sa.BigInteger(), None, empty)


def flag(name: str, *, empty: bool = False) -> Column:
    """Return a column of yes and no."""
    return _column(name, sa.Boolean(), None, empty)


def day(name: str, *, empty: bool = False) -> Column:
    """Return a column of dates."""
    return _column(name, sa.Date(), None, empty)


def instant(name: str, *, empty: bool = False) -> Column:
    """Return a column of instants."""
    return _column(name, sa.DateTime(timezone=True), None, empty)


def document(name: str, *, empty: bool = False) -> Column:
    """Return a column of JSON."""
    return _column(name, sa.JSON(), None, empty)


def data(name: str, *, empty: bool = False) -> Column:
    """Return a column of bytes."""
    return _column(name, sa.LargeBinary(), None, empty)


def _column(name: str, type_: Any, default: str | None, empty: bool) -> Column:
    return sa.Column(name, type_, nullable=empty, server_default=default)


@attrs.frozen
class Change:
    """What a revision does to the tables.

    Attributes:
        op: Alembic's operations, for what has no word of its own here; with `name()` and `schema`.
        prefix: What the names of all tables begin with.
        schema: In which schema they lie; None for the one that the database takes by itself.
    """

    op: Operations
    prefix: str
    schema: str | None

    def name(self, of: str) -> str:
        """Return the name of a table, an index or a trigger in the database."""
        return f"{self.prefix}{of}"

    def create(self, table: str, *columns: Column, key: Sequence[str] = (), rowid: bool = True) -> None:
        """Create a table.

        Args:
            table: Its name, without the prefix.
            columns: Its columns.
            key: Its primary key.
            rowid: False where SQLite is to keep the rows in the order of the key.
        """
        keys = [sa.PrimaryKeyConstraint(*key)] if key else []
        self.op.create_table(self.name(table), *columns, *keys, schema=self.schema, sqlite_with_rowid=rowid)

    def add(self, table: str, *columns: Column) -> None:
        """Add columns to a table; each may be blank, or has a default."""
        for column in columns:
            self.op.add_column(self.name(table), column, schema=self.schema)

    def drop_index(self, table: str, name: str) -> None:
        """Drop an index."""
        self.op.drop_index(self.name(f"{table}_{name}"), self.name(table), schema=self.schema)

    def index(
        self,
        table: str,
        name: str,
        columns: Sequence[str],
        *,
        unique: bool = False,
        where: str = "",
        sqlite_where: str = "",
    ) -> None:
        """Create an index.

        Args:
            table: The table's name, without the prefix.
            name: What the index is called after the table's name.
            columns: Its columns.
            unique: True if no two rows may have the same values.
            where: Which rows it holds, as SQL; all if empty.
            sqlite_where: The same for SQLite, if it is better said otherwise there.
        """
        some: dict[str, Any] = (
            {"sqlite_where": sa.text(sqlite_where or where), "postgresql_where": sa.text(where)} if where else {}
        )
        self.op.create_index(
            self.name(f"{table}_{name}"), self.name(table), list(columns), unique=unique, schema=self.schema, **some
        )

    def run(self, *, sqlite: Sequence[str] = (), postgresql: Sequence[str] = ()) -> None:
        """Run statements as they stand, each on its own database; `{p}` is the prefix, `{s}` the schema with a dot."""
        place = f"{self.schema}." if self.schema else ""
        for statement in {"sqlite": sqlite, "postgresql": postgresql}[self.op.get_context().dialect.name]:
            self.op.execute(statement.replace("{p}", self.prefix).replace("{s}", place))
