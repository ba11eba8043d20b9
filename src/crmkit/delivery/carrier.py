"""The thread in which windows are handed over, and what is on its way in it at this moment."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextvars import copy_context
from datetime import datetime, timedelta
from functools import partial
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Generic, Self, TypeAlias, TypeVar

import attrs

from crmkit.delivery.channel import Channel, Outcome, Receipt, limits_of
from crmkit.delivery.handover import Landing, calls_of
from crmkit.delivery.order import Order
from crmkit.delivery.window import Written
from crmkit.people.medium import Medium

#: In seconds: several times within what somebody else waits before he takes over.
_NOW_AND_THEN = 60.0
T = TypeVar("T")
_Work: TypeAlias = "tuple[Callable[[], T], Underway, Future[T]]"


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

    @classmethod
    def of(cls, channels: Mapping[Medium, Channel], written: Sequence[Written], now: datetime) -> Self:
        """Return what is told of a window that is handed over now."""
        media = list(dict.fromkeys(one.touch.medium for one in written))
        seconds = sum(_longest(channels[each], [one for one in written if one.touch.medium is each]) for each in media)
        until = None if math.isinf(seconds) else now + timedelta(seconds=seconds)
        return cls(tuple(channels[medium].name for medium in media), len(written), now, until)


@attrs.frozen
class Flight:
    """A window that is being handed over."""

    written: tuple[Written, ...]
    answer: Future[Landing]

    @classmethod
    def not_begun(cls, written: tuple[Written, ...], why: str) -> Self:
        """Return a window that was not handed over after all, for a reason that its messages are told."""
        answer: Future[Landing] = Future()
        keys = [one.touch.key for one in written]
        answer.set_result(Landing({key: Receipt(key, Outcome.RETRY, evidence=why) for key in keys}))
        return cls(written, answer)

    def awaited(self, meanwhile: Callable[[Sequence[str]], None]) -> Landing:
        """Return the answer; as long as there is none, do something about the messages of these keys now and then.

        A mail server may take half an hour. Who waits for it must not pass for dead: what it hands over would be told
        to a person as in doubt, who has it sent once more.
        """
        while not wait([self.answer], _NOW_AND_THEN).done:
            meanwhile([one.touch.key for one in self.written])
        return self.answer.result()

    def worth_waiting(self, problem: BaseException, order: Order) -> bool:
        """Tell whether to wait for the answer: not if somebody asked for an end, and then asks once more."""
        return self.answer.done() or not (isinstance(problem, KeyboardInterrupt) and order.stopping())


class Carrier(Generic[T]):
    """One thread that makes the calls given to it, one after the other; leaving its context waits for none of them.

    It is a daemon, unlike the threads of a pool: whoever interrupts a sending whose channel hangs need not wait.

    Args:
        told: Holds what is underway, for as long as it is.
    """

    def __init__(self, told: list[Underway]) -> None:
        self._work: SimpleQueue[_Work[T] | None] = SimpleQueue()
        Thread(target=_carry, args=(self._work, told), name="crmkit-send", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._work.put(None)

    def submit(self, function: Callable[[], T], underway: Underway) -> Future[T]:
        """Let the thread make a call as soon as it has made those before, and return what will be its answer.

        A channel of the host's finds there what the host has set in context variables for the thread that sends.
        """
        answer: Future[T] = Future()
        self._work.put((partial(copy_context().run, function), underway, answer))
        return answer


def _carry(work: SimpleQueue[_Work[T] | None], told: list[Underway]) -> None:
    while (one := work.get()) is not None:
        function, underway, answer = one
        told.append(underway)
        try:
            found = function()
        except BaseException as problem:  # noqa: BLE001 - it is raised where the answer is waited for
            told.remove(underway)
            answer.set_exception(problem)
        else:
            told.remove(underway)
            answer.set_result(found)
            del found
        # While the thread waits it must not hold on to anybody's data.
        del one, function, answer


def _longest(channel: Channel, written: Sequence[Written]) -> float:
    """Return how many seconds a channel may take for these messages."""
    seconds: float | None = getattr(channel, "call_seconds", None)
    return math.inf if seconds is None else seconds * len(calls_of(written, limits_of(channel).batch))
