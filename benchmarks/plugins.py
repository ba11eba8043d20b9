"""What plugins cost: selecting, planning and sending with twenty of them beside one; admitting fifty; importing crmkit.

Run it from the root of the project:

    python benchmarks/plugins.py                  # twenty pairs
    python benchmarks/plugins.py --pairs 40 --messages 4000
"""

from __future__ import annotations

import argparse
import gc
import platform
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from math import exp, log
from pathlib import Path
from statistics import fmean, median, stdev
from time import process_time

import attrs

from crmkit_driver import bring_in, open_crm
from fresh import Fresh
from many import plugins
from results import Check

#: The most that twenty plugins may cost, as a share of what one does, in CPU time: the upper end of the interval.
OVERHEAD = 1.05
#: How long it may take to admit fifty plugins, in milliseconds of CPU time.
ADMISSION = 100.0
#: Student's t for 95 % with fourteen degrees of freedom; of more pairs it is less: no interval is too narrow.
_T, _FEWEST = 2.145, 15


@attrs.frozen
class Interval:
    """How much more one thing costs than another, with its 95 % confidence interval; 1 is as much."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]]) -> Interval:
        """Return the interval of the ratios of paired times: Student's t over their logarithms."""
        logs = [log(more / less) for less, more in pairs]
        middle, reach = fmean(logs), _T * stdev(logs) / len(logs) ** 0.5
        return cls(exp(middle), exp(middle - reach), exp(middle + reach))

    def __str__(self) -> str:
        return f"{self.middle - 1:+.1%} [{self.low - 1:+.1%}, {self.high - 1:+.1%}]"


@attrs.frozen
class Spent:
    """The CPU time of one run, all threads of the process together, in seconds."""

    plan: float
    send: float

    @property
    def both(self) -> float:
        """From the segment to the last receipt."""
        return self.plan + self.send


def main() -> int:
    """Measure and print; the result is 1 if a target is missed."""
    given = _arguments()
    print(f"{given.messages:,} messages, {given.pairs} pairs; Python {platform.python_version()}, {platform.machine()}")
    found = _overhead(given.messages, max(given.pairs, _FEWEST))
    found += _fresh(given.times)
    print("\n" + "\n".join(map(str, found)))
    return int(not all(check.met for check in found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--pairs", type=int, default=20, help=f"at least {_FEWEST}")
    parser.add_argument("--times", type=int, default=15, help="how often a new Python admits and imports")
    return parser.parse_args()


def _overhead(messages: int, pairs: int) -> list[Check]:
    """Run one plugin, one plugin again, and twenty, in a new order each time, and compare their CPU times."""
    spent: dict[str, list[Spent]] = {"one": [], "again": [], "twenty": []}
    with tempfile.TemporaryDirectory(prefix="plugins-") as folder:
        master = Path(folder) / "prepared.db"
        bring_in(f"sqlite:///{master}", Path(folder), messages)
        # What is made and compiled at first use is in none of the figures.
        _run(Path(folder), master, "twenty", messages)
        for _ in range(pairs):
            for name in random.sample(list(spent), len(spent)):
                spent[name].append(_run(Path(folder), master, name, messages))
    print("\nCPU time with 20 plugins and with one, the same guard and channel among them (95 % interval):")
    for part in ("plan", "send", "both"):
        one, again, more = ([getattr(run, part) for run in spent[name]] for name in spent)
        each = f"{median(one) / messages * 1e6:6.0f} us a message with one"
        noise = Interval.of(list(zip(one, again, strict=True)))
        print(f"  {part:6}{Interval.of(list(zip(one, more, strict=True)))!s:28}{each}; one beside itself: {noise}")
    cost = Interval.of([(one.both, more.both) for one, more in zip(spent["one"], spent["twenty"], strict=True)])
    return [Check("CPU time with 20 plugins, of that with one, upper end", cost.high, OVERHEAD, at_most=True)]


def _run(work: Path, master: Path, name: str, messages: int) -> Spent:
    """Plan and send on a fresh copy, and return the CPU time that it took."""
    copy = work / "copy.db"
    for leftover in work.glob("copy.db*"):
        leftover.unlink()
    shutil.copyfile(master, copy)
    with open_crm(f"sqlite:///{copy}", work, plugins=plugins(19 if name == "twenty" else 0)) as crm:
        gc.collect()
        started = process_time()
        planned = len(crm.plan().ready())
        between = process_time()
        sent = crm.send().sent
        ended = process_time()
    if not planned == sent == messages:
        raise SystemExit(f"{planned} planned and {sent} sent of {messages}: nothing is measured")
    return Spent(between - started, ended - between)


def _fresh(times: int) -> list[Check]:
    found = Fresh.measured(times)
    print(f"\n{found}")
    return [Check("milliseconds to admit 50 plugins", median(found.objects), ADMISSION, at_most=True)]


if __name__ == "__main__":
    sys.exit(main())
