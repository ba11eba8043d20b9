"""Calls to a plugin's object: bounded in time, and whatever goes wrong is a value under its owner's name."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context, copy_context
from decimal import setcontext
from functools import partial
from itertools import islice
from typing import Any, TypeVar, cast

import attrs

from crmkit import errors
from crmkit.errors import CrmkitError, PluginError
from crmkit.exact import EXACT
from crmkit.plugins.failure import Failure, Failures, Kind, Phase
from crmkit.plugins.place import place_of
from crmkit.plugins.worker import Worker

T = TypeVar("T")
#: Shorter ones stand in harmless texts too.
_SHORTEST = 4
_CLASS_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}")


class Nonsense(Exception):  # noqa: N818 - an answer, not an error of ours
    """Raised within a call when what came back breaks the contract.

    Args:
        problem: What is wrong, in crmkit's own words.
        kind: How it failed.
    """

    def __init__(self, problem: str, kind: Kind = Kind.NONSENSE) -> None:
        self.problem = problem
        self.kind = kind
        super().__init__(problem)


@attrs.frozen
class Fault:
    """What a call gives instead of an answer.

    Attributes:
        failure: What went wrong; None for what `passes`.
        error: An error of `crmkit.errors` that the object may raise, without the plugin's own causes.
    """

    failure: Failure | None = None
    error: CrmkitError | None = None

    def as_error(self) -> CrmkitError:
        """Return the error with which the failure is told: the object's own if it may raise it."""
        if self.error is not None:
            return self.error
        if self.failure is None:
            return PluginError("failed")
        mend = f"look at {self.failure.place}" if self.failure.place else ""
        return PluginError(self.failure.problem, where=self.failure.thing or self.failure.plugin, mend=mend)


@attrs.define(eq=False)
class Calls:
    """Makes the calls to one object of a plugin.

    Attributes:
        plugin: The owner's name.
        version: The owner's version.
        thing: The object's full name.
        failures: Where failures are kept.
        limits: How long a call may take, in seconds, by phase; without one, the object is called in the caller's own
            thread.
        secrets: The secrets of the plugin's settings, which no error of its own may quote.
        abandoned: Whether a call was given up: from then on the object is not called.
    """

    plugin: str
    version: str = ""
    thing: str = ""
    failures: Failures = attrs.field(factory=Failures, repr=False)
    limits: Mapping[Phase, float | None] = attrs.field(factory=dict, repr=False)
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    abandoned: bool = attrs.field(default=False, init=False)
    _idle: deque[Worker] = attrs.field(factory=deque, init=False, repr=False)

    def call(
        self,
        phase: Phase,
        what: str,
        function: Callable[[], T],
        *,
        passes: tuple[type[CrmkitError], ...] = (),
        late: Callable[[T | Fault], None] | None = None,
    ) -> T | Fault:
        """Return what a function returns, or what went wrong. Only KeyboardInterrupt is raised.

        Args:
            phase: What the object is doing.
            what: The same in a word or two, such as "judging".
            function: Calls the object, and drains and checks what comes back.
            passes: Errors that are answers of the object, no failures.
            late: Is given the answer, in another thread, if it comes after the time.
        """
        if self.limits.get(phase) is None:
            # In the caller's own thread: there is none to give back.
            return Line(self).call(phase, what, function, passes=passes, late=late)
        with self.line() as line:
            return line.call(phase, what, function, passes=passes, late=late)

    @contextmanager
    def line(self) -> Iterator[Line]:
        """Yield a line to the object on which all calls are made in one and the same thread."""
        line = Line(self)
        try:
            yield line
        finally:
            if line.worker and not line.busy:
                self._idle.append(line.worker)

    def note(
        self, phase: Phase, kind: Kind, problem: str, *, mend: str = "", error: str = "", place: str = ""
    ) -> Failure:
        """Keep a failure of the object and return it."""
        return self.failures.note(
            Failure(self.plugin, self.version, phase, kind, problem, mend, self.thing, error=error, place=place)
        )

    def end(self) -> None:
        """Let the waiting threads end."""
        while self._idle:
            self._idle.pop().end()

    def worker(self) -> Worker:
        """Return a thread that has nothing to do."""
        while self._idle:
            try:
                worker = self._idle.pop()
            except IndexError:  # another thread was quicker
                break
            if worker.alive:
                return worker
        return Worker(f"crmkit-{self.thing or self.plugin}", self._idle)


