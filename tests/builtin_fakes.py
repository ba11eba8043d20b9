"""What stands at the other end of the built-in plugins while they are tried."""

from __future__ import annotations

import asyncio
import base64
import csv
import email
import email.policy
import json
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import attrs
from smtp_server import DROP, ScriptedServer

from crmkit.builtin.webhook import HookParser
from crmkit.delivery.events.event import Payload
from crmkit.people.medium import Medium
from crmkit.records.fields import plural
from crmkit.records.source import Row
from crmkit.testing.exports import ExportFolder
from crmkit.testing.fakes import Samples, Taken, Trouble
from crmkit.testing.home import NOW
from crmkit.testing.samples import address_of, key_of

_OFTEN = 1000
#: What the mail server says in each trouble, and in which phase.
_SAYS = {
    Trouble.REFUSES: ("RCPT", "550 5.1.1 <featherstonehaugh.8@mailbox.example> is unknown"),
    Trouble.OVERLOADED: ("RCPT", "451 4.3.2 come back later, featherstonehaugh.8@mailbox.example"),
    Trouble.LOST: ("end", DROP),
    Trouble.NONSENSE: ("end", "what do you mean?"),
}


#: What comes back: a report that an address does not exist, and somebody's wish to be left alone.
BOUNCE = f"""From: MAILER-DAEMON@relay.example
To: hello@brighteyes.example
Subject: Undelivered Mail Returned to Sender
Date: Mon, 23 Nov 2026 09:00:00 +1100
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Nobody of that name lives here.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example

Final-Recipient: rfc822; {address_of(Medium.EMAIL, 4)}
Action: failed
Status: 5.1.1
--b
Content-Type: message/rfc822

Message-ID: <{key_of(4)}@brighteyes.example>
Subject: A word from us

--b--
"""
ANSWER = f"""From: {address_of(Medium.EMAIL, 5)}
To: hello@brighteyes.example
Subject: Re: A word from us
Date: Mon, 23 Nov 2026 09:00:00 +1100
In-Reply-To: <{key_of(5)}@brighteyes.example>

Please stop writing to me.
"""


def taken_from(to: str, raw: bytes) -> Taken:
    """Return what a mail says to whom."""
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    body = mail.get_body(("plain",))
    return Taken(to, str(body.get_content()) if body else "")


class MailServer:
    """A mail server that takes what it is given."""

    def __enter__(self) -> MailServer:
        self.server = ScriptedServer(offers=("PIPELINING", "SIZE 10000000"))
        self.server.__enter__()
        self.port, self.up = self.server.port, True
        return self

    def __exit__(self, *_: object) -> None:
        if self.up:
            self.server.__exit__()
            self.up = False

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"host": "127.0.0.1", "port": self.port, "security": "none", "timeout": 10, "password": "never told"}

    @property
    def payloads(self) -> Sequence[Payload]:
        return [Payload(mail.encode(), received_at=NOW) for mail in (BOUNCE, ANSWER)]

    signed = False

    def sign(self, payload: Payload) -> Payload:
        return payload

    def taken(self) -> Sequence[Taken]:
        # The server notes a message after its answer: let it finish what it is at.
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self.server.loop).result(10)
        return [taken_from(to, raw) for to, raw in self.server.accepted]

    def fail(self, trouble: Trouble | None) -> None:
        self.server.script.clear()
        if trouble is Trouble.UNREACHABLE:
            self.__exit__()
        elif trouble:
            if trouble not in _SAYS:
                raise NotImplementedError
            phase, said = _SAYS[trouble]
            self.server.script[phase] = [said] * _OFTEN
        elif not self.up:
            self.server.__enter__()
            self.up = True


class Outbox:
    """The folder into which mails are written."""

    def __enter__(self) -> Outbox:
        self.folder = Path(mkdtemp(prefix="crmkit-outbox-"))
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"path": str(self.folder)}

    def taken(self) -> Sequence[Taken]:
        mails = [path.read_bytes() for path in sorted(self.folder.glob("*.eml"))]
        return [
            taken_from(email.message_from_bytes(raw, policy=email.policy.default)["to"].addresses[0].addr_spec, raw)
            for raw in mails
        ]

    def fail(self, trouble: Trouble | None) -> None:
        if trouble is not Trouble.UNREACHABLE:
            raise NotImplementedError
        shutil.rmtree(self.folder)


def write_csv(folder: Path, rows: Sequence[Row]) -> None:
    """Write rows as CSV files with canonical headers, one for each kind; the patients' file is always there."""
    kinds: dict[str, list[Row]] = defaultdict(list, {"patient": []})
    for row in rows:
        kinds[row.kind].append(row)
    for kind, found in kinds.items():
        columns = ["id", *dict.fromkeys(name for row in found for name in row.fields)]
        with (folder / f"{plural(kind)}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows({"id": row.id, **row.fields} for row in found)


def exports() -> ExportFolder:
    """Start a practice's software that exports CSV."""
    return ExportFolder(write_csv, lambda folder: {"folder": str(folder)})


SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, ok").decode()


def signed_calls() -> Samples:
    """Start a sender of signed calls."""
    parser = HookParser([SECRET])
    told = {"id": "e-1", "kind": "bounced", "medium": "email", "key": key_of(1), "permanent": True, "status": "5.1.1"}
    wish = {"id": "e-2", "kind": "unsubscribed", "medium": "sms", "address": address_of(Medium.SMS, 2)}
    bodies = [json.dumps({"events": events}).encode() for events in ([told], [wish, told | {"id": "e-3"}])]

    def sign(payload: Payload) -> Payload:
        return attrs.evolve(payload, headers=parser.sign("call-1", NOW, payload.body))

    return Samples(tuple(sign(Payload(body, received_at=NOW)) for body in bodies), sign, {"secrets": [SECRET]})
