"""What a database holds, of any type: read as it is, or told with query, row and field, and never guessed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from test_sql_source import PATIENTS, execute, open_crm

from crmkit.errors import ConfigError, CrmkitError, SourceError

ALL = "SELECT * FROM person"


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/practice-software.db"


def records(crm, kind, *names):
    table = crm._stages.records.tables.kind(kind).now
    with crm._store.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*(table.c[name] for name in names)))]


def rejected(crm):
    return [(row.place, row.row_id, row.field) for row in crm.rejected()]


def test_null_is_blank_and_a_row_without_a_key_is_told(url):
    execute(url, "CREATE TABLE person (id, given, family)", "INSERT INTO person VALUES ('7', 'Mia', NULL)")
    execute(url, "INSERT INTO person VALUES (NULL, 'Leo', 'Stone')", "INSERT INTO person VALUES ('', 'Tom', 'Stone')")
    with open_crm(url, {"patients": ALL}) as crm:
        crm.sync()
        assert records(crm, "patient", "id", "given", "family") == [("7", "Mia", "")]
        assert rejected(crm) == [("patients:2", "", "id"), ("patients:3", "", "id")]


def test_a_key_that_comes_twice_is_told_with_the_first_row(url):
    execute(url, "CREATE TABLE person (id, given)", "INSERT INTO person VALUES ('7', 'Mia'), ('7', 'Leo')")
    with open_crm(url, {"patients": ALL}) as crm:
        crm.sync()
        assert records(crm, "patient", "id", "given") == [("7", "Mia")]
        assert [row.reason for row in crm.rejected()] == ["occurs twice: first in patients, line 1"]


def test_whole_numbers_stay_whole_however_they_are_kept_and_keys_meet(url):
    execute(url, "CREATE TABLE person (id INTEGER, given)", "INSERT INTO person VALUES (7, 'Mia')")
    execute(url, "CREATE TABLE recall (id REAL, patient REAL, interval_months REAL, due)")
    execute(url, "INSERT INTO recall VALUES (12, 7, 6, '2027-03-01')")
    with open_crm(url, {"patients": ALL, "recalls": "SELECT * FROM recall"}) as crm:
        assert crm.sync().total.rejected == 0
        assert records(crm, "recall", "id", "patient", "interval_months") == [("12", "7", 6)]


def test_bytes_are_text_or_a_fault_of_their_field(url):
    execute(url, "CREATE TABLE person (id, given, city)")
    execute(url, "INSERT INTO person VALUES ('7', CAST('Zoë' AS BLOB), 'Newtown'), ('8', x'ff00fe', 'Enmore')")
    with open_crm(url, {"patients": ALL}) as crm:
        crm.sync()
        assert records(crm, "patient", "id", "given") == [("7", "Zoë")]
        assert rejected(crm) == [("patients:2", "8", "given")]
        assert "CAST or HEX" in crm.rejected()[0].reason


def test_a_time_without_an_offset_is_on_the_wall_and_one_with_it_is_where_it_says(url):
    execute(url, "CREATE TABLE person (id)", "INSERT INTO person VALUES ('7')")
    execute(url, "CREATE TABLE visit (id, patient, starts_at, status)")
    execute(url, "INSERT INTO visit VALUES (0, 7, '2026-03-02T09:30:00', 'completed')")
    execute(url, "INSERT INTO visit VALUES (1, 7, '2026-03-02 23:30:00+00:00', 'completed')")
    execute(url, "INSERT INTO visit VALUES (2, 7, '2026-03-02T23:30:00Z', 'completed')")
    with open_crm(url, {"patients": ALL, "visits": "SELECT * FROM visit"}) as crm:
        crm.sync()
        instant = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
        assert records(crm, "visit", "starts_at", "day") == [
            (datetime(2026, 3, 1, 22, 30, tzinfo=UTC), date(2026, 3, 2)),
            (instant, date(2026, 3, 3)),
            (instant, date(2026, 3, 3)),
        ]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT given FROM person", "settings.sql.queries.patients: there is no column id"),
        ("SELECT no AS id, no AS id FROM person", "settings.sql.queries.patients: two columns are called id"),
        ("SELECT no AS id, given AS name FROM person", "the column name is no field of patients"),
        ("SELECT no AS id, nothing AS given FROM person", "patients: the query failed (OperationalError)"),
        ("SELECT no AS id FROM person WHERE given = :given", "patients: the query failed (StatementError)"),
    ],
)
def test_a_query_that_cannot_be_used_is_named_with_the_column(url, query, told):
    execute(url, "CREATE TABLE person (no, given)", "INSERT INTO person VALUES ('7', 'Mia')")
    with open_crm(url, {"patients": query}) as crm, pytest.raises(SourceError, match=re.escape(told)) as raised:
        crm.sync()
    assert "Mia" not in str(raised.value)
    assert "To mend: " in str(raised.value)


@pytest.mark.parametrize(
    ("url", "told", "kind"),
    [
        ("not a url", "settings.sql.url: the database cannot be used", ConfigError),
        ("postgresql://reader:h@rse:s3cret@db/practice", "with %40 for an @ in its password", ConfigError),
        ("nosuchbase://reader:s3cret@db/practice", "settings.sql.url: the database cannot be used", ConfigError),
        ("sqlite:////no/such/folder/s3cret.db", "settings.sql.url: the query failed (OperationalError)", SourceError),
    ],
)
def test_a_database_that_is_not_there_is_told_without_its_url(url, told, kind):
    with pytest.raises(CrmkitError, match=re.escape(told)) as raised, open_crm(url, {"patients": PATIENTS}) as crm:
        crm.sync()
    assert type(raised.value) is kind
    assert "s3cret" not in f"{raised.value!r} {raised.value}"


def test_a_query_that_breaks_off_is_no_end_of_the_rows(url):
    execute(url, "CREATE TABLE person (id, given)", "INSERT INTO person VALUES ('7', 'Mia'), ('8', 'Leo')")
    broken = "SELECT id, CASE id WHEN '8' THEN json('{') ELSE given END AS given FROM person"
    with open_crm(url, {"patients": broken}) as crm:
        with pytest.raises(SourceError, match="patients: the query failed"):
            crm.sync()
        assert records(crm, "patient", "id") == []
