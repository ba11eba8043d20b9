"""The program that an expert would write by hand for this one task: no guards, no general parts, and the same promise.

It says what one Python process can do on this machine. The message has gaps into which bytes are put, the next
envelope rides behind each body, the next window is made meanwhile, and the SQL is plain. What it promises of its
messages is what crmkit does: each is claimed, intended and answered, every transition is written down with its time,
and a crash leaves one window of a hundred in doubt, for the answers of one window and the intents of the next are one
transaction with full sync.
"""

from __future__ import annotations

import hashlib
import socket
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import attrs

import words
from expert_form import Form
from peers.driving import Send, drive

_WINDOW, _CLAIM, _LEASE = 100, 1000, timedelta(minutes=5)
_TABLES = """
CREATE TABLE touch (campaign, occasion, patient, key, state, due, owner, lease, given, family, email, unsubscribe,
    changed_at, sent_at, PRIMARY KEY (campaign, occasion, patient)) WITHOUT ROWID;
CREATE UNIQUE INDEX touch_key ON touch (key);
CREATE INDEX touch_due ON touch (state, due, campaign, occasion, patient);
CREATE TABLE event (campaign, occasion, patient, number, at, was, state, actor,
    PRIMARY KEY (campaign, occasion, patient, number)) WITHOUT ROWID;
CREATE TABLE attempt (campaign, occasion, patient, number, at, message_id, digest, outcome, reference, answered_at,
    PRIMARY KEY (campaign, occasion, patient, number)) WITHOUT ROWID;
"""
_DUE = """
SELECT campaign, occasion, patient, key, given, family, email, unsubscribe FROM touch
WHERE state = 'ready' AND due <= ? ORDER BY due, campaign, occasion, patient LIMIT ?
"""
_MOVE = """
UPDATE touch SET state = '%s', changed_at = '%s', owner = '%s', %s
WHERE campaign = ? AND occasion = ? AND patient = ? AND state = '%s'
"""
_NOTE = "INSERT INTO event VALUES (?, ?, ?, %d, '%s', '%s', '%s', 'expert')"
_INTEND = "INSERT INTO attempt VALUES (?, ?, ?, 1, '%s', ?, ?, NULL, NULL, NULL)"
_ANSWER = """
UPDATE attempt SET outcome = 'sent', reference = ?, answered_at = '%s'
WHERE campaign = ? AND occasion = ? AND patient = ? AND number = 1
"""


class Touch(NamedTuple):
    """One message that waits."""

    campaign: str
    occasion: str
    patient: str
    key: str
    given: str
    family: str
    email: str
    unsubscribe: str


#: A touch, and what the server said to its message.
_Answers = Sequence[tuple[Touch, str]]


@attrs.define(eq=False)
class Ledger:
    """The touches and all that is written down about them.

    Attributes:
        database: An open connection.
        seconds: How long all of it took so far, commits included.
    """

    database: sqlite3.Connection
    seconds: float = 0.0

    def windows(self) -> Iterator[list[Touch]]:
        """Claim a thousand touches at once and yield them by windows, until nothing is due."""
        while claimed := self._claimed():
            for start in range(0, len(claimed), _WINDOW):
                yield claimed[start : start + _WINDOW]

    def write(self, answers: _Answers, window: Sequence[Touch] = (), digests: Sequence[str] = ()) -> None:
        """Write down what came of one window and what is intended with the next."""
        now = _now()
        with self._transaction():
            if answers:
                self._move([one for one, _ in answers], ("sending", "sent"), 4, "", "lease = NULL")
                self.database.executemany(_ANSWER % now, [(reply, *one[:3]) for one, reply in answers])
            if window:
                self._move(window, ("claimed", "sending"), 3, "expert", f"sent_at = '{now}'")
                rows = [(*one[:3], one.key, digest) for one, digest in zip(window, digests, strict=True)]
                self.database.executemany(_INTEND % now, rows)

    def _claimed(self) -> list[Touch]:
        until = (datetime.now(UTC) + _LEASE).isoformat()
        with self._transaction():
            due = [Touch(*row) for row in self.database.execute(_DUE, (_now(), _CLAIM))]
            self._move(due, ("ready", "claimed"), 2, "expert", f"lease = '{until}'")
        return due

    def _move(self, touches: Sequence[Touch], step: tuple[str, str], number: int, owner: str, more: str) -> None:
        (was, state), which, now = step, [one[:3] for one in touches], _now()
        moved = self.database.executemany(_MOVE % (state, now, owner, more, was), which)
        if touches and moved.rowcount != len(touches):
            raise RuntimeError("somebody else moved a touch")
        self.database.executemany(_NOTE % (number, now, was, state), which)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        began = perf_counter()
        with self.database:
            self.database.execute("BEGIN IMMEDIATE")
            yield
        self.seconds += perf_counter() - began


