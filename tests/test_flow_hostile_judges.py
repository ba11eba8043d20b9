"""Hostile guards and sources: what they say loosens nothing, and what they do not say keeps everybody safe."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from crmkit_hostile import TABLE
from hostile_practice import CARD, NOTICE, READERS, Desk, desk_in, leaks, limits_for, neighbour, told

from crmkit import CRM, Practice, State
from crmkit.plugins.failure import Kind, Phase

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

#: Each of these denies everything while it is admitted.
GUARDS = {
    "guard-exits": Kind.RAISED,
    "guard-for-ever": Kind.NONSENSE,
    "guard-forges": Kind.WRONG_TYPE,
    "guard-hangs": Kind.OVERDUE,
    "guard-nothing": Kind.WRONG_TYPE,
    "guard-quotes": Kind.QUOTED,
    "guard-raises": Kind.RAISED,
    "guard-sentence": Kind.NONSENSE,
    "guard-too-few": Kind.COUNT,
    "guard-too-many": Kind.COUNT,
    "guard-words": Kind.WRONG_TYPE,
}
#: These try to loosen what others say, and have no effect at all.
POWERLESS = {"guard-allows", "guard-alters", "fetch-lies"}
SOURCES = {
    "source-endless": Kind.ENDLESS,
    "source-garbage": Kind.WRONG_TYPE,
    "source-halfway": Kind.RAISED,
    "source-hangs": Kind.OVERDUE,
    "source-numbers": Kind.WRONG_TYPE,
    "source-words": Kind.WRONG_TYPE,
}
#: Rows that claim other sources' patients are rejected one by one, each with its reason.
REJECTED = {"source-steals"}
#: Who does not answer in the moment of sending keeps everybody from being written to.
FETCHES = {"fetch-hangs": Kind.OVERDUE, "fetch-raises": Kind.RAISED, "fetch-words": Kind.WRONG_TYPE}


@pytest.fixture
def desk(tmp_path: Path, practice: Practice, caplog: pytest.LogCaptureFixture) -> Iterator[Desk]:
    caplog.set_level("DEBUG", "crmkit")
    with desk_in(tmp_path / "practice", practice) as desk:
        yield desk


@pytest.fixture(scope="module", autouse=True)
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CRM]:
    with neighbour(tmp_path_factory.mktemp("other")) as crm:
        yield crm


@pytest.fixture(autouse=True)
def untouched(other: CRM) -> Iterator[None]:
    yield
    assert other.failures() == []


def test_every_misbehaviour_of_guards_and_sources_is_tried() -> None:
    tried = {*GUARDS, *POWERLESS, *SOURCES, *REJECTED, *FETCHES}
    assert tried == {one.name for one in TABLE.values() if one.hook in ("guard", "source", "fetch")}


def works_again(desk: Desk) -> None:
    """Do the work when the plugin behaves again: it is the same as ever, each message once."""
    desk.clock.move(timedelta(hours=1))
    desk.work(desk.open())
    assert sorted(desk.mailbox.readers) == READERS
    assert sorted(desk.flown.values()) == [1, 1]


def told_apart(crm: CRM, phase: Phase, thing: str, kind: Kind, log: str) -> None:
    (failure,) = crm.failures()
    assert (failure.plugin, failure.version, failure.phase) == ("hostile", "0.1.0", phase)
    assert (failure.thing, failure.kind) == (thing, kind)
    assert leaks(told(crm) + log) == []


@pytest.mark.parametrize("name", GUARDS)
def test_a_hostile_guard_denies(name: str, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    crm = desk.open(name, time_limits=limits_for(name, guard=1, source=3, fetch=1))
    assert desk.work(crm).touches == ()
    touches = crm.plan().touches
    assert {touch.state for touch in touches} == {State.DENIED}
    reasons = {touch.patient: touch.reason for touch in touches if touch.campaign == "card"}
    assert reasons == {"P1": "guard_failed", "P2": "guard_failed", "P3": "opted_out", "P4": "deceased"}
    assert desk.mailbox.readers == []
    assert not desk.flown
    told_apart(crm, Phase.JUDGE, "hostile.whim", GUARDS[name], caplog.text)
    works_again(desk)


@pytest.mark.parametrize("name", GUARDS)
def test_a_guard_that_turns_hostile_after_the_plan_denies_in_the_moment_of_sending(name: str, desk: Desk) -> None:
    good = desk.open()
    good.sync()
    for campaign in (CARD, NOTICE):
        good.add(campaign)
    assert len(good.plan().ready()) == 4
    crm = desk.open(name, time_limits=limits_for(name, guard=1, source=3, fetch=1))
    assert crm.send().counts() == {State.DENIED: 4}
    assert (desk.mailbox.readers, sum(desk.flown.values())) == ([], 0)
    works_again(desk)


@pytest.mark.parametrize("name", sorted(POWERLESS))
def test_nobody_loosens_what_others_say(name: str, desk: Desk) -> None:
    crm = desk.open(name)
    desk.work(crm)
    denied = {(touch.campaign, touch.patient): touch.reason for touch in crm.plan().touches}
    assert denied == {
        ("card", "P3"): "opted_out",
        ("card", "P4"): "deceased",
        ("notice", "P3"): "opted_out",
        ("notice", "P4"): "deceased",
    }
    assert sorted(desk.mailbox.readers) == READERS
    assert sorted(desk.flown.values()) == [1, 1]
    assert crm.failures() == []


@pytest.mark.parametrize("name", SOURCES)
def test_a_hostile_source(name: str, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    crm = desk.open(name, time_limits=limits_for(name, guard=1, source=3, fetch=1))
    (said,) = crm.sync().failures
    assert said.startswith("hostile.hearsay: ")
    assert leaks(said) == []
    desk.work(crm)
    assert sorted(desk.mailbox.readers) == READERS
    told_apart(crm, Phase.READ, "hostile.hearsay", SOURCES[name], caplog.text)


@pytest.mark.parametrize("name", sorted(REJECTED))
def test_a_source_cannot_take_the_patients_of_another(name: str, desk: Desk) -> None:
    crm = desk.open(name)
    desk.work(crm)
    assert sorted(desk.mailbox.readers) == READERS
    assert [(row.source, row.row_id) for row in crm.rejected()] == [
        ("hostile.hearsay", "P1"),
        ("hostile.hearsay", "P3"),
    ]
    assert all("another source" in row.reason for row in crm.rejected())
    assert leaks(repr(crm.rejected())) == []


@pytest.mark.parametrize("name", FETCHES)
def test_a_source_that_is_silent_in_the_moment_of_sending(
    name: str, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    crm = desk.open(name, time_limits=limits_for(name, guard=1, source=3, fetch=1))
    sent = desk.work(crm)
    assert {(touch.state, touch.reason) for touch in sent.touches} == {(State.DEFERRED, "source_silent")}
    assert desk.mailbox.readers == []
    told_apart(crm, Phase.FETCH, "hostile.hearsay", FETCHES[name], caplog.text)
    works_again(desk)


PROGRAM = """
import sys
from pathlib import Path
sys.path[:0] = {paths!r}
from hostile_practice import Desk, Mailbox, install, written
from crmkit import Practice
from crmkit.plugins.time_limits import TimeLimits
folder = Path({folder!r})
install(folder / "site")
written(folder)
practice = Practice(id="bright-eyes", name="Bright Eyes", country="AU", timezone="Australia/Sydney", locale="en_AU",
    currency="AUD", email="hello@brighteyes.example", address="1 High St", public_url="https://b.example", keys=["k"])
