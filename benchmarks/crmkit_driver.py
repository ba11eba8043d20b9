"""crmkit, driven as a host would: one process prepares (sync and plan), another sends and is timed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from time import perf_counter, time
from zoneinfo import ZoneInfo

from crmkit import CRM, Campaign, FixedClock, Practice
from crmkit.cli.garbage import settled
from crmkit.plugins import Batch, CrmkitSpec, PluginInfo, Row, Source, hookimpl

import words
from peers.driving import peak_memory
from stages import LEDGER, StageClock

#: Ten in the morning on a working day, so that no window for sending is ever closed.
CLOCK = FixedClock(datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Australia/Sydney")))
CAMPAIGN = Campaign(
    "come-back",
    objective="reactivate",
    message="reactivation",
    segment="last_visit before 18 months ago and next_visit is empty and age >= 18",
    schedule="on 2026-11-23",
)
_CHUNK = 1000


class Patients:
    """A source of patients who agreed to marketing by e-mail and whose last visit is two years ago."""

    name = "patients"

    def __init__(self, count: int) -> None:
        self.count = count

    def read(self, since: str | None) -> Iterator[Batch]:  # noqa: ARG002 - all rows, every time
        """Yield all rows, patients first."""
        for kind in (_patient, _consent, _visit):
            rows: list[Row] = []
            for person in words.people(self.count):
                rows.append(kind(person))
                if len(rows) == _CHUNK:
                    yield Batch(tuple(rows))
                    rows = []
            yield Batch(tuple(rows))


class Generated(CrmkitSpec):
    """Registers the source."""

    info = PluginInfo("generated")

    def __init__(self, count: int) -> None:
        self.count = count

    @hookimpl
    def crmkit_sources(self, ctx: object) -> Iterable[Source]:  # noqa: ARG002 - hooks are called by name
        """Return the source."""
        return [Patients(self.count)]


def open_crm(
    database: str, work: Path, *, port: int = 25, count: int = 0, plugins: Sequence[str | CrmkitSpec] = ()
) -> CRM:
    """Return a CRM of the generated practice that hands over to a server on this machine; its guards are the usual.

    Args:
        database: Its URL.
        work: The folder of the run.
        port: Where the server listens.
        count: How many patients its source has.
        plugins: Others than the source and the channel `email`.
    """
    practice = Practice(
        id="bright-eyes",
        name=words.PRACTICE,
        country="AU",
        timezone="Australia/Sydney",
        locale="en_AU",
        currency="AUD",
        email=words.SENDER,
        phone=words.PHONE,
        address=words.ADDRESS,
        public_url=words.PUBLIC_URL,
        keys=["a key for measuring"],
    )
    settings = {} if plugins else {"email": {"host": "127.0.0.1", "port": port, "security": "none"}}
    chosen = plugins or [Generated(count), "email"]
    templates = _templates(work / "templates")
    return CRM(practice, database, plugins=chosen, settings=settings, templates=templates, clock=CLOCK, root=work)


def bring_in(database: str, work: Path, count: int) -> None:
    """Bring the patients in and add the campaign; nothing is planned."""
    with open_crm(database, work, count=count) as crm:
        crm.sync()
        crm.add(CAMPAIGN)


def prepare(database: str, work: Path, count: int) -> dict[str, object]:
    """Bring the patients in and plan, so that all messages wait in the database."""
    with open_crm(database, work, count=count) as crm:
        started = perf_counter()
        crm.sync()
        synced = perf_counter()
        crm.add(CAMPAIGN)
        ready = len(crm.plan().ready())
        planned = perf_counter()
    return {"ready": ready, "sync_seconds": synced - started, "plan_seconds": planned - synced}


def send(database: str, work: Path, port: int, clock: StageClock | None, *, wait: bool) -> dict[str, object]:
    """Send what waits and return how long it took.

    Args:
        database: Its URL.
        work: The folder of the run.
        port: Where the sink listens.
        clock: Adds up the time spent in the ledger.
        wait: Say when all is open, and begin when a line comes in, so that several processes begin together.
    """
    # As `crmkit send` does.
    with open_crm(database, work, port=port) as crm, settled():
        if clock:
            clock.watch(LEDGER)
        if wait:
            print("open", flush=True)
            sys.stdin.readline()
        began, started = time(), perf_counter()
        sent = crm.send().sent
        seconds = perf_counter() - started
    told: dict[str, object] = {"sent": sent, "seconds": seconds, "began": began, "memory_kb": peak_memory()}
    if clock:
        told |= {"ledger_seconds": clock.within("ledger", "commit"), "unmeasured": clock.missing}
    return told


def _templates(folder: Path) -> Path:
    """Write the words as the practice's own templates; the layout adds only what it must, so that lengths agree."""
    own = folder / "reactivation" / "email" / "en"
    layout = folder / "_layout"
    if not folder.exists():
        own.mkdir(parents=True)
        layout.mkdir()
        for name, template in (("subject.txt", words.SUBJECT), ("body.txt", words.TEXT), ("body.html", words.HTML)):
            (own / name).write_text(words.in_terms_of(template, "recipient.greeting", "links.unsubscribe"), "utf-8")
        must = "{{ practice.name }} {{ links.unsubscribe }}"
        (layout / "email.txt").write_text("{{ message.text }}" + must, "utf-8")
        (layout / "email.html").write_text("{{ message.html }}<!-- " + must + " -->", "utf-8")
    return folder


def _patient(person: words.Person) -> Row:
    fields = {"given": person.given, "family": person.family, "born": person.born, "email": person.email}
    return Row("patient", person.id, {**fields, "household": person.id})


def _consent(person: words.Person) -> Row:
    fields = {"patient": person.id, "purpose": "marketing", "medium": "email", "given": "yes", "at": "2024-03-01"}
    return Row("consent", f"{person.id}-news", {**fields, "wording": "I would like news by e-mail."})


def _visit(person: words.Person) -> Row:
    fields = {"patient": person.id, "starts_at": "2024-11-20T09:30", "status": "completed"}
    return Row("visit", f"{person.id}-1", fields)


def main() -> None:
    """Prepare or send, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("prepare", "send"))
    parser.add_argument("--database", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--port", type=int, default=25)
    parser.add_argument("--ledger-cost", action="store_true", help="also add up the time spent in the ledger")
    parser.add_argument("--wait", action="store_true", help="begin when a line comes in")
    given = parser.parse_args()
    if given.step == "prepare":
        told = prepare(given.database, given.work, given.messages)
    else:
        clock = StageClock() if given.ledger_cost else None
        told = send(given.database, given.work, given.port, clock, wait=given.wait)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
