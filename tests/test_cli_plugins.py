"""What the command line tells of plugins that are wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hostile_practice import SECRET, install, leaks, written

from crmkit.cli import main

TOML = """
database = "sqlite:///crm.db"
plugins = ["csv", "folder", "hostile", {more}]
strict = {strict}

[practice]
id = "bright-eyes"
name = "Bright Eyes Optometry"
country = "AU"
timezone = "Australia/Sydney"
locale = "en_AU"
currency = "AUD"
email = "hello@brighteyes.example"
public_url = "https://brighteyes.example/crm"
keys = ["a key for tests"]
address = "1 High St, Newtown NSW 2042"

[settings.csv]
folder = "exports"

[settings.folder]
path = "outbox"

[settings.hostile]
misbehaviour = "{misbehaviour}"
token = "{token}"

[time_limits]
hook = 5

[campaigns.card]
objective = "celebrate"
message = "birthday"
segment = "everybody"
schedule = "on birthday"
"""


@pytest.fixture
def practice_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(tmp_path / "site")
    written(tmp_path)
    monkeypatch.chdir(tmp_path)

    def write(misbehaviour: str = "", more: str = "", strict: str = "true") -> None:
        text = TOML.format(misbehaviour=misbehaviour, more=more, strict=strict, token=SECRET)
        (tmp_path / "crm.toml").write_text(text, encoding="utf-8")

    return write


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, words)
    assert leaks(done.output) == []
    return done.exit_code, done.output


@pytest.mark.no_cover
@pytest.mark.parametrize("strict", ["true", "false"])
@pytest.mark.parametrize(
    ("misbehaviour", "more", "plugin", "told"),
    [
        ("", '"hostile-wrapper"', "hostile-wrapper", "hostile-wrapper 0.1.0: hooks: the hook crmkit_guards asks for"),
        ("", '"hostile-raises"', "hostile-raises", "hostile-raises 0.1.0: import: importing failed (ImportError)"),
        ("", '"acme-sms"', "acme-sms", "acme-sms: find: is not installed"),
        ("register-halfway", "", "hostile", "hostile 0.1.0: register: the hook crmkit_metrics failed (RuntimeError)"),
        ("close-raises", "", "hostile", "hostile 0.1.0: close: closing failed (RuntimeError)"),
    ],
)
def test_list_and_check_name_what_is_wrong(practice_of, misbehaviour, more, plugin, told, strict) -> None:
    practice_of(misbehaviour, more, strict)
    for command in ("list", "check"):
        code, output = run("plugins", command)
        assert code == 3
        assert told in output
        code, output = run("plugins", command, "--json")
        assert code == 3
        (failure,) = json.loads(output)["failures"]
        assert failure["plugin"] == plugin
        assert failure["problem"] in told or told.endswith("asks for")
    listed = {one["name"]: one["admitted"] for one in json.loads(run("plugins", "--json")[1])["plugins"]}
    assert listed["csv"] is True
    assert listed["hostile"] is (misbehaviour != "register-halfway")
    assert listed["email"] is False


def test_where_nothing_is_wrong_nothing_is_told(practice_of) -> None:
    practice_of()
    code, output = run("plugins", "list")
    assert (code, "failed" in output) == (0, False)
    assert json.loads(run("plugins", "list", "--json")[1])["failures"] == []
    assert run("plugins", "check") == (0, "4 plugins admitted, and nothing is wrong with any.\n")


@pytest.mark.no_cover
def test_a_sending_tells_which_plugin_failed(practice_of) -> None:
    at = ("--at", "2026-11-23T14:00+11:00")
    practice_of()
    assert run("sync", *at)[0] == 0
    assert run("plan", *at)[0] == 0
    assert run("send", *at)[0] == 0
    assert json.loads(run("send", "--json", *at)[1])["failures"] == []
    practice_of("guard-raises")
    done = subprocess.run(
        [sys.executable, "-m", "crmkit", "send", *at],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 3, done.stderr
    assert leaks(done.stdout + done.stderr) == []
    assert "hostile 0.1.0: judge: hostile.whim: judging failed (RuntimeError)" in done.stderr
    code, output = run("send", "--json", *at)
    assert code == 3
    (failure,) = json.loads(output[output.index("{") :])["failures"]
    assert (failure["plugin"], failure["phase"], failure["thing"]) == ("hostile", "judge", "hostile.whim")


def test_a_secret_that_a_plugin_tells_is_not_printed(practice_of) -> None:
    practice_of("register-quotes")
    for command in ("list", "check"):
        code, output = run("plugins", command)
        assert code == 1
        assert "hostile: says something that quotes a secret of its settings" in output
