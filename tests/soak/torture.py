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
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import attrs
from counting import Counted, count, waiting_until
from crew import Job, SharedClock, finished, forked, plan, prepare, work

HERE = Path(__file__).resolve().parent
YEAR = timedelta(days=365)
_POLL = 0.002
_STALLED = 0.4
#: The length of a line in which the mail server notes a message, and how much is done before the last kill.
_LINE, _LAST_KILL = 81, 0.95


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
        # Closing its input would not end it: the workers, being forks, hold that open too.
        process.terminate()
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

    def run(self, kills: int) -> None:
        """Let all workers send until nothing is left to be done.

        Kills fall at random points: after so many messages, and then a random moment later.
        """
        self.job.over.unlink(missing_ok=True)
        self._workers = [self._new() for _ in range(self.options.workers)]
        try:
            self._watch(sorted(self.chance.random() * _LAST_KILL for _ in range(kills)))
            self.job.over.touch()
            while self._workers:
                finished(self._workers.pop())
        finally:
            for worker in self._workers:
                os.kill(worker, signal.SIGKILL)
                finished(worker)

    def _watch(self, kills: list[float]) -> None:
        start, until = self.sink.size(), time.monotonic() + self.options.patience
        whole = self.options.touches * _LINE
        moved, size = time.monotonic(), start
        while time.monotonic() < until:
            time.sleep(_POLL)
            self._look_after()
            if self.sink.size() != size:
                moved, size = time.monotonic(), self.sink.size()
            stalled = time.monotonic() - moved > _STALLED
            if kills and (stalled or (size - start) / whole >= kills[0]):
                kills.pop(0)
                time.sleep(self.chance.random() * 0.05)
                self._kill()
            elif stalled and not self._go_on():
                return
            moved = time.monotonic() if stalled else moved
        raise RuntimeError(f"not done within {self.options.patience:.0f} seconds")

    def _go_on(self) -> bool:
        """Move the clock to where something can be done again: all that is left is held by the dead, or not due yet.

        Returns:
            False if nothing is left at all.
        """
        next_at = waiting_until(self.job)
        if next_at is None:
            return False
        if next_at >= self.clock.now():
            self.clock.move(next_at - self.clock.now() + timedelta(seconds=1))
            self.moved += 1
        return True

    def _new(self) -> int:
        self._started += 1
        return forked(work, self.job, self.options.seed * 1_000_003 + self._started)

    def _kill(self) -> None:
        victim = self._workers.pop(self.chance.randrange(len(self._workers)))
        os.kill(victim, signal.SIGKILL)
        finished(victim)
        self.killed += 1
        self._workers.append(self._new())

    def _look_after(self) -> None:
        """Fail if a worker ended by itself."""
        for worker in self._workers:
            ended, status = os.waitpid(worker, os.WNOHANG)
            if ended:
                self._workers.remove(worker)
                raise RuntimeError(f"a worker ended by itself ({os.waitstatus_to_exitcode(status)})")


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
        supervisor.run(options.kills)
        first_year = len(sink.lines())
        clock.move(YEAR)
        if finished(forked(plan, job)):
            raise RuntimeError("the second year could not be planned")
        supervisor.run(0)
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
