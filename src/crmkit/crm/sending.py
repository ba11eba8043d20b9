"""Sending, as the host asks for it: once, again and again, or shared out among workers."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from datetime import timedelta
from functools import partial

import attrs

from crmkit.clock import Clock, wait_unless
from crmkit.crm.given import patient_ids
from crmkit.crm.log import log_passing, log_sent
from crmkit.crm.origin import Origin
from crmkit.crm.plugged import Plugged
from crmkit.crm.stages import Stages
from crmkit.crm.work import send_share
from crmkit.delivery.carrier import Underway
from crmkit.delivery.order import Dispatched, Order
from crmkit.errors import ConfigError, CrmkitError, GoneBack, OtherRevision, StoreError
from crmkit.ledger.share import MOST, Share
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch
from crmkit.practice import Practice
from crmkit.store.among import among

_CHUNK = 500


class Sending(Plugged):
    """The part of a `CRM` that lets messages out.

    Attributes:
        origin: How a worker elsewhere builds the same CRM; None if the host has not said it.
    """

    practice: Practice
    clock: Clock
    origin: Origin | None = None
    _stages: Stages

    def send(
        self,
        *,
        limit: int | None = None,
        only_to: Sequence[str] | None = None,
        dry: bool = False,
        executor: Executor | None = None,
        shares: int = 2,
        progress: Callable[[int], None] = lambda _: None,
        stopping: Callable[[], bool] = lambda: False,
        cut_short: Callable[[Dispatched], None] = lambda _: None,
    ) -> Dispatched:
        """Hand over what is due, each touch once, and return what came of it.

        A `KeyboardInterrupt` first waits for the answer to what is on its way, so that nothing is left in doubt; a
        second one, or the first if `stopping` says yes by then, does not.

        Args:
            limit: Take up at most so many touches; not together with an executor.
            only_to: Reach nobody but these patients.
            dry: Only return what would leave and what would not.
            executor: Share the work out among these workers, each with a CRM of its own that it builds by `origin`:
                threads, processes, or a cluster's. Without one, this process sends.
            shares: Into how many parts the households are divided for the executor, at most 256.
            progress: Is told the size of each window, or of each share, that is done.
            stopping: Is asked between windows whether to leave the rest for later.
            cut_short: Is given what it has come to if an error ends it, before that is raised; not with an executor.

        Raises:
            ConfigError: If an executor is given and nobody knows how a worker builds the CRM, or the program is at its
                very end, such as in an object's `__del__`.
            Exception: What a share failed with, once all others are done; the next sending takes up what was left.
            PluginError: If a plugin was left out without which nothing may be sent.
        """
        self.plugins.insist()
        _insist_on_time()
        only_to = patient_ids(only_to)
        if dry:
            return self._stages.dispatch.due(only_to=only_to)
        if executor is not None and limit is not None:
            raise ConfigError("a limit cannot be shared out", where="send", mend="leave out limit or executor")
        if executor is not None:
            sent = self._sent_by(executor, shares, only_to, progress)
            self._stages.arrivals.catch_up()
        else:
            sent = self._sent(Order(limit, only_to, None, progress, stopping, cut_short))
        log_sent(self.practice.id, sent)
        return sent

    def _sent(self, order: Order) -> Dispatched:
        def ended(done: Dispatched) -> None:
            log_sent(self.practice.id, done)
            order.cut_short(done)

        def stopping() -> bool:
            return self._ending.asked or order.stopping()

        with self._ending.sending():
            sent = self._stages.dispatch.send(attrs.evolve(order, cut_short=ended, stopping=stopping))
            try:
                self._stages.arrivals.catch_up()
            except BaseException:
                ended(sent)
                raise
        return sent

    def underway(self) -> Sequence[Underway]:
        """Return what this CRM is handing over at this moment; any thread may ask, a signal's handler too."""
        return self._stages.dispatch.underway()

    def in_hand(self) -> int:
        """Return how many touches senders hold just now; what a dead one holds is free in five minutes at most."""
        with self._stages.store.read() as connection:
            return self._stages.dispatch.claims.in_hand(connection)

    def unwritten(self) -> int:
        """Return how many messages a channel has answered that could not be written down, for the database was away.

        The next `send` of this CRM does it; if there is none, they are in doubt.
        """
        return self._stages.dispatch.unwritten()

    def try_again(self, *, only_to: Sequence[str] | None = None) -> int:
        """Let the next sending take up what a channel did not take, without waiting for its time to come.

        For a person who has mended what was wrong: by itself a message waits twice as long after each try, up to six
        hours.

        Args:
            only_to: Only what goes to these patients.

        Returns:
            How many messages waited.
        """
        claims, whom = self._stages.dispatch.claims, patient_ids(only_to)
        return self._stages.seal.done(lambda connection: claims.hurry(connection, self.clock.now(), whom))

    def watch(
        self,
        *,
        every: timedelta = timedelta(seconds=30),
        stopping: Callable[[], bool] = lambda: False,
        told: Callable[[Dispatched], None] = lambda _: None,
        passing: Callable[[CrmkitError], None] | None = None,
    ) -> None:
        """Send whatever falls due, again and again, until told to stop; any number of processes may do so at once.

        It also ends when the CRM is closed in another thread. While the database is away, or refuses, such as for want
        of room on its disk, or while it may only be read, it waits for it, and then writes down what was answered. An
        upgraded database ends it, and so does one that has forgotten what was written to it; so does any other error.

        Args:
            every: How long to wait when nothing is left to do.
            stopping: Is asked between windows and while waiting whether to end.
            told: Is given what each round came to, also one that an error ends.
            passing: Is given the `StoreError` that ended a round, before the next one: `Unreachable` and `InTheWay`
                pass by themselves, others when somebody has mended what they say. What it raises ends the watch. By
                default the log has a warning.
        """
        tell = passing or partial(log_passing, self.practice.id)

        def ends() -> bool:
            return self._ending.asked or stopping()

        while not ends():
            try:
                told(self.send(stopping=stopping, cut_short=told))
            except (GoneBack, OtherRevision):
                # Whatever starts this process anew is refused, or starts the version that was upgraded for.
                raise
            except StoreError as problem:
                # What was answered meanwhile is held here alone: to end would leave it in doubt.
                tell(problem)
            wait_unless(self.clock, every, ends)

    def _sent_by(
        self, executor: Executor, shares: int, only_to: Sequence[str] | None, progress: Callable[[int], None]
    ) -> Dispatched:
        """Let workers send, and return what came of it in all."""
        done: list[str] = []
        untold: Counter[State] = Counter()
        for keys, more in self._shared_out(executor, shares, only_to):
            done += keys
            untold.update({State(state): number for state, number in more.items()})
            progress(len(keys) + sum(more.values()))
        return Dispatched(self._read(done), dict(untold))

    def _shared_out(
        self, executor: Executor, shares: int, only_to: Sequence[str] | None
    ) -> Iterator[tuple[list[str], dict[str, int]]]:
        if self.origin is None:
            mend = "build the CRM by CRM.made_by('myapp.crm:make') or CRM.from_file, so that workers can do the same"
            raise ConfigError("a worker would not know how to build this CRM", where="executor", mend=mend)
        if not 1 <= shares <= MOST:
            raise ConfigError(f"{shares} shares cannot be made", where="shares", mend=f"give a number from 1 to {MOST}")
        parts = [Share(shares, number) for number in range(shares)]
        waiting = [executor.submit(send_share, self.origin, part, only_to) for part in parts]
        failed: list[Exception] = []
        for one in waiting:
            try:
                done = one.result()
            except Exception as problem:  # noqa: BLE001 - whatever became of one worker, the others go on
                failed.append(problem)
            else:
                yield done
        if failed:
            failed[0].add_note(f"{len(failed)} of {shares} shares failed; the ledger tells what the others sent")
            raise failed[0]

    def _read(self, keys: Sequence[str]) -> tuple[Touch, ...]:
        ledger, key = self._stages.ledger, self._stages.tables.touch.c.key
        parts = [keys[start : start + _CHUNK] for start in range(0, len(keys), _CHUNK)]
        with self._stages.store.read() as connection:
            return tuple(one for part in parts for one in ledger.touches(connection, among(key, part)))


def _insist_on_time() -> None:
    """Refuse to send at the very end of a program: no thread goes on any more, and none would hand anything over."""
    if sys.is_finalizing():
        mend = "send before it does, or in a function that atexit calls"
        raise ConfigError("the program is at its very end", where="send", mend=mend)
