"""The tables as the migrations make them are those that the stages declare, on every database and under any name."""

from __future__ import annotations

import inspect
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from crmkit import CRM, upgrade_database
from crmkit.crm.database import Database
from crmkit.errors import ConfigError, GoneBack, OtherRevision, StoreError
from crmkit.ledger.feed import feed
from crmkit.ledger.tables import declare_ledger
from crmkit.records.tables import declare_records
from crmkit.store import migrations, sqlite_writer, version
from crmkit.store import upgrade as upgrades
from crmkit.store.drift import drift
from crmkit.store.store import Store
from crmkit.store.upgrade import as_sql, revisions, upgrade
from crmkit.store.version import HEAD, revision

#: Itself, and not what spares other tests the work.
make_ready = inspect.unwrap(version.make_ready)
Make = Callable[..., Store]
WHERE = [("sqlite", "crmkit_", ""), ("postgresql", "crmkit_", ""), ("postgresql", "host_", "crm")]
MEND = "the migrations and the declared tables differ: run python tests/revision.py --write, or add a revision"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
TOUCH = {"practice": "p", "campaign": "c", "occasion": "o", "patient": "P", "key": "k", "version": 1, "message": "m"}
TOUCH |= {"purpose": "care", "medium": "email", "recipient": "r", "state": "ready", "reason": "ready", "detail": {}}
TOUCH |= {"due": LONG_AGO, "stale": LONG_AGO, "priority": 1, "changed_at": LONG_AGO}

_OF_POSTGRESQL = (
    """SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)
       FROM pg_attribute JOIN pg_class c ON c.oid = attrelid AND relkind = 'r'
       LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
       WHERE attnum > 0 AND NOT attisdropped AND relnamespace = CAST(:schema AS regnamespace)""",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = CAST(:schema AS regnamespace)",
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = :schema",
    "SELECT tgname, tgenabled::text, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid"
    " WHERE NOT tgisinternal AND relnamespace = CAST(:schema AS regnamespace)",
    "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = CAST(:schema AS regnamespace)",
)
_OF_SQLITE = (
    'SELECT t.name, t.wr, c.name, c.type, c."notnull", c.dflt_value, c.pk'
    " FROM pragma_table_list t JOIN pragma_table_xinfo(t.name) c"
    " WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%'",
    "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')",
)


def catalogue(store: Store) -> set[tuple[object, ...]]:
    """Return all that the database itself says about its tables, indexes, keys and triggers."""
    place = {"schema": store.schema or "public"}
    with store.read() as connection:
        queries = _OF_SQLITE if connection.dialect.name == "sqlite" else _OF_POSTGRESQL
        return {
            tuple(row) for query in queries for row in connection.execute(sa.text(query.replace("::", r"\:\:")), place)
        }


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Return stores on empty databases, with all tables declared; or on one that is named."""
    made: list[Store] = []

    def one(dialect: str = "sqlite", prefix: str = "crmkit_", schema: str = "", url: str = "") -> Store:
        empty = f"sqlite:///{tmp_path}/{len(made)}.db"
        if not url:
            url = empty if dialect == "sqlite" else request.getfixturevalue("postgres_server").fresh()
        made.append(Database(url, prefix, schema).tables().store)
        return made[-1]

    yield one
    for store in made:
        store.close()


def url_of(store: Store) -> str:
    return store.engine.url.render_as_string(hide_password=False)


@pytest.mark.no_cover
@pytest.mark.parametrize("where", WHERE)
def test_migrations_make_the_tables_that_are_declared(where: tuple[str, str, str], make: Make) -> None:
    declared, migrated = make(*where), make(*where)
    make_ready(declared)
    assert upgrade(migrated) == ""
    assert catalogue(migrated) == catalogue(declared), MEND
    assert revision(migrated) == revision(declared) == HEAD
    assert drift(migrated) == drift(declared) == []
    told = {name for row in catalogue(migrated) for name in row[:2]}
    assert {f"{where[1]}{name}" for name in ("patient", "touch_order", "touch_once")} <= told


@pytest.mark.no_cover
@pytest.mark.parametrize("where", WHERE)
def test_the_sql_for_somebody_else_to_run_makes_the_same(where: tuple[str, str, str], make: Make) -> None:
    declared, written = make(*where), make(*where)
    make_ready(declared)
    script = as_sql(written)
    if where[0] == "sqlite":
        raw = sqlite3.connect(str(written.engine.url.database))
        raw.executescript(script)
        raw.close()
    else:
        with psycopg.connect(url_of(written).replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(script)
    make_ready(written)
    assert catalogue(written) == catalogue(declared)


def at_revision(store: Store, number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrate a database as far as a revision."""
    with monkeypatch.context() as patch:
        patch.setattr(upgrades, "HEAD", number)
        upgrade(store)