@attrs.define(eq=False)
class Line:
    """One thread's way to an object, for as long as it is held.

    What the host has set in context variables, such as the application or the tenant for which it works, the object
    finds there as in the host's own thread; what the object sets stays from one call to the next.
    """

    calls: Calls
    worker: Worker | None = None
    busy: bool = False
    context: Context | None = None

    def call(
        self,
        phase: Phase,
        what: str,
        function: Callable[[], T],
        *,
        passes: tuple[type[CrmkitError], ...] = (),
        late: Callable[[T | Fault], None] | None = None,
    ) -> T | Fault:
        """Return what a function returns, or what went wrong, as `Calls.call` does."""
        calls = self.calls
        if calls.abandoned:
            return Fault(Failure(calls.plugin, calls.version, phase, Kind.ABANDONED, _ABANDONED, thing=calls.thing))

        def attempt() -> T | Fault | KeyboardInterrupt:
            return _attempt(calls, phase, what, function, passes)

        seconds = calls.limits.get(phase)
        answer = attempt() if seconds is None else self._bounded(attempt, seconds, late)
        if answer is _OVERDUE:
            calls.abandoned = True
            problem = f"{what} took longer than {seconds:g} s, and it is not called again"
            return Fault(calls.note(phase, Kind.OVERDUE, problem, mend=_MORE_TIME))
        if isinstance(answer, KeyboardInterrupt):
            raise answer
        return answer

    def _bounded(self, attempt: Callable[[], T], seconds: float, late: Callable[[Any], None] | None) -> T:
        if sys.is_finalizing():
            # No thread but this one goes on any more: nobody could give the call up, and to wait would be in vain.
            return attempt()
        self.worker = self.worker or self.calls.worker()
        self.context = self.context or _as_here()
        self.busy = True
        try:
            answer: T = self.worker.run(partial(self.context.run, attempt), seconds, late)
        except TimeoutError:
            return cast("T", _OVERDUE)
        self.busy = False
        return answer


_OVERDUE = object()
_MORE_TIME = "open the practice anew when it answers again; if it is only slow, give it more under time_limits"
_ABANDONED = "is not called any more, for an earlier call did not come back in time"


def drain(answer: object, most: int, what: str) -> list[Any]:
    """Return what an object gave back, as a list.

    Args:
        answer: Whatever it gave back.
        most: The most items that make sense.
        what: What they should be, such as "receipts".

    Raises:
        Nonsense: If it is no collection, or has no end.
    """
    if isinstance(answer, (str, bytes)) or not isinstance(answer, Iterable):
        raise Nonsense(f"returned {_article(answer)} where {what} are wanted", Kind.WRONG_TYPE)
    items = list(islice(answer, most + 1))
    if len(items) > most:
        raise Nonsense(f"returned more than {most} {what}", Kind.ENDLESS)
    return items


def class_name(problem: object) -> str:
    """Return the name of a value's class if it looks like one: nobody's data."""
    name = type(problem).__name__
    return name if _CLASS_NAME.fullmatch(name) else "Exception"


def _article(answer: object) -> str:
    return "nothing" if answer is None else f"something ({class_name(answer)})"


def _attempt(
    calls: Calls, phase: Phase, what: str, function: Callable[[], T], passes: tuple[type[CrmkitError], ...]
) -> T | Fault | KeyboardInterrupt:
    """Return the answer, a Fault, or the KeyboardInterrupt that was raised."""
    try:
        return function()
    except Nonsense as problem:
        return Fault(calls.note(phase, problem.kind, f"{what}: {problem.problem}"))
    except KeyboardInterrupt as problem:
        return problem
    except BaseException as problem:  # noqa: BLE001 - SystemExit too: a plugin does not end its host
        if isinstance(problem, passes) and type(problem).__module__ == errors.__name__:
            return Fault(error=_bare(problem, calls))
        error = class_name(problem)
        told = f"{what} failed ({error})"
        return Fault(calls.note(phase, Kind.RAISED, told, error=error, place=place_of(problem.__traceback__)))


def _as_here() -> Context:
    """Return the caller's context, but for its decimals: a host may reckon with few places."""
    context = copy_context()
    context.run(setcontext, EXACT.copy())
    return context


def _bare(problem: CrmkitError, calls: Calls) -> CrmkitError:
    """Return the error without what led to it, which usually quotes a patient, and without any secret."""
    owner = calls.thing or calls.plugin
    if any(len(one) >= _SHORTEST and one in str(problem) for one in calls.secrets):
        return type(problem)("says something that quotes a secret of its settings", where=owner)
    return type(problem)(problem.problem, where=problem.where or owner, mend=problem.mend)
