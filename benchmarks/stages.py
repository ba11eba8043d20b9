"""Where crmkit's time goes: a clock that is started and stopped around some of its functions.

The functions are named here and looked up when the clock is set up; one that no longer exists is left out and told,
so that the figures are never silently of something else.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

import attrs

Path = tuple[str, ...]

#: module, name within it, and what it is called in the figures.
SEND = (
    ("crmkit.delivery.dispatch", "Dispatch._claimed", "claim"),
    ("crmkit.delivery.window", "Preparation.window", "prepare"),
    ("crmkit.delivery.handover", "HandOver.deliver", "hand over"),
    ("crmkit.delivery.record", "Record.intend", "intend"),
    ("crmkit.delivery.record", "Record.answers", "record"),
    ("crmkit.delivery.recheck", "Recheck.look", "judge again"),
    ("crmkit.messages.renderer", "Renderer.render", "render"),
    ("crmkit.messages.mime", "to_bytes", "build"),
    ("crmkit.messages.message", "Message.digest", "digest"),
    ("crmkit.campaigns.programme", "Programme.versions", "programme"),
    ("crmkit.campaigns.members", "Members.among", "members"),
    ("crmkit.campaigns.judge", "Judge.judge", "guards"),
    ("crmkit.campaigns.settle", "Settlement.settle", "caps and copies"),
)
#: What the ledger costs: its methods, the attempts, and every commit. Selecting the due touches is part of claiming.
LEDGER = (
    ("crmkit.ledger.claims", "Claims.claim", "ledger"),
    ("crmkit.ledger.claims", "Claims.start", "ledger"),
    ("crmkit.ledger.claims", "Claims.recover", "ledger"),
    ("crmkit.ledger.ledger", "Ledger.move", "ledger"),
    ("crmkit.ledger.ledger", "Ledger.shift", "ledger"),
    ("crmkit.ledger.ledger", "Ledger.unknown", "ledger"),
    ("crmkit.ledger.attempts", "Attempts.intend", "ledger"),
    ("crmkit.ledger.attempts", "Attempts.answered", "ledger"),
    ("sqlalchemy.engine.default", "DefaultDialect.do_commit", "commit"),
)
SQL = (
    ("sqlalchemy.engine.default", "DefaultDialect.do_execute", "driver"),
    ("sqlalchemy.engine.default", "DefaultDialect.do_executemany", "driver"),
)


@attrs.define(eq=False)
class StageClock:
    """Adds up the seconds spent in each stage, without those of the stages within it, by the path that led there.

    Each thread has its own path, so with several threads the sum may exceed the time that passed.
    """

    missing: list[str] = attrs.field(factory=list)
    _spent: dict[Path, float] = attrs.field(factory=lambda: defaultdict(float))
    _local: threading.local = attrs.field(factory=threading.local)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def watch(self, functions: Iterable[tuple[str, str, str]]) -> None:
        """Put the clock around functions, wherever they have been imported to."""
        for module, name, stage in functions:
            try:
                self._wrap(importlib.import_module(module), name, stage)
            except (ImportError, AttributeError):
                self.missing.append(f"{module}.{name}")

    def spent(self) -> dict[Path, float]:
        """Return the seconds of each path."""
        return dict(self._spent)

    def within(self, *stages: str) -> float:
        """Return the seconds of all paths that lead through one of some stages."""
        return sum(seconds for path, seconds in self._spent.items() if set(path) & set(stages))

    def _wrap(self, module: Any, name: str, stage: str) -> None:
        owner, _, last = name.rpartition(".")
        holder = getattr(module, owner) if owner else module
        found = vars(holder)[last] if last in vars(holder) else getattr(holder, last)
        watched: Any = found.fget if isinstance(found, property) else found
        timed = self._timed(watched, stage)
        setattr(holder, last, property(timed) if isinstance(found, property) else timed)
        if not owner:
            _replace_imports(found, timed)

    def _timed(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        # A generator would only be timed until its first pause, so it is read to its end.
        lazy = inspect.isgeneratorfunction(function)

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            outer = self._enter(stage)
            try:
                return iter(list(function(*args, **kwargs))) if lazy else function(*args, **kwargs)
            finally:
                self._leave(outer)

        return timed

    def _enter(self, stage: str) -> Path:
        outer: Path = getattr(self._local, "path", ())
        self._stop(outer)
        self._local.path = (*outer, stage)
        return outer

    def _leave(self, outer: Path) -> None:
        self._stop(self._local.path)
        self._local.path = outer

    def _stop(self, path: Path) -> None:
        now = perf_counter()
        if path:
            with self._lock:
                self._spent[path] += now - self._local.since
        self._local.since = now


def tree(spent: dict[Path, float], whole: float, messages: int) -> str:
    """Return the figures as an indented table: microseconds a message and share of the whole, outermost first."""
    paths = sorted({path[:depth] for path in spent for depth in range(1, len(path) + 1)})
    lines = [f"{'stage':42}{'us/message':>12}{'share':>8}"]
    for path in paths:
        total = sum(seconds for other, seconds in spent.items() if other[: len(path)] == path)
        label = "  " * (len(path) - 1) + path[-1]
        lines.append(f"{label:42}{total / messages * 1e6:12.1f}{total / whole:8.1%}")
    elsewhere = whole - sum(spent.values())
    lines.append(f"{'(outside these)':42}{elsewhere / messages * 1e6:12.1f}{elsewhere / whole:8.1%}")
    return "\n".join(lines)


def _replace_imports(found: object, timed: object) -> None:
    for module in [one for name, one in sys.modules.items() if name.startswith("crmkit")]:
        for name, value in list(vars(module).items()):
            if value is found:
                setattr(module, name, timed)
