"""The source `sql` over PostgreSQL, with the types that practice software has: keys, dates, money, instants."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from crmkit import CRM, FixedClock, Practice

TABLES = """
CREATE TABLE person (no integer PRIMARY KEY, tag uuid, first text, dob date, photo bytea);
CREATE TABLE invoice (no bigint PRIMARY KEY, person integer, day date, amount numeric(12, 4));
CREATE TABLE agreed (no integer PRIMARY KEY, person integer, given boolean, at timestamptz);
CREATE TABLE visit (no integer PRIMARY KEY, person integer, at timestamp);
INSERT INTO person VALUES (7, gen_random_uuid(), 'Mia', '1980-02-29', '\\xff'), (8, NULL, 'Leo', NULL, NULL);
INSERT INTO invoice VALUES (10000000000, 7, '2026-03-02', 120.5000), (2, 8, '2026-03-02', 1E+3);
INSERT INTO agreed VALUES (1, 7, true, '2025-03-01 09:00+11'), (2, 8, false, '2025-03-01 09:00+11');
INSERT INTO visit VALUES (1, 7, '2026-03-02 09:30'), (2, 8, '2026-03-02 23:30');
"""
QUERIES = {
    "patients": "SELECT no AS id, first AS given, dob AS born FROM person",
    "invoices": "SELECT no AS id, person AS patient, day, amount FROM invoice",
    "consents": (
        "SELECT no AS id, person AS patient, 'marketing' AS purpose, 'email' AS medium, given, at FROM agreed"
    ),
    "visits": "SELECT no AS id, person AS patient, at AS starts_at, 'completed' AS status FROM visit",
}
FETCH = {
    "patients": f"{QUERIES['patients']} WHERE no IN :ids",
    "visits": f"{QUERIES['visits']} WHERE person IN :ids",
}


@pytest.fixture
def crm(postgres: str, practice: Practice, clock: FixedClock) -> Any:
    execute(postgres, TABLES)
    settings = {"sql": {"url": postgres, "queries": QUERIES, "fetch": FETCH}}
    with CRM(practice, "sqlite://", plugins=["sql"], settings=settings, clock=clock) as opened:
        yield opened


def execute(url: str, statements: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in filter(str.strip, statements.split(";")):
            connection.exec_driver_sql(statement)
    engine.dispose()


def records(crm: CRM, kind: str, *names: str) -> list[tuple[Any, ...]]:
    table = crm._stages.records.tables.kind(kind).now
    with crm._store.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*(table.c[name] for name in names)))]


def test_every_type_comes_as_what_it_is(crm: CRM) -> None:
    assert crm.sync().total.rejected == 0
    assert records(crm, "patient", "id", "given", "born") == [("7", "Mia", date(1980, 2, 29)), ("8", "Leo", None)]
    assert records(crm, "invoice", "id", "patient", "amount") == [
        ("10000000000", "7", Decimal("120.50")),
        ("2", "8", Decimal(1000)),
    ]
    assert [(one, given) for one, given, _ in records(crm, "consent", "id", "given", "at")] == [
        ("1", True),
        ("2", False),
    ]
    assert {at.isoformat() for _, at in records(crm, "consent", "id", "at")} == {"2025-02-28T22:00:00+00:00"}
    assert [(at.isoformat(), str(day)) for at, day in records(crm, "visit", "starts_at", "day")] == [
        ("2026-03-01T22:30:00+00:00", "2026-03-02"),
        ("2026-03-02T12:30:00+00:00", "2026-03-02"),
    ]
    assert crm.sync().total.changed == 0


def test_patients_whose_key_is_a_number_are_asked_about(crm: CRM, postgres: str) -> None:
    crm.sync()
    execute(postgres, "UPDATE person SET first = 'Mia-Marie' WHERE no = 7; DELETE FROM visit WHERE no = 1")
    assert crm._stages.truth.renew(["7"], crm.clock.now()) == frozenset()
    assert records(crm, "patient", "id", "given") == [("7", "Mia-Marie"), ("8", "Leo")]
    assert [id_ for (id_,) in records(crm, "visit", "id")] == ["2"]
    assert crm._stages.truth.renew(["7", "x1"], crm.clock.now()) == {"7", "x1"}


def test_a_photo_is_no_text(postgres: str, practice: Practice, clock: FixedClock) -> None:
    execute(postgres, TABLES)
    queries = {"patients": "SELECT no AS id, photo AS city FROM person"}
    settings = {"sql": {"url": postgres, "queries": queries}}
    with CRM(practice, "sqlite://", plugins=["sql"], settings=settings, clock=clock) as crm:
        crm.sync()
        assert [(row.place, row.field) for row in crm.rejected()] == [("patients:1", "city")]
        assert records(crm, "patient", "id") == [("8",)]
