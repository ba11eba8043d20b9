"""The source over a real database beside the kit's own."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from crmkit import CRM, FixedClock, Practice
from crmkit.errors import ConfigError, SourceError

PRACTICE = Practice(
    id="bright-eyes",
    name="Bright Eyes Optometry",
    country="AU",
    timezone="Australia/Sydney",
    locale="en_AU",
    currency="AUD",
    email="hello@brighteyes.example",
)
PATIENTS = "SELECT no AS id, first AS given, last AS family, dob AS born, mail AS email FROM person"
VISITS = "SELECT no AS id, person AS patient, at AS starts_at, 'completed' AS status FROM appointment"


@pytest.fixture
def practice_database(tmp_path):
    url = f"sqlite:///{tmp_path}/practice-software.db"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE person (no, first, last, dob, mail)")
        connection.exec_driver_sql("CREATE TABLE appointment (no, person, at)")
        connection.exec_driver_sql("INSERT INTO person VALUES ('7', 'Mia', 'Stone', '1980-02-03', 'mia@stone.example')")
        connection.exec_driver_sql("INSERT INTO person VALUES ('8', 'Leo', 'Stone', '31/02/1980', NULL)")
        connection.exec_driver_sql("INSERT INTO appointment VALUES ('a1', '7', '2026-03-02T09:30:00')")
    engine.dispose()
    return url


def open_crm(url, queries, fetch=None):
    settings = {"sql": {"url": url, "queries": queries, "fetch": fetch or {}}}
    clock = FixedClock(datetime(2026, 11, 23, tzinfo=UTC))
    return CRM(PRACTICE, "sqlite://", plugins=["sql"], settings=settings, clock=clock)


def test_rows_of_the_practices_database_become_records(practice_database):
    with open_crm(practice_database, {"patients": PATIENTS, "visits": VISITS}) as crm:
        first, second = crm.sync(), crm.sync()
        rejected = crm.rejected()
    assert (first.kinds["patient"].added, first.kinds["visit"].added, first.kinds["patient"].rejected) == (1, 1, 1)
    assert second.total.added == second.total.changed == 0
    assert [(row.place, row.field) for row in rejected] == [("patients:2", "born")]


def test_a_column_that_is_no_field_is_named(practice_database):
    with (
        open_crm(practice_database, {"patients": "SELECT no AS id, mail AS emial FROM person"}) as crm,
        pytest.raises(SourceError, match="did you mean email"),
    ):
        crm.sync()


def test_a_failing_query_tells_neither_url_nor_rows(practice_database):
    with (
        open_crm(practice_database, {"patients": "SELECT nothing FROM nowhere"}) as crm,
        pytest.raises(SourceError) as told,
    ):
        crm.sync()
    assert "patients" in str(told.value)
    assert practice_database not in str(told.value)


def test_a_misspelt_kind_is_named():
    with pytest.raises(ConfigError, match="did you mean patients"):
        open_crm("sqlite://", {"pateints": PATIENTS})


FETCH = {"patients": f"{PATIENTS} WHERE no IN :ids", "visits": f"{VISITS} WHERE person IN :ids"}


def execute(url, *statements):
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_single_patients_are_asked_about_in_the_last_second(practice_database):
    url = practice_database
    with open_crm(url, {"patients": PATIENTS, "visits": VISITS}, FETCH) as crm:
        crm.sync()
        truth, now = crm._stages.truth, crm.clock.now()
        assert truth.asks
        execute(url, "UPDATE person SET mail = 'new@stone.example' WHERE no = '7'", "DELETE FROM appointment")
        assert truth.renew(["7", "nobody"], now) == frozenset()
        with crm._store.read() as connection:
            assert crm._stages.history.patients(connection, ["7"])["7"].contacts[0].value == "new@stone.example"
            assert connection.execute(sa.select(crm._stages.records.tables.visit.now)).all() == []
        execute(url, "DELETE FROM person")
        assert truth.renew(["7"], now) == {"7"}
        execute(url, "DROP TABLE person")
        assert truth.renew(["7"], now) == {"7"}


def test_nobody_is_asked_without_queries_for_it(practice_database):
    with open_crm(practice_database, {"patients": PATIENTS}) as crm:
        assert not crm._stages.truth.asks


@pytest.mark.parametrize(
    ("fetch", "told"),
    [
        ({"patients": PATIENTS}, "settings.sql.fetch.patients: the query takes no :ids"),
        ({"patients": f"{PATIENTS} WHERE no = 'x'::ids"}, "takes no :ids"),
        ({"visits": FETCH["visits"]}, "there is no query for patients"),
        ({"pateints": FETCH["patients"]}, "did you mean patients"),
    ],
)
def test_a_query_that_cannot_ask_is_refused(fetch, told):
    with pytest.raises(ConfigError, match=told):
        open_crm("sqlite://", {"patients": PATIENTS}, fetch)
