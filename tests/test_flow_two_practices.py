"""Two practices on one database: each finds, sends, hears and forgets exactly what it would alone."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from events_desk import Told
from permuted import Bringing, winter
from recording_channel import Crash, Recorder
from situations import NOW, consent, patient

from crmkit import CRM, Campaign, FixedClock, Medium, Practice, Purpose
from crmkit.delivery.events.event import Event, EventKind
from crmkit.errors import SourceError
from crmkit.ledger.doubt import Settled

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
NEWS = Campaign(
    "news", objective="reactivate", message="acme.winter", segment="last_visit before 2026-11-01",
    schedule="on 2026-11-23", per_day=2, priority=40,
    cost_each="0.50",
)  # fmt: skip
AGAIN = Campaign(
    "again", objective="reactivate", message="acme.winter", segment="everybody", schedule="on 2026-11-24", lot="0.5",
    cost_each="0.50",
)  # fmt: skip
#: Rows tell which process wrote them, which is another one each time, and so do the digests over them.
RANDOM = {"writer", "link", "digest", "owner", "actor"}
IDS = ("bright-eyes", "next-door")


class Desk:
    """One of two practices whose patients, campaigns and events have the same ids, and not the same days."""

    def __init__(self, folder: Path, database: str, practice: Practice) -> None:
        self.folder, self.database, self.first = folder, database, practice.id == IDS[0]
        self.clock, self.channel, self.told = FixedClock(NOW), Recorder(), Told()
        self.seen: list[Any] = []
        folder.mkdir()
        self.export()
        acme = Bringing("acme", message_types=[winter(folder / "acme", "Warm", personal=False)])
        self.crm = CRM(
            practice, database, clock=self.clock, root=folder, channels={Medium.EMAIL: "recorder"}, audit_key="a key",
            plugins=["csv", "folder", acme, self.channel, self.told],
            settings={"csv": {"folder": "exports"}, "folder": {"path": "outbox"}},
        )  # fmt: skip

    def step(self, day: Iterator[Any]) -> bool:
        """Go on; tell whether there was anything left to do."""
        seen = next(day, self)
        if seen is self:
            return False
        self.seen.append(seen)
        return True

    def other(self, one: Any, two: Any) -> Any:
        """Return what is so in this practice: the one in the first, the other in the second."""
        return one if self.first else two

    def export(self, **more: dict[str, str]) -> None:
        word = self.other("a", "b")
        # A family of which one goes to the one practice, and another to the other.
        shared = {self.other("P3", "P4"): {"email": "family@shared.example"}}
        own = {"P1": {"status": self.other("deceased", "active")}, "P2": {"email": f"p5@{word}.example"}}
        own = own | shared | more
        people = [
            patient(f"P{n}", **{"born": f"1980-11-{22 + n}", "household": f"H{n}", "email": f"p{n}@{word}.example"}
                    | own.get(f"P{n}", {}))
            for n in range(1, self.other(6, 7)) if more.get(f"P{n}") != {}
        ]  # fmt: skip
        said = [consent(one["id"], given="no" if one["id"] == self.other("P4", "P5") else "yes") for one in people]
        visits = [
            {"id": f"V{one['id']}", "patient": one["id"], "day": self.other("2026-03-02", "2026-04-02")}
            | {"status": "completed"} for one in people
        ]  # fmt: skip
        visits.append(visits[1] | {"id": "V9", "patient": self.other("P2", "P4"), "day": "soon"})
        folder = self.folder / "exports"
        folder.mkdir(exist_ok=True)
        for kind, rows in (("patients", people), ("consents", said), ("visits", visits)):
            with (folder / f"{kind}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)), restval="")
                writer.writeheader()
                writer.writerows(rows)

    def tell(self, kind: EventKind, patient: str, **more: Any) -> Any:
        keys = [one.key for one in self.crm.feed() if one.patient == patient]
        event = {"id": f"e-{len(self.told.events)}", "kind": kind, "medium": Medium.EMAIL, "key": keys[-1]} | more
        self.told.events.append(Event(**event))
        received = self.crm.receive("told", str(len(self.told.events) - 1).encode())
        return [one.did for one in received.heard], received.known

    def day(self) -> Iterator[Any]:
        """Go through two days step by step, and yield what is seen at each."""
        crm = self.crm
        yield crm.sync().total
        crm.add(attrs.evolve(CARD, priority=70))
        crm.add(self.other(attrs.evolve(NEWS, per_day=1), attrs.evolve(NEWS, id="post")))
        crm.add(AGAIN)
        yield self.plan()
        yield crm.stop("card", by="Kim"), self.first and crm.stop("", by="Kim"), crm.stopped()
        self.channel.fate = self.other(["silent"], ["refused", "crash after"])
        yield self.send()
        yield crm.stopped(), crm.resume("card"), self.first and crm.resume(), self.send()
        self.clock.move(timedelta(hours=2))
        yield self.send(), [(one.touch.patient, one.evidence) for one in crm.unknowns()]
        for one in crm.unknowns():
            yield crm.settle(one.touch.key, self.other(Settled.SENT, Settled.AGAIN), by="Kim").state
        yield self.send()
        sent = [one.patient for one in crm.feed() if one.state == "sent"]
        yield self.tell(self.other(EventKind.BOUNCED, EventKind.DELIVERED), sent[0], permanent=self.first)
        if self.first:
            # The other one writes in this instant too: that is not cut off from the head of this one.
            head = self.head()
        yield self.tell(EventKind.RATED, sent[-1], rating=self.other(2, 9))
        if not self.first:
            head = self.head()
        yield self.unread(f"no event of {crm.practice.id}".encode())
        yield self.tell(EventKind.UNSUBSCRIBED, "P5", key="", address="family@shared.example")
        yield crm.opt_out(self.other("P3", "P1"), Purpose.MARKETING, Medium.EMAIL)
        yield crm.opt_in("P4", Purpose.MARKETING, Medium.EMAIL, wording="yes", evidence="form") if self.first else 0
        self.clock.set(NOW + timedelta(days=1))
        self.export(**self.other({"P5": {}}, {"P3": {"family": "Berg"}}))
        yield crm.sync().total, crm.matched("last_visit before 2026-11-01")
        yield self.plan(), [(one.campaign, one.patient) for one in crm.send(dry=True).touches], self.send()
        yield [[touch.key for touch in day.sent] for day in crm.rehearse(3).days]
        yield crm.cancel("card", by="Kim") if self.first else crm.retire("post")
        yield attrs.asdict(crm.forget(self.other("P4", "P2"), by="Kim"), filter=lambda field, _: field.name != "traces")
        self.clock.set(NOW + timedelta(days=2))
        yield crm.sync().total, self.plan(), self.send()
        yield {one: [answer.words for answer in crm.why(one)] for one in ("P1", "P2", "P3", "P4", "P5")}
        yield [(one.at, one.patient, one.state, one.reason) for one in crm.feed()], crm.rejected(), [*crm.unread()]
        findings = crm.findings()
        yield repr(findings)
        found = crm.audit(head.at, noted=head.digest)
        yield found.links, found.rows, found.faults

    def unread(self, body: bytes) -> list[bytes]:
        self.told.fails = SourceError("the body is no event")
        with pytest.raises(SourceError):
            self.crm.receive("told", body)
        self.told.fails = None
        return [one.body for one in self.crm.unread()]

    def head(self) -> Any:
        """Return the head of the trail, and let no later link of this practice fall into the same second."""
        noted = self.crm.head()
        self.clock.move(timedelta(seconds=1))
        return noted

    def plan(self) -> list[Any]:
        return sorted((one.campaign, one.patient, one.state, one.reason, one.due) for one in self.crm.plan().touches)

    def send(self) -> list[Any]:
        try:
            sent = self.crm.send().touches
        except Crash:
            return ["crash"]
        return sorted((one.campaign, one.patient, one.state, one.reason) for one in sent)


def rows_of(database: str, practice: str) -> dict[str, list[str]]:
    """Return every row of a practice, without what differs from one process to the next."""
    engine = sa.create_engine(database)
    tables = sa.MetaData()
    tables.reflect(engine)
    found = {}
    with engine.connect() as connection:
        for name, table in tables.tables.items():
            if "practice" in table.c and not name.endswith("blanked"):
                drawn = RANDOM | {"id"} if name.endswith("entry") else RANDOM
                columns = [column for column in table.c if column.name not in drawn]
                rows = connection.execute(sa.select(*columns).where(table.c.practice == practice))
                found[name] = sorted(map(repr, rows))
    engine.dispose()
    return found


def in_turns(desks: Sequence[Desk]) -> None:
    """Let each take its next step when the others have taken theirs, until all are through."""
    going = [(desk, desk.day()) for desk in desks]
    while going:
        going = [(desk, day) for desk, day in going if desk.step(day)]


@pytest.fixture
def desk(tmp_path: Path, practice: Practice) -> Iterator[Callable[[str, str, str], Desk]]:
    opened: list[Desk] = []

    def open_one(name: str, database: str, place: str) -> Desk:
        folder, own = tmp_path / f"{place}-{name}", attrs.evolve(practice, id=name)
        opened.append(Desk(folder, f"sqlite:///{tmp_path}/{database}.db", own))
        return opened[-1]

    yield open_one
    for one in opened:
        one.crm.close()


def test_neither_sees_or_changes_what_is_the_others(desk: Callable[[str, str, str], Desk]) -> None:
    together = [desk(name, "shared", "together") for name in IDS]
    in_turns(together)
    for name, shared in zip(IDS, together, strict=True):
        alone = desk(name, name, "alone")
        in_turns([alone])
        for mine, ours in zip(alone.seen, shared.seen, strict=True):
            assert ours == mine
        assert [one.to for one in shared.channel.handed] == [one.to for one in alone.channel.handed]
        assert rows_of(shared.database, name) == rows_of(alone.database, name)
    tampered(together[1])
    assert together[0].crm.audit().faults == ()
    assert len(together[1].crm.audit().faults) > 3


def tampered(desk: Desk) -> None:
    """Change a practice's rows behind its back, in every way of which the audit tells."""
    engine = sa.create_engine(desk.database)
    with engine.begin() as connection:
        for statement in (
            "UPDATE crmkit_heard SET did = 'stands' WHERE practice = :practice",
            "UPDATE crmkit_event SET writer = 'me', link = 0 WHERE practice = :practice AND patient = 'P1'",
            "UPDATE crmkit_touch SET reason = 'ready' WHERE practice = :practice AND patient = 'P5'",
            "DELETE FROM crmkit_touch WHERE practice = :practice AND patient = 'P3'",
            "DELETE FROM crmkit_audit WHERE practice = :practice AND number = 3",
        ):
            connection.execute(sa.text(statement), {"practice": desk.crm.practice.id})
    engine.dispose()
