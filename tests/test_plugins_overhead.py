"""Plugins cost what they do themselves: who is not asked adds no work to planning and sending."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from documents import ROOT

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover


@pytest.fixture
def driven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the modules of the benchmarks be imported."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


@contextmanager
def counted() -> Iterator[list[int]]:
    """Count the functions that run meanwhile, in all threads: the work done, whatever the machine."""
    calls, told = itertools.count(), list[int]()

    def count(_: object, event: str, __: object) -> None:
        if event == "call":
            next(calls)

    threading.setprofile(count)
    sys.setprofile(count)
    try:
        yield told
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
        told.append(next(calls))


def work(folder: Path, others: int) -> int:
    """Return how many functions run while a practice with so many more plugins plans and sends."""
    from crmkit_driver import bring_in, open_crm
    from many import plugins

    database = f"sqlite:///{folder}/{others}.db"
    bring_in(database, folder, 200)
    with open_crm(database, folder, plugins=plugins(others)) as crm, counted() as told:
        assert len(crm.plan().ready()) == 200
        assert crm.send().sent == 200
    return told[0]


@pytest.mark.usefixtures("driven")
def test_nineteen_more_plugins_add_next_to_no_work_to_planning_and_sending(tmp_path: Path) -> None:
    work(tmp_path, 1)
    one, twenty = work(tmp_path, 0), work(tmp_path, 19)
    assert one > 10_000
    # On a busy machine a window of messages may be a smaller one.
    assert twenty < 1.05 * one
