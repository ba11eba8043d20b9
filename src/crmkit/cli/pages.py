"""The report, and which plugins there are."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

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


@click.command()
@common()
def plugins(given: Given) -> int:
    """List the installed plugins and which are admitted."""
    from crmkit.plugins.door import discover

    admitted = _admitted(given)
    headings = ("name", "distribution", "version", "admitted")
    rows = [
        (found.name, found.distribution, found.version, None if admitted is None else found.name in admitted)
        for _, found in sorted(discover().items())
    ]
    if given.as_json:
        show.say_json({"plugins": [dict(zip(headings, row, strict=True)) for row in rows]})
        return DONE
    said = {None: "no crm.toml", True: "yes", False: "no"}
    show.say_table(headings, [(*row[:3], said[row[3]]) for row in rows])
    return DONE


def _admitted(given: Given) -> frozenset[str] | None:
    """Return what the settings admit; None without settings, unless they were asked for by name."""
    from crmkit.crm.config import read_config
    from crmkit.plugins.door import CORE

    source = click.get_current_context().get_parameter_source("config")
    if source is ParameterSource.DEFAULT and not given.config.exists():
        return None
    return frozenset((CORE, *read_config(given.config).plugins))