desk = Desk(folder, practice, Mailbox(), 9, gate="")
crm = desk.open({name!r}, {plugins!r}, strict=False, time_limits=TimeLimits({limits}))
try:
    desk.work(crm)
    crm.findings()
except Exception as problem:
    print(type(problem).__name__)
crm.close()
print(*(failure.kind for failure in crm.failures()))
"""


@pytest.mark.parametrize(
    ("name", "plugins", "limits"),
    [
        ("", ("hostile-hangs",), "hook=3"),
        ("register-hangs", ("hostile",), "hook=3"),
        ("close-hangs", ("hostile",), "hook=3"),
        ("channel-hangs", ("hostile",), "channel=3"),
        ("guard-hangs", ("hostile",), "guard=2"),
    ],
)
def test_a_program_ends_whatever_hangs(name: str, plugins: tuple[str, ...], limits: str, tmp_path: Path) -> None:
    here = Path(__file__).parent
    paths = [str(here), *(str(path) for path in (here.parent / "plugins").glob("*/src"))]
    program = PROGRAM.format(paths=paths, folder=str(tmp_path / "practice"), name=name, plugins=plugins, limits=limits)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False, env={**os.environ}
    )
    assert done.returncode == 0, done.stderr
    assert "overdue" in done.stdout.split()
    assert leaks(done.stdout + done.stderr) == []
