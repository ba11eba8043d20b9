"""What stands at the other end of the built-in plugins while they are tried."""

from __future__ import annotations

import asyncio
import csv
import email
import email.policy
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from smtp_server import DROP, ScriptedServer

from crmkit.records.fields import plural
from crmkit.records.source import Row
from crmkit.testing.exports import ExportFolder
from crmkit.testing.fakes import Taken, Trouble

_OFTEN = 1000
#: What the mail server says in each trouble, and in which phase.
_SAYS = {
    Trouble.REFUSES: ("RCPT", "550 5.1.1 <featherstonehaugh.8@mailbox.example> is unknown"),
    Trouble.OVERLOADED: ("RCPT", "451 4.3.2 come back later, featherstonehaugh.8@mailbox.example"),
    Trouble.LOST: ("end", DROP),
    Trouble.NONSENSE: ("end", "what do you mean?"),
}


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
        return {"host": "127.0.0.1", "port": self.port, "security": "none", "timeout": 10}

    def taken(self) -> Sequence[Taken]:
        # The server notes a message after its answer: let it finish what it is at.
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self.server.loop).result(10)
        return [taken_from(to, raw) for to, raw in self.server.accepted]

    def fail(self, trouble: Trouble | None) -> None:
        self.server.script.clear()
        if trouble is Trouble.UNREACHABLE:
            self.__exit__()
        elif trouble:
            phase, said = _SAYS[trouble]
            self.server.script[phase] = [said] * _OFTEN


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
