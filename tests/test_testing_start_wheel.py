"""A new plugin built as a wheel, installed beside crmkit's wheel into one empty environment, and tried there.

By default a channel; `make starters` sets CRMKIT_STARTERS to all and tries every kind.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from test_wheel import install, run, wheel

from crmkit.testing.start import KINDS, start

__all__ = ["wheel"]

pytestmark = pytest.mark.slow
TRIED = KINDS if os.environ.get("CRMKIT_STARTERS") == "all" else ("channel",)


@pytest.fixture(scope="module")
def home(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Start plugins, build their wheels, and install them with crmkit's into one empty environment."""
    folder = tmp_path_factory.mktemp("vendor")
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder / "dist")
    for kind in TRIED:
        start(f"acme-{kind}", kind, folder)
        built = run(*build, folder / f"acme-{kind}", cwd=folder)
        assert built.returncode == 0, built.stdout + built.stderr
    install(folder / "env", f"{wheel}[testing]", *sorted((folder / "dist").glob("*.whl")))
    for kind in TRIED:
        # What is tried is the wheel.
        shutil.rmtree(folder / f"acme-{kind}" / "src")
    return folder


def test_the_new_plugins_are_found_by_metadata(home: Path) -> None:
    told = run(home / "env" / "bin" / "crmkit", "plugins", "--json", cwd=home)
    names = {one["name"]: one["distribution"] for one in json.loads(told.stdout)["plugins"]}
    assert {name: names.get(name) for name in names if name.startswith("acme-")} == {
        f"acme-{kind}": f"acme-{kind}" for kind in TRIED
    }


@pytest.mark.parametrize("kind", TRIED)
def test_a_new_plugin_passes_its_kit_unchanged(kind: str, home: Path) -> None:
    done = run(home / "env" / "bin" / "python", "-m", "pytest", "--crmkit-examples", "8", cwd=home / f"acme-{kind}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "waived laws" not in done.stdout


@pytest.mark.parametrize("kind", TRIED)
def test_the_statement_names_the_wheel(kind: str, home: Path) -> None:
    name, place = f"acme-{kind}", home / f"acme-{kind}"
    command = ("plugins", "check", name, "--statement", "conformance", "--examples", "2")
    done = run(home / "env" / "bin" / "crmkit", *command, cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads((place / "conformance.json").read_text(encoding="utf-8"))
    assert (told["distribution"], told["conforms"]) == (f"{name} 0.1.0", True)