@attrs.define(eq=False)
class Server:
    """An open conversation with a mail server that offers PIPELINING and refuses nothing."""

    wire: socket.socket
    _replies: BufferedReader = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._replies = self.wire.makefile("rb")
        self._read(b"2")
        self.wire.sendall(b"EHLO expert.example\r\n")
        while self._replies.readline()[3:4] == b"-":
            pass

    def hand_over(self, window: Sequence[Touch], messages: Sequence[bytes]) -> _Answers:
        """Return what the server said to each message."""
        said, body = [], b""
        for one, message in zip(window, messages, strict=True):
            envelope = f"MAIL FROM:<{words.SENDER}>\r\nRCPT TO:<{one.email}>\r\nDATA\r\n"
            self.wire.sendall(body + envelope.encode())
            if body:
                said.append(self._read(b"2"))
            for code in (b"2", b"2", b"3"):
                self._read(code)
            body = message.replace(b"\r\n.", b"\r\n..") + b".\r\n"
        self.wire.sendall(body)
        return list(zip(window, [*said, self._read(b"2")], strict=True))

    def _read(self, code: bytes) -> str:
        line = self._replies.readline()
        if not line.startswith(code):
            raise RuntimeError("the server refused something")
        return line[4:].decode().strip()


def store(work: Path, count: int) -> None:
    """Store so many touches, ready to leave."""
    with closing(_open(work)) as database, database:
        database.executescript(_TABLES)
        rows = (_row(one) for one in words.people(count))
        database.executemany("INSERT INTO touch VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def send(ledger: Ledger, port: int) -> int:
    """Hand over all that is due, and return how many messages that were. The next window is made while one is away."""
    sent, form, away = 0, Form(), Future[_Answers]()
    away.set_result(())
    with closing(socket.create_connection(("127.0.0.1", port))) as wire, ThreadPoolExecutor(1) as thread:
        server = Server(wire)
        for window in ledger.windows():
            messages = [form.filled(one.key, one.given, one.family, one.email, one.unsubscribe) for one in window]
            digests = [hashlib.sha256(message).hexdigest() for message in messages]
            ledger.write(away.result(), window, digests)
            away = thread.submit(server.hand_over, window, messages)
            sent += len(window)
        ledger.write(away.result())
    return sent


def _row(one: words.Person) -> tuple[str | None, ...]:
    key = hashlib.sha256(one.id.encode()).hexdigest()[:32]
    who = (one.given, one.family, one.email, one.unsubscribe)
    return "come-back", "2026-11-23", one.id, key, "ready", _now(), "", None, *who, _now(), None


def _open(work: Path) -> sqlite3.Connection:
    database = sqlite3.connect(work / "expert.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    return database


def _now() -> str:
    return datetime.now(UTC).isoformat()


def main() -> None:
    """Prepare or send, and print one line of JSON."""
    opened = list[Ledger]()

    def ready(work: Path, port: int) -> Send:
        opened.append(Ledger(_open(work)))
        return lambda _: send(opened[0], port)

    drive(store, ready, lambda: {"ledger_seconds": opened[0].seconds})


if __name__ == "__main__":
    main()
