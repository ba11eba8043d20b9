"""Whatever engine a host hands in, a transaction is one, a reader sees one instant, and an error holds no values."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from crmkit.errors import ConfigError, StoreError, Unreachable
from crmkit.store.store import Store, open_store

Make = Callable[..., Store]
OF_SQLITE = ["sqlite", "sqlite that commits by itself", "sqlite with listeners", "sqlite of the kit"]
OF_POSTGRESQL = [
    "postgresql",
    "postgresql that commits by itself",
    "postgresql that is serializable",
    "postgresql of the kit",
]
ENGINES = [*OF_SQLITE, *OF_POSTGRESQL]


def as_the_manual_of_sqlalchemy_says(engine: sa.Engine) -> None:
    """Let SQLAlchemy begin transactions on SQLite, in the place of the driver."""

    @sa.event.listens_for(engine, "connect")
    def _(raw: object, _: object) -> None:
        raw.isolation_level = None

    @sa.event.listens_for(engine, "begin")
    def _(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN")


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Return stores on engines that differ in what matters to transactions, each with the table `person`."""
    engines: list[sa.Engine] = []

    def one(kind: str, url: str = "", **more: object) -> Store:
        if not url:
            lite = f"sqlite:///{tmp_path}/host.db"
            url = lite if kind in OF_SQLITE else request.getfixturevalue("postgres")
        if kind.endswith("of the kit"):
            store = open_store(url)
        else:
            level = {"self": "AUTOCOMMIT", "able": "SERIALIZABLE"}.get(kind[-4:])
            connect = {"timeout": 0} if kind in OF_SQLITE else {}
            engine = sa.create_engine(url, connect_args=connect, **({"isolation_level": level} if level else {}) | more)
            store = open_store(engine)
            if kind.endswith("listeners"):
                as_the_manual_of_sqlalchemy_says(engine)
        engines.append(store.engine)
        name = sa.Column("name", sa.Text, nullable=False)
        sa.Table("person", store.metadata, sa.Column("n", sa.Integer, primary_key=True), name)
        store.create()
        return store

    yield one
    for engine in engines:
        engine.dispose()


def person(store: Store) -> sa.Table:
    return store.metadata.tables["person"]


def add(store: Store, n: int, name: str | None = "Mia Stone") -> None:
    with store.begin() as connection:
        connection.execute(sa.insert(person(store)), {"n": n, "name": name})


def names(store: Store) -> list[int]:
    with store.read() as connection:
        return sorted(connection.scalars(sa.select(person(store).c.n)))


def add_half(store: Store) -> None:
    with store.begin() as connection:
        connection.execute(sa.insert(person(store)), {"n": 2, "name": "Leo Stone"})
        raise RuntimeError("half-way")


def let_readers_and_a_writer_work_together(store: Store) -> None:
    file = sqlite3.connect(str(store.engine.url.database))
    file.execute("PRAGMA journal_mode=WAL")
    file.close()


@pytest.mark.parametrize("kind", ENGINES)
def test_a_transaction_is_written_whole_or_not_at_all(kind: str, make: Make) -> None:
    store = make(kind)
    add(store, 1)
    with pytest.raises(RuntimeError, match="half-way"):
        add_half(store)
    assert names(store) == [1]
    assert names(make(kind)) == [1]


@pytest.mark.parametrize("kind", OF_SQLITE)
def test_a_writer_keeps_other_writers_out_from_its_start(kind: str, make: Make) -> None:
    store, other = make(kind), make("sqlite")
    let_readers_and_a_writer_work_together(store)
    with store.begin() as connection:
        assert list(connection.scalars(sa.select(person(store).c.n))) == []
        with pytest.raises(StoreError, match="another transaction was in the way"):
            add(other, 1)
        connection.execute(sa.insert(person(store)), {"n": 2, "name": "Leo Stone"})
    assert names(other) == [2]


