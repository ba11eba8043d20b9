"""The page "Your first plugin" against what it makes: its excerpts, its shell commands, the failure that it shows."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from documents import ROOT, blocks, text

from crmkit.testing.start import start

PAGE = text("docs/how-to/your-first-plugin.md")
#: Here the commands are tried; with more examples a new plugin is tried in test_wheel.py.
FEW = {"pytest": ["--crmkit-examples", "2"], "crmkit": ["--examples", "2"]}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Start the page's plugin, and return the folder around it."""
    folder = tmp_path_factory.mktemp("vendor")
    start("acme-sms", "channel", folder)
    return folder


def shell(command: str, cwd: Path, more: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run a command of the page; the plugin lies on the path as if it had been installed."""
    paths = os.pathsep.join([str(ROOT / "src"), str(cwd / "src")])
    env = {**os.environ, "PYTHONPATH": paths, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    program, *arguments = shlex.split(command)
    extra = ["-p", "crmkit.testing.pytest_plugin"] if program == "pytest" else []
    words = [sys.executable, "-m", program, *extra, *arguments, *more]
    return subprocess.run(words, cwd=cwd, env=env, check=False, capture_output=True, text=True, timeout=300)


def test_every_excerpt_stands_in_the_new_plugin(place: Path) -> None:
    files = [file.read_text(encoding="utf-8") for file in place.rglob("*") if file.is_file()]
    excerpts = [block for kind in ("py", "text-of-channel", "text-of-pyproject") for block in blocks(PAGE, kind)]
    assert len(excerpts) > 6
    assert [excerpt for excerpt in excerpts if not any(excerpt in written for written in files)] == []


def test_the_commands_do_what_the_page_says(place: Path) -> None:
    commands = "".join(blocks(PAGE, "sh")).splitlines()
    assert commands[:2] == ["cd acme-sms", 'pip install --editable ".[dev]"']
    project = tomllib.loads((place / "acme-sms" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "dev" in project["optional-dependencies"], "the pip of Python 3.11 knows no groups"
    for command in commands[2:]:
        done = shell(command, place / "acme-sms", FEW[shlex.split(command)[0]])
        assert done.returncode == 0, done.stdout + done.stderr
    made = (place / "acme-sms" / "conformance.md").read_text(encoding="utf-8")
    assert made.startswith("# Conformance statement: acme-sms\n\nConforms")
    assert (place / "acme-sms" / "conformance.json").is_file()


def test_the_failure_that_the_page_shows_is_what_one_sees(place: Path) -> None:
    channel = place / "acme-sms" / "src" / "acme_sms" / "channel.py"
    good = channel.read_text(encoding="utf-8")
    channel.write_text(good.replace("Outcome.UNKNOWN if reached else", "Outcome.RETRY if reached else"), "utf-8")
    done = shell("pytest -k lost_answer", place / "acme-sms")
    channel.write_text(good, "utf-8")
    (shown,) = blocks(PAGE, "text-of-failure")
    assert done.returncode == 1
    assert shown in done.stdout
