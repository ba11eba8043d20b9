"""Where the time of a `crm.send()` goes, stage by stage: claim, judge again, render, intent, hand-over, record.

Run it from the root of the project:

    python benchmarks/profile_send.py --messages 5000
    python benchmarks/profile_send.py --messages 5000 --functions     (cProfile, which slows Python code down)
"""

from __future__ import annotations

import argparse
import cProfile
import io
import pstats
import tempfile
from pathlib import Path
from time import perf_counter

from crmkit_driver import open_crm, prepare
from sink import Sink, start_sink
from stages import LEDGER, SEND, SQL, StageClock, tree

_MOST_FUNCTIONS = 45


def stages(database: str, work: Path, sink: Sink) -> str:
    """Send once with the stage clock on and return the table."""
    with open_crm(database, work, port=sink.port) as crm:
        clock = StageClock()
        clock.watch((*SEND, *LEDGER, *SQL))
        started = perf_counter()
        sent = crm.send().sent
        whole = perf_counter() - started
    table = tree(clock.spent(), whole, sent)
    ledger = clock.within("ledger", "commit") / whole
    head = f"{sent} messages in {whole:.2f} s, {sent / whole:.0f} a second"
    missing = [f"not found, so not shown: {name}" for name in clock.missing]
    return "\n".join((head, table, f"ledger and commits: {ledger:.1%}", *missing))


def plain(database: str, work: Path, sink: Sink) -> str:
    """Send once with nothing watched and return the rate, to see what the watching costs."""
    with open_crm(database, work, port=sink.port) as crm:
        started = perf_counter()
        sent = crm.send().sent
        whole = perf_counter() - started
    return f"unwatched: {sent} messages in {whole:.2f} s, {sent / whole:.0f} a second, {whole / sent * 1e6:.0f} us each"


def functions(database: str, work: Path, sink: Sink) -> str:
    """Send once under cProfile and return the functions that took most, by their own time and with all they call."""
    with open_crm(database, work, port=sink.port) as crm:
        profile = cProfile.Profile()
        profile.runcall(crm.send)
    out = io.StringIO()
    stats = pstats.Stats(profile, stream=out).strip_dirs()
    stats.sort_stats("tottime").print_stats(_MOST_FUNCTIONS)
    stats.sort_stats("cumulative").print_stats(_MOST_FUNCTIONS)
    return out.getvalue()


def main() -> None:
    """Prepare a database for each way of looking, send, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--functions", action="store_true", help="also run under cProfile")
    parser.add_argument("--no-pipelining", action="store_true", help="a server that does not offer it")
    given = parser.parse_args()
    # The stage clock stays in place once it is there, so it comes last.
    ways = [plain, *([functions] if given.functions else []), stages]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        master = work / "prepared.db"
        print(prepare(f"sqlite:///{master}", work, given.messages))
        # Closed, and so without a write-ahead log beside it: the file alone is the database.
        content = master.read_bytes()
        for way in ways:
            copy = work / f"{way.__name__}.db"
            copy.write_bytes(content)
            with start_sink(work, pipelining=not given.no_pipelining) as sink:
                print(f"\n== {way.__name__}, {sink.kind}\n{way(f'sqlite:///{copy}', work, sink)}")


if __name__ == "__main__":
    main()
