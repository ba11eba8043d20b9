"""What the drivers share: two steps on the command line, a table of patients, and one line of JSON at the end."""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any

import words

#: The database of every system that has one, in its folder.
DATABASE = "peer.db"

#: Brings the system to where the clock starts: the mail waits in its database, or the patients do where no mail can.
Prepare = Callable[[Path, int], None]
#: Hands everything over, which is timed, and returns how many messages that were.
Send = Callable[[Path], int]


def drive(prepare: Prepare, opened: Callable[[Path, int], Send], more: Callable[[], dict[str, Any]] = dict) -> None:
    """Run one step of a system as the command line says.

    Args:
        prepare: Brings in the patients, given a folder and their number.
        opened: Sets the system up, given the folder and the sink's port, and returns what is to be timed.
        more: What else is to be told after sending.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=("prepare", "send"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--port", type=int, default=25)
    given = parser.parse_args()
    if given.step == "prepare":
        prepare(given.work, given.messages)
        print(json.dumps({"ready": given.messages}))
        return
    send = opened(given.work, given.port)
    started = perf_counter()
    sent = send(given.work)
    seconds = perf_counter() - started
    print(json.dumps({"sent": sent, "seconds": seconds, "memory_kb": peak_memory(), **more()}))


def peak_memory() -> int:
    """Return the most memory that this process ever held, in KiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def store_patients(work: Path, count: int) -> None:
    """Write the patients into a table of their own, for systems that keep no readers themselves."""
    with closing(sqlite3.connect(work / DATABASE)) as connection, connection:
        connection.execute("CREATE TABLE patient (id TEXT PRIMARY KEY, given, family, email, born, unsubscribe)")
        connection.executemany("INSERT INTO patient VALUES (?, ?, ?, ?, ?, ?)", words.people(count))


def stored_patients(work: Path) -> Iterator[words.Person]:
    """Yield the patients from the table."""
    with closing(sqlite3.connect(work / DATABASE)) as connection:
        yield from map(words.Person._make, connection.execute("SELECT * FROM patient ORDER BY id"))


def unsubscribe_headers(person: words.Person) -> dict[str, str]:
    """Return the headers for one-click unsubscribing (RFC 8058)."""
    return {"List-Unsubscribe": f"<{person.unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
