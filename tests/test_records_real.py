"""Public exports of generated patients, read from the file to the tables: nothing is lost and nothing is guessed."""

from __future__ import annotations

import csv
import gzip
import logging
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from crmkit.builtin.csv import CsvSettings, plugin
from crmkit.clock import FixedClock
from crmkit.plugins.spec import Context
from crmkit.practice import Practice
from crmkit.records.records import Records
from crmkit.records.rejected import RejectedRow, rejected_rows
from crmkit.records.summary import Counts, SyncSummary
from crmkit.records.sync import Sync
from crmkit.records.tables import RecordTables, declare_records
from crmkit.settings import structure
from crmkit.store.store import Store, open_store

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

DATA = Path(__file__).parents[2] / "shared" / "data"
SMALL, LARGE = DATA / "synthea-csv-ma115", DATA / "synthea-csv-1171"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PRACTICE = Practice(
    id="harbour",
    name="Harbour Practice",
    country="US",
    timezone="America/New_York",
    locale="en-US",
    currency="USD",
    email="hello@harbour.example",
)
PATIENTS: dict[str, Any] = {
    "id": "Id",
    "given": {"column": "FIRST", "take": r"\D+"},
    "family": {"column": "LAST", "take": r"\D+"},
    "prefix": "PREFIX",
    "born": "BIRTHDATE",
    "deceased_on": "DEATHDATE",
    "address1": "ADDRESS",
    "city": "CITY",
    "region": "STATE",
    "postcode": "ZIP",
}
VISITS = {
    "file": "encounters.csv",
    "id": "Id",
    "patient": "PATIENT",
    "starts_at": "START",
    "kind": "ENCOUNTERCLASS",
    "status": {"constant": "completed"},
}
INVOICES = {
    "file": "encounters.csv",
    "id": "Id",
    "patient": "PATIENT",
    "visit": "Id",
    "day": "START",
    "amount": "TOTAL_CLAIM_COST",
}


class Desk:
    """Records in memory, filled from a folder."""

    def __init__(self) -> None:
        self.store: Store = open_store("sqlite://")
        self.tables: RecordTables = declare_records(self.store)
        self.store.create()
        self.at = NOW

    def sync(self, folder: Path, **settings: Any) -> SyncSummary:
        self.at += timedelta(days=1)
        stated = structure(CsvSettings, {"folder": str(folder), **settings}, where="settings.csv")
        context = Context("csv", stated, FixedClock(NOW), logging.getLogger("csv"), folder)
        (source,) = plugin.crmkit_sources(context)
        return Sync(Records(self.store, self.tables, PRACTICE), source, self.at).run()

    def all(self, kind: str) -> dict[str, Any]:
        with self.store.read() as connection:
            return {row.id: row for row in connection.execute(sa.select(self.tables.kind(kind).now))}

    def rejected(self) -> list[RejectedRow]:
        with self.store.read() as connection:
            return list(rejected_rows(connection, self.tables, PRACTICE.id))


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.store.close()


