"""The store: amounts and instants come back as they went in, and nothing half-written stays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.errors import ConfigError, StoreError
from crmkit.store.store import Store, open_store
from crmkit.store.types import Instant, Money

ZONES = st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
INSTANTS = st.datetimes(datetime(1900, 1, 2), datetime(2200, 1, 1), timezones=ZONES)  # noqa: DTZ001 - zones are drawn
AMOUNTS = st.decimals(-(10**11), 10**11, allow_nan=False, places=4)


def table_of(store: Store) -> sa.Table:
    name = store.name("thing")
    if name in store.metadata.tables:
        return store.metadata.tables[name]
    columns = [sa.Column("amount", Money), sa.Column("at", Instant)]
    return sa.Table(name, store.metadata, sa.Column("n", sa.Integer, primary_key=True), *columns)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    made = open_store("sqlite://")
    table_of(made)
    made.create()
    yield made
    made.close()


def round_trip(store: Store, column: str, values: list[object]) -> list[object]:
    table = table_of(store)
    with store.begin() as connection:
        connection.execute(sa.delete(table))
        connection.execute(sa.insert(table), [{"n": n, column: value} for n, value in enumerate(values)])
        return list(connection.scalars(sa.select(table.c[column]).order_by(table.c.n)))


def write_half(store: Store, n: int) -> None:
    with store.begin() as connection:
        connection.execute(sa.insert(table_of(store)).values(n=n))
        raise RuntimeError("half-way")


@settings(deadline=None)
@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=8))
def test_amounts_and_their_sums_are_exact(store: Store, amounts: list[Decimal]) -> None:
    assert round_trip(store, "amount", [*amounts]) == amounts
    table = table_of(store)
    with store.read() as connection:
        assert connection.scalar(sa.select(sa.func.sum(table.c.amount))) == sum(amounts)


@pytest.mark.parametrize(
    ("given_", "kept"),
    [("1334.8799999999999", "1334.88"), ("10", "10.00"), ("0.125", "0.125"), ("-5.5", "-5.50"), ("0.00005", "0.00")],
)
def test_amounts_show_their_cents(store: Store, given_: str, kept: str) -> None:
    assert [str(amount) for amount in round_trip(store, "amount", [Decimal(given_)])] == [kept]


@settings(deadline=None)
@given(instants=st.lists(INSTANTS, min_size=1, max_size=8))
def test_instants_come_back_aware_and_sort_in_time(store: Store, instants: list[datetime]) -> None:
    back = round_trip(store, "at", [*instants])
    assert back == instants
    assert {at.tzinfo for at in back if isinstance(at, datetime)} == {UTC}
    table = table_of(store)
    with store.read() as connection:
        assert list(connection.scalars(sa.select(table.c.at).order_by(table.c.at))) == sorted(instants)


def test_a_naive_instant_is_refused(store: Store) -> None:
    with pytest.raises(sa.exc.StatementError, match="tzinfo"):
        round_trip(store, "at", [datetime(2026, 11, 23, 9, 0)])  # noqa: DTZ001 - the point of the test


def test_nothing_half_written_stays(store: Store) -> None:
    round_trip(store, "amount", [Decimal(1)])
    table = table_of(store)
    with pytest.raises(RuntimeError, match="half-way"):
        write_half(store, 7)
    with store.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 1


def test_what_was_committed_is_there_for_the_next_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'practice.db'}"
    first, second = open_store(url), open_store(url)
    table_of(first)
    first.create()
    round_trip(first, "amount", [Decimal("2.50")])
    table = table_of(second)
    second.create()
    with second.read() as connection:
        assert connection.scalar(sa.select(table.c.amount)) == Decimal("2.50")
    first.close()
    second.close()


def test_a_transaction_that_may_write_keeps_other_writers_out_from_its_start(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'practice.db'}")
    table = table_of(store)
    store.create()
    impatient = sa.create_engine(store.engine.url, connect_args={"timeout": 0})
    with store.begin() as connection:
        connection.execute(sa.select(table.c.n))
        with pytest.raises(sa.exc.OperationalError, match="locked"), impatient.begin() as other:
            other.execute(sa.insert(table).values(n=1))
    impatient.dispose()
    store.close()


def test_nobody_else_on_the_machine_may_read_the_database(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = open_store(f"sqlite:///{tmp_path}/practice.db")
        with store.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE person (name TEXT)")
            rights = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert rights == dict.fromkeys(("practice.db", "practice.db-shm", "practice.db-wal"), 0o660)


def test_tables_stand_under_the_prefix(tmp_path: Path) -> None:
    store = open_store("sqlite://", prefix="host_crm_")
    table_of(store)
    store.create()
    assert sa.inspect(store.engine).get_table_names() == ["host_crm_thing"]
    store.close()


@pytest.mark.parametrize("prefix", ["", "1x", "Crm_", "a-b", "x; drop table y", "a" * 30])
def test_a_prefix_that_is_no_identifier_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigError, match="such as crmkit_"):
        open_store("sqlite://", prefix=prefix)


def test_an_engine_of_the_host_stays_open_and_without_listeners() -> None:
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    store = open_store(engine)
    table_of(store)
    store.create()
    round_trip(store, "amount", [Decimal(3)])
    store.close()
    with engine.connect() as connection:
        assert connection.scalar(sa.text("select amount from crmkit_thing")) == 30_000
        # The kit's own engines keep temporary tables in memory; SQLite's default is 0.
        assert connection.scalar(sa.text("pragma temp_store")) == 0
    engine.dispose()


def test_a_rehearsal_leaves_nothing_behind(store: Store) -> None:
    round_trip(store, "amount", [Decimal(1)])
    table = table_of(store)
    with store.scratch() as scratch:
        with scratch.begin() as inner:
            inner.execute(sa.insert(table).values(n=99))
        with pytest.raises(RuntimeError, match="half-way"):
            write_half(scratch, 100)
        with scratch.read() as inner:
            assert list(inner.scalars(sa.select(table.c.n).order_by(table.c.n))) == [0, 99]
        scratch.close()
    with store.read() as connection:
        assert list(connection.scalars(sa.select(table.c.n))) == [0]


@pytest.mark.parametrize("address", ["//crm:h@rse:staple@db/crm", "//crm:horse@db:stable/crm"])
def test_a_password_with_signs_in_it_is_not_quoted(address: str) -> None:
    with pytest.raises(ConfigError, match="%40 for @") as told:
        open_store(f"postgresql+psycopg:{address}")
    assert not any(part in str(told.value) for part in ("rse", "staple", "stable"))


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="create the folder") as caught:
        open_store(f"sqlite:///{tmp_path}/nowhere/practice.db")
    assert "nowhere" in caught.value.where


def test_a_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    store = open_store("sqlite:///~/practice.db")
    store.create()
    with store.begin() as connection:
        connection.execute(sa.text("create table t (n integer)"))
    store.close()
    assert "practice.db" in os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("database", "told"),
    [
        ("practice.db", "sqlite:///practice.db"),
        ("oracel://host/practice", "driver that is missing"),
        ("postgres://host/practice", "write postgresql+psycopg://"),
        ("postgresql+asyncpg://host/practice", "the driver is asynchronous"),
        ("postgresql+nodriver://user:hunter2@host/practice", "driver that is missing"),
    ],
)
def test_a_database_that_cannot_be_used_says_how_to_mend_it(database: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(database)
    assert told in str(caught.value)
    assert "hunter2" not in str(caught.value)
