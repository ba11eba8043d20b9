"""A source that asks a database: one query for each kind of row, its columns called after crmkit's fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.errors import ConfigError, SourceError, nearest
from crmkit.plugins import (
    FIELDS,
    Batch,
    Context,
    CrmkitSpec,
    Fault,
    PluginInfo,
    Row,
    Source,
    hookimpl,
    plural,
    secret,
    unknown_field,
)

_BATCH = 1000
_ASKED = re.compile(r"(?<!:):ids\b")
_NO_TEXT = "is no text: let the query turn it into some, as with CAST or HEX"
_KINDS = {plural(kind): kind for kind in FIELDS}


@attrs.frozen
class SqlSettings:
    """The database and what is asked of it.

    Attributes:
        url: A SQLAlchemy URL; it may hold a password.
        queries: By kind (`patients`, `visits` and so on), a SELECT.
        fetch: By kind, a SELECT of the same columns for some patients, whose ids it takes as `IN :ids`.
    """

    url: str = secret("SQLAlchemy URL of the practice's database")
    queries: dict[str, str] = attrs.field(factory=dict)
    fetch: dict[str, str] = attrs.field(factory=dict)


@attrs.frozen(eq=False)
class SqlSource:
    """Reads all rows of all queries; the sync finds what changed."""

    engine: sa.Engine = attrs.field(repr=False)
    queries: Mapping[str, str]
    name: str = "sql"

    def read(self, since: str | None) -> Iterator[Batch]:
        """Yield the rows of each query, patients first.

        Raises:
            SourceError: If the database cannot be reached or a query fails.
        """
        del since
        asked = [kind for kind in FIELDS if plural(kind) in self.queries]
        with _connection(self.engine) as connection:
            for kind in asked:
                yield from _batches(connection, kind, "queries", sa.text(self.queries[plural(kind)]))


@attrs.frozen(eq=False)
class AskedSqlSource(SqlSource):
    """A source that can be asked about single patients too."""

    asked: Mapping[str, str] = attrs.field(factory=dict)

    def fetch(self, ids: Sequence[str]) -> Iterator[Batch]:
        """Yield all rows that these patients have now, of each kind that there is a query for.

        Raises:
            SourceError: If the database cannot be reached or a query fails.
        """
        kinds = [kind for kind in FIELDS if plural(kind) in self.asked]
        yield Batch((), whole=kinds)
        with _connection(self.engine) as connection:
            for kind in kinds:
                # Without a type of their own, ids compare with a key of whole numbers too.
                some = sa.bindparam("ids", list(ids), sa.types.NULLTYPE, expanding=True)
                yield from _batches(connection, kind, "fetch", sa.text(self.asked[plural(kind)]).bindparams(some))


@contextmanager
def _connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    try:
        with engine.connect() as connection:
            yield connection
    except sa.exc.SQLAlchemyError as problem:
        raise _failure(problem, "settings.sql.url", "see whether the database is there for this user") from None


def _batches(connection: sa.Connection, kind: str, section: str, query: sa.TextClause) -> Iterator[Batch]:
    place = plural(kind) if section == "queries" else f"{section}.{plural(kind)}"
    number = 0
    try:
        streamed = connection.execution_options(stream_results=True).execute(query)
        _check(kind, f"settings.sql.{section}.{plural(kind)}", list(streamed.keys()))
        for rows in streamed.mappings().partitions(_BATCH):
            yield Batch(tuple(_row(kind, place, number + at, row) for at, row in enumerate(rows, start=1)))
            number += len(rows)
    except sa.exc.SQLAlchemyError as problem:
        raise _failure(problem, place, "try the query by hand with the same user") from None


def _failure(problem: Exception, where: str, mend: str) -> SourceError:
    # The driver's own text may hold the URL or a row: only its class is told.
    return SourceError(f"the query failed ({type(problem).__name__})", where=where, mend=mend)


def _check(kind: str, where: str, columns: list[str]) -> None:
    if "id" not in columns:
        raise SourceError("there is no column id", where=where, mend="name the key column: SELECT key AS id")
    for column in columns:
        if columns.count(column) > 1:
            problem = f"two columns are called {column}"
            raise SourceError(problem, where=where, mend=f"leave one out, or name it otherwise: AS {column}")
        hint = unknown_field(kind, column)
        if hint:
            problem = f"the column {column} is no field of {plural(kind)}"
            raise SourceError(problem, where=where, mend=f"rename it ({hint})")


def _row(kind: str, query: str, number: int, found: Mapping[Any, Any]) -> Row:
    fields = {str(name): _text(value) for name, value in found.items()}
    faults = tuple(Fault(name, _NO_TEXT) for name, text in fields.items() if text is None)
    told = {name: text or "" for name, text in fields.items()}
    return Row(kind, told.pop("id"), told, query, number, faults)


def _text(value: object) -> str | None:
    """Return a value of any driver as text, None for bytes that are none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _decoded(bytes(value))
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float) and value.is_integer():
        # A key or a count that the database keeps as a float is a whole number all the same.
        return format(value, ".0f")
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def _decoded(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


class SqlPlugin(CrmkitSpec):
    """Registers the source."""

    info = PluginInfo("sql", settings=SqlSettings)

    @hookimpl
    def crmkit_sources(self, ctx: Context) -> Iterable[Source]:
        """Return the source."""
        settings: SqlSettings = ctx.settings
        for section, queries in (("queries", settings.queries), ("fetch", settings.fetch)):
            for name in queries:
                if name not in _KINDS:
                    where = f"settings.sql.{section}.{name}"
                    raise ConfigError("there is no such kind of row", where=where, mend=nearest(name, _KINDS))
        _check_fetch(settings.fetch)
        try:
            # No connection outlives the reading: nobody tells a source when it is over.
            engine = sa.create_engine(settings.url, poolclass=sa.NullPool)
        except (sa.exc.ArgumentError, ImportError, ValueError):
            # A port that is no number is quoted, and that is the end of a password with signs in it perhaps.
            mend = "write a SQLAlchemy URL, with %40 for an @ in its password, and install its driver"
            raise ConfigError("the database cannot be used", where="settings.sql.url", mend=mend) from None
        if settings.fetch:
            return [AskedSqlSource(engine, settings.queries, asked=settings.fetch)]
        return [SqlSource(engine, settings.queries)]


def _check_fetch(queries: Mapping[str, str]) -> None:
    for name, query in queries.items():
        if not _ASKED.search(query):
            mend = "let it ask for some patients only: WHERE patient_no IN :ids"
            raise ConfigError("the query takes no :ids", where=f"settings.sql.fetch.{name}", mend=mend)
    if queries and "patients" not in queries:
        mend = "add it: whoever does not come with it is not written to"
        raise ConfigError("there is no query for patients", where="settings.sql.fetch", mend=mend)


plugin = SqlPlugin()