def found_in(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


@pytest.mark.skipif(not SMALL.is_dir(), reason="the export of 115 patients is not beside the checkout")
def test_a_complete_export(desk: Desk) -> None:
    summary = desk.sync(SMALL, patients=PATIENTS, visits=VISITS, invoices=INVOICES)
    assert summary.kinds == {
        "patient": Counts(115),
        "contact": Counts(115),
        "visit": Counts(4402),
        "invoice": Counts(4402),
    }
    patients = desk.all("patient")
    assert Counter(one.status for one in patients.values()) == {"active": 100, "deceased": 15}
    assert [one.id for one in patients.values() if any(map(str.isdigit, one.given + one.family))] == []
    spent = sum(Decimal(row["TOTAL_CLAIM_COST"]) for row in found_in(SMALL / "encounters.csv.gz"))
    assert sum(one.amount for one in desk.all("invoice").values()) == spent
    assert desk.rejected() == []


@pytest.mark.skipif(not SMALL.is_dir(), reason="the export of 115 patients is not beside the checkout")
def test_the_second_sync_of_a_complete_export_changes_nothing(desk: Desk) -> None:
    desk.sync(SMALL, patients=PATIENTS, visits=VISITS, invoices=INVOICES)
    again = desk.sync(SMALL, patients=PATIENTS, visits=VISITS, invoices=INVOICES)
    assert again.total == Counts(unchanged=115 + 115 + 4402 + 4402)
    with desk.store.read() as connection:
        past = [connection.scalar(sa.select(sa.func.count()).select_from(kind.was)) for kind in desk.tables.kinds()]
    assert set(past) == {0}


@pytest.mark.skipif(not SMALL.is_dir(), reason="the export of 115 patients is not beside the checkout")
def test_an_instant_of_the_export_becomes_a_day_of_the_practice(desk: Desk) -> None:
    desk.sync(SMALL, patients=PATIENTS, visits=VISITS)
    visits = desk.all("visit")
    late = [row for row in found_in(SMALL / "encounters.csv.gz") if "T00:" <= row["START"][10:] < "T04:"]
    assert late
    days = {date.fromisoformat(row["START"][:10]) - visits[row["Id"]].day for row in late}
    assert days == {timedelta(days=1)}


def damaged(**more: Any) -> dict[str, Any]:
    dates = {
        "born": {"column": "BIRTHDATE", "format": "%m/%d/%Y"},
        "deceased_on": {"column": "DEATHDATE", "format": "%m/%d/%Y"},
    }
    return {"delimiter": ";", "patients": {**PATIENTS, **dates}, **more}


@pytest.mark.skipif(not LARGE.is_dir(), reason="the damaged export is not beside the checkout")
def test_dates_that_a_spreadsheet_rewrote_are_all_recovered(desk: Desk) -> None:
    whole = Desk()
    assert whole.sync(LARGE / "pristine", patients=PATIENTS).kinds["patient"] == Counts(1171)
    assert desk.sync(LARGE / "excel-damaged", **damaged()).kinds["patient"] == Counts(1171)
    right, mended = whole.all("patient"), desk.all("patient")
    whole.store.close()
    assert Counter(one.status for one in right.values()) == {"active": 1000, "deceased": 171}
    for field in ("given", "family", "born", "status", "status_date", "address1", "city"):
        differ = [id_ for id_ in right if getattr(right[id_], field) != getattr(mended[id_], field)]
        assert differ == [], field


@pytest.mark.skipif(not LARGE.is_dir(), reason="the damaged export is not beside the checkout")
def test_dates_that_a_spreadsheet_rewrote_are_not_guessed_without_a_format(desk: Desk) -> None:
    summary = desk.sync(LARGE / "excel-damaged", delimiter=";", patients=PATIENTS)
    assert summary.kinds["patient"] == Counts(rejected=1171)
    assert {told.field for told in desk.rejected()} == {"born", "deceased_on"}
    assert desk.all("patient") == {}


@pytest.mark.skipif(not LARGE.is_dir(), reason="the damaged export is not beside the checkout")
@pytest.mark.parametrize(("column", "lost"), [("HEALTHCARE_EXPENSES", 85), ("HEALTHCARE_COVERAGE", 621)])
def test_amounts_that_a_spreadsheet_damaged_are_rejected_never_guessed(desk: Desk, column: str, lost: int) -> None:
    invoices = {
        "file": "patients.csv",
        "id": "Id",
        "patient": "Id",
        "day": {"constant": "2020-04-28"},
        "amount": column,
    }
    summary = desk.sync(LARGE / "excel-damaged", **damaged(invoices=invoices))
    assert summary.kinds["invoice"] == Counts(added=1171 - lost, rejected=lost)
    right = {row["Id"]: Decimal(row[column]) for row in found_in(LARGE / "pristine" / "patients.csv.gz")}
    assert [id_ for id_, one in desk.all("invoice").items() if abs(one.amount - right[id_]) > Decimal("0.0001")] == []
    told = desk.rejected()
    assert {(one.kind, one.field, one.file) for one in told} == {("invoice", "amount", "patients.csv.gz")}
    assert len(told) == lost
    assert all(one.line > 1 for one in told)
