"""Sending whatever falls due until told to end, as one of any number of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from crmkit.cli import show
from crmkit.cli.ending import ending
from crmkit.cli.options import DONE, Given
from crmkit.cli.plan import reasons_in_words
from crmkit.clock import wait_unless
from crmkit.errors import CrmkitError, GoneBack, OtherRevision, StoreError
from crmkit.ledger.state import State

if TYPE_CHECKING:
    from crmkit.crm.crm import CRM
    from crmkit.delivery.order import Dispatched


#: For so long a practice stays open after a plugin hung in it; then it is opened anew.
_ANEW = timedelta(minutes=15)

#: So often it is told that one is there, where nothing is to be told.
_SIGN_OF_LIFE = timedelta(hours=1)

_FOLLOWS = "The rest is still due, and follows as soon as the database answers."
_NO_MORE = "This process sends nothing more."


def watched(given: Given, crm: CRM, every: timedelta) -> int:
    """Watch until a signal; what is being handed over is finished, and what was only claimed is given back."""
    at_hand = crm
    with ending(lambda: at_hand) as stopping:
        if not given.as_json:
            with _told_or_not():
                show.say(f"Watching, every {every.total_seconds():g} seconds. Ctrl-C ends it.")
        _watch(given, crm, every, stopping)
        while not stopping():
            # What hung once is not called again in the practice that is open, and this process runs for months.
            with _anew(given) as other:
                at_hand = other or crm
                _watch(given, at_hand, every, stopping)
    return DONE


def _watch(given: Given, crm: CRM, every: timedelta, stopping: Callable[[], bool]) -> None:
    """Watch until a signal, or until a plugin has hung and a while has passed, in which it may still answer."""
    seen: list[datetime] = []
    teller = _Teller(given, crm)

    def enough() -> bool:
        if not seen and _hangs(crm):
            seen.append(crm.clock.now())
        return stopping() or bool(seen and crm.clock.now() - seen[0] >= _ANEW)

    while not enough():
        try:
            crm.watch(every=every, stopping=enough, told=teller.tell, passing=_raised)
        except OtherRevision:
            # Whatever starts this process anew starts the version that the database was upgraded for, or is refused.
            raise
        except StoreError as problem:
            # The database is away for a moment: that must not end a process that runs for months.
            teller.owes = True
            with _told_or_not():
                show.say_problem(problem, as_json=given.as_json, line=True)
                if not given.as_json:
                    # To end would be no help: whatever starts it anew would let it send.
                    show.say(_NO_MORE if isinstance(problem, GoneBack) else _FOLLOWS)
            wait_unless(crm.clock, every, enough)


def _raised(problem: CrmkitError) -> None:
    """Let whatever the database says be told in one place."""
    raise problem


def _hangs(crm: CRM) -> bool:
    # Imported here, for it brings the whole machinery along, and `--help` needs none of it.
    from crmkit.plugins.failure import Kind

    return any(one.kind is Kind.OVERDUE for one in crm.failures())


@contextmanager
def _anew(given: Given) -> Iterator[CRM | None]:
    """Open the practice once more; None if that cannot be done just now."""
    try:
        crm = given.crm()
    except CrmkitError as problem:
        show.say_problem(problem, as_json=given.as_json, line=True)
        yield None
        return
    with crm:
        yield crm


class _Teller:
    """Tells what each round came to, and now and then that nothing was due: silence looks like death."""

    def __init__(self, given: Given, crm: CRM) -> None:
        self.given, self.crm, self.last = given, crm, crm.clock.now()
        #: After an error the next round is told whatever it came to: else the error would seem to last.
        self.owes = False

    def tell(self, done: Dispatched) -> None:
        """Tell what a round came to, also one that an error has ended."""
        now, something = self.crm.clock.now(), bool(done.counts() or done.doubted)
        # A clock may have been set back.
        if not (something or self.owes) and abs(now - self.last) < _SIGN_OF_LIFE:
            return
        doubtful = self._in_doubt()
        if doubtful is None and not something:
            # The database is away, and so nobody knows that nothing was due.
            return
        self.last, self.owes = now, False
        with _told_or_not():
            _say(self.given, self.crm, done, doubtful or 0)

    def _in_doubt(self) -> int | None:
        with suppress(CrmkitError):
            return self.crm.status().unknown
        return None


@contextmanager
def _told_or_not() -> Iterator[None]:
    """Go on if something cannot be told: a full disk under the log must not keep messages back."""
    try:
        yield
    except BrokenPipeError:
        # Who listened has gone, and so does a program then.
        raise
    except OSError as problem:
        with suppress(OSError):
            click.echo(f"Error: what was sent cannot be told ({problem.strerror}); sending goes on.", err=True)


def _say(given: Given, crm: CRM, done: Dispatched, doubtful: int) -> None:
    counts = {state.value: number for state, number in sorted(done.counts().items())}
    at = crm.clock.now().astimezone(crm.practice.zone)
    if given.as_json:
        show.say_json({"at": at.isoformat(), "counts": counts, "in_doubt": doubtful}, line=True)
    else:
        told = ", ".join(f"{number:,} {state}" for state, number in counts.items())
        show.say(f"{at:%Y-%m-%d %H:%M:%S}  {told or 'nothing was due'}")
        if doubtful:
            show.say(f"  {show.counted(doubtful, 'message')} in doubt: crmkit unknowns shows them")
        waiting = [touch for touch in done.touches if touch.state is State.RETRY]
        for (_, words), number in reasons_in_words(waiting).items():
            show.say(f"  {number:,} {words}")
