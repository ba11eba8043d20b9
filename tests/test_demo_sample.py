"""The shipped practice: what lies in the package is what the generator makes, and shows every case."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

from crmkit.clock import age_on, anniversary
from crmkit.demo.practice import Summary, write_practice
from crmkit.demo.sample import PATIENTS, SEED, TODAY, sample
from crmkit.people.email import normalise_email

Row = dict[str, str]


def regenerate(folder: Path) -> Summary:
    return write_practice(folder, today=TODAY, patients=PATIENTS, seed=SEED)


def table(name: str) -> list[Row]:
    with (sample() / "exports" / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_shipped_files_are_what_the_generator_writes(tmp_path: Path) -> None:
    regenerate(tmp_path)
    made = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert "exports/patients.csv" in made
    for name, content in made.items():
        # A checkout on Windows may have turned the line ends.
        assert (sample() / name).read_bytes().replace(b"\r\n", b"\n") == content, name


def test_nothing_else_is_shipped(tmp_path: Path) -> None:
    regenerate(tmp_path)
    for part in ("exports", "content/newsletter"):
        assert {path.name for path in (sample() / part).iterdir()} == {
            path.name for path in (tmp_path / part).iterdir()
        }


def test_several_patients_have_a_birthday_in_the_first_week_and_want_to_hear_of_it() -> None:
    said = {(row["patient"], row["purpose"], row["medium"]): row["given"] for row in table("consents")}
    celebrating = [
        row
        for row in table("patients")[:PATIENTS]
        if TODAY <= anniversary(date.fromisoformat(row["born"]), TODAY.year) <= date(2026, 11, 30)
    ]
    willing = [row for row in celebrating if said.get((row["id"], "marketing", "email")) == "yes"]
    assert len(willing) >= 4
    assert all(row["status"] == "active" and not normalise_email(row["email"]).problem for row in willing)
    assert any(row["guardian"] for row in willing)
    assert len(celebrating) > len(willing)


def test_a_child_has_a_guardian_who_has_died() -> None:
    patients = {row["id"]: row for row in table("patients")[:PATIENTS]}
    children = [row for row in patients.values() if row["guardian"]]
    assert all(age_on(date.fromisoformat(row["born"]), TODAY) < 18 for row in children)
    assert any(patients[row["guardian"]]["status"] == "deceased" for row in children)


def test_the_christmas_campaign_finds_somebody() -> None:
    last = {row["patient"]: row["starts_at"] for row in table("visits") if row["status"] == "completed"}
    booked = {row["patient"] for row in table("visits") if row["status"] == "booked"}
    patients = table("patients")[:PATIENTS]
    away = [row["id"] for row in patients if row["status"] == "active" and last.get(row["id"], "9") < "2025-06-01"]
    assert len(set(away) - booked) >= 5
