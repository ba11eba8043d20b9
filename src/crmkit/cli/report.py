"""The report."""

from __future__ import annotations

from pathlib import Path

import click

from crmkit.cli import show
from crmkit.cli.options import DONE, Given, common


@click.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="Where to write the page.",
)
@common()
def report(given: Given, out: Path) -> int:
    """Write the report: did it work? One HTML page."""
    with given.crm() as crm:
        path = crm.report(out)
    show.say_json({"report": path.absolute()}) if given.as_json else show.say(str(path))
    return DONE
