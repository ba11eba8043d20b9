"""A stage: threads that share a database go on one at a time, from transaction to transaction, and chance says who.

So whatever can come between two transactions of one does come, sooner or later, and the same seed plays it again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import attrs
import pytest

from crmkit.delivery.carrier import Carrier, Flight
from crmkit.store.store import Store


class Death(BaseException):
    """A thread that was killed ends at last, when all is over."""


@attrs.define(eq=False)
class Stage:
    """Who goes on, and who waits.

    A thread that has an actor's name waits at each `point` until it is chosen. One that waits for another, as a sender
    does for its hand-over, stands aside. The dead are never chosen, as if their process had been killed there.

    Attributes:
        chance: Chooses.
        steady: How likely it is that the one who was at it goes on.
        deadly: How likely it is for each of these actors to be killed at a point.
        told: What happened, for whoever reads of a failure.
    """

    chance: Random
    steady: float = 0.5
    deadly: dict[str, float] = attrs.field(factory=dict)
    told: list[tuple[str, str]] = attrs.field(factory=list)
    _now: threading.Condition = attrs.field(factory=threading.Condition, init=False)
    _here: threading.local = attrs.field(factory=threading.local, init=False)
    _ready: set[str] = attrs.field(factory=set, init=False)
    _aside: set[str] = attrs.field(factory=set, init=False)
    _helped: set[str] = attrs.field(factory=set, init=False)
    _dead: set[str] = attrs.field(factory=set, init=False)
    _chosen: str = attrs.field(default="", init=False)
    _over: bool = attrs.field(default=False, init=False)
    _threads: list[threading.Thread] = attrs.field(factory=list, init=False)

    def enter(self, name: str, does: Callable[[], None]) -> None:
        """Let an actor come in; what it does begins when it is chosen."""
        self._ready.add(name)
        self._threads.append(threading.Thread(target=self._act, args=(name, does), name=name, daemon=True))
        self._threads[-1].start()

    def play(self) -> None:
        """Let all go on until none is left but the dead."""
        with self._now:
            self._choose()
            over = self._now.wait_for(lambda: not self._chosen, 120)
        assert over, (self._chosen, self._ready, self._aside, self.told[-20:])

    def close(self) -> None:
        """Let the dead end, who get nothing done any more."""
        with self._now:
            self._over = True
            self._now.notify_all()
        for thread in self._threads:
            thread.join(10)

    def lives(self, name: str) -> bool:
        """Tell whether an actor, and whoever it works for, was not killed."""
        return name.partition(".")[0] not in self._dead

    def point(self, what: str, name: str = "") -> None:
        """Wait until this thread's actor is chosen."""
        me = name or getattr(self._here, "name", "")
        if me:
            with self._now:
                self.told.append((me, what))
                self._ready.add(me)
                process = me.partition(".")[0]
                if self.chance.random() < self.deadly.get(process, 0):
                    self._dead.add(process)
                    self.told.append((process, "dies"))
                self._choose(me)
                self._wait(me)

    def stand_aside(self) -> None:
        """Let others go on until what this thread's actor has handed over has been carried."""
        me = getattr(self._here, "name", "")
        with self._now:
            if me in self._helped:
                self._aside.add(me)
                self._choose()
                self._wait(me)

    def submit(self, carrier: Carrier, function: Callable[[], object], *rest: object, real: Callable) -> object:
        """Let a carrier's thread act too, in the name of who gives it the work."""
        me = getattr(self._here, "name", "")
        if not me:
            return real(carrier, function, *rest)
        with self._now:
            self._ready.add(f"{me}.hand")
            self._helped.add(me)
        return real(carrier, lambda: self._carried(me, function), *rest)

    def _carried(self, giver: str, function: Callable[[], object]) -> object:
        with self._now:
            self._wait(f"{giver}.hand")
        try:
            return function()
        finally:
            with self._now:
                self._helped.discard(giver)
                if giver in self._aside:
                    self._aside.remove(giver)
                    self._ready.add(giver)
                self._choose()

    def _act(self, name: str, does: Callable[[], None]) -> None:
        self._here.name = name
        try:
            with self._now:
                self._wait(name)
            does()
        except Death:
            pass
        finally:
            with self._now:
                self._ready.discard(name)
                self._choose()

    def _choose(self, last: str = "") -> None:
        may = sorted(one for one in self._ready if self.lives(one))
        steady = last in may and self.chance.random() < self.steady
        self._chosen = last if steady else self.chance.choice(may) if may else ""
        self._now.notify_all()

    def _wait(self, me: str) -> None:
        self._now.wait_for(lambda: self._over or (self._chosen == me and self.lives(me)))
        if self._over:
            raise Death
        self._ready.discard(me)


def set_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every transaction of a store on SQLite, and every hand-over, be a point of the stage."""
    within = threading.local()

    def pointed(name: str) -> None:
        real = getattr(Store, name)

        @contextmanager
        def opened(store: Store) -> Iterator[object]:
            # Within a transaction that writes nobody else gets anything done.
            if store.pinned is None and not getattr(within, "writes", False):
                stage.point(name)
            within.writes, before = (
                name == "begin" or getattr(within, "writes", False),
                getattr(within, "writes", False),
            )
            try:
                with real(store) as connection:
                    yield connection
            finally:
                within.writes = before

        monkeypatch.setattr(Store, name, opened)

    pointed("begin")
    pointed("read")
    submit = Carrier.submit
    monkeypatch.setattr(Carrier, "submit", lambda carrier, *given: stage.submit(carrier, *given, real=submit))
    for name in ("awaited", "worth_waiting"):
        monkeypatch.setattr(Flight, name, standing_aside(stage, getattr(Flight, name)))


def standing_aside(stage: Stage, waits: Callable) -> Callable:
    def waiting(*given: object) -> object:
        stage.stand_aside()
        return waits(*given)

    return waiting
