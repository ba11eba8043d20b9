"""The thread in which windows are handed over, and what is on its way in it at this moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Generic, Self, TypeAlias, TypeVar

import attrs

from crmkit.delivery.channel import Channel, limits_of

T = TypeVar("T")
_Work: TypeAlias = "tuple[Callable[[], T], Future[T]]"


@attrs.frozen
class Underway:
    """A window that is being handed over.

    Attributes:
        channels: The names of the channels that are handed something.
        messages: How many messages it has.
        began: Since when.
        until: When the last call is given up at the latest; None if a channel may take as long as it likes.
    """

    channels: tuple[str, ...]
    messages: int
    began: datetime
    until: datetime | None


class Carrier(Generic[T]):
    """One thread that makes the calls given to it, one after the other; leaving its context waits for none of them.

    It is a daemon, unlike the threads of a pool: whoever interrupts a sending whose channel hangs need not wait.
    """

    def __init__(self) -> None:
        self._work: SimpleQueue[_Work[T] | None] = SimpleQueue()
        Thread(target=_carry, args=(self._work,), name="crmkit-send", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._work.put(None)

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Let the thread make a call as soon as it has made those before, and return what will be its answer."""
        answer: Future[T] = Future()
        self._work.put((function, answer))
        return answer


def _carry(work: SimpleQueue[_Work[T] | None]) -> None:
    while (one := work.get()) is not None:
        function, answer = one
        try:
            answer.set_result(function())
        except BaseException as problem:  # noqa: BLE001 - it is raised where the answer is waited for
            answer.set_exception(problem)
        # While the thread waits it must not hold on to anybody's data.
        del one, function, answer


def longest(channel: Channel, messages: int) -> float | None:
    """Return how many seconds a channel may take for so many messages; None if it may take as long as it likes."""
    seconds: float | None = getattr(channel, "call_seconds", None)
    return None if seconds is None else seconds * -(-messages // limits_of(channel).batch)


def total(spans: Sequence[float | None]) -> float | None:
    """Return the sum, or None if one of them has no end."""
    known = [span for span in spans if span is not None]
    return sum(known) if len(known) == len(spans) else None
