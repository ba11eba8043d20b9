"""What SQLite's planner is told: it looks for rows the same way in a new practice and in one of ten years."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from crmkit.store.sqlite_statistics import expect, few
from crmkit.store.store import Store, open_store

QUESTION = "SELECT note FROM crmkit_thing WHERE practice = 'x' AND state = 'due'"


def declare(store: Store) -> sa.Table:
    table = sa.Table(
        store.name("thing"),
        store.metadata,
        sa.Column("practice", sa.Text, primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("state", sa.Text),
        sa.Column("told", sa.Text),
        sa.Column("note", sa.Text),
        sqlite_with_rowid=False,
        prefixes=store.prefixes,
    )
    sa.Index(f"{table.name}_state", table.c.practice, table.c.state, table.c.told)
    rare = table.c.told == "rarely"
    sa.Index(f"{table.name}_rare", table.c.practice, sqlite_where=rare, info=few(10))
    expect(table, 10_000, n=10_000, state=10)
    return table


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "practice.db"


@pytest.fixture(params=[True, False], ids=["own", "host"])
def store(path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    url = f"sqlite:///{path}"
    made = open_store(url if request.param else sa.create_engine(url, connect_args={"timeout": 0.1}))
    declare(made)
    made.create()
    yield made
    made.engine.dispose()


def way(path: Path, question: str = QUESTION) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {question}"))


def counted_with_a_limit(path: Path) -> None:
    """Let somebody fill the table and count it, as `PRAGMA optimize` does."""
    with closing(sqlite3.connect(path)) as connection, connection:
        rows = ((n, "done" if n % 100 else "due") for n in range(5000))
        connection.executemany("INSERT INTO crmkit_thing VALUES ('x', ?, ?, '', '')", rows)
        connection.execute("PRAGMA analysis_limit = 100")
        connection.execute("ANALYZE")


def test_an_index_is_used_from_the_first_row_on(store: Store, path: Path) -> None:
    assert "crmkit_thing_state" in way(path)
    assert "PRIMARY KEY" in way(path, "SELECT note FROM crmkit_thing WHERE practice = 'x'")
    assert "crmkit_thing_rare" in way(path, "SELECT * FROM crmkit_thing WHERE practice = 'x' AND told = 'rarely'")


def test_who_opens_a_database_that_somebody_counted_tells_anew(store: Store, path: Path) -> None:
    counted_with_a_limit(path)
    assert "PRIMARY KEY" in way(path), "what a count with a limit leads to"
    store.remind_planner()
    assert "crmkit_thing_state" in way(path)


def test_what_others_say_of_their_own_tables_stays(store: Store, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE theirs (n INTEGER PRIMARY KEY, m)")
        connection.execute("CREATE INDEX theirs_m ON theirs (m)")
        connection.execute("INSERT INTO theirs VALUES (1, 1)")
        connection.execute("ANALYZE")
    store.remind_planner()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = 'theirs'").fetchall() == [("1 1",)]


def test_nobody_waits_for_whoever_writes_just_now(store: Store, path: Path) -> None:
    counted_with_a_limit(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        store.remind_planner()
        other.rollback()
    assert "PRIMARY KEY" in way(path)
    with store.read() as connection:
        assert connection.scalar(sa.text("PRAGMA busy_timeout")) == (30_000 if store.owned else 100)


def test_a_file_that_nobody_may_write_can_be_opened(path: Path, store: Store) -> None:
    counted_with_a_limit(path)
    reader = open_store(sa.create_engine(f"sqlite:///file:{path}?mode=ro&uri=true"))
    declare(reader)
    reader.remind_planner()
    reader.engine.dispose()
    assert "PRIMARY KEY" in way(path)


def test_temporary_tables_are_told_of_too(store: Store) -> None:
    with store.scratch() as shadow:
        declare(shadow)
        shadow.metadata.create_all(shadow.pinned)
        assert shadow.pinned is not None
        shadow.tell_planner(shadow.pinned)
        found = shadow.pinned.exec_driver_sql(f"EXPLAIN QUERY PLAN {QUESTION}").all()
    assert "crmkit_thing_state" in found[0].detail
