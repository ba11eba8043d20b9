"""What the sources say: reading them, and what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs
import click

from crmkit.cli import show
from crmkit.cli.options import DONE, LOOK, Given, common
from crmkit.records.fields import WEIGHTY
from crmkit.records.summary import Counts, SyncSummary

if TYPE_CHECKING:
    from crmkit.records.rejected import RejectedRow

#: How many rows of one file are listed for one reason.
_SHOWN = 10


@click.command()
@click.option(
    "--take-over",
    nargs=2,
    metavar="OLD NEW",
    help="Before reading, let the source NEW go on with the patients of OLD, which is not there any more.",
)
@common()
def sync(given: Given, take_over: tuple[str, str] | None) -> int:
    """Read the practice's data and take over what has changed."""
    return read(given, take_over)


def read(given: Given, take_over: tuple[str, str] | None = None, *, alone: bool = True) -> int:
    """Read the sources, print what changed, and return the exit code.

    Args:
        given: What every command is given.
        take_over: The source that is gone, and the one that goes on in its place.
        alone: Whether nothing else is done by the same command, so that the next one is named.
    """
    with given.crm() as crm:
        if take_over:
            patients = show.counted(crm.take_over(*take_over), "patient")
            told = f"The source {take_over[1]} goes on with {patients} of {take_over[0]}."
            click.echo(show.clean(told), err=True)
        sources = len(crm.plugins.sources)
        with show.progress("Reading", sources, quiet=given.as_json) as step:
            summary = crm.sync(progress=lambda _: step(1))
    _say_json(summary) if given.as_json else _say(summary)
    if alone and not given.as_json:
        show.say("\nNext: crmkit plan")
    return LOOK if summary.failures else DONE


@click.command()
@click.option("--all", "everything", is_flag=True, help=f"List more than {_SHOWN} rows of a file with one reason.")
@common()
def rejected(given: Given, everything: bool) -> int:
    """List the rows that could not be used, with place and reason."""
    with given.crm() as crm:
        rows = crm.rejected()
    if given.as_json:
        show.say_json({"rejected": [attrs.asdict(row) | {"place": row.place} for row in rows]})
    elif rows:
        _list(rows, everything=everything)
    else:
        show.say("No row was rejected.")
    return DONE


def _list(rows: Sequence[RejectedRow], *, everything: bool) -> None:
    shown, more = (rows, Counter()) if everything else _shown(rows)
    cells = [(row.place, row.kind, row.row_id, row.field, row.reason) for row in shown]
    show.say_table(("place", "kind", "id", "field", "reason"), cells)
    for (file, _, field, _), number in more.items():
        show.say(f"and {number:,} more in {file}, field {field}, for the same reason: --all lists them")
    told = show.counted(len({row.row for row in rows}), "row")
    show.say(f"\n{told} to mend in the practice software; the next crmkit sync reads them again.")
    if any(row.kind in WEIGHTY for row in rows):
        show.say("Until then nothing goes to those whose own row, or consent, is among them.")


def _shown(rows: Sequence[RejectedRow]) -> tuple[list[RejectedRow], Counter[tuple[str, ...]]]:
    """Return the rows to list, and of how many like them the file has more: a wrong mapping is wrong in every row."""
    seen: Counter[tuple[str, ...]] = Counter()
    shown: list[RejectedRow] = []
    for row in rows:
        alike = (row.file, row.kind, row.field, row.reason)
        seen[alike] += 1
        if seen[alike] <= _SHOWN:
            shown.append(row)
    return shown, Counter({alike: number - _SHOWN for alike, number in seen.items() if number > _SHOWN})


def _say_json(summary: SyncSummary) -> None:
    kinds = {kind: attrs.asdict(counts) for kind, counts in summary.kinds.items()}
    total = attrs.asdict(summary.total)
    failures = list(summary.failures)
    counts = {"forgotten": summary.forgotten, "missing": summary.missing}
    show.say_json({"kinds": kinds, "total": total, **counts, "failures": failures})


def _say(summary: SyncSummary) -> None:
    headings = ("kind", *(field.name for field in attrs.fields(Counts)))
    rows = [(kind, *attrs.astuple(counts)) for kind, counts in summary.kinds.items()]
    show.say_table(headings, rows, footer=("all", *attrs.astuple(summary.total)))
    if not any(attrs.astuple(summary.total)) and not summary.failures and not summary.forgotten:
        show.say("\nNot one row was read: is the export whole?")
    if summary.total.rejected:
        rows_were = "row was" if summary.total.rejected == 1 else "rows were"
        show.say(f"\n{summary.total.rejected:,} {rows_were} rejected: crmkit rejected shows them.")
    if summary.forgotten:
        rows_were = "row was" if summary.forgotten == 1 else "rows were"
        show.say(f"\n{summary.forgotten:,} {rows_were} left out: the patients were forgotten on request.")
    if summary.missing:
        missed = show.counted(summary.missing, "patient")
        were = "is" if summary.missing == 1 else "are"
        show.say(f"\n{missed} of earlier exports {were} not in this one, but may still be written to.")
        show.say("Export whoever has left with a status, and erase with crmkit forget whoever is to be erased.")
    for failure in summary.failures:
        show.say(f"\nA source failed: {failure}")
