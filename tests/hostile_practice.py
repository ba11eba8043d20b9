"""A practice that has admitted a hostile plugin beside honest ones, with a real mail server at the other end."""

from __future__ import annotations

import csv
import importlib
import json
import socket
import sys
import tomllib
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
from aiosmtpd.controller import Controller
from documents import ROOT
from situations import NOW, consent, patient

from crmkit import CRM, Campaign, FixedClock, Practice
from crmkit.delivery.order import Dispatched
from crmkit.errors import CrmkitError
from crmkit.plugins.door import discover
from crmkit.plugins.time_limits import TimeLimits

#: Two in the afternoon in Sydney: by then it is day for every owner of an Australian number.
DAY = NOW + timedelta(hours=4)
#: The honest work, and what the hostile plugin's own channel carries.
CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
NOTICE = Campaign(
    "notice",
    objective="inform",
    message="hostile.notice",
    segment="everybody",
    schedule="on birthday",
    media=("sms",),
)
SECRET = "tok-Zx81-never-told"

#: Mia and Tom may be written to; Ann has said no to everything, and Joe has died.
PATIENTS = [
    patient("P1", mobile="0491 570 156"),
    patient("P2", given="Thomas", family="Underhill", household="H2", email="tom@hill.example", mobile="0491 570 157"),
    patient("P3", given="Annabel", family="Reedmace", household="H3", email="ann@reed.example", mobile="0491 570 158"),
    patient("P4", given="Joseph", family="Farrow", household="H4", email="joe@farrow.example", mobile="0491 570 159",
            deceased_on="2026-10-01"),
]  # fmt: skip
CONSENTS = [
    *(consent(one["id"]) for one in PATIENTS),
    consent("P3", given="no", at="2026-02-01T09:00:00+11:00"),
    consent("P3", purpose="service", medium="sms", given="no", at="2026-02-01T09:00:00+11:00"),
]
#: Who gets a card, each of them once, whatever any plugin does.
READERS = ["mia@stone.example", "tom@hill.example"]
_PRIVATE = [
    word
    for one in [*PATIENTS, {"given": "Zoe", "family": "Quill", "email": "zoe@quill.example"}]
    for word in (one["given"], one["family"], one["email"], one.get("mobile", "")[-7:])
    if len(word) > 3
]
_PRIVATE += [word.replace(" ", "") for word in _PRIVATE if " " in word]


class Mailbox:
    """Takes mail, and keeps who it was for."""

    def __init__(self) -> None:
        self.readers: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        del server, session
        self.readers += envelope.rcpt_tos
        return "250 OK: queued as Q1"


@contextmanager
def mail_server() -> Iterator[tuple[Mailbox, int]]:
    """Run a mail server."""
    box = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=20)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


