"""The tour through a made-up practice."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from crmkit.cli import main
from crmkit.demo.tour import MARKER, clear, opening_hour
from crmkit.errors import ConfigError

AT = "2026-11-23T10:00+11:00"
#: For a test that is about the folder alone.
SMALL = ("--patients", "20", "--days", "1")
STEPS = ["practice", "sync", "plan", "preview", "send", "rehearse", "report"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "demo-practice"


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["demo", "--patients", "150", "--days", "12", "--at", AT, *args])


@pytest.fixture(scope="module")
def toured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """Return what one tour printed, and the practice that it left."""
    home = tmp_path_factory.mktemp("toured")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(home)
        return run(), home / "demo-practice"


@pytest.mark.no_cover
def test_the_tour_shows_every_step_and_where_to_look(toured: tuple[Result, Path]) -> None:
    result, folder = toured
    assert result.exit_code == 0, result.output
    begun = [line.split()[0] for line in result.stdout.splitlines() if line.endswith(" s)")]
    assert begun == STEPS
    for path in ("outbox", "report.html", "crm.toml"):
        assert str(Path("demo-practice") / path) in result.stdout
        assert (folder / path).exists()
    assert result.stdout.count("\n  crmkit ") == 3
    assert "Subject: " in result.stdout


@pytest.mark.no_cover
def test_the_commands_to_try_next_work(toured: tuple[Result, Path], tmp_path: Path, monkeypatch: Any) -> None:
    result, folder = toured
    shown = [line.split()[1:] for line in result.stdout.splitlines() if line.startswith("  crmkit ")]
    assert len(shown) == 3
    monkeypatch.chdir(shutil.copytree(folder, tmp_path / "copy"))
    for command in shown:
        assert CliRunner().invoke(main, [*command, "--at", AT]).exit_code == 0, command


@pytest.mark.no_cover
def test_json_tells_the_steps_in_one_document(folder: Path) -> None:
    result = run("--json")
    document = json.loads(result.stdout)
    assert result.stderr == ""
    assert document["folder"] == str(folder)
    assert [step["name"] for step in document["steps"]] == STEPS
    assert document["steps"][0]["facts"]["patients"] == 150
    assert document["steps"][5]["facts"]["days"] == 12


def test_a_demo_is_built_anew_in_its_own_folder(folder: Path) -> None:
    assert run(*SMALL).exit_code == 0
    (folder / "crm.toml").write_text("spoilt")
    (folder / "my notes.txt").write_text("mine")
    assert run(*SMALL).exit_code == 0
    assert (folder / "my notes.txt").read_text() == "mine"
    assert "spoilt" not in (folder / "crm.toml").read_text()


def test_a_folder_that_no_demo_wrote_is_left_alone(folder: Path) -> None:
    (folder / "exports").mkdir(parents=True)
    result = run()
    assert result.exit_code == 1
    assert "no demo wrote it" in result.stderr
    assert [path.name for path in folder.iterdir()] == ["exports"]


def test_a_link_out_of_the_folder_is_cut_and_not_followed(folder: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine")
    folder.mkdir()
    (folder / MARKER).touch()
    (folder / "outbox").symlink_to(precious, target_is_directory=True)
    clear(folder)
    assert (precious / "file").read_text() == "mine"
    assert not (folder / "outbox").is_symlink()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is a file"):
        clear(tmp_path / "file")


@given(st.integers(0, 2 * 365 * 24 * 60))
def test_the_tour_stands_at_ten_on_a_weekday_that_is_past(minutes: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    at = opening_hour(now)
    local = at.astimezone(ZoneInfo("Australia/Sydney"))
    assert now - timedelta(days=4) < at <= now
    assert (local.hour, local.minute) == (10, 0)
    assert local.isoweekday() <= 5
