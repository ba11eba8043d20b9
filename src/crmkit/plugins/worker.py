"""A waiting thread in which a plugin's calls are made, so that nobody need wait for one that hangs."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from decimal import setcontext
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any

import attrs

from crmkit.exact import EXACT


@attrs.define(eq=False)
class _Call:
    """One call, its answer, and what is to become of an answer for which nobody waits any more."""

    function: Callable[[], Any]
    late: Callable[[Any], None] | None
    answer: SimpleQueue[Any] = attrs.field(factory=SimpleQueue)
    lock: Lock = attrs.field(factory=Lock)
    given_up: bool = False

    def make(self) -> None:
        answer = self.function()
        with self.lock:
            if not self.given_up:
                self.answer.put(answer)
                return
        if self.late:
            self.late(answer)

    def wait(self, seconds: float) -> Any:
        try:
            return self.answer.get(timeout=seconds)
        except Empty:
            pass
        with self.lock:
            if self.answer.empty():
                self.given_up = True
                raise TimeoutError
        return self.answer.get()


#: After so many seconds without a call a thread ends: a process may hold a thousand practices, and each its plugins.
IDLE = 60.0


class Worker:
    """One thread that makes the calls given to it, one after the other.

    It is a daemon: a call that never returns does not keep the process alive. It ends with its `Worker`, or when it has
    long waited among those that have nothing to do.

    Args:
        name: The thread's name.
        waiting: The workers that have nothing to do: who takes one out has it for himself.

    >>> Worker("example").run(lambda: 6 * 7, 10)
    42
    """

    def __init__(self, name: str, waiting: deque[Worker] | None = None) -> None:
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        # The thread must not keep its worker alive.
        others = _nobody if waiting is None else weakref.ref(waiting)
        self._thread = Thread(target=_work, args=(self._calls, others), name=name, daemon=True)
        self._thread.start()
        self._end = weakref.finalize(self, self._calls.put, None)
        self._end.atexit = False

    @property
    def alive(self) -> bool:
        """Whether the thread is there; in a forked process it is not."""
        return self._thread.is_alive()

    def run(self, function: Callable[[], Any], seconds: float, late: Callable[[Any], None] | None = None) -> Any:
        """Return what a function returns; it must not raise.

        Args:
            function: What to call.
            seconds: How long to wait.
            late: Is given the answer in the worker's own thread if it comes after that.

        Raises:
            TimeoutError: If there is no answer in time; give up the worker too, for it is still busy.
        """
        call = _Call(function, late)
        self._calls.put(call)
        try:
            return call.wait(seconds)
        except BaseException:
            # Whoever was interrupted waits no more either.
            call.given_up = True
            raise

    def end(self) -> None:
        """Let the thread end as soon as it has nothing to do."""
        self._end()

    def makes(self, calls: object) -> bool:
        """Tell whether its thread makes these calls."""
        return self._calls is calls


def _nobody() -> None:
    return None


def _work(calls: SimpleQueue[_Call | None], others: Callable[[], deque[Worker] | None]) -> None:
    setcontext(EXACT.copy())
    while True:
        try:
            call = calls.get(timeout=IDLE)
        except Empty:
            if _has_left(calls, others()):
                return
            continue
        if call is None:
            return
        call.make()
        # While the thread waits it must not hold on to anybody's data.
        del call


def _has_left(calls: object, waiting: deque[Worker] | None) -> bool:
    """Take the worker of these calls out of those that wait, unless somebody was quicker and is about to call."""
    for worker in tuple(waiting or ()):
        if worker.makes(calls):
            try:
                waiting.remove(worker)  # type: ignore[union-attr]
            except (ValueError, IndexError):
                return False
            return True
    return False
