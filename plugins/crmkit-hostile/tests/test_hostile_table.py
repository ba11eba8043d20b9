"""The hostile plugin behaves unless it is told otherwise, and its page tells all its misbehaviours."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import pytest
from crmkit_hostile import TABLE, doors, plugin

from crmkit import FixedClock
from crmkit.errors import ConfigError
from crmkit.plugins.door import admit
from crmkit.testing import conformance
from crmkit.testing.fakes import Taken
from crmkit.testing.home import NOW
from crmkit.testing.laws import LAWS
from crmkit.testing.run import Verdict, run
from crmkit.testing.subject import Subject

HERE = Path(__file__).parents[1]


@attrs.frozen
class Loft:
    """Where the pigeons arrive."""

    file: Path

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"receiver": str(self.file)}

    def taken(self) -> Sequence[Taken]:
        lines = self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []
        return [Taken(to, text) for _, to, text in map(json.loads, lines)]


@contextmanager
def loft() -> Iterator[Loft]:
    with TemporaryDirectory() as folder:
        yield Loft(Path(folder) / "pigeons")


TestBehaved = conformance(
    plugin,
    fake=loft,
    waive={"plugin.registers": "most of its hooks wait to be told how to misbehave"},
    examples=5,
)

#: What the core cannot see while it happens, and the law by which the kit finds it before a plugin is used.
FOUND_BY = {
    "channel-alters": "channel.changes_nothing",
    "channel-denies": "channel.retry_has_not_left",
    "channel-logs": "channel.no_patient_in_logs",
    "channel-twice": "channel.once_each",
    "guard-alters": "guard.changes_nothing",
}


@pytest.mark.parametrize("name", FOUND_BY)
def test_the_kit_finds_what_the_core_cannot_see(name: str) -> None:
    (law,) = [one for one in LAWS if one.id == FOUND_BY[name]]
    assert run(law, Subject(plugin, {"misbehaviour": name}, loft, examples=20), shrink=False).verdict is Verdict.BROKEN


def test_the_page_tells_every_misbehaviour() -> None:
    page = (HERE / "README.md").read_text(encoding="utf-8")
    told = [line for line in page.splitlines() if line.startswith("| `")]
    assert told == [f"| `{one.name}` | {one.hook} | {one.sentence} |" for one in TABLE.values()]
    assert len(TABLE) >= 80


def test_each_door_has_an_entry_point_and_nobody_can_publish_it() -> None:
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = set(project["entry-points"]["crmkit.v1"])
    assert named == {"hostile", *(one.name for one in TABLE.values() if one.hook == "door")}
    assert "Private :: Do Not Upload" in project["classifiers"]


def test_what_is_no_misbehaviour_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no misbehaviour"):
        admit([plugin], {"hostile": {"misbehaviour": "sings"}}, FixedClock(NOW), tmp_path)
    with pytest.raises(AttributeError):
        _ = doors.sings
