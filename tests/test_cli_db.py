"""`crmkit db`: upgrade, check, and the SQL for somebody else to run."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crmkit.cli import main
from crmkit.demo.sample import sample
from crmkit.store.upgrade import revisions
from crmkit.store.version import HEAD

BEFORE = revisions()[-2]


@pytest.fixture(autouse=True)
def practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(shutil.copytree(sample(), tmp_path / "practice"))
    return Path.cwd()


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["db", *args])


def changed(*statements: str, **values: str) -> None:
    connection = sqlite3.connect(next(Path.cwd().glob("*.db")))
    for statement in statements:
        connection.execute(statement, values)
    connection.commit()
    connection.close()


def test_an_empty_database_is_told_and_set_up() -> None:
    empty = run("check")
    assert (empty.exit_code, "is empty" in empty.output) == (3, True)
    assert run("upgrade").output == f"The database was empty, and is of revision {HEAD} now.\n"
    assert run("upgrade").output == f"The database is of revision {HEAD} already.\n"
    right = run("check", "--json")
    assert right.exit_code == 0
    assert json.loads(right.output) == {"found": HEAD, "needed": HEAD, "problem": "", "differs": []}


def test_looking_makes_no_file_and_a_file_of_another_kind_is_told(practice: Path) -> None:
    there = {*practice.iterdir()}
    assert run("check", "--database", "sqlite:///new.db").exit_code == 3
    assert {*practice.iterdir()} == there
    told = run("check", "--database", "sqlite:///crm.toml")
    assert (told.exit_code, "names an SQLite database" in told.output, "server" in told.output) == (1, True, False)


@pytest.mark.parametrize(
    ("revision", "told"),
    [
        (BEFORE, "take a backup, then run crmkit db upgrade, or call crmkit.upgrade_database"),
        ("9999", "upgrade the package crmkit"),
    ],
)
def test_a_database_of_another_revision_is_told_by_every_command(revision: str, told: str) -> None:
    run("upgrade")
    changed("UPDATE crmkit_version SET version_num = :revision", revision=revision)
    looked = run("check")
    assert looked.exit_code == 3
    assert f"is of revision {revision}" in looked.output
    assert f"To mend: {told}." in looked.output
    refused = CliRunner().invoke(main, ["plan"])
    assert refused.exit_code == 1
    assert told in refused.output


def test_what_is_missing_is_listed() -> None:
    run("upgrade")
    changed("DROP TRIGGER crmkit_touch_order", "DROP INDEX crmkit_touch_once", "CREATE TABLE of_the_host (n)")
    looked = run("check")
    assert looked.exit_code == 3
    assert [line.strip() for line in looked.output.splitlines()[1:-1]] == [
        "the index crmkit_touch_once is missing, or another one",
        "the trigger crmkit_touch_order is missing",
    ]


def test_the_sql_makes_a_database_that_opens(practice: Path) -> None:
    script = run("sql")
    assert script.exit_code == 0
    assert list(practice.glob("*.db*")) == []
    database = sqlite3.connect("other.db")
    database.executescript(script.output)
    database.close()
    assert run("check", "--database", "sqlite:///other.db").exit_code == 0
    assert json.loads(run("sql", "--json").output)["sql"] == script.output


def test_the_sql_is_that_of_the_database_in_its_own_words() -> None:
    told = run("sql", "--database", "postgresql+psycopg://", "--schema", "crm", "--prefix", "host_", "--since", "0001")
    assert told.exit_code == 0
    assert f"crm.host_version SET version_num='{HEAD}'" in told.output
    assert "LANGUAGE plpgsql" in told.output
    assert "CREATE SCHEMA" not in told.output
    assert (
        "CREATE SCHEMA IF NOT EXISTS crm;"
        in run("sql", "--database", "postgresql+psycopg://", "--schema", "crm").output
    )


def test_a_database_of_the_host_needs_no_file(practice: Path) -> None:
    (practice / "crm.toml").unlink()
    assert run("upgrade", "--database", "sqlite:///host.db", "--prefix", "host_").exit_code == 0
    assert run("check", "--database", "sqlite:///host.db", "--prefix", "host_").exit_code == 0
    assert run("check", "--database", "sqlite:///host.db").exit_code == 3
    missing = run("check")
    assert missing.exit_code == 1
    assert "run crmkit init" in missing.output
