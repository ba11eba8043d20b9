"""How the command line looks: tables that align, one JSON document, a progress bar for those who watch."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from unicodedata import category

import click
from rich import box
from rich.console import Console
from rich.table import Table

from crmkit.errors import CrmkitError

_FULL, _PLAIN = "█", "#"
#: What stands between two columns.
_GAP = 3


def say(text: str = "") -> None:
    """Print a line for a person."""
    click.echo(clean(text))


def say_json(document: Any, *, line: bool = False) -> None:
    """Print the one JSON document of a command, in ASCII, so that any reader of any platform understands it.

    Args:
        document: What is to be said.
        line: Whether it is one of many, each on a line of its own.
    """
    click.echo(json.dumps(document, indent=None if line else 2, default=_plain))


def say_problem(problem: CrmkitError, *, as_json: bool, line: bool = False) -> None:
    """Tell what went wrong, where, and how to mend it: on stderr, or as the JSON document."""
    if as_json:
        parts = {"code": problem.code, "problem": problem.problem, "where": problem.where, "mend": problem.mend}
        say_json({"error": parts}, line=line)
    else:
        click.echo(f"Error: {clean(str(problem))}", err=True)


def say_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, footer: Sequence[object] = ()) -> None:
    """Print a table; columns of numbers stand on the right.

    Args:
        headings: One for each column.
        rows: As many cells as there are headings.
        footer: A last row, such as the sums, under a line of its own.
    """
    lines = [list(row) for row in rows]
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False, show_footer=bool(footer))
    last = footer or [""] * len(headings)
    for number, heading in enumerate(headings):
        cells = [line[number] for line in lines] or [last[number]]
        numeric = all(isinstance(cell, int) for cell in cells)
        table.add_column(
            heading, _cell(last[number]), justify="right" if numeric else "left", overflow="fold", no_wrap=numeric
        )
    for line in lines:
        table.add_row(*(_cell(cell) for cell in line))
    console = _console()
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n")))


def width_of(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Return how wide a table is printed, with the gap to one more column behind it.

    >>> width_of(("month", "all"), [("2026-11", 1499)])
    18
    """
    columns = zip(headings, *rows, strict=True)
    return sum(max(len(_cell(cell)) for cell in column) + _GAP for column in columns)


def bar(value: int, most: int, width: int = 20) -> str:
    """Return a bar of characters; whatever is more than nothing gets at least one.

    >>> len(bar(5, 10)), len(bar(1, 1000)), bar(0, 10)
    (10, 1, '')
    """
    length = max(1, round(width * value / most)) if value and most else 0
    return _bar_character() * length


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "message"), counted(1200, "message"), counted(0, "touch")
    ('1 message', '1,200 messages', '0 touches')
    """
    plural = "es" if noun.endswith("ch") else "s"
    return f"{number:,} {noun}{'' if number == 1 else plural}"


def listed(words: Sequence[str]) -> str:
    """Return words as a list within a sentence.

    >>> listed(["email"]), listed(["email", "post"]), listed(["email", "sms", "post"])
    ('email', 'email and post', 'email, sms and post')
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def clean(text: str) -> str:
    r"""Return a text without the control characters that could steer a terminal; line ends, tabs and blanks stay.

    >>> clean("a\x1b[31mb\r\n"), clean("Une question\N{NO-BREAK SPACE}?")
    ('a[31mb\n', 'Une question\xa0?')
    """
    return "".join(letter for letter in text if letter in "\n\t" or letter.isprintable() or category(letter) == "Zs")


@contextmanager
def progress(what: str, total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Draw a progress bar on stderr if that is a terminal, from the first step to the last; yields what takes a step.

    Args:
        what: What is going on.
        total: How many steps there are.
        quiet: Draw nothing in any case, as with `--json`.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Redirecting would send what is printed meanwhile to stderr.
    bars = Progress(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
    )
    task = bars.add_task(what, total=total)

    def step(steps: int) -> None:
        bars.start()
        bars.advance(task, steps)
        if bars.finished:
            bars.stop()

    try:
        yield step
    finally:
        bars.stop()


def _console() -> Console:
    # Made anew each time: stdout may have been redirected since. Cells are text, never markup.
    return Console(file=sys.stdout, markup=False, highlight=False, emoji=False)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else clean(str(value))


def _bar_character() -> str:
    try:
        _FULL.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return _PLAIN
    return _FULL


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (Decimal, Path)):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
