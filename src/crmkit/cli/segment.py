"""A segment tried out: how it is understood, and how many patients it matches."""

from __future__ import annotations

import attrs
import click

from crmkit.cli import show
from crmkit.cli.options import DONE, Given, common


@click.command()
@click.argument("segment")
@common()
def segment(given: Given, segment: str) -> int:
    """Tell how many patients a segment matches today."""
    with given.crm() as crm:
        found, today = crm.matched(segment), crm.practice.today(crm.clock.now())
    if given.as_json:
        show.say_json(attrs.asdict(found) | {"on": today})
        return DONE
    show.say(found.segment)
    show.say(
        f"matches {found.patients:,} of {show.counted(found.of, 'patient')} on {today:%A}, {today.day} {today:%B %Y}."
    )
    show.say("\nWhich of them may be written to is judged by crmkit plan.")
    return DONE
