"""The wheel in an empty virtual environment: what the README shows runs there as it stands.

A new plugin is built as a wheel too, and tried in such an environment: by default a channel; `make starters` sets
CRMKIT_STARTERS to all and tries every kind.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path

import pytest
from documents import ROOT, SOURCE, blocks, text

from crmkit.testing.start import KINDS, start

pytestmark = pytest.mark.slow
TRIED = KINDS if os.environ.get("CRMKIT_STARTERS") == "all" else ("channel",)


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=cwd, check=False, capture_output=True, text=True, timeout=600)


def built(project: Path, out: Path) -> Path:
    """Build a project's wheel in a folder where there is none yet, and return it."""
    done = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, project, cwd=out.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("dist"))


def install(home: Path, *wanted: object, like: Path | None = None) -> Path:
    """Install wheels into a new environment with what they need, and return the folder of its programs.

    It is empty at first, or has what another one has, without its programs.
    """
    venv.create(home)
    if like:
        (there,), (here,) = like.rglob("site-packages"), home.rglob("site-packages")
        shutil.copytree(there, here, dirs_exist_ok=True)
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


@pytest.fixture(scope="module")
def vendor(wheel: Path, scripts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Start plugins, build their wheels, and install them beside crmkit's into an environment without their source."""
    folder = tmp_path_factory.mktemp("vendor")
    for kind in TRIED:
        start(f"acme-{kind}", kind, folder)
    wheels = [built(folder / f"acme-{kind}", folder / f"dist-{kind}") for kind in TRIED]
    install(folder / "env", f"{wheel}[testing]", *wheels, like=scripts.parent)
    for kind in TRIED:
        # What is tried is the wheel.
        shutil.rmtree(folder / f"acme-{kind}" / "src")
    return folder


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


def in_vendors(vendor: Path, *words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    python = vendor / "env" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    return run(python, "-m", *words, cwd=cwd)


def test_new_plugins_are_found_by_metadata(vendor: Path) -> None:
    told = in_vendors(vendor, "crmkit", "plugins", "--json", cwd=vendor)
    names = {one["name"]: one["distribution"] for one in json.loads(told.stdout)["plugins"]}
    assert {name: names.get(name) for name in names if name.startswith("acme-")} == {
        f"acme-{kind}": f"acme-{kind}" for kind in TRIED
    }


@pytest.mark.parametrize("kind", TRIED)
def test_a_new_plugin_passes_its_kit_unchanged(kind: str, vendor: Path) -> None:
    done = in_vendors(vendor, "pytest", "--crmkit-examples", "8", cwd=vendor / f"acme-{kind}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "waived laws" not in done.stdout


@pytest.mark.parametrize("kind", TRIED)
def test_the_statement_names_the_wheel(kind: str, vendor: Path) -> None:
    name, place = f"acme-{kind}", vendor / f"acme-{kind}"
    asked = ("plugins", "check", name, "--statement", "conformance", "--examples", "2")
    done = in_vendors(vendor, "crmkit", *asked, cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads((place / "conformance.json").read_text(encoding="utf-8"))
    assert (told["distribution"], told["conforms"]) == (f"{name} 0.1.0", True)
