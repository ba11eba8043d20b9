"""The wheel in an empty virtual environment: what the README shows runs there as it stands."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path

import pytest
from documents import ROOT, SOURCE, blocks, text

pytestmark = pytest.mark.slow


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=cwd, check=False, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = out.glob("*.whl")
    return found


def install(home: Path, *wanted: object) -> Path:
    """Install wheels into a new, empty environment with what they need, and return the folder of its programs."""
    venv.create(home)
    found = home / ("Scripts" if sys.platform == "win32" else "bin")
    # Our own pip does it: one in there would take as long to install as all the rest.
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", found / "python")
    asked = run(*pip, "download", "--no-deps", "--dest", home / "probe", "attrs", cwd=home)
    if asked.returncode:
        pytest.skip(f"pip reaches no package index: {asked.stderr.strip().splitlines()[-1:]}")
    constraints = ("--constraint", ROOT / "constraints.txt")
    done = run(*pip, "install", "--quiet", "--no-compile", *constraints, *wanted, cwd=home)
    assert done.returncode == 0, done.stderr
    return found


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an empty environment and return the folder of its programs."""
    return install(tmp_path_factory.mktemp("empty"), wheel)


def test_all_that_is_no_code_is_in_the_wheel_too(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    wanted = [file for file in SOURCE.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    folders = (
        "builtin/templates",
        "messages/_layout",
        "demo/sample/exports",
        "demo/sample/content",
        "report/templates",
    )
    assert all(any(f"src/crmkit/{folder}" in file.as_posix() for file in wanted) for folder in folders)
    missing = [file for file in wanted if packed.get(file.relative_to(ROOT / "src").as_posix()) != file.read_bytes()]
    assert missing == []
    assert any(name.endswith("licenses/LICENSE") for name in packed)


def test_no_tests_and_no_plugins_of_others_are_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        rooms = {name.split("/")[0] for name in archive.namelist()}
    assert {room for room in rooms if not room.endswith(".dist-info")} == {"crmkit"}


def test_the_readme_runs_as_it_stands(scripts: Path, tmp_path: Path) -> None:
    page = text("README.md")
    (program,), (output,) = blocks(page, "python"), blocks(page, "text")
    done = run(scripts / "python", "-W", "error", "-c", program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert OutputChecker().check_output(output, done.stdout, ELLIPSIS), done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_command_is_there(scripts: Path, tmp_path: Path) -> None:
    told = run(scripts / "crmkit", "--version", cwd=tmp_path)
    assert (told.returncode, told.stdout.split()[:2]) == (0, ["crmkit,", "version"])


def test_only_what_comes_with_it_is_found_there(scripts: Path, tmp_path: Path) -> None:
    told = run(scripts / "crmkit", "plugins", "--json", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert "crmkit-sql" not in told.stdout
    assert '"csv"' in told.stdout


def test_the_migrations_came_with_it(scripts: Path, tmp_path: Path) -> None:
    for command, told in (("upgrade", "The database was empty"), ("check", "as this version needs it")):
        done = run(scripts / "crmkit", "db", command, "--database", "sqlite:///host.db", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert told in done.stdout
