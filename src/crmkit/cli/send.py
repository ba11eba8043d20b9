"""Sending: without --yes it only shows what would leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from crmkit.cli import show
from crmkit.cli.ending import INTERRUPTED, ending
from crmkit.cli.failed import plain
from crmkit.cli.garbage import settled
from crmkit.cli.options import DONE, LOOK, Given, common
from crmkit.cli.preview import local
from crmkit.cli.tally import FOLDER, SHOWN, nothing_taken, say_counts, say_done, say_staying, say_stopped
from crmkit.cli.watch import watched
from crmkit.clock import wait_unless
from crmkit.errors import ConfigError, CrmkitError
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch

if TYPE_CHECKING:
    from crmkit.crm.crm import CRM
    from crmkit.delivery.order import Dispatched
    from crmkit.ledger.learnt import Stop
    from crmkit.plugins.failure import Failure

_EVERY = 30.0
#: For so many seconds a database is waited for.
_PATIENCE = 30


@click.command()
@click.option("--yes", is_flag=True, help="Send. Without it, nothing leaves.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Take up at most so many touches.")
@click.option("--only-to", multiple=True, metavar="PATIENT", help="Reach nobody but this patient; may be repeated.")
@click.option("--again", is_flag=True, help="Take up what waits for another try, too: what was wrong is mended.")
@click.option("--watch", is_flag=True, help="Go on: send whatever falls due, until ended by Ctrl-C or SIGTERM.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="How long --watch waits when nothing is left to do.  [default: 30]",
)
@common()
def send(
    given: Given,
    yes: bool,
    limit: int | None,
    only_to: tuple[str, ...],
    again: bool,
    watch: bool,
    every: float | None,
) -> int:
    """Send what is due; without --yes, only show it."""
    _check(yes=yes, again=again, watch=watch, every=every, some=bool(limit or only_to))
    return hand_over(given, yes=yes, limit=limit, only_to=only_to, again=again, every=(every or _EVERY) * watch)


def hand_over(
    given: Given,
    *,
    yes: bool,
    limit: int | None = None,
    only_to: tuple[str, ...] = (),
    again: bool = False,
    every: float = 0,
) -> int:
    """Send what is due, or show it, and return the exit code.

    Args:
        given: What every command is given.
        yes: Send, rather than show.
        limit: Take up at most so many touches.
        only_to: Reach nobody but these patients; empty for anybody.
        again: Take up what waits for another try, too.
        every: Go on, and look every so many seconds; 0 to end when nothing is due.
    """
    with given.crm() as crm:
        _insist_on(crm, only_to)
        if not yes:
            due = crm.send(only_to=only_to or None, dry=True)
            return _dry(given, crm, due, limit)
        _refuse_false_time(given, crm, watch=bool(every))
        first = _first_of_all(crm)
        if first and not given.as_json:
            click.echo(show.clean(first), err=True)
        if every:
            with settled():
                return watched(given, crm, timedelta(seconds=every))
        if again:
            crm.try_again(only_to=only_to or None)
        with settled(), ending(lambda: crm) as stopping:
            done = _send(given, crm, limit, only_to or None, stopping)
        failures, stops, doubtful = crm.failures(), crm.stopped(), crm.status().unknown
    troubled = [touch for touch in done.touches if touch.state in (State.UNKNOWN, State.REFUSED)]
    if given.as_json:
        show.say_json(
            _document(done.touches, failures, stops, dry=False) | {"in_doubt": doubtful, "first": bool(first)}
        )
    else:
        none_due = "" if done.counts() else _none_due(crm, "was")
        say_done(done, troubled, doubtful, ended=stopping(), none_due=none_due)
        say_stopped(crm, stops)
    if stopping():
        return INTERRUPTED
    # What a dead sender had on its way comes into doubt with the sending after it, unless its provider could be asked.
    left = done.doubted and doubtful
    return LOOK if troubled or failures or left or nothing_taken(done) else DONE


def _check(*, yes: bool, again: bool, watch: bool, every: float | None, some: bool) -> None:
    """Refuse options that do not go together."""
    if every is not None and not watch:
        raise ConfigError("nothing is sent a second time", where="--every", mend="add --watch, or leave it out")
    if watch and (not yes or some):
        raise ConfigError(
            "watching sends all that is due", where="--watch", mend="add --yes, without --limit or --only-to"
        )
    if again and (watch or not yes):
        raise ConfigError("what waits is taken up once", where="--again", mend="add --yes, and leave out --watch")


def _insist_on(crm: CRM, patients: Sequence[str]) -> None:
    """Refuse patients of whom there is no record."""
    from crmkit.crm.answers import unknown_patient

    for patient in patients:
        if not crm.knows(patient):
            raise unknown_patient(patient)


def _refuse_false_time(given: Given, crm: CRM, *, watch: bool) -> None:
    """Refuse a clock of one's own, on which a message could leave at night, wherever one could reach somebody.

    The folder reaches nobody. Neither does a channel through which no campaign goes, unless one watches: a campaign may
    come meanwhile.
    """
    if not given.at:
        return
    used = {medium for campaign in crm.programme() for medium in campaign.media}
    used |= {touch.medium for touch in crm.send(dry=True).touches}
    real = [one.name for one in crm.channels if one.name != FOLDER and (watch or one.medium in used)]
    if real:
        mend = "leave out --at, or admit the plugin folder in the place of that channel"
        raise ConfigError(f"{real[0]} delivers by the real clock only", where="--at", mend=mend)


def _send(
    given: Given, crm: CRM, limit: int | None, only_to: Sequence[str] | None, stopping: Callable[[], bool]
) -> Dispatched:
    cut: list[Dispatched] = []
    try:
        with show.progress("Sending", limit or _due(given, crm, only_to), quiet=given.as_json) as step:
            return crm.send(limit=limit, only_to=only_to, progress=step, stopping=stopping, cut_short=cut.append)
    except CrmkitError:
        # What has left before is told, and not the error alone.
        cut += _made_good(given, crm, stopping)
        if any(one.counts() for one in cut) and not given.as_json:
            say_counts(*cut)
            show.say("Ended by an error before all was taken up: the rest is still due.")
        if (left := crm.unwritten()) and not given.as_json:
            show.say(
                f"What {show.counted(left, 'message')} came to could not be written down. They may have left: in five"
            )
            show.say("minutes at the earliest, crmkit unknowns shows them.")
        raise


def _made_good(given: Given, crm: CRM, stopping: Callable[[], bool]) -> list[Dispatched]:
    """Wait for a database that is away for a moment: else nobody knows what became of the messages on their way."""
    if (left := crm.unwritten()) and not given.as_json:
        told = f"Waiting for the database, to write down what {show.counted(left, 'message')} came to."
        click.echo(f"{told} Ctrl-C ends that.", err=True)
    for _ in range(_PATIENCE if left else 0):
        # Sends nothing more, but writes down what is left to be.
        with suppress(CrmkitError):
            return [crm.send(stopping=lambda: True)]
        wait_unless(crm.clock, timedelta(seconds=1), stopping)
        if stopping():
            break
    return []


def _due(given: Given, crm: CRM, only_to: Sequence[str] | None) -> int:
    return 0 if given.as_json else len(crm.send(only_to=only_to, dry=True).touches)


def _dry(given: Given, crm: CRM, due: Dispatched, limit: int | None) -> int:
    failures, stops = crm.failures(), crm.stopped()
    going = [touch for touch in due.touches if touch.state is State.READY][:limit]
    staying = [touch for touch in due.touches if touch.state is not State.READY]
    first = _first_of_all(crm)
    if given.as_json:
        show.say_json(_document([*going, *staying], failures, stops, dry=True) | {"first": bool(first)})
        return LOOK if failures else DONE
    if going:
        show.say_table(("campaign", "would leave"), _by_campaign(going))
        show.say()
        lines = [(touch.patient, touch.occasion, touch.campaign) for touch in going[:SHOWN]]
        show.say_table(("patient", "occasion", "campaign"), lines)
        if len(going) > SHOWN:
            show.say(f"and {len(going) - SHOWN:,} more")
    say_staying(staying)
    if going or staying:
        show.say()
    if going and first:
        # A path may be longer than a narrow terminal is wide, as no table is.
        click.echo(show.clean(f"{first}\n"), err=True)
    show.say("Nothing was sent: add --yes." if going else _none_due(crm, "is"))
    say_stopped(crm, stops)
    return LOOK if failures else DONE


def _none_due(crm: CRM, verb: str) -> str:
    """Return why nothing leaves: what others hold, and what waits, is not what is planned for later."""
    now = crm.status()
    told = []
    if now.in_hand:
        told.append(
            f"Nothing else {verb} due now: a sender holds {show.counted(now.in_hand, 'touch')}. "
            "If it has ended, they are free in\nfive minutes at most: what had not left goes out then, "
            "and crmkit unknowns shows what may have."
        )
    if now.retry and now.next_try:
        first = f"the first at {local(now.next_try, crm.practice)}"
        told.append(
            f"Nothing {verb} due now but what was not taken and waits for another try: "
            f"{show.counted(now.retry, 'message')}, {first}.\nThe channel said: {now.told or 'nothing'}.\n"
            "Is that mended? crmkit send --yes --again tries them now."
        )
    return "\n".join(told) or f"Nothing {verb} due{' now' if verb == 'is' else ''}: crmkit plan shows the coming days."


def _by_campaign(touches: Sequence[Touch]) -> list[tuple[str, int]]:
    return sorted(Counter(touch.campaign for touch in touches).items())


def _document(
    touches: Sequence[Touch], failures: Sequence[Failure], stops: Sequence[Stop], *, dry: bool
) -> dict[str, Any]:
    counts = Counter(touch.state.value for touch in touches)
    lines = [
        {
            "patient": touch.patient,
            "campaign": touch.campaign,
            "occasion": touch.occasion,
            "state": touch.state.value,
            "reason": touch.reason,
            "key": touch.key,
        }
        for touch in touches
    ]
    standing = [{"campaign": one.campaign, "by": one.by, "at": one.at} for one in stops]
    return {"dry": dry, "counts": dict(counts), "touches": lines, "failures": plain(failures), "stopped": standing}


def _first_of_all(crm: CRM) -> str:
    """Return what a person ought to know while the ledger has never sent anything; empty if it has.

    A database, a prefix or a practice's id that is mistyped is an empty ledger, and looks like that of a new practice.
    """
    if crm.status().last_sent is not None:
        return ""
    return (
        f"Nothing was ever sent for practice {crm.practice.id} by this database:\n  {crm.place}\n"
        "What was sent by another one is not known here, and would leave once more."
    )
