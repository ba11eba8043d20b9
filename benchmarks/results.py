"""What was measured, as a table: medians, ratios to crmkit, and the targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

import attrs

CRMKIT = "crmkit"
PLAIN = "crmkit, no pipelining"
POSTGRESQL = "crmkit, PostgreSQL"
TWO = "crmkit, 2 processes"
TWO_POSTGRESQL = "crmkit, PostgreSQL, 2 processes"
EXPERT = "expert"

#: How many times as fast as each of the others crmkit is to be: with a server that offers PIPELINING, and without.
TARGETS = {
    "django-post_office": (8.0, 3.0),
    "django-newsletter": (12.0, 5.0),
    "mailmerge": (5.0, 1.8),
    "handwritten": (10.0, 3.0),
}
#: The most that two processes may take of the time of one.
TWO_PROCESSES = 0.65
#: The most by which the memory may grow when there are four times as many messages.
FLAT = 1.10


@attrs.frozen
class Result:
    """One run of one system.

    Attributes:
        seconds: From the first message to the last one recorded.
        taken: How many messages the sink counted.
        memory_kb: The most memory that the process held, or the largest of several.
    """

    seconds: float
    taken: int
    memory_kb: int

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.taken / self.seconds


@attrs.frozen
class Check:
    """A target, and what was found."""

    name: str
    found: float
    target: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether the target is reached."""
        return self.found <= self.target if self.at_most else self.found >= self.target

    def __str__(self) -> str:
        sign = "<=" if self.at_most else ">="
        return f"{'PASS' if self.met else 'MISS'}  {self.name:60} {self.found:6.2f}   target {sign} {self.target:g}"


Results = Mapping[str, Sequence[Result]]


def rate(runs: Iterable[Result]) -> float:
    """Return the median rate of some runs."""
    return median(run.rate for run in runs)


def table(results: Results) -> str:
    """Return one line for each system, fastest first."""
    base = rate(results[CRMKIT]) if results.get(CRMKIT) else 0.0
    head = f"{'system':34}{'messages/s':>11}{'lowest':>9}{'highest':>9}{'crmkit is':>11}{'peak MiB':>10}{'rounds':>8}"
    lines = [head, "-" * len(head)]
    for name, runs in sorted(results.items(), key=lambda item: -rate(item[1])):
        rates = [run.rate for run in runs]
        times = f"{base / rate(runs):.2f} x" if base else ""
        memory = median(run.memory_kb for run in runs) / 1024
        middle = f"{rate(runs):>11,.0f}{min(rates):>9,.0f}{max(rates):>9,.0f}"
        lines.append(f"{name:34}{middle}{times:>11}{memory:>10.0f}{len(runs):>8}")
    return "\n".join(lines)


def checks(results: Results, *, processes: bool) -> list[Check]:
    """Return the targets that these results speak of.

    Args:
        results: By system.
        processes: Judge two processes too, which makes sense only where the sink is not the bottleneck.
    """
    found: list[Check] = []
    for ours, place in ((CRMKIT, 0), (PLAIN, 1)):
        for peer, targets in TARGETS.items():
            if ours in results and peer in results:
                times = rate(results[ours]) / rate(results[peer])
                found.append(Check(f"{ours}: times as fast as {peer}", times, targets[place]))
    for one, two in ((CRMKIT, TWO), (POSTGRESQL, TWO_POSTGRESQL)) if processes else ():
        if one in results and two in results:
            share = rate(results[one]) / rate(results[two])
            found.append(Check(f"{two}: of the time of one", share, TWO_PROCESSES, at_most=True))
    return found
