"""A hostile plugin at work beside honest ones: it is named, and harms nothing but its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from crmkit_hostile import TABLE
from hostile_practice import CARD, NOTICE, READERS, Desk, desk_in, in_full, leaks, limits_for, neighbour, told

from crmkit import CRM, Campaign, Practice, State
from crmkit.errors import PluginError
from crmkit.plugins.failure import Failure, Kind, Phase

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

SENT, UNKNOWN, RETRY = State.SENT, State.UNKNOWN, State.RETRY
#: What is said of each channel, and what becomes of its own two messages.
CHANNELS = {
    "channel-contradicts": ({Kind.CONTRADICTORY, Kind.REPEATED}, {UNKNOWN}),
    "channel-evidence": ({Kind.QUOTED}, {SENT}),
    "channel-exits": ({Kind.RAISED}, {UNKNOWN}),
    "channel-foreign": ({Kind.FOREIGN}, {SENT}),
    "channel-halfway": ({Kind.RAISED}, {SENT}),
    "channel-hangs": ({Kind.OVERDUE}, {UNKNOWN, RETRY}),
    "channel-late": ({Kind.OVERDUE}, {UNKNOWN, RETRY}),
    "channel-nothing": ({Kind.WRONG_TYPE}, {UNKNOWN}),
    "channel-quotes": ({Kind.RAISED}, {UNKNOWN}),
    "channel-raises": ({Kind.RAISED}, {UNKNOWN}),
    "channel-repeats": ({Kind.REPEATED}, {SENT}),
    "channel-too-few": ({Kind.COUNT}, {UNKNOWN}),
    "channel-too-many": ({Kind.ENDLESS, Kind.REPEATED}, {SENT}),
    "channel-words": ({Kind.WRONG_TYPE, Kind.COUNT}, {UNKNOWN}),
}
#: Nobody can tell these from what a good channel does; the laws of the conformance kit find them.
ONLY_THE_KIT = {"channel-alters", "channel-denies", "channel-logs", "channel-twice"}
METRICS = {
    "metric-hangs": Kind.OVERDUE,
    "metric-nan": Kind.WRONG_TYPE,
    "metric-raises": Kind.RAISED,
    "metric-words": Kind.WRONG_TYPE,
}
FIELDS = {
    "field-hangs": Kind.OVERDUE,
    "field-no-column": Kind.RAISED,
    "field-no-sql": Kind.RAISED,
    "field-raises": Kind.RAISED,
    "field-strays": Kind.NONSENSE,
    "field-words": Kind.WRONG_TYPE,
}
PARSERS = {
    "parser-endless": Kind.ENDLESS,
    "parser-hangs": Kind.OVERDUE,
    "parser-raises": Kind.RAISED,
    "parser-words": Kind.WRONG_TYPE,
}
CLOSING = {"close-hangs": Kind.OVERDUE, "close-raises": Kind.RAISED}
REPLY = f"{READERS[0]}, Mia Stone: stop it".encode()


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


def test_every_misbehaviour_at_work_is_tried() -> None:
    tried = {*CHANNELS, *ONLY_THE_KIT, *METRICS, *FIELDS, *PARSERS, *CLOSING}
    kinds = ("channel", "metric", "field", "parser", "close")
    assert tried == {one.name for one in TABLE.values() if one.hook in kinds}


def told_apart(crm: CRM, phase: Phase, thing: str, kinds: set[Kind], log: str) -> list[Failure]:
    """Check that all failures name plugin, version, phase and thing, and that nothing told names a patient."""
    failures = list(crm.failures())
    assert {one.kind for one in failures} == kinds
    for one in failures:
        assert (one.plugin, one.version, one.phase, one.thing) == ("hostile", "0.1.0", phase, thing)
    assert leaks(told(crm) + log) == []
    return failures


def honest_work_is_done(desk: Desk) -> None:
    """Check that each who may be written to had one card, and nobody else anything."""
    assert sorted(desk.mailbox.readers) == READERS


def states_of(crm: CRM, campaign: str) -> dict[str, State]:
    return {event.patient: event.state for event in crm.feed() if event.campaign == campaign}


@pytest.mark.parametrize("name", CHANNELS)
def test_a_hostile_channel(name: str, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    kinds, states = CHANNELS[name]
    crm = desk.open(name, time_limits=limits_for(name, channel=3, metric=1, field=1, parser=1))
    first = desk.work(crm)
    assert {touch.state for touch in first.touches if touch.campaign == "notice"} == states
    desk.clock.move(timedelta(hours=1))
    desk.work(crm)
    honest_work_is_done(desk)
    assert {touch.patient for touch in first.touches} == {"P1", "P2"}, "who said no, or died, gets nothing"
    assert set(desk.flown.values()) <= {1}, "no message is handed over twice"
    told_apart(crm, Phase.SEND, "hostile.pigeon", kinds, caplog.text)


@pytest.mark.parametrize("name", sorted(ONLY_THE_KIT))
def test_what_only_the_kit_finds_harms_nobody_else(name: str, desk: Desk) -> None:
    crm = desk.open(name)
    desk.work(crm)
    honest_work_is_done(desk)
    assert crm.failures() == []
    assert {patient for patient, state in states_of(crm, "notice").items() if state is not State.DENIED} == {"P1", "P2"}
    # What it does in one call is its own doing: the core called it once for each message.
    assert set(desk.flown.values()) == {2 if name == "channel-twice" else 1}


def test_what_a_channel_answers_late_settles_what_was_in_doubt(desk: Desk) -> None:
    crm = desk.open("channel-late", time_limits=limits_for("channel-late", channel=3))
    desk.work(crm)
    (doubtful,) = [patient for patient, state in states_of(crm, "notice").items() if state is UNKNOWN]
    desk.opens_the_gate()
    for _ in range(1000):
        crm.send()
        if states_of(crm, "notice")[doubtful] is SENT:
            break
    assert states_of(crm, "notice")[doubtful] is SENT
    assert sum(desk.flown.values()) == 1, "and the channel is not called again"
    desk.clock.move(timedelta(hours=1))
    again = desk.open()
    again.send()
    states = states_of(again, "notice")
    assert states["P1"] is states["P2"] is SENT, "until the practice is opened anew"
    assert sorted(desk.flown.values()) == [1, 1]


@pytest.mark.parametrize("name", METRICS)
def test_a_hostile_metric(name: str, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    crm = desk.open(name, time_limits=limits_for(name, channel=3, metric=1, field=1, parser=1))
    desk.work(crm)
    honest_work_is_done(desk)
    measures = dict(crm.findings().measures)
    absent = measures.pop("hostile.heads")
    assert absent.value is None
    assert absent.note
    assert measures == dict(desk.open(plugins=()).findings().measures)
    page = crm.report(desk.folder / "report.html").read_text(encoding="utf-8")
    assert "hostile.heads" in page
    told_apart(crm, Phase.MEASURE, "hostile.heads", {METRICS[name]}, caplog.text)


@pytest.mark.parametrize("name", FIELDS)
def test_a_hostile_field(name: str, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    def campaign(id_: str, segment: str) -> Campaign:
        return Campaign(
            id_, objective="inform", message="hostile.notice", segment=segment, schedule="on birthday", media=("sms",)
        )

    crm = desk.open(name, time_limits=limits_for(name, channel=3, metric=1, field=1, parser=1))
    rests_on_it = (campaign("known", "hostile.score >= 0"), campaign("unknown", "not (hostile.score >= 0)"))
    desk.work(crm, CARD, *rests_on_it, campaign("besides", "hostile.score >= 0 or age >= 18"))
    honest_work_is_done(desk)
    assert states_of(crm, "known") == states_of(crm, "unknown") == {}, "what is unknown never matches"
    assert states_of(crm, "besides") == {"P1": SENT, "P2": SENT, "P3": State.DENIED, "P4": State.DENIED}
    assert set(desk.flown.values()) == {1}
    told_apart(crm, Phase.SELECT, "hostile.score", {FIELDS[name]}, caplog.text)


@pytest.mark.parametrize("name", PARSERS)
def test_a_hostile_event_parser(name: str, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    crm = desk.open(name, time_limits=limits_for(name, channel=3, metric=1, field=1, parser=1))
    desk.work(crm)
    with pytest.raises(PluginError, match=r"hostile\.gossip") as problem:
        crm.receive("hostile.gossip", REPLY)
    assert leaks(in_full(problem.value)) == []
    (kept,) = crm.unread()
    assert (kept.parser, kept.body) == ("hostile.gossip", REPLY), "it is kept, to be read when this is mended"
    assert leaks(repr(kept)) == []
    honest_work_is_done(desk)
    told_apart(crm, Phase.PARSE, "hostile.gossip", {PARSERS[name]}, caplog.text)


@pytest.mark.parametrize("name", CLOSING)
def test_a_hostile_end(name: str, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    crm = desk.open(name, time_limits=limits_for(name, hook=2))
    desk.work(crm, CARD, NOTICE)
    honest_work_is_done(desk)
    assert crm.failures() == []
    crm.close()
    (failure,) = crm.failures()
    assert (failure.plugin, failure.phase, failure.kind) == ("hostile", Phase.CLOSE, CLOSING[name])
    assert leaks(caplog.text) == []


def test_all_that_is_printed_of_a_practice_keeps_the_secret(desk: Desk) -> None:
    crm = desk.open()
    things: list[Any] = [crm, crm.plugins, *crm.plugins.channels, *crm.plugins.found, crm._opened]
    assert leaks(" ".join(map(repr, things))) == []
