"""The generated practice: believable, dirty in known ways, the same everywhere, and nobody's."""

from __future__ import annotations

import csv
import tomllib
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

import attrs
import pytest

from crmkit.clock import age_on
from crmkit.demo.contacts import MOBILES
from crmkit.demo.practice import Summary, write_practice
from crmkit.demo.rows import HEADERS
from crmkit.errors import ConfigError
from crmkit.people.email import normalise_email
from crmkit.people.medium import Medium, Purpose
from crmkit.people.patient import Status
from crmkit.people.phone import normalise_phone
from crmkit.practice import Practice
from crmkit.settings import structure

TODAY = date(2026, 11, 23)
Row = dict[str, str]


@attrs.frozen(repr=False)
class Written:
    """A practice on disk, read back."""

    folder: Path
    summary: Summary
    tables: dict[str, list[Row]]

    @property
    def patients(self) -> list[Row]:
        """The rows that can be accepted."""
        return self.tables["patients"][: self.summary.patients]


def read(folder: Path) -> dict[str, list[Row]]:
    tables = {}
    for name in HEADERS:
        with (folder / "exports" / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
            tables[name] = list(csv.DictReader(lines))
    return tables


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("practice")
    summary = write_practice(folder, today=TODAY)
    return Written(folder, summary, read(folder))


def as_bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def starts(visit: Row) -> date:
    return datetime.fromisoformat(visit["starts_at"]).date()


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    first = write_practice(tmp_path / "a", today=TODAY, patients=120)
    second = write_practice(tmp_path / "b", today=TODAY, patients=120)
    assert first == second
    assert as_bytes(tmp_path / "a") == as_bytes(tmp_path / "b")


def test_another_seed_or_day_gives_another_practice(tmp_path: Path) -> None:
    write_practice(tmp_path / "a", today=TODAY, patients=120)
    write_practice(tmp_path / "b", today=TODAY, patients=120, seed="other")
    write_practice(tmp_path / "c", today=TODAY + timedelta(days=1), patients=120)
    patients, visits = "exports/patients.csv", "exports/visits.csv"
    found = [as_bytes(tmp_path / name) for name in "abc"]
    assert len({one[patients] for one in found}) == 3
    assert len({one[visits] for one in found}) == 3


def test_three_people_are_no_practice(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no practice"):
        write_practice(tmp_path, today=TODAY, patients=3)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("today", [date(2027, 1, 1), date(2028, 2, 29), date(2026, 4, 5)])
def test_any_day_can_be_today(tmp_path: Path, today: date) -> None:
    write_practice(tmp_path, today=today, patients=150)
    visits = read(tmp_path)["visits"][:-1]
    assert all((starts(visit) >= today) == (visit["status"] == "booked") for visit in visits)


@pytest.mark.no_cover
def test_headers_are_the_canonical_ones_and_rows_are_counted(written: Written) -> None:
    extra = {"patients": 2, "visits": 1, "invoices": 1}
    for name, header in HEADERS.items():
        assert tuple(written.tables[name][0]) == header
        assert len(written.tables[name]) == getattr(written.summary, name) + extra.get(name, 0)
    assert written.summary.patients == 3000


def test_every_kind_of_dirt_is_there(written: Written) -> None:
    assert {kind: count for kind, count in written.summary.dirt.items() if count == 0} == {}
    assert len(written.summary.dirt) == 25


def test_dirty_names_are_as_many_as_counted(written: Written) -> None:
    dirt, names = written.summary.dirt, [(row["given"], row["family"]) for row in written.patients]
    shouting = [name for name in names if all(part.isupper() for part in name)]
    assert len(shouting) == dirt["capitals"] + dirt["test patients"]
    assert sum(all(part.strip() and part.islower() for part in name) for name in names) == dirt["lower case"]
    assert sum(not given and bool(family) for given, family in names) == dirt["blank given names"]
    full = [row for row in written.patients if row["full_name"]]
    assert len(full) == dirt["full name only"]
    assert not any(row["given"] or row["family"] for row in full)
    assert sum(row["given"] != row["given"].rstrip() for row in written.patients) == dirt["trailing spaces"]


@pytest.mark.no_cover
def test_unusable_and_foreign_contacts_are_as_many_as_counted(written: Written) -> None:
    dirt = written.summary.dirt
    emails = [row["email"] for row in written.patients if row["email"]]
    assert sum(bool(normalise_email(email).problem) for email in emails) == dirt["unusable e-mails"]
    mobiles = [row["mobile"] for row in written.patients if row["mobile"]]
    at_home = [mobile for mobile in mobiles if normalise_phone(mobile, "AU").value.startswith("+61")]
    assert len(mobiles) - len(at_home) == dirt["foreign numbers"] + dirt["unusable numbers"]
    assert sum(any(letter.isalpha() for letter in mobile) for mobile in at_home) == dirt["numbers with text"]


def test_families_share_an_inbox_and_strangers_do_not(written: Written) -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for row in written.patients:
        if "@" in row["email"]:
            homes[row["email"].strip()].append(row["household"])
    shared = [found for found in homes.values() if len(found) > 1]
    assert sum(len(found) for found in shared) == written.summary.dirt["shared e-mails"]
    assert all(len(set(found)) == 1 for email, found in homes.items() if not normalise_email(email).problem)


@pytest.mark.no_cover
def test_no_address_belongs_to_anybody(written: Written) -> None:
    for row in written.tables["patients"]:
        email = row["email"].strip()
        assert "@" not in email or email.endswith(".example")
        number = normalise_phone(row["mobile"], "AU").value if row["mobile"] else ""
        assert not number.startswith("+61") or f"0{number[3:]}" in MOBILES
        assert not row["phone"] or row["phone"].startswith(("(02) 5550 ", "(02) 7010 "))
        assert not row["phone"] or not normalise_phone(row["phone"], "AU").problem


def test_words_are_those_of_the_library(written: Written) -> None:
    assert {row["status"] for row in written.patients} <= {status.value for status in Status}
    assert {row["status"] for row in written.tables["visits"]} == {"completed", "booked", "cancelled", "no-show"}
    assert {row["status"] for row in written.tables["recalls"]} == {"open", "booked", "done", "cancelled"}
    assert {row["purpose"] for row in written.tables["consents"]} <= {purpose.value for purpose in Purpose}
    assert {row["medium"] for row in written.tables["consents"]} <= {medium.value for medium in Medium}
    assert {row["given"] for row in written.tables["consents"]} == {"yes", "no"}


def test_every_row_points_at_a_row_that_exists_except_the_planted_fault(written: Written) -> None:
    ids = {name: {row["id"] for row in rows} for name, rows in written.tables.items()}
    for name, rows in written.tables.items():
        owners = [row for row in rows if row.get("patient", row["id"]) not in ids["patients"]]
        assert len(owners) == (written.summary.dirt["visits of nobody"] if name == "visits" else 0)
    for row in written.tables["patients"]:
        assert row["guardian"] in {"", *ids["patients"]} - {row["id"]}
        assert row["referrer"] in {"", *ids["patients"]} - {row["id"]}
    assert {row["visit"] for row in written.tables["invoices"]} <= {"", *ids["visits"]}
    assert {row["invoice"] for row in written.tables["payments"]} <= ids["invoices"]
    assert {row["referrer"] for row in written.tables["referrals"]} <= ids["patients"]


def test_ids_are_unique_except_the_planted_one(written: Written) -> None:
    for name, rows in written.tables.items():
        twice = [found for found in Counter(row["id"] for row in rows).values() if found > 1]
        assert twice == ([2] if name == "patients" else [])


def test_rows_that_a_sync_must_reject_are_there_once_each(written: Written) -> None:
    assert [row["born"] for row in written.tables["patients"] if not _is_date(row["born"])] == ["31/02/1980"]
    assert [row["amount"] for row in written.tables["invoices"] if not _is_amount(row["amount"])] == ["12.O0"]
    assert all(_is_amount(row["amount"]) for row in written.tables["payments"])


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_amount(text: str) -> bool:
    try:
        return Decimal(text) > 0
    except InvalidOperation:
        return False


def test_guardians_are_adults_of_the_same_household(written: Written) -> None:
    by_id = {row["id"]: row for row in written.patients}
    minors = [row for row in written.patients if age_on(date.fromisoformat(row["born"]), TODAY) < 18]
    without = [row for row in minors if not row["guardian"]]
    assert len(without) == written.summary.dirt["minors without guardian"]
    assert 0 < len(without) < len(minors) / 10
    for child in (row for row in written.patients if row["guardian"]):
        parent = by_id[child["guardian"]]
        assert parent["household"] == child["household"]
        assert age_on(date.fromisoformat(parent["born"]), TODAY) - age_on(date.fromisoformat(child["born"]), TODAY) > 16


def test_the_settings_file_names_a_practice_that_the_library_accepts(written: Written) -> None:
    settings = tomllib.loads((written.folder / "crm.toml").read_text(encoding="utf-8"))
    practice = structure(
        Practice, {**settings["practice"], "keys": tuple(settings["practice"]["keys"])}, where="crm.toml"
    )
    assert (practice.name, practice.timezone, practice.domain) == (
        "Bright Eyes Optometry",
        "Australia/Sydney",
        "brighteyes.example",
    )
    assert settings["settings"]["csv"]["folder"] == "exports"
    assert set(settings["campaigns"]) == {"birthday-card", "quarterly-news", "christmas-return"}


def test_newsletters_last_for_a_year_and_differ(written: Written) -> None:
    issues = {path.name: path.read_text(encoding="utf-8") for path in (written.folder / "content/newsletter").iterdir()}
    year = {"2026-q4.md", "2027-q1.md", "2027-q2.md", "2027-q3.md", "2027-q4.md"}
    assert set(issues) == {*year, "2026-q4.de.md"}
    assert len(set(issues.values())) == 6
    assert all(text.startswith("# ") and 60 < len(text.split()) < 260 for text in issues.values())
