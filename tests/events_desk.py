"""A practice to which things come back: patients, a channel that remembers, a parser that says what it is told."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from recording_channel import Recorder
from situations import NOW, consent, patient

from crmkit import CRM, Campaign, FixedClock, Medium, Purpose, State
from crmkit.messages.proof import Proofs
from crmkit.plugins import BLIND, CrmkitSpec, Event, EventKind, Payload, PluginInfo, hookimpl

BIRTHDAY = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes or more").decode()
MIA = "mia@stone.example"
LATER = timedelta(hours=1)


class Told(CrmkitSpec):
    """A parser whose payloads name its events by number."""

    info = PluginInfo("told")
    name = "told"

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.fails: Exception | None = None
        self.channels: list[Any] = []

    @hookimpl
    def crmkit_channels(self, ctx: Any) -> list[Any]:
        del ctx
        return self.channels

    @hookimpl
    def crmkit_event_parsers(self, ctx: Any) -> list[Any]:
        del ctx
        return [self]

    def parse(self, payload: Payload) -> list[Event]:
        if self.fails:
            raise self.fails
        return [self.events[int(number)] for number in payload.body.split()]


class Desk:
    """The practice; its cards are planned, and sent when `send` is called. The parser may be the channel's own."""

    def __init__(
        self, open_crm: Callable[..., CRM], exports: Callable[..., None], clock: FixedClock, **more: Any
    ) -> None:
        guarantee = more.pop("guarantee", BLIND)
        self.told, self.channel, self.clock = Told(), Recorder(guarantee=guarantee), clock
        own = more.pop("own", False)
        self.told.channels = [self.channel] if own else []
        people = more.pop("people", [patient("P1"), patient("P2", household="H2", email="p2@x.example")])
        exports("patients", people)
        exports("consents", [consent(one["id"]) for one in people])
        self.crm = open_crm(
            plugins=["csv", "folder", "email", "hook", *([] if own else [self.channel]), self.told],
            settings={"email": {"host": "mx.example"}, "hook": {"secrets": [SECRET]}},
            channels={Medium.EMAIL: "told.recorder" if own else "recorder"},
            audit_key="a key for tests",
            **more,
        )
        self.crm.sync()
        self.crm.add(BIRTHDAY)
        self.crm.plan()

    def send(self) -> Desk:
        self.crm.send()
        return self

    def key(self, patient: str = "P1") -> str:
        return [one.key for one in self.crm.feed() if one.patient == patient][-1]

    def word(self, patient: str = "P1") -> str:
        """Return what the Message-ID of a patient's card has before the sign: the key and its proof."""
        return Proofs.of(self.crm.practice).word(self.key(patient))

    def patient(self, key: str) -> str:
        return next(one.patient for one in self.crm.feed() if one.key == key)

    def state(self, patient: str = "P1") -> State:
        return [one.state for one in self.crm.feed() if one.patient == patient][-1]

    def steps(self, patient: str = "P1") -> list[str]:
        """Return the states through which a patient's card went."""
        return [one["state"] for one in self.crm.history(self.key(patient))]

    def event(self, kind: EventKind, patient: str = "P1", **parts: Any) -> Event:
        """Return an event about a patient's card, unless it is to have no key."""
        given: dict[str, Any] = {"id": f"e-{len(self.told.events)}", "kind": kind, "medium": Medium.EMAIL}
        return Event(**given | {"key": self.key(patient)} | parts)

    def tell(self, kind: EventKind, patient: str = "P1", **parts: Any) -> list[str]:
        """Let one event come in; return what it did."""
        self.told.events.append(self.event(kind, patient, **parts))
        received = self.crm.receive("told", str(len(self.told.events) - 1).encode())
        return [str(did) for one in received.heard for did in one.did]

    def noes(self) -> set[tuple[str, Purpose, Medium]]:
        """Return what patients have said no to."""
        with self.crm._store.read() as connection:
            said = self.crm._stages.history.consents(connection, ["P1", "P2", "P3"])
        return {place for place, one in said.items() if not one.given}

    def next_year(self) -> dict[str, str]:
        """Return each patient's reason for next year's card."""
        self.clock.set(NOW.replace(year=2027))
        return {touch.patient: touch.reason for touch in self.crm.plan(dry=True).touches}


def bounce(key: str, address: str, status: str = "5.1.1") -> bytes:
    """Return a mail server's report."""
    return f"""From: Mail Delivery System <MAILER-DAEMON@mx.stone.example>
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It came back.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.stone.example
Original-Envelope-Id: {key}

Final-Recipient: rfc822; {address}
Action: failed
Status: {status}

--b--
""".encode()


def answer(key: str, text: str, *, sender: str = MIA, subject: str = "Re: Happy birthday", more: str = "") -> bytes:
    """Return a mail in which somebody, or a machine, answers."""
    return f"From: {sender}\nSubject: {subject}\nIn-Reply-To: <{key}@brighteyes.example>\n{more}\n{text}\n".encode()
