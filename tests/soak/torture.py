"""Kill senders at random points, again and again, and look whether anybody got anything twice or nothing at all.

    python tests/soak/torture.py --touches 10000 --workers 8 --kills 40 --seed 1

Worker processes send ten thousand birthday cards to a mail server that notes each message before it takes it. Meanwhile
a supervisor kills one of them (`kill -9`), starts another, and moves the clock on where all that is left is held by the
dead. Then it counts, lets a year pass, and counts again. It ends with 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import attrs
from counting import Counted, count, states
from crew import Job, SharedClock, finished, forked, plan, prepare, work

HERE = Path(__file__).resolve().parent
LEASE = timedelta(minutes=5, seconds=1)
YEAR = timedelta(days=365)
_POLL = 0.002
_STALLED = 0.4


@attrs.frozen
class Options:
    """What is asked for on the command line."""

    touches: int
    workers: int
    kills: int
    seed: int
    patience: float


@attrs.define
class Sink:
    """The mail server, and the file in which it keeps what it took."""

    port: int
    kept: Path

    def size(self) -> int:
        return self.kept.stat().st_size if self.kept.exists() else 0

    def lines(self) -> list[tuple[str, str]]:
        """Return Message-ID and recipient of each message that it took."""
        told = self.kept.read_text(encoding="utf-8").splitlines() if self.kept.exists() else []
        return [(line.split("\t")[0], line.split("\t")[1]) for line in told]


@contextmanager
def sinking(folder: Path) -> Iterator[Sink]:
    kept = folder / "taken.tsv"
    command = [sys.executable, str(HERE.parent / "smtp_sink.py"), "--port", "0", "--keep", str(kept)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Sink(int(process.stdout.readline()), kept)
    finally:
        process.stdin.close()
        process.wait()


@attrs.define
class Supervisor:
    """Keeps a number of workers at work, kills them, and starts others.

    Attributes:
        killed: How many it killed so far.
        moved: How often it moved the clock because nothing went on.
    """

    job: Job
    sink: Sink
    options: Options
    chance: random.Random
    clock: SharedClock
    killed: int = 0
    moved: int = 0
    _workers: list[int] = attrs.field(factory=list)
    _started: int = 0

    def run(self, expected: int, kills: int) -> None:
        """Let all workers send until so many messages have left or are in doubt and nothing goes on any more.

        Kills fall at random points: after so many messages, and then a random moment later.
        """
        self.job.over.unlink(missing_ok=True)
        start = len(self.sink.lines())
        line = self.sink.size() / max(start, 1) if start else 90.0
        at = sorted(self.sink.size() + self.chance.random() * 0.95 * expected * line for _ in range(kills))
        self._workers = [self._new() for _ in range(self.options.workers)]
        until = time.monotonic() + self.options.patience
        quiet_since, size = time.monotonic(), self.sink.size()
        while time.monotonic() < until:
            time.sleep(_POLL)
            self._look_after()
            if self.sink.size() != size:
                quiet_since, size = time.monotonic(), self.sink.size()
            if at and (size >= at[0] or self._stalled(quiet_since)):
                at.pop(0)
                time.sleep(self.chance.random() * 0.05)
                self._kill()
                quiet_since = time.monotonic()
            elif self._stalled(quiet_since):
                if not states(self.job).waiting:
                    break
                # All that is left is held by the dead, or is to be tried again later.
                self.clock.move(LEASE)
                self.moved += 1
                quiet_since = time.monotonic()
        self._end()

    def _new(self) -> int:
        self._started += 1
        return forked(work, self.job, self.options.seed * 1_000_003 + self._started)

    def _stalled(self, since: float) -> bool:
        return time.monotonic() - since > _STALLED

    def _kill(self) -> None:
        victim = self._workers.pop(self.chance.randrange(len(self._workers)))
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        finished(victim)
        self.killed += 1
        self._workers.append(self._new())

    def _look_after(self) -> None:
        """Start another worker in the place of one that ended by itself, which none should."""
        for worker in list(self._workers):
            ended, status = os.waitpid(worker, os.WNOHANG)
            if ended:
                self._workers.remove(worker)
                raise RuntimeError(f"a worker ended by itself ({os.waitstatus_to_exitcode(status)})")

    def _end(self) -> None:
        self.job.over.touch()
        for worker in self._workers:
            finished(worker)
        self._workers = []


def torture(database: str, name: str, window: int, options: Options) -> Counted:
    """Run it once on a database and return what was counted."""
    with tempfile.TemporaryDirectory(prefix="torture-") as folder, sinking(Path(folder)) as sink:
        url = database or f"sqlite:///{folder}/torture.db"
        job = Job(url, Path(folder), sink.port, options.touches, window)
        clock, chance = job.clock, random.Random(options.seed)
        supervisor = Supervisor(job, sink, options, chance, clock)
        began = time.monotonic()
        if finished(forked(prepare, job)):
            raise RuntimeError("the practice could not be prepared")
        supervisor.run(options.touches, options.kills)
        first_year = len(sink.lines())
        clock.move(YEAR)
        if finished(forked(plan, job)):
            raise RuntimeError("the second year could not be planned")
        supervisor.run(options.touches, 0)
        found = count(job, sink.lines(), supervisor.killed, first_year)
        seconds = time.monotonic() - began
        return attrs.evolve(found, name=name, window=window, moved=supervisor.moved, seconds=seconds)


def main() -> int:
    """Run it on the engines and windows asked for, print a table, and return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--touches", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--patience", type=float, default=600.0, help="the most seconds for a year on one database")
    parser.add_argument("--engines", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--windows", nargs="+", type=int, default=[0, 1], help="most messages in a window; 0 as usual")
    given = parser.parse_args()
    options = Options(given.touches, given.workers, given.kills, given.seed, given.patience)
    print(f"{options.touches} touches, {options.workers} workers, {options.kills} kills, seed {options.seed}")
    print(Counted.heading(), flush=True)
    found = []
    for engine, database in databases(given.engines):
        for window in given.windows:
            found.append(torture(database() if database else "", engine, window, options))
            print(found[-1], flush=True)
    faults = [fault for one in found for fault in one.faults]
    print("\n".join(faults) if faults else "every promise held")
    return 1 if faults else 0


def databases(engines):
    """Yield each engine with a function that makes an empty database, or None where a file in the folder will do."""
    if "sqlite" in engines:
        yield "sqlite", None
    if "postgresql" in engines:
        sys.path.insert(0, str(HERE.parent))
        from postgres import running

        with tempfile.TemporaryDirectory(prefix="torture-pg-") as folder, running(Path(folder)) as server:
            yield "postgresql", server.fresh


if __name__ == "__main__":
    raise SystemExit(main())
