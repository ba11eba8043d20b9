"""The systems and how a run of each is made: prepared, copied, handed a sink of its own, timed by itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs

from databases import Database
from results import Result
from sink import Sink, start_sink

HERE = Path(__file__).resolve().parent
_PATIENCE = 3600.0


class System(Protocol):
    """One thing that sends."""

    @property
    def name(self) -> str:
        """What it is called in the table."""
        ...

    def prepare(self, messages: int) -> None:
        """Bring it to where all messages wait."""
        ...

    def run(self) -> Result:
        """Send from a fresh copy of that and return what it took."""
        ...


class FailedRunError(Exception):
    """A system did not do what it was to do."""


@attrs.define
class Crmkit:
    """crmkit in one process or several, on one database.

    Attributes:
        name: What it is called in the table.
        work: Its folder.
        database: Where its messages wait.
        pipelining: Whether the sink offers it.
        processes: How many send together.
        ledger_cost: Add up the time spent in the ledger, which slows it a little.
        ledger_share: What that came to in the last run.
    """

    name: str
    work: Path
    database: Database
    pipelining: bool = True
    processes: int = 1
    ledger_cost: bool = False
    ledger_share: float = 0.0

    def prepare(self, messages: int) -> None:
        """Sync and plan."""
        self.work.mkdir(parents=True, exist_ok=True)
        where = self._where(self.database.prepared())
        told = _finish(_start("crmkit_driver", "prepare", *where, f"--messages={messages}"))
        if told["ready"] != messages:
            raise FailedRunError(f"{self.name}: {told['ready']} of {messages} messages are ready")

    def run(self) -> Result:
        """Send, all processes beginning together."""
        url = self.database.copy()
        with start_sink(self.work, pipelining=self.pipelining) as sink:
            more = ["--wait", f"--port={sink.port}", *(["--ledger-cost"] if self.ledger_cost else [])]
            running = [_start("crmkit_driver", "send", *self._where(url), *more) for _ in range(self.processes)]
            told = _together(running)
            taken = _all_taken(self.name, told, sink)
        seconds = max(one["began"] + one["seconds"] for one in told) - min(one["began"] for one in told)
        if self.ledger_cost:
            self.ledger_share = told[0]["ledger_seconds"] / told[0]["seconds"]
        return Result(seconds, taken, max(one["memory_kb"] for one in told))

    def _where(self, url: str) -> tuple[str, str]:
        return f"--database={url}", f"--work={self.work}"


@attrs.define
class Peer:
    """Another system, driven by a module of its own.

    Attributes:
        name: What it is called in the table.
        module: The module that drives it.
        python: The Python in whose environment it is installed.
        work: Its folder.
        ledger_share: What its ledger took of the time in the last run, if it tells.
    """

    name: str
    module: str
    python: str
    work: Path
    ledger_share: float = 0.0

    def prepare(self, messages: int) -> None:
        """Bring in the patients, and queue where queuing is no part of the task."""
        master = self.work / "prepared"
        master.mkdir(parents=True)
        _finish(_start(self.module, "prepare", f"--work={master}", f"--messages={messages}", python=self.python))

    def run(self) -> Result:
        """Send from a copy of the prepared folder."""
        copy = self.work / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.work / "prepared", copy)
        with start_sink(self.work) as sink:
            told = _finish(_start(self.module, "send", f"--work={copy}", f"--port={sink.port}", python=self.python))
            taken = _all_taken(self.name, [told], sink)
        self.ledger_share = told.get("ledger_seconds", 0.0) / told["seconds"]
        return Result(told["seconds"], taken, told["memory_kb"])


def _start(module: str, *arguments: str, python: str = sys.executable) -> subprocess.Popen[str]:
    command = [python, "-m", module, *arguments]
    # Some print a line for each message; what they print goes into a file, as it would where they run unattended.
    with (HERE.parent / ".bench" / "errors.txt").open("a", encoding="utf-8") as errors:
        return subprocess.Popen(
            command,
            cwd=HERE,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )


def _together(running: Sequence[subprocess.Popen[str]]) -> list[dict[str, Any]]:
    """Let processes begin once all of them are open, and return what they tell."""
    try:
        for process in running:
            if not process.stdout or process.stdout.readline().strip() != "open":
                raise FailedRunError("a sender did not open; see .bench/errors.txt")
        for process in running:
            if process.stdin:
                process.stdin.write("\n")
                process.stdin.flush()
        return [_finish(process) for process in running]
    finally:
        for process in running:
            process.kill()


def _finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate(timeout=_PATIENCE)
    if process.returncode:
        raise FailedRunError(f"a process ended with {process.returncode}; see .bench/errors.txt")
    told: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    return told


def _all_taken(name: str, told: Sequence[dict[str, Any]], sink: Sink) -> int:
    """Return how many messages arrived; a system that says otherwise is not measured but wrong."""
    taken, sent = sink.taken(), sum(one["sent"] for one in told)
    if taken != sent or not taken:
        raise FailedRunError(f"{name} says that it sent {sent}, the sink counted {taken}")
    return taken
