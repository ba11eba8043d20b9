"""A process that forks, as servers do that load an application before they start its workers."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import pytest
from both_databases import BOTH
from recording_channel import Recorder
from situations import consent, patient

from crmkit import CRM, Campaign

CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")


def in_a_fork(work: Callable[[], object]) -> str:
    """Return what a forked process says of some work; it must not take long."""
    told, tells = os.pipe()
    child = os.fork()
    if not child:
        try:
            said = str(work())
        except BaseException as problem:  # noqa: BLE001 - whatever it is, the other process shall see it
            said = f"{type(problem).__name__}: {problem}"
        os.write(tells, said.encode())
        os._exit(0)
    os.close(tells)
    ready = select.select([told], [], [], 20)[0]
    said = os.read(told, 10_000).decode() if ready else "hangs"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(told)
    return said


@contextmanager
def held(crm: CRM) -> Any:
    """Hold what another thread of the process holds while it writes."""
    with crm._stages.seal._writing:
        yield


@pytest.mark.no_cover
@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_of_a_process_with_an_open_crm_is_told_to_open_its_own_and_does_the_first_no_harm(
    kind: str, request: pytest.FixtureRequest, practice: Any, clock: Any, exports: Any, tmp_path: Any
) -> None:
    exports("patients", [patient("P1"), patient("P2", household="H2", email="sam@reed.example")])
    exports("consents", [consent("P1"), consent("P2")])
    database = f"sqlite:///{tmp_path}/crm.db" if kind == "sqlite" else request.getfixturevalue("postgres_ready")
    more: dict[str, Any] = {"clock": clock, "root": tmp_path, "audit_key": "a key"}
    crm = CRM(practice, database, plugins=["csv", Recorder()], settings={"csv": {"folder": "exports"}}, **more)
    crm.sync()
    crm.add(CARD)
    works: list[Callable[[], object]] = [crm.plan, crm.send, crm.feed, crm.sync, lambda: crm.add(CARD)]
    for work in works:
        said = in_a_fork(work)
        assert said.startswith("StoreError: this CRM was opened before the process forked"), said
        assert "open one in each process" in said
    with held(crm):
        assert "before the process forked" in in_a_fork(crm.plan), "nobody there lets the lock go"
    assert in_a_fork(crm.close) == "None"
    assert crm.plan().changed == 2
    assert crm.send().sent == 2
    found = crm.audit()
    assert (found.chains, found.faults) == (1, ())
    crm.close()
