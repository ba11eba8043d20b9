"""What a database refuses for a reason of its own is told with what to do, and leaves no name; then it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from crmkit import upgrade_database
from crmkit.errors import ConfigError, StoreError
from crmkit.store.sqlite_writer import PATIENCE
from crmkit.store.store import Store, open_store

Make = Callable[..., Store]
NAME = "Nguyễn"


@pytest.fixture
def make() -> Iterator[Make]:
    """Return stores on an address or an engine, each with the table `person`."""
    made: list[Store] = []

    def one(database: str | sa.Engine) -> Store:
        store = open_store(database)
        made.append(store)
        sa.Table("person", store.metadata, sa.Column("name", sa.Text), sa.Column("at", sa.DateTime(timezone=True)))
        store.create()
        return store

    yield one
    for store in made:
        store.engine.dispose()


def add(store: Store, name: str = NAME) -> None:
    with store.begin() as connection:
        connection.execute(sa.insert(store.metadata.tables["person"]), {"name": name})


def names(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.scalars(sa.select(store.metadata.tables["person"].c.name)))


def settings_of(url: str, setting: str) -> None:
    """Change what holds for whoever connects to a database from now on."""
    hands_free = {"options": "-c default_transaction_read_only=off"}
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", connect_args=hands_free)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {engine.url.database} {setting}")
    engine.dispose()


def test_a_full_disk_is_told_by_its_file_and_nothing_is_half_written(tmp_path: Path, make: Make) -> None:
    store = make(f"sqlite:///{tmp_path}/practice.db")
    add(store)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    with pytest.raises(StoreError) as caught:
        add(store, NAME * 100_000)
    assert (str(tmp_path / "practice.db"), "make room") == (caught.value.where, caught.value.mend[:9])
    assert "the disk is full (SQLITE_FULL)" in str(caught.value)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    add(store, "Leo")
    assert names(store) == [NAME, "Leo"]


def test_a_damaged_file_is_no_matter_of_its_rights(tmp_path: Path, make: Make) -> None:
    store = make(f"sqlite:///{tmp_path}/practice.db")
    store.close()
    (tmp_path / "practice.db").write_bytes(b"not what it was" * 1000)
    with pytest.raises(StoreError, match=r"practice\.db: the file is no SQLite database .*take back the last backup"):
        names(store)


@pytest.mark.parametrize("of_the_kit", [True, False])
def test_who_was_led_to_a_standby_asks_anew_where_to_write(of_the_kit: bool, postgres: str, make: Make) -> None:
    store = make(postgres if of_the_kit else sa.create_engine(postgres, pool_size=1))
    store.engine.dispose()
    settings_of(postgres, "SET default_transaction_read_only = on")
    with pytest.raises(StoreError, match=r"may only be read.*\(25006\).*target_session_attrs=read-write"):
        add(store)
    settings_of(postgres, "RESET default_transaction_read_only")
    add(store)
    assert names(store) == [NAME]


def test_a_limit_of_the_server_is_told_by_its_name(postgres: str, make: Make) -> None:
    store = make(postgres)
    store.engine.dispose()
    settings_of(postgres, "SET statement_timeout = '20ms'")
    with pytest.raises(StoreError, match=r"statement_timeout \(57014\).*To mend: raise it"), store.read() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(1)")


@pytest.mark.parametrize("of_the_kit", [True, False])
def test_behind_a_pooler_nothing_is_prepared_and_who_did_not_say_so_is_told(
    of_the_kit: bool, postgres: str, make: Make
) -> None:
    said = sa.make_url(postgres).update_query_dict({"prepare_threshold": "none"}).render_as_string(hide_password=False)
    store = make(said if of_the_kit else postgres)
    asked = sa.select(sa.func.count()).select_from(sa.table("pg_prepared_statements"))
    for _ in range(8):
        with store.read() as connection:
            prepared = connection.scalar(asked)
    assert bool(prepared) is not of_the_kit
    if not of_the_kit:
        # As if the pooler had lent the connection to somebody else.
        with pytest.raises(StoreError, match=r"a pooler .*\(26000\).*prepare_threshold=none"):
            forgotten(store, asked)
    with pytest.raises(ConfigError, match="prepare_threshold is no number"):
        open_store(said.replace("=none", "=never"))


def forgotten(store: Store, asked: sa.Select[tuple[int]]) -> None:
    with store.read() as connection:
        connection.exec_driver_sql("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
        connection.scalar(asked)


def test_a_server_that_died_without_a_word_is_given_up_after_half_a_minute(postgres: str, make: Make) -> None:
    def heeded(address: str) -> dict[str, str]:
        with make(address).read() as connection:
            return dict(connection.connection.driver_connection.info.get_parameters())

    alone = heeded(postgres)
    silent = int(alone["keepalives_idle"]) + 4 * int(alone["keepalives_interval"])
    # Who waits for an answer, who sends, and who connects: Linux would wait two hours, a quarter of one, two minutes.
    assert (silent, alone["keepalives_count"]) == (PATIENCE, "4")
    assert (alone["tcp_user_timeout"], alone["connect_timeout"]) == (f"{PATIENCE}000", str(PATIENCE))
    own = heeded(f"{postgres}&connect_timeout=5&tcp_user_timeout=9000")
    assert (own["connect_timeout"], own["tcp_user_timeout"]) == ("5", "9000"), "what the address says is heeded"


def test_every_name_has_its_letters_whatever_the_server_is_set_to(postgres: str, make: Make) -> None:
    settings_of(postgres, "SET client_encoding = 'LATIN1'")
    store = make(postgres)
    add(store)
    assert names(store) == [NAME]
    with pytest.raises(StoreError, match="client_encoding=utf8") as caught:
        add(make(sa.create_engine(postgres)))
    assert caught.value.__suppress_context__
    assert "1ec5" not in repr(caught.value)


def test_dates_that_the_driver_cannot_read_are_told(postgres: str, make: Make) -> None:
    settings_of(postgres, "SET datestyle = 'German, DMY'")
    store = make(postgres)
    with pytest.raises(StoreError, match="DateStyle to ISO"), store.read() as connection:
        connection.scalar(sa.select(sa.func.now()))


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_without_all_letters_is_refused_before_anything_is_in_it(encoding: str, postgres: str) -> None:
    admin = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
    name = f"{admin.url.database}_{encoding.lower()}"
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
        url = admin.url.set(database=name).render_as_string(hide_password=False)
        with pytest.raises(StoreError, match=f"encoding {encoding}.*ENCODING 'UTF8'"):
            upgrade_database(url)
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()
