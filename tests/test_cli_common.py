"""What holds for every command: help, version, exit codes, JSON, the clock, errors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crmkit.cli import main, show
from crmkit.crm.crm import CRM
from crmkit.demo.sample import sample
from crmkit.records.summary import Counts, SyncSummary

AT = "2026-11-23T10:00+11:00"
COMMANDS = [
    "demo",
    "init",
    "sync",
    "rejected",
    "plan",
    "preview",
    "why",
    "send",
    "rehearse",
    "report",
    "status",
    "plugins",
]


@pytest.fixture
def practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "practice"
    shutil.copytree(sample(), folder)
    (folder / "templates").mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    return folder


def run(*args: str) -> Result:
    return CliRunner().invoke(main, args)


def test_help_cuts_off_no_sentence() -> None:
    said = CliRunner().invoke(main, ["--help"], terminal_width=80).stdout
    assert [line for line in said.splitlines() if line.endswith("...") and "Usage" not in line] == []


def test_help_names_every_command_and_every_exit_code() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in result.stdout] == []
    assert [code for code in range(4) if f"\n    {code}  " not in result.stdout] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_json_and_a_clock(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "--json" in result.stdout
    assert "--at INSTANT" in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


@pytest.mark.no_cover
def test_a_command_whose_outputs_were_closed_does_its_work(practice: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in ("sync", "plan"):
        run(command, "--at", AT)
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(SystemExit, match="0"):
        main(["send", "--yes", "--at", AT])
    assert list((practice / "outbox").glob("*.eml"))


def test_python_m_crmkit_tells_its_version() -> None:
    command = [sys.executable, "-m", "crmkit", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("crmkit, version ")


def test_help_does_not_load_the_machinery() -> None:
    code = "import sys, crmkit.cli; print(*{m.split('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"sqlalchemy", "babel", "jinja2", "phonenumbers", "pluggy"} & set(done.stdout.split())


def test_a_command_that_is_not_known_is_wrong_usage() -> None:
    assert run("snyc").exit_code == 2


@pytest.mark.parametrize("at", ["2026-11-23T10:00", "2026-11-23", "noon"])
def test_a_time_without_a_zone_is_refused(at: str, practice: Path) -> None:
    result = run("plan", "--at", at)
    assert result.exit_code == 2
    assert "instant" in result.stderr


def test_a_date_is_asked_for_as_it_is_to_be_written(practice: Path) -> None:
    said = CliRunner().invoke(main, ["plan", "--through", "24.12.2026"])
    assert (said.exit_code, "'24.12.2026' is no date: write it as 2026-12-24" in said.stderr) == (2, True)


def test_a_missing_file_is_told_with_the_place_and_the_mending(tmp_path: Path) -> None:
    result = run("plan", "--config", str(tmp_path / "crm.toml"))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert str(tmp_path / "crm.toml") in result.stderr
    assert "To mend: run crmkit init" in result.stderr


def test_with_json_an_error_is_the_document(tmp_path: Path) -> None:
    result = run("sync", "--json", "--config", str(tmp_path / "crm.toml"))
    assert result.exit_code == 1
    assert result.stderr == ""
    error = json.loads(result.stdout)["error"]
    assert sorted(error) == ["code", "mend", "problem", "where"]
    assert error["code"] == "config"


def test_a_file_that_cannot_be_written_is_an_error_and_no_traceback(practice: Path) -> None:
    result = run("report", "--at", AT, "--out", str(practice / "nowhere" / "report.html"))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert isinstance(result.exception, SystemExit)


def test_the_environment_names_the_settings(practice: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(practice.parent)
    monkeypatch.setenv("CRMKIT_CONFIG", str(practice / "crm.toml"))
    assert run("rejected", "--at", AT).exit_code == 0


def test_a_failed_source_asks_for_a_person(practice: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = SyncSummary({"patient": Counts(added=2)}, ("pms: the server does not answer.",))
    monkeypatch.setattr(CRM, "sync", lambda *_, **__: summary)
    result = run("sync", "--at", AT)
    assert result.exit_code == 3
    assert "A source failed: pms: the server does not answer." in result.stdout
    result = run("sync", "--json", "--at", AT)
    assert result.exit_code == 3
    assert json.loads(result.stdout)["failures"] == ["pms: the server does not answer."]


def test_no_control_character_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show.say_table(("id", "n"), [("P1\x1b]0;x\x07[bold]", 1234)])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "[bold]" in out
    assert "1,234" in out


def test_the_progress_bar_is_drawn_on_a_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def walk(*, quiet: bool) -> str:
        with show.progress("Walking", 2, quiet=quiet) as step:
            step(1)
            step(1)
        captured = capsys.readouterr()
        assert captured.out == ""
        return captured.err

    assert walk(quiet=False) == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert walk(quiet=True) == ""
    assert "Walking" in walk(quiet=False)


def test_a_pipe_without_box_characters_gets_none(practice: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    line = [sys.executable, "-m", "crmkit", "sync", "--at", AT]
    done = subprocess.run(line, capture_output=True, env=environment, check=True)
    assert "patient" in done.stdout.decode("cp1252")
    assert "?" not in done.stdout.decode("cp1252")


def test_bars_are_drawn_with_what_the_output_can_write(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (show.bar(5, 10), show.bar(1, 1000), show.bar(0, 10)) == ("█" * 10, "█", "")
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(BytesIO(), encoding="cp1252"))
    assert show.bar(10, 10, 3) == "###"
