"""The demo: everything on a made-up practice, in less than a minute."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crmkit.cli import show
from crmkit.cli.options import DONE, Given, common

if TYPE_CHECKING:
    from crmkit.demo.tour import Step

_MONTH = timedelta(days=30)
_QUICK_PATIENTS, _QUICK_DAYS = 1000, 60


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-practice"),
    show_default=True,
    help="Where to write the practice.",
)
@click.option("--patients", type=click.IntRange(min=12), default=3000, show_default=True, help="How many.")
@click.option("--days", type=click.IntRange(1, 3660), default=365, show_default=True, help="How many to rehearse.")
@click.option("--quick", is_flag=True, help=f"{_QUICK_PATIENTS:,} patients and {_QUICK_DAYS} days.")
@common(config=False)
def demo(given: Given, folder: Path, patients: int, days: int, quick: bool) -> int:
    """Make up a practice and show everything on it. Nobody is written to."""
    from crmkit.demo.tour import Tour, opening_hour

    if quick:
        patients, days = min(patients, _QUICK_PATIENTS), min(days, _QUICK_DAYS)
    at = given.at or opening_hour(given.clock().now())
    with show.progress("Rehearsing", days, quiet=given.as_json) as step:
        steps = Tour(folder, at, patients, days, lambda _: step(1)).steps()
        done = list(steps) if given.as_json else _tell(steps)
    if given.as_json:
        show.say_json(_document(folder, done))
    else:
        _say_where(folder, at.date() + _MONTH)
    return DONE


def _tell(steps: Iterable[Step]) -> list[Step]:
    from crmkit.cli.preview import letter
    from crmkit.cli.rehearse import say_rehearsal
    from crmkit.crm.rehearsal import Rehearsal
    from crmkit.messages.message import Message

    done = []
    for step in steps:
        show.say(f"{step.name:<9}{step.told} ({step.seconds:.1f} s)")
        if isinstance(step.result, Message):
            show.say("\n" + "\n".join(f"    {line}".rstrip() for line in letter(step.result).splitlines()) + "\n")
        if isinstance(step.result, Rehearsal):
            show.say()
            say_rehearsal(step.result)
            show.say()
        done.append(step)
    return done


def _document(folder: Path, steps: Iterable[Step]) -> dict[str, Any]:
    told = [
        {"name": step.name, "told": step.told, "seconds": round(step.seconds, 3), "facts": dict(step.facts)}
        for step in steps
    ]
    return {"folder": folder.absolute(), "steps": told}


def _say_where(folder: Path, through: date) -> None:
    show.say("\nWhere to look:")
    show.say(f"  {folder / 'outbox'}: the messages; any mail program opens them")
    show.say(f"  {folder / 'report.html'}: the report, in a browser")
    show.say(f"  {folder / 'crm.toml'}: the practice and its campaigns, with notes")
    show.say(f"\nTry next, in the folder {folder}:")
    for command in ("rejected", f"plan --through {through} --dry", "why P000012"):
        show.say(f"  {_program(folder)} {command}")


def _program(folder: Path) -> str:
    """Return how the program is called in a folder: by its name if the shell finds it, else by its path."""
    started = Path(sys.argv[0])
    if shutil.which("crmkit") or started.name != "crmkit" or not started.is_file():
        return "crmkit"
    return os.path.relpath(started, folder)
