"""How a sending is ended from outside: the first signal asks for it, the second one does it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from io import UnsupportedOperation
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import Exit

from crmkit.cli.show import counted

if TYPE_CHECKING:
    from crmkit.crm.crm import CRM
    from crmkit.delivery.carrier import Underway

#: What a shell expects of a program that was ended by Ctrl-C.
INTERRUPTED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: What a terminal sends that is closed; systems without terminals of that kind do not know it.
_HANGUP = getattr(signal, "SIGHUP", None)
#: Puts away what a terminal has on its line by now: a ^C, or a bar.
_AFRESH = "\r\x1b[2K"


@contextmanager
def ending(at_hand: Callable[[], CRM]) -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C or SIGTERM ask for an end, and say what is waited for; yields whether it was asked for.

    A second one ends the process, with what is on its way in doubt. A terminal that is closed asks like the first,
    however often it says so; whoever was told to outlive it (`nohup`) does.

    Args:
        at_hand: Returns the practice that is open at that moment.
    """
    asked: list[int] = []

    def ask(number: int, _: Any) -> None:
        if asked and number == _HANGUP:
            return
        asked.append(number)
        if len(asked) == 1:
            _say(waited_for(at_hand().underway(), at_hand().clock.now()))
            return
        raise KeyboardInterrupt

    before = {one: signal.signal(one, ask) for one in _heeded()}
    try:
        yield lambda: bool(asked)
    except KeyboardInterrupt:
        if not asked:
            raise
        _say(
            "Ended at once. What was on its way may have left: in five minutes at the earliest, the next crmkit send\n"
            "finds out, or crmkit unknowns shows it. All else is still due."
        )
        raise Exit(INTERRUPTED) from None
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _heeded() -> list[signal.Signals]:
    if _HANGUP is None or signal.getsignal(_HANGUP) is signal.SIG_IGN:
        return [*_SIGNALS]
    return [*_SIGNALS, _HANGUP]


def waited_for(underway: Sequence[Underway], now: datetime) -> str:
    """Return what a person is told who asks for an end."""
    if not underway:
        return "Ending as soon as what is begun is written down. Press Ctrl-C once more to end at once."
    messages = counted(sum(one.messages for one in underway), "message")
    names = " and ".join(sorted({name for one in underway for name in one.channels}))
    ends = [one.until for one in underway if one.until is not None]
    limit = "for as long as that takes" if len(ends) < len(underway) else f"for {_at_most(max(ends), now)} at most"
    return (
        f"Ending: nothing more is taken up. Waiting for {names} to answer to {messages}, {limit}.\n"
        "Press Ctrl-C once more to end at once: then nobody knows whether they have left."
    )


def _at_most(end: datetime, now: datetime) -> str:
    seconds = max((end - now).total_seconds(), 1)
    return counted(round(seconds), "second") if seconds < 100 else counted(-(-round(seconds) // 60), "minute")


def _say(text: str) -> None:
    # Not by the stream: the signal may have come in the middle of a write to it, which must not begin anew.
    line = f"{_AFRESH if sys.stderr.isatty() else ''}{text}\n"
    try:
        descriptor = sys.stderr.fileno()
    except (OSError, UnsupportedOperation):
        click.echo(text, err=True)
        return
    with suppress(OSError):
        os.write(descriptor, line.encode())
