"""In the moment of sending the practice software is asked once more, if it can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from recording_channel import Recorder
from situations import consent, patient

from crmkit import CRM, Campaign, FixedClock, State
from crmkit.people.medium import Medium
from crmkit.plugins import Batch, CrmkitSpec, PluginInfo, Row, hookimpl

CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")


class Software(CrmkitSpec):
    """Practice software that is asked about single patients; it can be busy."""

    info = PluginInfo("software")
    name = "software"

    def __init__(self, people: Sequence[str]) -> None:
        self.people = {one: patient(one, household=f"H{one}", email=f"{one.lower()}@x.example") for one in people}
        self.busy: set[str] = set()
        self.asked: list[str] = []

    @hookimpl
    def crmkit_sources(self, ctx: Any) -> list[Any]:
        del ctx
        return [self]

    def read(self, since: str | None) -> Iterator[Batch]:
        del since
        yield Batch(tuple(self._rows(self.people)))

    def fetch(self, ids: Sequence[str]) -> Iterator[Batch]:
        self.asked += ids
        if self.busy & set(ids):
            raise TimeoutError
        yield Batch(tuple(self._rows([one for one in ids if one in self.people])))

    def _rows(self, ids: Any) -> Iterator[Row]:
        for kind, make in (("patient", self.people.__getitem__), ("consent", consent)):
            for one in ids:
                fields = dict(make(one))
                yield Row(kind, fields.pop("id"), fields)


@pytest.fixture
def software() -> Software:
    return Software(["P1", "P2", "P3"])


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def crm(software: Software, recorder: Recorder, open_crm: Callable[..., CRM], exports: Callable[..., None]) -> CRM:
    exports("patients", [])
    crm = open_crm(plugins=["csv", "folder", software, recorder], channels={Medium.EMAIL: "recorder"})
    crm.sync()
    crm.add(CARD)
    assert len(crm.plan().ready()) == 3
    return crm


def reasons(crm: CRM) -> dict[str, str]:
    return {event.patient: event.reason for event in crm.feed()}


def test_who_has_died_since_the_last_sync_gets_nothing(crm: CRM, software: Software, recorder: Recorder) -> None:
    software.people["P2"]["deceased_on"] = "2026-11-22"
    assert crm.send().sent == 2
    assert reasons(crm)["P2"] == "deceased"
    assert sorted(set(software.asked)) == ["P1", "P2", "P3"]


def test_who_is_no_longer_known_there_waits(crm: CRM, software: Software) -> None:
    del software.people["P3"]
    assert crm.send().sent == 2
    assert reasons(crm)["P3"] == "source_silent"


def test_a_software_that_gives_no_answer_lets_nothing_out_and_is_asked_again(
    crm: CRM, software: Software, recorder: Recorder, clock: FixedClock
) -> None:
    software.busy = {"P1", "P2", "P3"}
    assert crm.send().counts() == {State.DEFERRED: 3}
    assert recorder.handed == []
    assert crm.send().touches == (), "not at once"
    software.busy = set()
    clock.move(timedelta(minutes=20))
    assert crm.send().sent == 3


@pytest.mark.no_cover
def test_a_rehearsal_asks_nobody(crm: CRM, software: Software) -> None:
    crm.rehearse(2)
    assert software.asked == []
