"""What SQLite's planner is told of the tables: the same for everybody, so that it never looks for rows another way.

SQLite chooses an index by how many rows it expects under it. Left alone, it takes the primary key, whose first column
is the practice's id: it reads all that the practice has. To count (`ANALYZE`) is no help: in full it reads everything,
and with a limit it believes that no practice has more rows than the limit. So it is told what a practice looks like
after ten years; in a small one every way is quick. The table `sqlite_stat1` is meant to be written to:
https://www.sqlite.org/fileformat2.html#stat1tab
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs
import sqlalchemy as sa

_ROWS = "rows"


@attrs.frozen
class Expected:
    """What a table holds after ten years.

    Attributes:
        rows: How many rows.
        values: How many different values a column has among the rows that agree in the columns before it in an index.
            A column that is not named has one: nothing is gained by looking for it.
    """

    rows: int
    values: Mapping[str, int]

    def under(self, columns: Sequence[str], rows: int, *, unique: bool) -> list[int]:
        """Return how many rows an index has, and how many under its first column, its first two, and so on.

        >>> Expected(1000, {"patient": 100}).under(["practice", "patient", "number"], 1000, unique=True)
        [1000, 1000, 10, 1]
        """
        told = [rows]
        for column in columns:
            told.append(max(1, told[-1] // self.values.get(column, 1)))
        if unique:
            told[-1] = 1
        return told


def expect(table: sa.Table, rows: int, **values: int) -> None:
    """Note what a table holds after ten years: its rows, and how many different values its columns have."""
    table.info["expected"] = Expected(rows, values)


def few(rows: int) -> dict[str, int]:
    """Return what to note of an index on some rows only, if they are far fewer than the table has."""
    return {_ROWS: rows}


def tell(connection: sa.Connection, tables: Iterable[sa.Table], schema: str = "") -> None:
    """Tell SQLite's planner what to expect of tables, in the schema of the database or in that of temporary tables."""
    expected = [*_expected(tables)]
    if not expected:
        return
    place = f"{schema}." if schema else ""
    statistics = _statistics(schema)
    # Makes the table of statistics, if there is none.
    connection.exec_driver_sql(f"ANALYZE {place}sqlite_schema")
    names = {name for name, _, _ in expected}
    connection.execute(sa.delete(statistics).where(statistics.c.tbl.in_(names)))
    connection.execute(
        sa.insert(statistics), [{"tbl": table, "idx": index, "stat": stat} for table, index, stat in expected]
    )
    # Lets this connection read them; others do when they are opened.
    connection.exec_driver_sql(f"ANALYZE {place}sqlite_schema")


def is_told(connection: sa.Connection, tables: Iterable[sa.Table]) -> bool:
    """Tell whether SQLite's planner has been told; somebody else may have counted since, or a table been made anew."""
    expected = {*_expected(tables)}
    statistics = _statistics()
    asked = sa.select(statistics).where(statistics.c.tbl.in_({name for name, _, _ in expected}))
    try:
        return {(row.tbl, row.idx, row.stat) for row in connection.execute(asked)} == expected
    except sa.exc.OperationalError:
        # Nobody has counted anything, and so there is no such table.
        return False


def _statistics(schema: str = "") -> sa.TableClause:
    return sa.table("sqlite_stat1", *(sa.column(name) for name in ("tbl", "idx", "stat")), schema=schema or None)


def _expected(tables: Iterable[sa.Table]) -> Iterator[tuple[str, str, str]]:
    """Yield table, index and what to expect of it, as SQLite writes that."""
    for table in tables:
        found: Expected | None = table.info.get("expected")
        if found is None:
            continue
        key = [column.name for column in table.primary_key.columns]
        if key:
            under = found.under(key, found.rows, unique=True)
            # All are best read in the order in which they lie. Where every index promises all rows, SQLite 3.40 takes a
            # narrow one and looks each row up.
            under[1] = max(1, under[1] // 2)
            # Where the rows lie in the order of the key, SQLite calls it by the name of the table.
            rowid = table.dialect_options["sqlite"]["with_rowid"]
            yield table.name, f"sqlite_autoindex_{table.name}_1" if rowid else table.name, _written(under)
        for index in table.indexes:
            columns = [column.name for column in index.columns]
            rows = index.info.get(_ROWS, found.rows)
            yield table.name, str(index.name), _written(found.under(columns, rows, unique=bool(index.unique)))


def _written(under: Iterable[int]) -> str:
    return " ".join(map(str, under))
