"""The tour: a made-up practice from its exports to the report, one step after the other."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from crmkit.campaigns.plan import Plan
from crmkit.clock import FixedClock, utc
from crmkit.crm.crm import CRM
from crmkit.crm.rehearsal import Rehearsal
from crmkit.demo.practice import write_practice
from crmkit.errors import ConfigError
from crmkit.messages.message import Message

#: The file by which a folder is known as a tour's own.
MARKER = ".crmkit-demo"

_ZONE = ZoneInfo("Australia/Sydney")
_OPENING = time(10, 0)
_FOLDERS = ("exports", "content", "templates", "outbox")
_FILES = ("crm.toml", "practice.db", "practice.db-wal", "practice.db-shm", "practice.db-journal", "report.html")


@attrs.frozen
class Step:
    """One step of the tour, when it is done.

    Attributes:
        name: What was done, in one word.
        told: What came of it, in one line.
        seconds: How long it took.
        facts: The same as plain values.
        result: What the step made, for who wants to show more of it.
    """

    name: str
    told: str
    seconds: float
    facts: Mapping[str, Any]
    result: Message | Rehearsal | Path | None = attrs.field(default=None, repr=False)


_Done = tuple[str, Mapping[str, Any], Message | Rehearsal | Path | None]


@attrs.frozen
class Tour:
    """A tour through a made-up practice.

    Attributes:
        folder: Where the practice is written; it must be empty, missing, or of an earlier tour.
        at: The instant at which the clock stands all along.
        patients: How many patients.
        days: How many days are rehearsed.
        on_day: Is told each rehearsed day.
    """

    folder: Path
    at: datetime
    patients: int = 3000
    days: int = 365
    on_day: Callable[[date], None] = attrs.field(default=lambda _: None, repr=False)

    def steps(self) -> Iterator[Step]:
        """Take the tour, yielding each step when it is done.

        Raises:
            ConfigError: If the folder holds something that no tour wrote.
        """
        clear(self.folder)
        yield _timed("practice", self._practice)
        started = perf_counter()
        with closing(CRM.from_file(self.folder / "crm.toml", clock=FixedClock(self.at))) as crm:
            yield _timed("sync", lambda: _sync(crm), started)
            started = perf_counter()
            plan = crm.plan()
            yield _timed("plan", lambda: _planned(plan), started)
            yield _timed("preview", lambda: _preview(crm, plan))
            yield _timed("send", lambda: self._send(crm))
            yield _timed("rehearse", lambda: self._rehearse(crm))
            yield _timed("report", lambda: self._report(crm))

    def _practice(self) -> _Done:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / MARKER).write_text("The demo of crmkit wrote this folder and may write it anew.\n", "utf-8")
        made = write_practice(self.folder, today=self.at.astimezone(_ZONE).date(), patients=self.patients)
        (self.folder / "templates").mkdir(exist_ok=True)
        told = f"made up {made.patients:,} patients with {made.visits:,} visits in {self.folder}"
        return told, {"patients": made.patients, "visits": made.visits, "households": made.households}, None

    def _send(self, crm: CRM) -> _Done:
        done = crm.send()
        told = f"messages written into {self.folder / 'outbox'}: {done.sent:,}; nobody was written to"
        facts = {"sent": done.sent, "taken_up": len(done.touches)}
        return told if done.sent else "nothing is due today", facts, None

    def _rehearse(self, crm: CRM) -> _Done:
        played = crm.rehearse(self.days, ahead=timedelta(0), keep_messages=False, progress=self.on_day)
        people = len(played.patients())
        told = f"the next {self.days} days would bring {played.messages:,} messages to {people:,} patients"
        return told, {"days": self.days, "messages": played.messages, "patients": people}, played

    def _report(self, crm: CRM) -> _Done:
        path = crm.report(self.folder / "report.html")
        return f"wrote {path}", {"path": str(path)}, path


def opening_hour(now: datetime) -> datetime:
    """Return ten o'clock of the practice's latest weekday that has come to ten o'clock, in UTC.

    A tour at night or on a Sunday would send nothing, and one in the future would leave a ledger ahead of its time.

    >>> opening_hour(datetime(2026, 11, 22, 3, 0, tzinfo=UTC)).astimezone(_ZONE).isoformat()
    '2026-11-20T10:00:00+11:00'
    """
    day = utc(now).astimezone(_ZONE).date()
    while _opening(day) > now or day.isoweekday() > 5:
        day -= timedelta(days=1)
    return _opening(day)


def clear(folder: Path) -> None:
    """Remove what an earlier tour wrote into a folder; whatever else lies there stays.

    Raises:
        ConfigError: If the folder holds something and no tour wrote it.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError("is a file", where=str(folder), mend="name another folder")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / MARKER).is_file():
        raise ConfigError("the folder is not empty and no demo wrote it", where=str(folder), mend="name another folder")
    for path in (folder / name for name in (*_FOLDERS, *_FILES)):
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)


def _opening(day: date) -> datetime:
    return datetime.combine(day, _OPENING, tzinfo=_ZONE).astimezone(UTC)


def _timed(name: str, step: Callable[[], _Done], started: float | None = None) -> Step:
    begun = perf_counter() if started is None else started
    told, facts, result = step()
    return Step(name, told, perf_counter() - begun, facts, result)


def _sync(crm: CRM) -> _Done:
    total = crm.sync().total
    told = f"read {total.added:,} rows, rejected {total.rejected:,} that look wrong"
    return told, {"added": total.added, "rejected": total.rejected}, None


def _planned(plan: Plan) -> _Done:
    ready = len(plan.ready())
    told = f"judged {len(plan.touches):,} touches of the week: {ready:,} ready, the others with a reason each"
    return told, {"touches": len(plan.touches), "ready": ready}, None


def _preview(crm: CRM, plan: Plan) -> _Done:
    touch = next((one for one in plan.ready() if one.message == "core.birthday"), None)
    if touch is None:
        return "no birthday card is ready this week", {}, None
    shown = next(one for one in crm.preview(touch.patient, plan.through) if one.touch.key == touch.key)
    told = f"the {touch.occasion} card of patient {touch.patient}, as it would leave"
    return told, {"patient": touch.patient, "campaign": touch.campaign}, shown.message
