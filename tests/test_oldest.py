"""The oldest releases of other packages that may be installed are those with which `make oldest` tries everything."""

from __future__ import annotations

import tomllib
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
#: What a package knows of the world changes by the month, and tests ask for what is known now.
OF_THE_WORLD = {"phonenumbers", "holidays", "tzdata"}
#: Whoever runs tests has them newer.
OF_TESTS = {"hypothesis", "pytest"}


def test_each_package_is_tried_at_its_oldest():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    said = chain(project["dependencies"], *project["optional-dependencies"].values())
    needed = {one.name: one for one in map(Requirement, said) if one.name not in OF_THE_WORLD | OF_TESTS}
    lines = (ROOT / "tests" / "oldest.txt").read_text("utf-8").splitlines()
    tried = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert tried.keys() == needed.keys()
    for name, version in tried.items():
        (floor,) = needed[name].specifier
        assert floor.operator == ">="
        assert Version(floor.version) == Version(version), name


def test_a_plugin_asks_for_nothing_newer():
    tried = (ROOT / "tests" / "oldest.txt").read_text("utf-8").lower().splitlines()
    for file in ROOT.glob("plugins/*/pyproject.toml"):
        for one in map(Requirement, tomllib.loads(file.read_text("utf-8"))["project"]["dependencies"]):
            if one.name != "crmkit":
                (floor,) = one.specifier
                assert f"{one.name.lower()}=={floor.version}" in tried, file.parent.name