def install(site: Path) -> None:
    """Make the plugin known as its own metadata says, if it is not installed."""
    if "hostile" in discover():
        return
    project = tomllib.loads((ROOT / "plugins/crmkit-hostile/pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = site / f"crmkit_hostile-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: crmkit-hostile\nVersion: {project['version']}\n")
    points = project["entry-points"]["crmkit.v1"]
    (info / "entry_points.txt").write_text("[crmkit.v1]\n" + "".join(f"{one} = {at}\n" for one, at in points.items()))
    sys.path.insert(0, str(site))
    importlib.invalidate_caches()


def written(folder: Path) -> None:
    """Write the practice's exports."""
    (folder / "exports").mkdir(parents=True)
    for kind, rows in (("patients", PATIENTS), ("consents", CONSENTS)):
        columns = list(dict.fromkeys(name for row in rows for name in row))
        with (folder / "exports" / f"{kind}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)


@attrs.define
class Desk:
    """The practice, and what reached whom.

    Attributes:
        folder: Where exports, database and the hostile channel's file lie.
        practice: Who speaks.
        mailbox: What the honest channel's receiver took.
        port: Where it listens.
        clock: Moves only if it is told to.
        gate: The file that ends what hangs; without one it hangs for ever.
    """

    folder: Path
    practice: Practice
    mailbox: Mailbox
    port: int
    clock: FixedClock = attrs.field(factory=lambda: FixedClock(DAY))
    gate: str = "gate"
    _opened: list[CRM] = attrs.field(factory=list)

    def open(self, misbehaviour: str = "", plugins: Sequence[str] = ("hostile",), **more: Any) -> CRM:
        """Open the practice with the honest plugins and these; the hostile one does as it is told."""
        settings: dict[str, Mapping[str, Any]] = {
            "csv": {"folder": "exports"},
            "email": {"host": "127.0.0.1", "port": self.port, "security": "none"},
        }
        if "hostile" in plugins:
            told = {"misbehaviour": misbehaviour, "receiver": "pigeons", "gate": self.gate, "token": SECRET}
            settings["hostile"] = told
        crm = CRM(
            self.practice, f"sqlite:///{self.folder}/crm.db", plugins=["csv", "email", *plugins], settings=settings,
            clock=self.clock, root=self.folder, **more,
        )  # fmt: skip
        self._opened.append(crm)
        return crm

    def work(self, crm: CRM, *campaigns: Campaign) -> Dispatched:
        """Do the whole work of a day; return what came of the first sending."""
        crm.sync()
        for campaign in campaigns or ((CARD, NOTICE) if "hostile.notice" in crm.plugins.message_types else (CARD,)):
            crm.add(campaign)
        crm.plan()
        sent = crm.send()
        crm.plan()
        crm.send()
        return sent

    def opens_the_gate(self) -> None:
        """Let what hangs come back."""
        (self.folder / self.gate).touch()

    @property
    def flown(self) -> Counter[str]:
        """How often the hostile channel delivered the message of each key."""
        return flown(self.folder / "pigeons")

    def close(self) -> None:
        """Close all that was opened, and let no thread hang."""
        self.opens_the_gate()
        for crm in self._opened:
            crm.close()


@contextmanager
def desk_in(folder: Path, practice: Practice) -> Iterator[Desk]:
    """Open a desk in a folder of its own."""
    install(folder / "site")
    written(folder)
    with mail_server() as (mailbox, port):
        desk = Desk(folder, practice, mailbox, port)
        try:
            yield desk
        finally:
            desk.close()


@contextmanager
def neighbour(folder: Path) -> Iterator[CRM]:
    """Open another practice in the same process, which has admitted the same plugin and lets it behave.

    Whatever the first one's plugins do, its day's work is done in the end as if they were not there.
    """
    install(folder / "site")
    written(folder)
    practice = Practice(
        id="next-door", name="Next Door Dental", country="AU", timezone="Australia/Sydney", locale="en_AU",
        currency="AUD", email="hello@nextdoor.example", address="3 High St, Newtown NSW 2042",
        public_url="https://nextdoor.example/crm", keys=["another key for tests"],
    )  # fmt: skip
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}, "hostile": {"receiver": "pigeons"}}
    with CRM(
        practice, f"sqlite:///{folder}/crm.db", plugins=["csv", "folder", "hostile"], settings=settings,
        clock=FixedClock(DAY), root=folder,
    ) as crm:  # fmt: skip
        yield crm
        assert crm.failures() == []
        crm.sync()
        for campaign in (CARD, NOTICE):
            crm.add(campaign)
        crm.plan()
        assert crm.send().sent == 4
        assert len([*(folder / "outbox").glob("*.eml")]) == 2
        assert sorted(flown(folder / "pigeons").values()) == [1, 1]
        assert crm.failures() == []


def flown(file: Path) -> Counter[str]:
    """Return how often the hostile channel delivered the message of each key."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return Counter(json.loads(line)[0] for line in lines)


def limits_for(name: str, **limits: float) -> TimeLimits:
    """Return time limits that a test can wait for, if it must; what comes back may take its time."""
    return TimeLimits(**limits) if name.endswith(("-hangs", "-late")) else TimeLimits()


def leaks(text: str) -> list[str]:
    """Return what of a patient, or of the secret, stands in a text."""
    return [word for word in [*_PRIVATE, SECRET] if word.casefold() in text.casefold()]


def told(crm: CRM) -> str:
    """Return all that a person may come to see about the plugins, the touches and how they came about."""
    why = [(one.state, one.words, one.history) for row in PATIENTS for one in crm.why(row["id"])]
    return "\n".join(
        map(repr, (*crm.failures(), *map(str, crm.failures()), *crm.feed(), *crm.unknowns(), *why, crm.plugins))
    )


def in_full(problem: BaseException) -> str:
    """Return an error with all that led to it, as a log would hold it."""
    more = repr(getattr(problem, "failures", ()))
    return (
        "".join(traceback.format_exception(problem))
        + more
        + (repr(problem) if isinstance(problem, CrmkitError) else "")
    )
