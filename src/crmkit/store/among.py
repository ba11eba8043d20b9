"""Asking for many values at once, by one parameter: the statement stays the same however many there are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class Texts(sa.types.TypeDecorator[list[str]]):
    """Several texts as one parameter: an array where the database has arrays, else JSON."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the type in which a database takes them."""
        return dialect.type_descriptor(ARRAY(sa.Text()) if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: Iterable[str] | None, dialect: sa.Dialect) -> list[str] | str | None:
        """Return the parameter."""
        if value is None:
            return None
        return list(value) if dialect.name == "postgresql" else json.dumps(list(value))


def among(column: sa.ColumnElement[str], values: Iterable[str] | str) -> sa.ColumnElement[bool]:
    """Return the condition that a column of text holds one of some values.

    Args:
        column: The column.
        values: The values; or the name under which they are given when the statement is executed, so that the
            statement can be kept.

    >>> print(among(sa.column("id"), "ids").compile(dialect=sa.dialects.sqlite.dialect()))
    id IN (SELECT value FROM json_each(?))
    """
    if isinstance(values, str):
        return _Among(column, sa.bindparam(values, type_=Texts(), required=True))
    return _Among(column, sa.bindparam(None, list(values), type_=Texts(), unique=True))


class _Among(FunctionElement[bool]):
    """A column, and the parameter that holds the values."""

    name = "among"
    type = sa.Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> _Among:
        """Stand for itself: compared with 1, as a function's truth is where there are no truths, it uses no index."""
        del against
        return self


@compiles(_Among, "sqlite")
def _in_json(element: _Among, compiler: Any, **more: Any) -> str:
    column, values = (compiler.process(clause, **more) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - both are the compiler's own text


@compiles(_Among, "postgresql")
def _any_of(element: _Among, compiler: Any, **more: Any) -> str:
    column, values = (compiler.process(clause, **more) for clause in element.clauses)
    return f"{column} = ANY({values})"
