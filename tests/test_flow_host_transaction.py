"""A plan within the host's own transaction stands or falls with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from test_flow_delivery import BIRTHDAY, people

from crmkit import CRM, Campaign
from crmkit.errors import ConfigError, StoreError, Unreachable

KEY = "a key that only the host has"


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path) -> Iterator[sa.Engine]:
    url = f"sqlite:///{tmp_path}/host.db" if request.param == "sqlite" else request.getfixturevalue("postgres_ready")
    made = sa.create_engine(url, connect_args={"timeout": 0} if request.param == "sqlite" else {})
    with made.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE appointment (n integer)")
    yield made
    made.dispose()


@pytest.fixture
def crm(engine, practice, clock, tmp_path, exports) -> Iterator[CRM]:
    people(exports, 20)
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    more = {"plugins": ["csv", "folder"], "settings": settings, "clock": clock, "root": tmp_path, "audit_key": KEY}
    with CRM(practice, engine, **more) as opened:
        opened.sync()
        opened.add(BIRTHDAY)
        yield opened


def book(connection: sa.Connection) -> None:
    connection.exec_driver_sql("INSERT INTO appointment VALUES (1)")


def booked(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM appointment").scalar_one())


def fits_its_trail(crm: CRM) -> bool:
    found = crm.audit()
    return (found.faults, found.unsealed) == ((), 0)


def test_both_are_committed_together(crm, engine):
    with engine.begin() as connection:
        book(connection)
        plan = crm.plan(connection=connection)
    assert plan.ready()
    assert booked(engine) == 1
    assert crm.plan().changed == 0
    assert fits_its_trail(crm)
    assert 0 < len(crm.send().touches) <= len(plan.ready())
    assert fits_its_trail(crm)


def test_what_the_host_rolls_back_was_never_planned(crm, engine):
    with engine.connect() as connection, connection.begin() as transaction:
        # Before anything is written: SQLite's driver would open the host's transaction with the first INSERT only.
        assert crm.plan(connection=connection).ready()
        book(connection)
        transaction.rollback()
    assert booked(engine) == 0
    assert crm.feed() == []
    assert crm.send().touches == ()
    assert fits_its_trail(crm)
    assert crm.plan().changed > 0
    assert fits_its_trail(crm)


def test_a_plan_that_fails_undoes_its_own_part_only(crm, engine):
    crm.add(Campaign("more", objective="celebrate", message="birthday", segment="age >= 18", schedule="on birthday"))

    def failing(campaign: str) -> None:
        if campaign == "more":
            raise RuntimeError

    with engine.begin() as connection:
        book(connection)
        with pytest.raises(RuntimeError):
            crm.plan(connection=connection, progress=failing)
    assert booked(engine) == 1
    assert crm.feed() == []
    assert fits_its_trail(crm)


def test_a_dry_plan_writes_nothing(crm, engine):
    with engine.begin() as connection:
        assert crm.plan(connection=connection, dry=True).ready()
    assert crm.feed() == []


def test_only_an_open_transaction_of_this_database_will_do(crm, engine, tmp_path):
    with engine.connect() as connection, pytest.raises(ConfigError, match="no transaction is open"):
        crm.plan(connection=connection)
    other = sa.create_engine(f"sqlite:///{tmp_path}/other.db")
    with other.begin() as connection, pytest.raises(ConfigError, match="none of this CRM's engine"):
        crm.plan(connection=connection)
    alone = engine.execution_options(isolation_level="AUTOCOMMIT")
    with alone.begin() as connection, pytest.raises(ConfigError, match="commits by itself"):
        crm.plan(connection=connection)
    other.dispose()
    assert crm.feed() == []


def test_a_schema_that_the_engine_would_write_before_all_names_is_refused_and_told(crm, engine, practice, clock):
    moved = engine.execution_options(schema_translate_map={None: "tenant"})
    with pytest.raises(ConfigError, match=r"schema_translate_map.*name the schema to the CRM"):
        CRM(practice, moved, clock=clock)
    with moved.begin() as connection, pytest.raises(ConfigError, match="schema_translate_map"):
        crm.plan(connection=connection)


def test_who_holds_the_only_connection_is_told_so(engine, practice, clock):
    alone = sa.create_engine(engine.url, pool_size=1, max_overflow=0, pool_timeout=0.1)
    with CRM(practice, alone, clock=clock) as crm, alone.begin() as connection:
        assert crm.plan(connection=connection).changed == 0
        with pytest.raises(Unreachable, match="no connection of the engine's pool came free in time"):
            crm.programme()
    alone.dispose()


def test_a_transaction_that_has_failed_before_is_told_as_that(crm, engine):
    with engine.connect() as connection, connection.begin():
        with pytest.raises(sa.exc.DBAPIError):
            connection.exec_driver_sql("SELECT nonsense")
        if engine.dialect.name == "sqlite":
            assert crm.plan(connection=connection).ready(), "there, it spoils no transaction"
            return
        with pytest.raises(StoreError, match=r"an earlier statement of this transaction failed.*roll it back"):
            crm.plan(connection=connection)


def test_a_transaction_that_plans_twice_does_not_wait_for_who_waits_for_it(postgres, practice, clock):
    engine, planned = sa.create_engine(postgres), list[int]()
    with CRM(practice, engine, clock=clock) as crm:

        def twice() -> None:
            with engine.begin() as connection:
                crm.plan(connection=connection)
                other.start()
                while other.is_alive() and not waits(engine):
                    time.sleep(0.01)
                planned.append(crm.plan(connection=connection).changed)

        other = threading.Thread(target=crm.plan, daemon=True)
        host = threading.Thread(target=twice, daemon=True)
        host.start()
        host.join(20)
        assert planned == [0], "they wait for one another"
        other.join(20)
        assert not other.is_alive()
    engine.dispose()


def waits(engine: sa.Engine) -> bool:
    """Tell whether somebody waits for the right to plan."""
    with engine.connect() as connection:
        asked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return bool(connection.exec_driver_sql(asked).scalar())
