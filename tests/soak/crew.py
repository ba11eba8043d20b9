"""A practice whose patients all have their birthday on one day, and processes that send for it until they are killed.

All processes read one clock, which stands still until the supervisor moves it: so no lease is ever waited for.
"""

from __future__ import annotations

import mmap
import os
import random
import struct
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs

from crmkit import CRM, Campaign, Practice
from crmkit.plugins import Batch, CrmkitSpec, PluginInfo, Row, Source, hookimpl

#: Ten in the morning on a working day in Sydney.
START = datetime(2026, 11, 22, 23, tzinfo=UTC)
CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
GIVEN = ("Mia", "Sam", "Ada", "Ben", "Eva", "Zoë", "Tom", "José", "Lea", "Kim", "Noor", "Ravi", "Ines")
FAMILY = ("Stone", "Reed", "Lind", "Okoro", "Marsh", "Berg", "Nguyễn", "Silva", "Weiß", "Park", "Haddad")
_CHUNK = 1000


class SharedClock:
    """A clock in a file, read by all processes and moved by one."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(struct.pack("d", START.timestamp()))
        with path.open("r+b") as file:
            self._place = mmap.mmap(file.fileno(), 8)

    def now(self) -> datetime:
        """Return the instant at which it stands."""
        return datetime.fromtimestamp(struct.unpack("d", self._place)[0], UTC)

    def move(self, by: timedelta) -> None:
        """Move it, for all."""
        self._place[:] = struct.pack("d", self.now().timestamp() + by.total_seconds())


@attrs.frozen
class Patients(CrmkitSpec):
    """A source of so many patients with an address of their own, who all agreed."""

    info = PluginInfo("crowd")
    name = "crowd"
    count: int

    @hookimpl
    def crmkit_sources(self, ctx: object) -> list[Source]:
        return [self]

    def read(self, since: str | None) -> Iterator[Batch]:
        for kind in (_patient, _consent):
            for start in range(0, self.count, _CHUNK):
                yield Batch(tuple(kind(number) for number in range(start, min(start + _CHUNK, self.count))))


def _patient(number: int) -> Row:
    who = f"P{number:06d}"
    born = f"{1940 + number % 60}-11-23"
    names = {"given": GIVEN[number % len(GIVEN)], "family": FAMILY[number % len(FAMILY)]}
    return Row("patient", who, {**names, "born": born, "household": who, "email": f"{who.lower()}@patients.example"})


def _consent(number: int) -> Row:
    said = {"purpose": "marketing", "medium": "email", "given": "yes", "at": "2025-03-01", "wording": "News, please."}
    return Row("consent", f"C{number:06d}", {"patient": f"P{number:06d}", **said})


@attrs.frozen
class Job:
    """What every process of one run is given.

    Attributes:
        database: Its URL.
        folder: Where the clock lies, and what processes have to say.
        port: Where the mail server listens.
        patients: How many there are.
        window: The most messages in one window; 0 for the usual ones.
    """

    database: str
    folder: Path
    port: int
    patients: int
    window: int = 0

    @property
    def clock(self) -> SharedClock:
        return SharedClock(self.folder / "clock")

    @property
    def over(self) -> Path:
        """A file that tells the workers to end."""
        return self.folder / "over"

    def open(self) -> CRM:
        """Build the CRM, as each process does for itself."""
        practice = Practice(
            id="bright-eyes",
            name="Bright Eyes Optometry",
            country="AU",
            timezone="Australia/Sydney",
            locale="en_AU",
            currency="AUD",
            email="hello@brighteyes.example",
            address="1 High St, Newtown NSW 2042",
            public_url="https://brighteyes.example/crm",
            keys=["a key for the soak"],
        )
        settings = {"email": {"host": "127.0.0.1", "port": self.port, "security": "none", "timeout": 60}}
        plugins: list[str | CrmkitSpec] = [Patients(self.patients), "email"]
        audit = "a key for the trail"
        crm = CRM(practice, self.database, plugins=plugins, settings=settings, clock=self.clock, audit_key=audit)
        if self.window:
            crm._stages.dispatch.window = self.window
        return crm


def prepare(job: Job) -> None:
    """Bring the patients in and plan this year's cards."""
    with job.open() as crm:
        crm.sync()
        crm.add(CARD)
        crm.plan()


def plan(job: Job) -> None:
    """Plan what is due by now."""
    with job.open() as crm:
        crm.plan()


def work(job: Job, seed: int) -> None:
    """Send whatever is due, much or little at a time, until told that it is over."""
    chance = random.Random(seed)
    with job.open() as crm:
        while not job.over.exists():
            if not crm.send(limit=chance.choice((None, 500, 100, 20))).touches:
                time.sleep(0.02)


def forked(task: Callable[..., None], *given: Any) -> int:
    """Run a task in a process of its own and return its id; what it fails with is printed, and it ends with 1."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        task(*given)
        code = 0
    except BaseException:  # noqa: BLE001 - a fork must not go on as its parent
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def finished(process: int) -> int:
    """Wait for a process and return how it ended: 0 if well, a negative number if by a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
