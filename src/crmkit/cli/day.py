"""The practice's day in one command, for whoever does it by hand each morning."""

from __future__ import annotations

import click

from crmkit.cli import show
from crmkit.cli.options import Given, common
from crmkit.cli.plan import judge
from crmkit.cli.records import read
from crmkit.cli.send import hand_over


@click.command(short_help="Do the day: sync, plan, and send what is due.")
@click.option("--yes", is_flag=True, help="Send. Without it, nothing leaves.")
@common()
def day(given: Given, yes: bool) -> int:
    """Do the practice's day: read what has changed, plan, and send what is due; without --yes, only show it."""
    if given.as_json:
        raise click.UsageError("for a program there are sync, plan and send, each with --json")
    with given.crm() as crm:
        sources = bool(crm.plugins.sources)
    if sources and (failed := read(given, alone=False)):
        # Who has died or said no may stand in what could not be read.
        show.say("\nNothing was planned or sent. Once that is mended, crmkit day does it.")
        return failed
    if sources:
        show.say()
    planned = judge(given, alone=False)
    show.say()
    return max(planned, hand_over(given, yes=yes))
