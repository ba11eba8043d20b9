"""What a sending came to: how many touches are in which state now, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crmkit.cli import show
from crmkit.cli.plan import reasons_in_words
from crmkit.cli.preview import local
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch

if TYPE_CHECKING:
    from crmkit.crm.crm import CRM
    from crmkit.delivery.order import Dispatched
    from crmkit.ledger.learnt import Stop

#: The channel that writes files and reaches nobody.
FOLDER = "folder"
#: Of so many touches each is told.
SHOWN = 20


def say_counts(*done: Dispatched) -> None:
    """Print how many came to each state, and that nobody was written to where a folder stands for the mail server."""
    if counts := sum((Counter(one.counts()) for one in done), Counter[State]()):
        show.say_table(("state", "touches"), [(state.value, counts[state]) for state in State if counts.get(state)])
    sent = [touch for one in done for touch in one.touches if touch.state is State.SENT]
    if sent and all(touch.detail.get("channel") == FOLDER for touch in sent):
        show.say("These are files in the outbox folder: nobody was written to.")


def say_again(waiting: Sequence[Touch], *, taken: bool) -> None:
    """Print what was not taken and is tried again, and why.

    Args:
        waiting: These touches.
        taken: Whether the channel took others.
    """
    if not waiting:
        return
    show.say("\nNothing of these has left; a later crmkit send tries them again, from a quarter of an hour on:")
    show.say_table(("reason", "touches"), [(words, number) for (_, words), number in reasons_in_words(waiting).items()])
    if not taken:
        show.say("The channel took nothing at all: a person must look at that.")


def say_staying(staying: Sequence[Touch]) -> None:
    """Print what was due and must not leave after all, and why."""
    if staying:
        show.say("\nIn the last moment these stay:")
        show.say_table(
            ("state", "reason", "touches"), [(*key, number) for key, number in reasons_in_words(staying).items()]
        )


def say_stopped(crm: CRM, stops: Sequence[Stop]) -> None:
    """Tell what a person has stopped, for else nobody understands why nothing leaves."""
    for one in stops:
        what, then = one.campaign or "All sending", f" {one.campaign}" if one.campaign else ""
        since = f"by {one.by} since {local(one.at, crm.practice)}"
        show.say(f"{what} is stopped, {since}: crmkit resume{then} lets it go on.")


def say_done(done: Dispatched, troubled: Sequence[Touch], doubtful: int, *, ended: bool, none_due: str) -> None:
    """Print what a sending came to.

    Args:
        done: What it came to.
        troubled: Of its touches those that a person must look at.
        doubtful: How many messages are in doubt altogether.
        ended: Whether somebody ended it.
        none_due: What is said if nothing was due.
    """
    if done.counts() or ended:
        _say_done(done, troubled, ended=ended)
    else:
        show.say(none_due)
    if doubtful:
        show.say(f"{show.counted(doubtful, 'message')} may or may not have left: crmkit unknowns shows them.")


def _say_done(done: Dispatched, troubled: Sequence[Touch], *, ended: bool) -> None:
    say_counts(done)
    say_staying([touch for touch in done.touches if touch.state.is_judgement])
    say_again([touch for touch in done.touches if touch.state is State.RETRY], taken=not nothing_taken(done))
    for touch in troubled[:SHOWN]:
        show.say(f"{touch.state.value}: patient {touch.patient}, {touch.campaign}, {touch.occasion}")
    if troubled:
        show.say("A person must look at these: crmkit why PATIENT tells what happened.")
    if ended:
        show.say("Ended before all was taken up: the rest is still due.")


def nothing_taken(done: Dispatched) -> bool:
    """Tell whether all that was handed over is to be tried again: such as a login that has become wrong."""
    counts = done.counts()
    return bool(counts.get(State.RETRY)) and not done.sent