@pytest.mark.parametrize("kind", ENGINES)
def test_a_reader_sees_the_database_as_it_was_at_one_instant(kind: str, make: Make) -> None:
    store, other = make(kind), make(kind)
    if kind in OF_SQLITE:
        let_readers_and_a_writer_work_together(store)
    asked = sa.select(sa.func.count()).select_from(person(store))
    with store.read() as connection:
        assert connection.scalar(asked) == 0
        add(other, 1)
        assert connection.scalar(asked) == 0
    assert names(store) == [1]


@pytest.mark.parametrize("kind", ENGINES)
def test_a_hosts_engine_is_as_it_was_afterwards(kind: str, make: Make) -> None:
    store = make(kind)
    with store.engine.connect() as connection:
        before = connection.get_isolation_level()
    add(store, 1)
    names(store)
    with store.engine.connect() as connection:
        assert connection.get_isolation_level() == before


@pytest.mark.parametrize(
    ("kind", "asked", "hasty", "patient"),
    [
        ("sqlite", "PRAGMA synchronous", "PRAGMA synchronous = NORMAL", 2),
        ("sqlite with listeners", "PRAGMA synchronous", "PRAGMA synchronous = OFF", 2),
        ("postgresql", "SHOW synchronous_commit", "SET synchronous_commit = off", "on"),
        ("postgresql of the kit", "SHOW synchronous_commit", "SET synchronous_commit = local", "local"),
    ],
)
def test_what_is_written_is_on_the_disk_whatever_speed_the_engine_was_tuned_for(
    kind: str, asked: str, hasty: str, patient: object, make: Make
) -> None:
    store = make(kind)
    store.engine.dispose()
    sa.event.listen(store.engine, "connect", lambda raw, _: (raw.cursor().execute(hasty), raw.commit()))
    with store.engine.connect() as connection:
        before = connection.exec_driver_sql(asked).scalar_one()
    with store.begin() as connection:
        assert connection.exec_driver_sql(asked).scalar_one() == patient
        connection.execute(sa.insert(person(store)), {"n": 1, "name": "Mia Stone"})
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql(asked).scalar_one() == before
    assert names(store) == [1]


@pytest.mark.parametrize("kind", ENGINES)
def test_no_error_holds_a_value_of_a_row(kind: str, make: Make) -> None:
    store = make(kind)
    add(store, 1)
    for n, name in ((1, "Mia Stone"), (2, None)):
        with pytest.raises(StoreError, match="refused a statement: IntegrityError") as caught:
            add(store, n, name)
        told = "".join(map(str, (caught.value, repr(caught.value), caught.value.__cause__)))
        assert caught.value.__suppress_context__
        assert "person" in told
        assert "Stone" not in told


@pytest.mark.parametrize("kind", OF_POSTGRESQL)
def test_a_value_of_another_type_is_not_told_either(kind: str, make: Make) -> None:
    store = make(kind)
    asked = sa.text("SELECT CAST(:name AS integer)")
    with pytest.raises(StoreError, match=r"DataError \(22P02\)") as caught, store.read() as connection:
        connection.execute(asked, {"name": "Mia Stone"})
    assert "Mia" not in str(caught.value)


def test_a_statement_that_the_driver_never_saw_hides_its_values(make: Make) -> None:
    store = make("sqlite")
    statement = sa.insert(person(store)).values(n=sa.bindparam("n"), name=sa.bindparam("missing"))
    with pytest.raises(sa.exc.StatementError) as caught, store.begin() as connection:
        connection.execute(statement, [{"n": 7, "name": "Mia Stone"}])
    assert "Mia" not in str(caught.value)


