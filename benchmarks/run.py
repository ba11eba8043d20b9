"""crmkit and its peers side by side: the same messages, the same sink, each in a process of its own, in rotation.

Run it from the root of the project:

    python benchmarks/run.py                      # 10,000 messages, three rounds
    python benchmarks/run.py --messages 1000 --rounds 1
    python benchmarks/run.py --memory             # whether memory stays flat, too
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from databases import Database, PostgreSQL, SQLite, postgresql_server
from results import CRMKIT, EXPERT, FLAT, PLAIN, POSTGRESQL, TWO, TWO_POSTGRESQL, Check, Result, checks, table
from sink import find_smtp_sink
from systems import HERE, Crmkit, FailedRunError, Peer, System

_BENCH = HERE.parent / ".bench"
_PEERS = {
    "django-post_office": "peers.post_office",
    "django-mailer": "peers.django_mailer",
    "django-newsletter": "peers.newsletter",
    "mailmerge": "peers.mailmerge",
}
_INSTALL = "python -m venv .bench/venv && .bench/venv/bin/python -m pip install -r benchmarks/requirements.txt"


def main() -> int:
    """Measure and print; the result is 1 if a target is missed or a run failed."""
    given = _arguments()
    _BENCH.mkdir(exist_ok=True)
    (_BENCH / "errors.txt").unlink(missing_ok=True)
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=_BENCH)))
        server = stack.enter_context(postgresql_server(work, given.postgresql))
        databases = _databases(work, server, stack)
        _say_where(given, databases)
        peers = _peers(work, given.peers_python)
        systems: list[System] = [*_ours(work, databases), *peers]
        chosen = [one for one in systems if not given.only or any(word in one.name for word in given.only)]
        results = _rotate(chosen, given.messages, given.rounds)
        print(f"\n{table(results)}")
        found = checks(results, processes=find_smtp_sink() is not None)
        print("\n" + "\n".join(map(str, found)))
        if not given.only:
            _ledger_cost([*_watched(work, databases), *(one for one in peers if one.name == EXPERT)])
        if given.memory:
            found.append(_memory(work, given.messages))
    whole = all(len(results[one.name]) == given.rounds for one in chosen)
    return int(not whole or not all(check.met for check in found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="also send four times as many and compare the memory")
    parser.add_argument("--only", nargs="*", default=[], help="only systems in whose name one of these words stands")
    parser.add_argument("--postgresql", default=os.environ.get("CRMKIT_POSTGRESQL", ""), help="URL of a server to use")
    parser.add_argument("--peers-python", default=str(_BENCH / "venv" / "bin" / "python"))
    return parser.parse_args()


def _databases(work: Path, server: str | None, stack: ExitStack) -> list[Database]:
    found: list[Database] = [SQLite(work)]
    if server:
        postgresql = PostgreSQL(server, f"bench_{os.getpid()}")
        stack.callback(postgresql.drop)
        found.append(postgresql)
    return found


def _ours(work: Path, databases: Sequence[Database]) -> list[System]:
    sqlite, *postgresql = databases
    systems = [
        Crmkit(CRMKIT, work / "crmkit", sqlite),
        Crmkit(PLAIN, work / "crmkit", sqlite, pipelining=False),
        Crmkit(TWO, work / "crmkit", sqlite, processes=2),
    ]
    for database in postgresql:
        systems.append(Crmkit(POSTGRESQL, work / "crmkit", database))
        systems.append(Crmkit(TWO_POSTGRESQL, work / "crmkit", database, processes=2))
    return list(systems)


def _peers(work: Path, python: str) -> list[Peer]:
    own = [Peer(name, name, sys.executable, work / name) for name in ("handwritten", EXPERT)]
    if not Path(python).exists():
        print(f"the peers are not installed and left out: {_INSTALL}")
        return own
    return [*own, *(Peer(name, module, python, work / name) for name, module in _PEERS.items())]


def _rotate(systems: Sequence[System], messages: int, rounds: int) -> dict[str, list[Result]]:
    """Run every system once a round, so that a slow minute of the machine meets all of them."""
    results: dict[str, list[Result]] = defaultdict(list)
    prepared = set()
    for system in systems:
        what = system.database.kind if isinstance(system, Crmkit) else system.name
        if what not in prepared:
            system.prepare(messages)
            prepared.add(what)
    for number in range(1, rounds + 1):
        # Each round begins elsewhere: who comes first finds other caches.
        turn = number % len(systems)
        for system in (*systems[turn:], *systems[:turn]):
            try:
                result = system.run()
            except FailedRunError as problem:
                print(f"  round {number}  {problem}", flush=True)
                continue
            results[system.name].append(result)
            print(f"  round {number}  {system.name:34}{result.rate:>9,.0f} messages/s", flush=True)
    return results


def _watched(work: Path, databases: Sequence[Database]) -> list[Crmkit]:
    return [Crmkit(f"crmkit, {one.kind}", work / "crmkit", one, ledger_cost=True) for one in databases]


def _ledger_cost(systems: Sequence[Crmkit | Peer]) -> None:
    print("\nof the time, in the ledger and its commits (wall time, one run each with a clock around them):")
    for system in systems:
        try:
            run = system.run()
        except FailedRunError as problem:
            print(f"  {system.name:20}{problem}")
            continue
        each = system.ledger_share / run.rate * 1e6
        print(f"  {system.name:20}{system.ledger_share:7.1%}{each:9.0f} us a message")


def _memory(work: Path, messages: int) -> Check:
    runs: list[Result] = []
    for count in (messages, 4 * messages):
        folder = work / f"memory-{count}"
        folder.mkdir()
        system = Crmkit(f"crmkit, {count:,} messages", folder, SQLite(folder))
        system.prepare(count)
        runs.append(system.run())
    few, many = runs
    for run in runs:
        print(f"\n{run.taken:,} messages in one process: at most {run.memory_kb / 1024:.0f} MiB", end="")
    check = Check("memory for four times as many messages", many.memory_kb / few.memory_kb, FLAT, at_most=True)
    print(f"\n{check}")
    return check


def _say_where(given: argparse.Namespace, databases: Sequence[Database]) -> None:
    sink = "smtp-sink of postfix" if find_smtp_sink() else "asyncio sink of this folder (smtp-sink is not installed)"
    print(f"{given.messages:,} messages, {given.rounds} rounds; sink: {sink}")
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {platform.machine()}")
    for database in databases:
        print(f"{database.kind}: {database.settings()}")


if __name__ == "__main__":
    sys.exit(main())
