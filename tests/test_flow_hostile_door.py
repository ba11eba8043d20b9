"""A hostile plugin at the door: it is named and stays out, and the honest work is the same without it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crmkit_hostile import TABLE
from hostile_practice import READERS, SECRET, Desk, desk_in, in_full, leaks, limits_for, neighbour, told

from crmkit import CRM, Practice
from crmkit.errors import ConfigError, PluginError
from crmkit.plugins import CrmkitSpec, PluginInfo
from crmkit.plugins.failure import Kind, Phase

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

#: How each is refused, and whether all that it may have brought can be done without.
AT_THE_DOOR = {
    "hostile-defaults": (Phase.HOOKS, Kind.SIGNATURE, False),
    "hostile-exits": (Phase.IMPORT, Kind.RAISED, False),
    "hostile-first-result": (Phase.IMPORT, Kind.RAISED, False),
    "hostile-future": (Phase.INFO, Kind.VERSION, True),
    "hostile-hangs": (Phase.IMPORT, Kind.OVERDUE, False),
    "hostile-misspelt": (Phase.HOOKS, Kind.MISSPELT, False),
    "hostile-no-instance": (Phase.IMPORT, Kind.NO_PLUGIN, False),
    "hostile-other-name": (Phase.INFO, Kind.NAME, True),
    "hostile-raises": (Phase.IMPORT, Kind.RAISED, False),
    "hostile-renamed": (Phase.HOOKS, Kind.SIGNATURE, True),
    "hostile-shows-secret": (Phase.INFO, Kind.SETTINGS, True),
    "hostile-tryfirst": (Phase.HOOKS, Kind.ORDERED, True),
    "hostile-unmarked": (Phase.HOOKS, Kind.UNMARKED, False),
    "hostile-wrapper": (Phase.HOOKS, Kind.ORDERED, False),
}
REGISTERING = {
    "register-endless": Kind.ENDLESS,
    "register-exits": Kind.RAISED,
    "register-halfway": Kind.RAISED,
    "register-hangs": Kind.OVERDUE,
    "register-nothing": Kind.WRONG_TYPE,
    "register-number": Kind.WRONG_TYPE,
    "register-tells": Kind.RAISED,
    "register-twice": Kind.DUPLICATE,
    "register-words": Kind.NAME,
    "guards-nothing": Kind.WRONG_TYPE,
}
#: These are told by what the host sees, and not by a failure.
BY_WORD_OF_MOUTH = {"register-interrupts", "register-quotes"}


@pytest.fixture
def desk(tmp_path: Path, practice: Practice, caplog: pytest.LogCaptureFixture) -> Iterator[Desk]:
    caplog.set_level("DEBUG", "crmkit")
    with desk_in(tmp_path / "practice", practice) as desk:
        yield desk


@pytest.fixture(scope="module", autouse=True)
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CRM]:
    with neighbour(tmp_path_factory.mktemp("other")) as crm:
        yield crm


def test_every_misbehaviour_at_the_door_is_tried() -> None:
    tried = {*AT_THE_DOOR, *REGISTERING, *BY_WORD_OF_MOUTH}
    assert tried == {one.name for one in TABLE.values() if one.hook in ("door", "register", "guards")}


def test_without_it_all_who_may_be_written_to_are(desk: Desk) -> None:
    crm = desk.open(plugins=())
    assert sorted(touch.patient for touch in desk.work(crm).touches) == ["P1", "P2"]
    assert sorted(desk.mailbox.readers) == READERS
    assert crm.failures() == []


def refused(desk: Desk, caplog: Any, name: str, **plugins: Any) -> Any:
    """Return the failure with which a plugin keeps the practice from opening; nothing of a patient is told."""
    with pytest.raises(PluginError) as problem:
        desk.open(**plugins, time_limits=limits_for(name, hook=2))
    (failure,) = problem.value.failures
    assert failure.plugin in str(problem.value)
    assert leaks(in_full(problem.value) + caplog.text) == []
    return failure


def honest_work_is_the_same(desk: Desk, crm: CRM, *, goes_on: bool) -> None:
    """Do the honest work with the plugin left out, or, where it might have brought a guard, without naming it."""
    if not goes_on:
        with pytest.raises(PluginError, match=crm.failures()[0].plugin):
            desk.work(crm)
        assert desk.mailbox.readers == []
        crm = desk.open(plugins=())
    desk.work(crm)
    assert sorted(desk.mailbox.readers) == READERS


@pytest.mark.parametrize("name", AT_THE_DOOR)
def test_at_the_door(name: str, desk: Desk, caplog: pytest.LogCaptureFixture, other: CRM) -> None:
    phase, kind, goes_on = AT_THE_DOOR[name]
    failure = refused(desk, caplog, name, plugins=[name])
    assert (failure.plugin, failure.version, failure.phase, failure.kind) == (name, "0.1.0", phase, kind)
    crm = desk.open(plugins=[name], strict=False, time_limits=limits_for(name, hook=2))
    assert list(crm.failures()) == [failure]
    honest_work_is_the_same(desk, crm, goes_on=goes_on)
    assert leaks(told(crm) + caplog.text) == []
    assert other.failures() == []


@pytest.mark.parametrize("name", REGISTERING)
def test_while_it_registers(name: str, desk: Desk, caplog: pytest.LogCaptureFixture, other: CRM) -> None:
    failure = refused(desk, caplog, name, misbehaviour=name)
    assert (failure.plugin, failure.version) == ("hostile", "0.1.0")
    assert (failure.phase, failure.kind) == (Phase.REGISTER, REGISTERING[name])
    crm = desk.open(name, strict=False, time_limits=limits_for(name, hook=2))
    assert list(crm.failures()) == [failure]
    # It has hooks for guards and channels too: nobody knows what is missing.
    honest_work_is_the_same(desk, crm, goes_on=False)
    assert leaks(told(crm) + caplog.text) == []
    assert other.failures() == []


def test_a_secret_that_it_throws_at_its_host_is_withheld(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    for strict in (True, False):
        with pytest.raises(ConfigError, match="hostile: says something that quotes a secret") as problem:
            desk.open("register-quotes", strict=strict)
        assert SECRET not in in_full(problem.value) + caplog.text
    honest_work_is_the_same(desk, desk.open(plugins=()), goes_on=True)


def test_whoever_interrupts_is_obeyed_and_nothing_is_left_open(desk: Desk, other: CRM) -> None:
    for strict in (True, False):
        with pytest.raises(KeyboardInterrupt):
            desk.open("register-interrupts", strict=strict)
    assert not (desk.folder / "crm.db").exists(), "the plugins come before the database"
    honest_work_is_the_same(desk, desk.open(plugins=()), goes_on=True)
    assert other.failures() == []


def test_two_plugins_of_one_name_are_both_named(desk: Desk) -> None:
    class Second(CrmkitSpec):
        info = PluginInfo("hostile")

    with pytest.raises(PluginError, match="hostile: is offered by crmkit-hostile and the host's Second"):
        desk.open(plugins=("hostile", Second()))
    honest_work_is_the_same(desk, desk.open(), goes_on=True)


@pytest.mark.parametrize("name", ["hostile-tryfirst", "hostile-raises"])
def test_what_is_required_keeps_the_practice_from_opening_however_lenient(name: str, desk: Desk) -> None:
    with pytest.raises(PluginError, match=name):
        desk.open(plugins=[name], required={name: ">=0.1"}, strict=False)
    with pytest.raises(PluginError, match=r"hostile: is of version 0\.1\.0, and >=7 is required"):
        desk.open(required={"hostile": ">=7"}, strict=False)
