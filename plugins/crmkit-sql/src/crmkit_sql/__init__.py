"""A source that asks a database: one query for each kind of row, its columns called after crmkit's fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.errors import ConfigError, SourceError, nearest
from crmkit.plugins import Batch, Context, CrmkitSpec, PluginInfo, Row, Source, hookimpl, secret
from crmkit.records.fields import FIELDS, plural, unknown_field

_BATCH = 1000
_KINDS = {plural(kind): kind for kind in FIELDS}


@attrs.frozen
class SqlSettings:
    """The database and what is asked of it.

    Attributes:
        url: A SQLAlchemy URL; it may hold a password.
        queries: By kind (`patients`, `visits` and so on), a SELECT.
    """

    url: str = secret("SQLAlchemy URL of the practice's database")
    queries: dict[str, str] = attrs.field(factory=dict)


@attrs.frozen(eq=False)
class SqlSource:
    """Reads all rows of all queries; the sync finds what changed."""

    engine: sa.Engine
    queries: Mapping[str, str]
    name: str = "sql"

    def read(self, since: str | None) -> Iterator[Batch]:
        """Yield the rows of each query, patients first.

        Raises:
            SourceError: If the database cannot be reached or a query fails.
        """
        del since
        for kind in FIELDS:
            if plural(kind) in self.queries:
                yield from self._batches(kind, plural(kind))

    def _batches(self, kind: str, query: str) -> Iterator[Batch]:
        try:
            with self.engine.connect() as connection:
                streamed = connection.execution_options(stream_results=True).execute(sa.text(self.queries[query]))
                _check(kind, query, list(streamed.keys()))
                number = 0
                for rows in streamed.mappings().partitions(_BATCH):
                    yield Batch(tuple(_row(kind, query, number + at, row) for at, row in enumerate(rows, start=1)))
                    number += len(rows)
        except sa.exc.SQLAlchemyError as problem:
            # The driver's own text may hold the URL or a row: only its class is told.
            mend = "try the query by hand with the same user"
            raise SourceError(f"the query failed ({type(problem).__name__})", where=query, mend=mend) from None


def _check(kind: str, query: str, columns: list[str]) -> None:
    where = f"settings.sql.queries.{query}"
    if "id" not in columns:
        raise SourceError("there is no column id", where=where, mend="name the key column: SELECT key AS id")
    for column in columns:
        hint = unknown_field(kind, column)
        if hint:
            raise SourceError(f"the column {column} is no field of {query}", where=where, mend=f"rename it ({hint})")


def _row(kind: str, query: str, number: int, found: Mapping[Any, Any]) -> Row:
    fields = {str(name): _text(value) for name, value in found.items()}
    return Row(kind, fields.pop("id"), fields, query, number)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


class SqlPlugin(CrmkitSpec):
    """Registers the source."""

    info = PluginInfo("sql", settings=SqlSettings)

    @hookimpl
    def crmkit_sources(self, ctx: Context) -> Iterable[Source]:
        """Return the source."""
        for query in ctx.settings.queries:
            if query not in _KINDS:
                where = f"settings.sql.queries.{query}"
                raise ConfigError("there is no such kind of row", where=where, mend=nearest(query, _KINDS))
        try:
            engine = sa.create_engine(ctx.settings.url)
        except (sa.exc.ArgumentError, ImportError):
            mend = "write a SQLAlchemy URL and install its driver"
            raise ConfigError("the database cannot be used", where="settings.sql.url", mend=mend) from None
        return [SqlSource(engine, ctx.settings.queries)]


plugin = SqlPlugin()
