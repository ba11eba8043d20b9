"""The contract's types: what a vendor rightly writes passes mypy and pyright, what breaks the contract does not.

`pyright[nodejs]` brings the checker and node as wheels, so that nothing is fetched when it runs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from documents import ROOT

FOLDER = ROOT / "tests" / "typing"
#: Why a line is refused: the code of mypy, and the rule of pyright. Names of parameters are no matter to mypy.
CODES = {
    "argument": ("arg-type", "reportArgumentType"),
    "assignment": ("assignment", "reportAssignmentType"),
    "attribute": ("attr-defined", "reportAttributeAccessIssue"),
    "entry": ("dict-item", "reportArgumentType"),
    "frozen": ("misc", "reportAttributeAccessIssue"),
    "item": ("list-item", "reportArgumentType"),
    "override": ("override", "reportIncompatibleMethodOverride"),
    "parameter": ("", "reportIncompatibleMethodOverride"),
    "yield": ("misc", "reportReturnType"),
}
Found = set[tuple[str, int, str]]


def marked(checker: int) -> Found:
    """Return file, line and code of each mark."""
    lines = (FOLDER / "refused.py").read_text(encoding="utf-8").splitlines()
    marks = [
        (number, mark[1]) for number, line in enumerate(lines, 1) if (mark := re.search(r"# refused: (\w+)$", line))
    ]
    return {("refused.py", number, CODES[why][checker]) for number, why in marks if CODES[why][checker]}


@pytest.fixture(scope="module")
def mypy() -> Found:
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--no-pretty", "--hide-error-context"]
    files = [str(FOLDER / name) for name in ("accepted.py", "host.py", "refused.py")]
    done = subprocess.run([*command, *files], cwd=ROOT, check=False, capture_output=True, text=True, timeout=600)
    assert done.stderr == ""
    found = re.findall(r"(\w+\.py):(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    assert len(found) == done.stdout.count(": error: ")
    return {(file, int(line), code) for file, line, code in found}


@pytest.fixture(scope="module")
def pyright(tmp_path_factory: pytest.TempPathFactory) -> Found:
    place = Path(shutil.copytree(FOLDER, tmp_path_factory.mktemp("typing") / "typing"))
    settings = {"extraPaths": [str(ROOT / "src")], "strict": ["accepted.py", "host.py"], "pythonVersion": "3.11"}
    (place / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    # Otherwise it asks whether there is a newer one.
    env = os.environ | {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    done = subprocess.run(command, cwd=place, env=env, check=False, capture_output=True, text=True, timeout=600)
    said = json.loads(done.stdout)
    assert said["summary"]["filesAnalyzed"] == 3, done.stderr
    return {
        (Path(one["file"]).name, one["range"]["start"]["line"] + 1, one.get("rule", one["message"]))
        for one in said["generalDiagnostics"]
    }


def test_mypy_accepts_what_vendors_and_hosts_write_and_refuses_each_marked_line(mypy: Found) -> None:
    assert mypy == marked(0)


def test_pyright_accepts_what_vendors_and_hosts_write_and_refuses_each_marked_line(pyright: Found) -> None:
    assert pyright == marked(1)


def test_enough_is_refused_for_every_reason() -> None:
    assert len(marked(0)) > 30
    assert {code for _, _, code in marked(1)} == {rule for _, rule in CODES.values()}


def test_every_hook_is_written_in_both_files() -> None:
    from crmkit.plugins.look import HOOKS

    for name in ("accepted.py", "refused.py"):
        assert [hook for hook in HOOKS if f"def {hook}(" not in (FOLDER / name).read_text(encoding="utf-8")] == []
