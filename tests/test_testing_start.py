"""Starting a plugin: every kind is green at once, and a name that cannot be is refused."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner
from documents import ROOT, SOURCE

from crmkit.cli import main
from crmkit.cli.plugins import KINDS as OFFERED
from crmkit.errors import ConfigError
from crmkit.testing.found import subject_of
from crmkit.testing.run import Verdict, run
from crmkit.testing.start import KINDS, answers, start

TEMPLATE = SOURCE / "testing" / "template"
WORDS = {"source": "sources", "channel": "channels", "message-type": "message_types", "event-parser": "event_parsers"}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Start a plugin of every kind, and return the folder in which they lie."""
    folder = tmp_path_factory.mktemp("started")
    for kind in KINDS:
        start(f"acme-{kind}", kind, folder)
    return folder


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Give back the path and the modules as they were: each of the plugins has a world of its own."""
    before: dict[str, ModuleType] = dict(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield sys.path
    for name in set(sys.modules) - set(before):
        del sys.modules[name]


def tool(*command: object, cwd: Path) -> str:
    paths = os.pathsep.join([str(ROOT / "src"), *(str(folder) for folder in cwd.glob("*/src"))])
    # pyright would ask whether there is a newer one.
    env = {**os.environ, "PYTHONPATH": paths, "MYPYPATH": paths, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    words = [sys.executable, "-m", *(str(word) for word in command)]
    done = subprocess.run(words, cwd=cwd, env=env, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def known(place: Path) -> Path:
    """Copy what mypy found out when it was last run here, so that it need not read all libraries again."""

    def copy(source: str, target: str) -> None:
        # Another test may just be adding to it: what is missing is found out anew.
        with suppress(FileNotFoundError):
            shutil.copy2(source, target)

    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", place, copy_function=copy)
    return place


def code_lines(file: Path) -> int:
    """Return how many lines of a file are code: no import, docstring, comment or blank line."""
    written = file.read_text(encoding="utf-8")
    passed_over: set[int] = set()
    for node in ast.walk(ast.parse(written)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_text or isinstance(node, (ast.Import, ast.ImportFrom)):
            passed_over |= set(range(node.lineno, node.end_lineno + 1))
    lines = enumerate(written.splitlines(), 1)
    return sum(bool(re.match(r"\s*[^\s#]", line)) and number not in passed_over for number, line in lines)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_keeps_every_law(kind: str, started: Path, path: list[str]) -> None:
    folder = started / f"acme-{kind}"
    path.insert(0, str(folder / "src"))
    subject = subject_of(f"acme-{kind}", folder / "tests" / "test_conformance.py")
    results = [run(law, subject, 2) for law in subject.laws]
    assert [result.note for result in results if result.verdict not in (Verdict.KEPT, Verdict.NOT_TRIED)] == []
    assert {result.law.kind.hook for result in results if result.verdict is Verdict.KEPT} - {""} == {
        f"crmkit_{WORDS.get(kind, f'{kind}s')}"
    }
    assert subject.waive == {}


def test_new_plugins_please_ruff_and_mypy(started: Path) -> None:
    # Each file is looked at as the pyproject.toml of its own plugin says.
    tool("ruff", "check", ".", cwd=started)
    tool("ruff", "format", "--check", ".", cwd=started)
    packages = [word for kind in KINDS for word in ("-p", f"acme_{kind.replace('-', '_')}")]
    tool(
        "mypy", "--strict", "--python-version", "3.11", "--cache-dir", known(started / "known"), *packages, cwd=started
    )


def test_new_plugins_please_pyright_at_its_strictest(started: Path) -> None:
    folders = [f"acme-{kind}/src" for kind in KINDS]
    settings = {"include": folders, "extraPaths": [str(ROOT / "src"), *folders], "typeCheckingMode": "strict"}
    (started / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    said = json.loads(tool("pyright", "--outputjson", "--pythonpath", sys.executable, cwd=started))
    assert said["summary"]["filesAnalyzed"] > 2 * len(KINDS)


def test_a_channel_that_really_sends_takes_at_most_thirty_lines(started: Path) -> None:
    channel = started / "acme-channel" / "src" / "acme_channel" / "channel.py"
    assert "urlopen(" in channel.read_text(encoding="utf-8")
    assert code_lines(channel) <= 30


def test_the_test_file_is_three_statements_and_the_import_of_the_fake(started: Path) -> None:
    lengths = {kind: code_lines(started / f"acme-{kind}" / "tests" / "test_conformance.py") for kind in KINDS}
    assert set(lengths.values()) == {1}


def test_the_command_writes_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["plugins", "new", "acme-sms", "--kind", "channel"])
    assert done.exit_code == 0, done.output
    files = [line for line in done.stdout.splitlines() if line.startswith("acme-sms/")]
    assert sorted(files) == sorted(
        str(file.relative_to(tmp_path)) for file in (tmp_path / "acme-sms").rglob("*") if file.is_file()
    )
    assert "acme-sms/src/acme_sms/channel.py" in files
    again = CliRunner().invoke(main, ["plugins", "new", "acme-sms", "--kind", "guard"])
    assert (again.exit_code, "there is such a folder already" in again.stderr) == (1, True)


@pytest.mark.parametrize("name", ["Acme", "acme sms", "../acme", "acme_sms", "-acme", "9lives", "a..b", ""])
def test_a_name_that_cannot_be_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be used"):
        start(name, "channel", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["core", "email", "json", "crmkit"])
def test_a_name_that_another_has_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"the name {name} is taken"):
        start(name, "channel", tmp_path)


def test_an_entry_point_that_leads_nowhere_is_told_though_every_law_is_kept(
    started: Path, path: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = started / "acme-field"
    path[:0] = [str(folder / "src"), str(tmp_path)]
    info = tmp_path / "acme_field-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-field\nVersion: 0.1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[crmkit.v1]\nacme-field = acme_field:plugn\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(main, ["plugins", "check", "acme-field", "--examples", "1"])
    assert done.exit_code == 3, done.output
    assert "0 broken" in done.stdout
    assert "is announced as acme_field:plugn, which is not there" in " ".join(done.stdout.split())


def test_the_kinds_are_offered_and_the_questions_are_those_of_the_template() -> None:
    assert OFFERED == KINDS
    asked = (TEMPLATE / "copier.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"^([a-z]+):$", asked, re.MULTILINE)) == set(answers("acme-sms", "channel"))
    assert f"choices: [{', '.join(KINDS)}]" in asked
    assert "_tasks" not in asked


def test_no_name_in_the_template_is_forbidden_on_windows() -> None:
    names = [entry.name for entry in TEMPLATE.rglob("*")]
    assert [name for name in names if set(name) & set('<>:"/\\|?*')] == []