@pytest.mark.no_cover
@pytest.mark.parametrize("where", WHERE)
def test_what_happened_before_the_feed_had_places_is_told_in_its_order(
    where: tuple[str, str, str], make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, most = make(*where), 2300
    at_revision(store, "0002", monkeypatch)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    tables = declare_ledger(Store(store.engine, store.prefix, store.schema))
    event = {"practice": "p", "campaign": "c", "state": "ready", "reason": "ready", "detail": {}, "actor": "plan"}
    people = [{"occasion": "o", "patient": f"P{n}"} for n in range(most)]
    with store.begin() as connection:
        connection.execute(sa.insert(tables.touch), [TOUCH | one | {"key": f"k-{one['patient']}"} for one in people])
        moments = [start + timedelta(seconds=n * 7919 % most) for n in range(most)]
        rows = [event | one | {"number": 1, "at": at} for one, at in zip(people, moments, strict=True)]
        connection.execute(sa.insert(tables.event), rows)
    upgrade(store)
    with store.read() as connection:
        told = feed(connection, tables, "p", "", None)
        rest = feed(connection, tables, "p", told[1499].cursor, 3)
    assert [one.at for one in told] == sorted(moments)
    assert rest == told[1500:1503]


@pytest.mark.no_cover
@pytest.mark.parametrize("where", WHERE)
def test_rows_that_could_not_be_read_before_the_upgrade_say_whose_they_are(
    where: tuple[str, str, str], make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make(*where)
    at_revision(store, "0007", monkeypatch)
    found = [
        ("patient", "P1", {"born": "soon"}),
        ("consent", "C1", {"patient": " P2\t", "given": "?"}),
        ("visit", "V1", {}),
    ]
    row = {"practice": "p", "source": "csv", "file": "f", "line": 1, "field": "x", "reason": "r"}
    row |= {"rejected_at": LONG_AGO, "expires_at": LONG_AGO}
    table = declare_records(Store(store.engine, store.prefix, store.schema)).rejected
    old = sa.Table(
        table.name, sa.MetaData(), *(sa.Column(one.name, one.type) for one in table.c if one.name != "patient")
    )
    old.schema = table.schema
    with store.begin() as connection:
        rows = [{**row, "kind": kind, "row_id": id_, "row": fields} for kind, id_, fields in found]
        connection.execute(sa.insert(old), rows)
    upgrade(store)
    with store.read() as connection:
        assert set(connection.scalars(sa.select(table.c.patient))) == {"P1", "P2", ""}


@pytest.mark.no_cover
@pytest.mark.parametrize("where", WHERE)
def test_a_database_of_an_older_revision_is_refused_until_it_is_upgraded(
    where: tuple[str, str, str], make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, fresh = make(*where), make(*where)
    at_revision(store, "0001", monkeypatch)
    with pytest.raises(StoreError, match=r"older than .* To mend: take a backup, then run crmkit db upgrade"):
        make_ready(store)
    rest = as_sql(store, "0001")
    assert f"{where[1]}touch" in rest
    assert f"CREATE TABLE {where[1]}patient" not in rest
    assert upgrade(store) == "0001"
    make_ready(store)
    make_ready(fresh)
    assert catalogue(store) == catalogue(fresh)
    assert upgrade(store) == HEAD


@pytest.mark.parametrize("found", ["9999", "3f2a9c"])
def test_a_database_of_a_newer_revision_is_refused_for_good(found: str, make: Make) -> None:
    store = make()
    make_ready(store)
    with store.begin() as connection:
        connection.execute(sa.text("UPDATE crmkit_version SET version_num = :found"), {"found": found})
    for attempt in (make_ready, upgrade):
        with pytest.raises(StoreError, match="To mend: upgrade the package crmkit"):
            attempt(make(url=url_of(store)))
    assert revision(store) == found


def to_revision(store: Store, number: str) -> None:
    """Let a database say that it is of a revision."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {store.real(store.name('version'))} SET version_num = '{number}'")  # noqa: S608


@pytest.mark.parametrize("where", WHERE)
def test_a_process_that_runs_writes_nothing_once_the_database_is_of_another_revision(
    where: tuple[str, str, str], make: Make
) -> None:
    store = make(*where)
    make_ready(store)
    for number, problem, told in (("9999", OtherRevision, "process anew"), ("0001", GoneBack, "a backup was restored")):
        to_revision(store, number)
        with pytest.raises(problem, match=told), store.begin():
            pass
        # Of a host's own transaction SQLite's driver, as the kit opens it, knows nothing.
        if where[0] == "postgresql":
            with store.engine.begin() as connection, pytest.raises(problem, match=told), store.within(connection):
                pass
    to_revision(store, HEAD)
    with store.begin():
        pass


def until_somebody_waits(store: Store, upgrading: Future[str]) -> None:
    """Return once an upgrade waits for others: PostgreSQL tells, and SQLite only that it has not ended."""
    if store.engine.dialect.name == "sqlite":
        with pytest.raises(TimeoutError):
            upgrading.result(0.3)
        return
    waiting = sa.text(
        "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
        " WHERE NOT granted AND datname = current_database()"
    )
    with sa.create_engine(url_of(store), poolclass=sa.NullPool).connect() as connection:
        while not connection.execute(waiting).scalar() and not upgrading.done():
            time.sleep(0.01)


@pytest.mark.no_cover
@pytest.mark.parametrize("where", WHERE)
def test_an_upgrade_waits_for_who_writes_and_whoever_comes_then_sees_it(
    where: tuple[str, str, str], make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, before = make(*where), revisions()[-2]
    at_revision(store, before, monkeypatch)
    old, older = (make(*where, url_of(store)) for _ in range(2))
    # These are of the version that is upgraded.
    monkeypatch.setattr(version, "HEAD", before)
    make_ready(old)
    make_ready(older)

    def write() -> None:
        with older.begin():
            pass

    with ThreadPoolExecutor(2) as threads:
        with old.begin():
            upgrading = threads.submit(upgrade, store)
            until_somebody_waits(store, upgrading)
            writing = threads.submit(write)
            with pytest.raises(TimeoutError):
                writing.result(0.1)
        assert upgrading.result() == before
        # Those who wait for a file of SQLite have no order.
        assert isinstance(writing.exception(), OtherRevision | (None if where[0] == "sqlite" else OtherRevision))
    with pytest.raises(OtherRevision, match=f"of revision {HEAD} now, and was of {before}"), old.begin():
        pass


@pytest.mark.parametrize("where", WHERE)
def test_an_upgrade_gives_up_where_somebody_does_not_end(
    where: tuple[str, str, str], make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make(*where)
    at_revision(store, "0007", monkeypatch)
    other = make(*where, url_of(store))
    for module in (sqlite_writer, version, upgrades):
        monkeypatch.setattr(module, "PATIENCE", 1)
    with other.begin() as connection:
        connection.exec_driver_sql(f"SELECT * FROM {store.real(store.name('patient'))}")  # noqa: S608
        with pytest.raises(StoreError, match=r"did not end within 1 seconds; nothing was changed\. To mend: end all"):
            upgrade(store)
    assert upgrade(store) == "0007"


@pytest.mark.no_cover
@pytest.mark.parametrize("where", WHERE)
def test_no_upgrade_comes_between_a_message_and_its_answer(
    where: tuple[str, str, str], make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, before = make(*where), revisions()[-2]
    at_revision(store, before, monkeypatch)
    tables, now = declare_ledger(Store(store.engine, store.prefix, store.schema)), datetime.now(UTC)
    with store.begin() as connection:
        connection.execute(sa.insert(tables.touch), TOUCH | {"state": "sending", "lease": now + timedelta(minutes=5)})
    with pytest.raises(StoreError, match=r"1 messages are being handed over .* end all senders first"):
        upgrade_database(store.engine, prefix=store.prefix, schema=store.schema)
    assert revision(store) == before
    with store.begin() as connection:
        connection.execute(sa.update(tables.touch).values(lease=now))
    assert upgrade_database(store.engine, prefix=store.prefix, schema=store.schema) == (before, HEAD)


@pytest.mark.no_cover
@pytest.mark.parametrize("where", WHERE)
def test_the_sql_of_another_revision_changes_nothing(
    where: tuple[str, str, str], make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make(*where)
    at_revision(store, "0005", monkeypatch)
    before, script = catalogue(store), as_sql(store, "0006")
    if where[0] == "sqlite":
        with (
            closing(sqlite3.connect(str(store.engine.url.database))) as raw,
            pytest.raises(sqlite3.IntegrityError, match="CHECK constraint failed"),
        ):
            raw.executescript(script)
    else:
        with (
            psycopg.connect(url_of(store).replace("+psycopg", ""), autocommit=True) as connection,
            pytest.raises(psycopg.errors.CheckViolation, match="is_of_revision_0006"),
        ):
            connection.execute(script)
    assert (catalogue(store), revision(store)) == (before, "0005")
    assert upgrade(store) == "0005"
    make_ready(store)


@pytest.mark.parametrize("where", WHERE)
def test_tables_without_a_revision_are_refused_and_left_alone(where: tuple[str, str, str], make: Make) -> None:
    store = make(*where)
    with store.begin() as connection:
        if where[2]:
            connection.execute(sa.schema.CreateSchema(where[2]))
        store.metadata.create_all(connection, [store.metadata.tables[store.real(store.name("patient"))]])
    before = catalogue(store)
    for attempt in (make_ready, upgrade):
        with pytest.raises(StoreError, match=r"kept no revision .* set it aside"):
            attempt(store)
    assert catalogue(store) == before


@pytest.mark.no_cover
@pytest.mark.parametrize("where", WHERE)
def test_all_who_open_an_empty_database_at_once_succeed(where: tuple[str, str, str], make: Make) -> None:
    first = make(*where)
    stores = [first, *(make(*where[:3], url_of(first)) for _ in range(3))]
    together = threading.Barrier(len(stores))

    def open_it(store: Store) -> str:
        together.wait()
        make_ready(store)
        return revision(store)

    with ThreadPoolExecutor(len(stores)) as threads:
        assert list(threads.map(open_it, stores)) == [HEAD] * len(stores)
    assert drift(first) == []


@pytest.mark.no_cover
@pytest.mark.parametrize("where", WHERE)
def test_a_hosts_tables_beside_ours_are_not_looked_at(where: tuple[str, str, str], make: Make) -> None:
    store = make(*where)
    with store.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE invoice (n integer)")
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num text)")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('of the host')")
    upgrade(store)
    make_ready(store)
    assert drift(store) == []
    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "of the host"
        assert sa.inspect(connection).get_columns("invoice")[0]["name"] == "n"


@pytest.mark.parametrize("where", WHERE)
def test_what_somebody_took_away_is_told(where: tuple[str, str, str], make: Make) -> None:
    store = make(*where)
    make_ready(store)
    touch, place = store.name("touch"), f"{store.schema}." if store.schema else ""
    on = f" ON {place}{touch}" if where[0] == "postgresql" else ""
    with store.begin() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER {touch}_start{on}")
        connection.exec_driver_sql(f"DROP INDEX {place}{touch}_sent")
        connection.exec_driver_sql(f"ALTER TABLE {place}{touch} DROP COLUMN arm")
        connection.exec_driver_sql(f"ALTER TABLE {place}{touch} ADD COLUMN of_the_host integer")
        connection.exec_driver_sql(f"DROP TABLE {place}{store.name('stop')}")
    assert sorted(drift(store)) == [
        f"the column {touch}.arm is missing",
        f"the index {touch}_sent is missing, or another one",
        f"the table {store.name('stop')} is missing",
        f"the trigger {touch}_start is missing",
    ]


def test_the_needed_revision_is_the_last_one() -> None:
    assert revisions()[-1] == HEAD
    assert list(revisions()) == [f"{number:04}" for number in range(1, len(revisions()) + 1)]
    # Of two files that claim one number Alembic would take either.
    files = sorted(file.name[1:5] for file in (Path(migrations.__file__).parent / "versions").glob("r*.py"))
    assert files == list(revisions())


def test_a_failed_upgrade_leaves_the_database_as_it_was(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make()
    at_revision(store, "0001", monkeypatch)
    before = catalogue(store)
    with store.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE crmkit_stop (of_the_host integer)")
    with pytest.raises(StoreError, match="crmkit_stop already exists"):
        upgrade(store)
    with store.begin() as connection:
        connection.exec_driver_sql("DROP TABLE crmkit_stop")
    assert catalogue(store) == before
    assert revision(store) == "0001"


def test_opening_a_current_database_costs_two_small_selects(practice: object, tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/crm.db")
    CRM(practice, engine).close()
    asked: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    CRM(practice, engine).close()
    assert [one.split()[0] for one in asked] == ["BEGIN", "SELECT"] * 2
    assert "crmkit_version" in asked[1]
    engine.dispose()


def test_a_host_upgrades_with_an_engine_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/host.db")
    at_revision(Database(engine, "host_").tables().store, "0001", monkeypatch)
    assert upgrade_database(engine, prefix="host_") == ("0001", HEAD)
    assert upgrade_database(engine, prefix="host_") == (HEAD, HEAD)
    assert upgrade_database(engine) == ("", HEAD)
    engine.dispose()


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ("crm", "SQLite has no schemas"),
        ("a-b", "no identifier"),
        ("x" * 64, "use at most 63 lower-case letters"),
        ("x" * 63, "SQLite has no schemas"),
        *((name, "taken by PostgreSQL itself") for name in ("order", "user", "lateral", "pg_crm")),
    ],
)
def test_a_schema_that_cannot_be_is_refused(schema: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Database("sqlite://", schema=schema).tables()


def test_a_revision_that_there_is_not_is_told_with_those_that_there_are(make: Make) -> None:
    with pytest.raises(StoreError, match=f"known are: .*{HEAD}"):
        as_sql(make(), "0000")
