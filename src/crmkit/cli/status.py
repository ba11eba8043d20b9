"""One question for a monitor, and for whoever is woken by it: is all well?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import attrs
import click

from crmkit.cli import show
from crmkit.cli.options import DONE, LOOK, Given, common
from crmkit.cli.plan import NOTHING_READ, nothing_read
from crmkit.cli.preview import local

if TYPE_CHECKING:
    from crmkit.ledger.standing import Standing
    from crmkit.practice import Practice

_SILENT = "the channel did not say why"


@click.command(short_help="Tell whether all is well with the sending.")
@click.option(
    "--late",
    type=click.FloatRange(min=1),
    default=60,
    metavar="MINUTES",
    show_default=True,
    help="How long something may be due before a person must look.",
)
@click.option(
    "--old",
    type=click.FloatRange(min=1),
    default=72,
    metavar="HOURS",
    show_default=True,
    help="How old the last sync may be before a person must look.",
)
@common()
def status(given: Given, late: float, old: float) -> int:
    """Tell whether all is well with the sending: what waits, since when, and what is in doubt."""
    with given.crm() as crm:
        found, practice, unread = crm.status(), crm.practice, nothing_read(crm)
    reasons = to_look_at(found, practice, timedelta(minutes=late), timedelta(hours=old))
    if given.as_json:
        document = attrs.asdict(found, filter=attrs.filters.exclude("told"))
        show.say_json({"well": not reasons, "look": [code for code, _ in reasons], **document})
        return LOOK if reasons else DONE
    show.say_table(("what", "number", "when"), _rows(found, practice))
    show.say()
    for stop in found.stopped:
        show.say(f"{stop.campaign or 'All sending'} is stopped, by {stop.by} since {local(stop.at, practice)}.")
    if found.retry and not found.not_taken:
        show.say(f"What waits for another try was not taken: {found.told or _SILENT}.")
    if found.held:
        show.say(f"{show.counted(found.held, 'message')} held: crmkit plan --who held tells what is to be mended.")
    if unread:
        show.say(NOTHING_READ)
    for _, words in reasons:
        show.say(words)
    show.say(
        "A person must look." if reasons else "Nobody needs to look yet." if found.retry or unread else "All is well."
    )
    return LOOK if reasons else DONE


def to_look_at(
    found: Standing, practice: Practice, patience: timedelta, old: timedelta = timedelta(hours=72)
) -> list[tuple[str, str]]:
    """Return why a person must look, each by a code and in words; nothing if all is well."""
    reasons = []
    if found.late(patience):
        since = min(one for one in (found.due_since, found.left_since) if one)
        number = show.counted(found.due + found.left_behind, "touch")
        told = f"{number} could leave, the oldest since {local(since, practice)}, and no sender takes them up:"
        reasons.append(("late", f"{told}\n  crmkit send --yes sends them now; see whether the job that does so runs."))
    if found.not_taken:
        told = f"{show.counted(found.retry, 'message')} not taken after up to {found.tries} tries"
        reasons.append(("not_taken", f"{told}: {found.told or _SILENT}."))
    if found.unknown:
        told = f"{show.counted(found.unknown, 'message')} may or may not have left"
        reasons.append(("unknown", f"{told}: crmkit unknowns shows the evidence."))
    told = "Nothing is planned of a campaign, and nothing of it leaves"
    reasons += [("broken", f"{told}: {problem}") for problem in found.broken.values()]
    if found.last_sync and found.at - found.last_sync > old:
        told = f"The last sync was at {local(found.last_sync, practice)}"
        reasons.append(
            ("old", f"{told}: what is planned rests on that. See whether the job runs that syncs and plans.")
        )
    if found.wrong_clock and found.ahead is not None:
        way = "ahead of" if found.ahead > 0 else "behind"
        told = f"This machine's clock is {abs(found.ahead):,.0f} seconds {way} the database's"
        reasons.append(("clock", f"{told}: let NTP set both, for messages leave by this machine's."))
    return reasons


def _rows(found: Standing, practice: Practice) -> list[tuple[str, str, str]]:
    def when(words: str, at: datetime | None) -> str:
        return f"{words} {local(at, practice)}".strip() if at else ""

    return [
        ("due now", f"{found.due:,}", when("the oldest since", found.due_since)),
        ("waiting for another try", f"{found.retry:,}", when("the first at", found.next_try)),
        ("in a sender's hands", f"{found.in_hand:,}", when("left behind since", found.left_since)),
        ("in doubt", f"{found.unknown:,}", when("the oldest of", found.unknown_since)),
        ("held until something is mended", f"{found.held:,}", ""),
        ("came back and could not be read", f"{found.unread:,}", ""),
        ("falls due next", "", when("", found.next_due) or "nothing is planned"),
        ("last handed over", "", when("", found.last_sent) or "never"),
        ("last sync", "", when("", found.last_sync) or "never"),
    ]
