"""Sending: what is due is claimed, judged again, rendered, written down as intended, and only then handed over."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress

import attrs

from crmkit.clock import Clock
from crmkit.delivery.carrier import Carrier, Flight, Underway
from crmkit.delivery.channel import Channel, limits_of
from crmkit.delivery.claimed import Claimed
from crmkit.delivery.handover import HandOver, Landing
from crmkit.delivery.order import Dispatched, Order, Tally
from crmkit.delivery.pace import WINDOW, Pace
from crmkit.delivery.record import Record
from crmkit.delivery.rescue import Rescue
from crmkit.delivery.turns import Allotment, Turns
from crmkit.delivery.verdicts import VALID
from crmkit.delivery.window import Preparation, Window, Written
from crmkit.errors import StoreError
from crmkit.ledger.claims import Claims
from crmkit.ledger.touch import Touch
from crmkit.ledger.trail.seal import Seal
from crmkit.people.medium import Medium
from crmkit.store.store import Connection

CLAIM = 1000


@attrs.define(eq=False)
class Dispatch:
    """Sends what is due.

    While one window is handed over, in a thread of its own, the next is judged and rendered. One transaction then
    holds the answers of the one and the intents of the other, so that a crash leaves one window in doubt at most.

    Attributes:
        seal: The database, and the trail of what is written to it.
        claims: Who holds which touch.
        preparation: Judges a second time and writes the messages.
        record: Writes intents and answers to the ledger.
        rescue: Looks after what a dead sender left behind.
        channels: The channel for each medium.
        clock: Tells the time of each window.
        owner: The name under which touches are claimed.
        window: The most messages in one window.
        claim: The most touches in one claim.
    """

    seal: Seal
    claims: Claims
    preparation: Preparation
    record: Record
    rescue: Rescue
    channels: Mapping[Medium, Channel]
    clock: Clock
    owner: str
    window: int = WINDOW
    claim: int = CLAIM
    _handing: HandOver = attrs.field(init=False, repr=False)
    _turns: Turns = attrs.field(init=False, repr=False)
    _paces: dict[Medium, Pace] = attrs.field(factory=dict, init=False, repr=False)
    _underway: list[Underway] = attrs.field(factory=list, init=False, repr=False)
    #: What could not be written down because the database was away: windows that were answered, and keys still held.
    _untold: deque[Flight] = attrs.field(factory=deque, init=False, repr=False)
    _held: set[str] = attrs.field(factory=set, init=False, repr=False)

    @_handing.default
    def _to_its_channels(self) -> HandOver:
        return HandOver(self.channels, self.clock)

    @_turns.default
    def _of_its_channels(self) -> Turns:
        return Turns(self.seal, self.claims, self.clock, self.owner)

    def send(self, order: Order) -> Dispatched:
        """Hand over all that is due, window by window, and return what came of it.

        An interruption waits for the answer to the window that is on its way, unless a stop was asked for before.
        """
        tally = Tally(order.keep)
        try:
            self._send(order, tally)
        except BaseException:
            order.cut_short(tally.told())
            raise
        return tally.told()

    def _send(self, order: Order, tally: Tally) -> None:
        self._make_good(tally)
        tally.doubted += self.rescue.run()
        with Carrier[Landing](self._underway) as carrier, self._holding() as waiting:
            self._hand_over(waiting, order, carrier, tally)

    def underway(self) -> Sequence[Underway]:
        """Return what is being handed over at this moment, by all threads that send."""
        return tuple(self._underway)

    def unwritten(self) -> int:
        """Return how many messages were answered of which that could not be written down yet."""
        return sum(len(flight.written) for flight in self._untold)

    def due(self, *, only_to: Sequence[str] | None = None) -> Dispatched:
        """Return what `send` would do at this instant, without doing it."""
        now = self.clock.now()
        with self.seal.store.read() as connection:
            touches = self.claims.due(connection, now, only_to)
            second = self.preparation.recheck.look(connection, touches, now)
        return Dispatched((*(one.touch for one in second.going), *second.staying))

    def _something_waits(self, waiting: Claimed, order: Order, flight: Flight | None) -> bool:
        """Tell whether something is to be handed over, and claim it if need be.

        A window that is on its way need not be waited for, unless it takes long: what is claimed then waits with it.
        """
        if order.stopping():
            return False
        if not waiting and not (flight and any(pace.slow for pace in self._paces.values())):
            size = self.claim if order.limit is None else min(self.claim, order.limit - waiting.number)
            waiting.take(self.seal.done(lambda connection: self._claimed(connection, order, size)) if size > 0 else [])
        return bool(waiting)

    def _claimed(self, connection: Connection, order: Order, size: int) -> list[Touch]:
        self.seal.still_knows(connection)
        self.claims.take_turn(connection)
        mine = self.owner, self.clock.now(), size
        return self.claims.claim(connection, *mine, only_to=order.only_to, share=order.share)

    @contextmanager
    def _holding(self) -> Iterator[Claimed]:
        """Hold what is claimed; whatever is left of it at the end, for whatever reason, is given back."""
        waiting = Claimed(self.preparation, self.clock)
        try:
            yield waiting
        except BaseException:
            # Of a window that could not be written down nothing waits any more, and it is held all the same.
            with suppress(StoreError):
                self._give_back(waiting.held)
            raise
        if waiting:
            self._give_back({touch.key for touch in waiting.touches})

    def _give_back(self, keys: Set[str]) -> None:
        self._held |= keys
        self.seal.done(lambda connection: self.claims.release(connection, [*keys], self.owner, self.clock.now()))
        self._held -= keys

    def _make_good(self, tally: Tally) -> None:
        """Write down what the database was away for, and count the touches that were answered then."""
        if self._untold or self._held:
            # In a database that has forgotten the intents there would be nothing to answer, and the answers were lost.
            with self.seal.begin() as connection:
                self.seal.still_knows(connection)
        self._tell(tally)
        if self._held:
            self._give_back({*self._held})

    def _tell(self, tally: Tally) -> None:
        for flight in iter(self._answered, None):
            try:
                tally.add(self._written_down(flight, flight.answer.result()))
            except StoreError:
                self._untold.appendleft(flight)
                raise

    def _answered(self) -> Flight | None:
        # Another thread that sends may take the last one away at any moment.
        with suppress(IndexError):
            return self._untold.popleft()
        return None

    def _hand_over(self, waiting: Claimed, order: Order, carrier: Carrier[Landing], tally: Tally) -> None:
        """Hand over window by window until nothing waits or it is time to stop."""
        flight: Flight | None = None
        try:
            while self._something_waits(waiting, order, flight) or flight:
                window = None if order.stopping() else self._next(waiting, order.stopping, rested=flight is None)
                landing = self._landing(flight) if flight else Landing({})
                # That may have taken long, and what was made ready meanwhile has not been taken up.
                window = None if order.stopping() else window
                gone, going = self._turn(flight, landing, window, waiting)
                tally.add(gone)
                flight = self._launched(going, carrier) if going else None
                if gone:
                    order.progress(len(gone))
        except BaseException as problem:
            # Whatever ends this sending, what has been answered is not left in doubt.
            if flight and flight.worth_waiting(problem, order) and flight.answer.exception() is None:
                self._untold.append(flight)
            with suppress(StoreError):
                self._tell(tally)
            raise

    def _next(self, waiting: Claimed, stopping: Callable[[], bool], *, rested: bool) -> Window | None:
        """Return the next window, or None if there is none, or if its channel must have finished the last one first.

        A slow channel, and one with a limit, leaves so much time that a verdict made meanwhile would be old.
        """
        if not waiting:
            return None
        medium = waiting.medium
        rate = limits_of(self.channels[medium]).per_second if medium in self.channels else None
        if not rested and (rate is not None or self._pace(medium).slow):
            return None
        size = min(self._pace(medium).size, self.window)
        if rate is None:
            return waiting.window(medium, size, windows=self._pace(medium).ahead)
        allotment = Allotment.of(rate, self.window)
        size = allotment.size if size >= allotment.size else 1
        turn = self._turns.take(self.channels[medium].name, allotment, size, stopping)
        return None if stopping() else attrs.evolve(waiting.window(medium, size), turn=turn)

    def _turn(
        self, flight: Flight | None, landing: Landing, window: Window | None, waiting: Claimed
    ) -> tuple[list[Touch], Window | None]:
        """Write down what came of one window and what is intended with the next; return what is done and what goes."""
        if window and not window.holds_at(self.clock.now()):
            # What was answered is written down first: judging again must not leave it in doubt for longer.
            if flight:
                return self._written_down(flight, landing), None
            window = attrs.evolve(self.preparation.window(window.touches()), turn=window.turn)
        window = attrs.evolve(window, ready=self.clock.now()) if window else None
        done, going = self.seal.done(lambda connection: self._written(connection, flight, landing, window, waiting))
        return done, attrs.evolve(window, written=going) if window and going else None

    def _launched(self, window: Window, carrier: Carrier[Landing]) -> Flight:
        """Hand over a window that is written down as intended, when it is its turn."""
        going = window.written
        try:
            if window.turn and not self._turns.keep(window.turn, window.at + VALID):
                return Flight.not_begun(going, "the channel had no turn for it in time")
        except BaseException:
            self._untold.append(Flight.not_begun(going, "the sender ended before it was its turn"))
            raise
        underway = Underway.of(self.channels, going, self.clock.now())
        return Flight(going, carrier.submit(lambda: self._handing.deliver(going, window.ready), underway))

    def _written(
        self, connection: Connection, flight: Flight | None, landing: Landing, window: Window | None, waiting: Claimed
    ) -> tuple[list[Touch], tuple[Written, ...]]:
        """Write answers and intents in one transaction; return what is done, and what may now be handed over."""
        done = self.record.answers(connection, flight.written, landing.receipts, self.clock.now()) if flight else []
        going, stayed = self._begin(connection, window, waiting) if window else ((), [])
        return [*done, *stayed], going

    def _landing(self, flight: Flight) -> Landing:
        landing = flight.awaited(self._turns.hold)
        for medium, messages, span in landing.calls:
            self._pace(medium).took(messages, span)
        return landing

    def _written_down(self, flight: Flight, landing: Landing) -> list[Touch]:
        return self.seal.done(
            lambda connection: self.record.answers(connection, flight.written, landing.receipts, self.clock.now())
        )

    def _begin(
        self, connection: Connection, window: Window, waiting: Claimed
    ) -> tuple[tuple[Written, ...], list[Touch]]:
        """Note the intents of a window and what stays of it; none of it waits any more.

        If a person has stopped something since it was judged, or whoever wrote kept us waiting until its verdicts were
        old, all of it waits to be judged anew.
        """
        now = self.clock.now()
        if window.kept_waiting(now) or self.preparation.stopped_since(connection, window):
            waiting.judge_anew()
            return (), []
        going = self.record.intend(connection, window, self.owner, now)
        stayed = self.record.staying(connection, window)
        if waiting.without(window):
            self.claims.renew(connection, self.owner, now)
            waiting.hold(now)
        return tuple(going), stayed

    def _pace(self, medium: Medium) -> Pace:
        return self._paces.setdefault(medium, Pace())