@pytest.mark.parametrize("kind", ["postgresql", "postgresql of the kit"])
def test_of_two_who_wait_for_each_other_one_is_told_to_call_again(kind: str, make: Make) -> None:
    store = make(kind)
    add(store, 1)
    add(store, 2)
    together = threading.Barrier(2)

    def both(order: tuple[int, int]) -> str:
        try:
            with store.begin() as connection:
                for n in order:
                    connection.execute(sa.update(person(store)).where(person(store).c.n == n).values(name="Kim Stone"))
                    if n == order[0]:
                        together.wait()
        except StoreError as problem:
            return str(problem)
        return "done"

    with ThreadPoolExecutor(2) as threads:
        told = sorted(threads.map(both, [(1, 2), (2, 1)]))
    mend = "To mend: call it again; nothing of this transaction was written."
    assert told == [f"another transaction was in the way (40P01). {mend}", "done"]


def test_a_server_that_does_not_answer_is_told(tmp_path: Path) -> None:
    store = open_store(f"postgresql+psycopg://kim:hunter2@/practice?host={tmp_path}")
    with pytest.raises(
        Unreachable, match=r"the database does not answer: .*To mend: see that the server runs"
    ) as caught:
        store.create()
    assert "hunter2" not in str(caught.value)
    store.close()


CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid <> pg_backend_pid() AND datname = current_database()"""


def add_and_be_cut_off(store: Store, other: Store) -> None:
    with store.begin() as connection:
        connection.execute(sa.insert(person(store)), {"n": 1, "name": "Mia Stone"})
        with other.begin() as second:
            second.execute(sa.text(CUT))
        connection.execute(sa.insert(person(store)), {"n": 2, "name": "Leo Stone"})


def test_a_connection_that_was_cut_is_told_and_the_next_one_works(make: Make) -> None:
    store, other = make("postgresql"), make("postgresql")
    with pytest.raises(Unreachable, match="the connection to the database was lost"):
        add_and_be_cut_off(store, other)
    assert names(store) == []


@pytest.mark.parametrize("kind", OF_POSTGRESQL)
def test_who_comes_after_the_server_restarted_finds_it_again(
    kind: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Also after a firewall between them forgot a connection that nobody used for minutes.
    monkeypatch.setattr("crmkit.store.engine.IDLE", 0.0, raising=False)
    store, other = make(kind), make("postgresql")
    with store.engine.connect(), store.engine.connect(), store.engine.connect():
        add(store, 1)
    for done in (lambda: add(store, 2), lambda: names(store)):
        with other.engine.connect() as connection:
            connection.execute(sa.text(CUT))
        done()
    assert names(store) == [1, 2]


@pytest.mark.parametrize("kind", OF_POSTGRESQL)
def test_and_reads_as_at_one_instant_then_too(kind: str, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crmkit.store.engine.IDLE", 0.0)
    store, other = make(kind), make("postgresql")
    assert names(store) == []
    with other.engine.connect() as connection:
        connection.execute(sa.text(CUT))
    with store.read() as connection:
        assert connection.scalar(sa.text("SHOW transaction_isolation")) == "repeatable read"


def test_an_asynchronous_engine_is_refused_with_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    # As most applications with FastAPI have one.
    engine = sa.create_engine("sqlite://")
    monkeypatch.setattr(engine.dialect, "is_async", True)
    wrapped = type("AsyncEngine", (), {"sync_engine": engine})()
    for given in (engine, wrapped):
        with pytest.raises(ConfigError, match=r"asynchronous. To mend: .* await asyncio.to_thread\(crm.plan\)"):
            open_store(given)
    with pytest.raises(ConfigError, match=r"no URL. To mend: .* or give an Engine"):
        open_store(object())  # type: ignore[arg-type]


def test_where_the_tables_are_is_told_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = open_store("postgresql+psycopg://desk:hidden@db.example:5433/crm?sslmode=require", schema="desk")
    assert far.place == "postgresql://db.example:5433/crm, tables desk.crmkit_*"
    monkeypatch.chdir(tmp_path)
    with closing(open_store("sqlite:///here.db")) as store:
        assert store.place == f"sqlite:///{tmp_path}/here.db, tables crmkit_*"
