"""Plugins: list those that are installed, describe one, check one against the laws, start a new one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from crmkit.cli import show
from crmkit.cli.describe import describe, settings_file
from crmkit.cli.options import DONE, LOOK, Given, common
from crmkit.errors import ConfigError, PluginError

if TYPE_CHECKING:
    from crmkit.plugins.admitted import Admitted
    from crmkit.plugins.failure import Failure
    from crmkit.testing.statement import Statement

#: What `crmkit plugins new` can start.
KINDS = ("source", "channel", "message-type", "guard", "metric", "field", "event-parser")


def _listed(given: Given) -> int:
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
    from crmkit.plugins.door import CORE

    config = settings_file(given)
    return None if config is None else frozenset((CORE, *config.plugins))


#: What the group is for.
_ABOUT = "List the installed plugins and which are admitted; describe one, check one, or start a new one."


def _group(listed: Callable[..., None]) -> click.Group:
    """Return the group; without a further command it lists."""

    @functools.wraps(listed)
    def plugins(**given: Any) -> None:
        if click.get_current_context().invoked_subcommand is None:
            listed(**given)

    return click.group("plugins", invoke_without_command=True, help=_ABOUT)(plugins)


plugins = _group(common()(_listed))


@plugins.command("list")
@common()
def listed(given: Given) -> int:
    """List the installed plugins and which are admitted."""
    return _listed(given)


plugins.add_command(describe)


@plugins.command()
@click.argument("name", required=False)
@click.option(
    "--suite",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("tests/test_conformance.py"),
    show_default=True,
    help="The test file in which conformance() is called.",
)
@click.option(
    "--statement",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a conformance statement, as FILE.md and FILE.json.",
)
@click.option("--examples", type=click.IntRange(1), metavar="N", help="On how many examples each law is tried.")
@common()
def check(given: Given, name: str | None, suite: Path, statement: Path | None, examples: int | None) -> int:
    """Tell which plugins of the crm.toml cannot be admitted, and why.

    With a NAME: try every law on that plugin, as its own test file does.
    """
    if name is None:
        return _looked_at(given)
    made = _stated(given, name, suite, examples)
    files = made.write(statement) if statement else ()
    if given.as_json:
        show.say_json(made.plain())
    else:
        for result in made.results:
            if result.verdict == "broken":
                show.say(f"{result.note}\n")
            elif result.verdict == "waived":
                show.say(f"{result.law.id} is waived: {result.note}\n")
        show.say(made.sentence)
        for file in files:
            show.say(str(file))
    return DONE if made.conforms else LOOK


def _looked_at(given: Given) -> int:
    from crmkit.crm.config import read_config
    from crmkit.crm.wanted import Wanted

    config = read_config(given.config)
    wanted = Wanted(config.plugins, config.settings, config.required, strict=False, time_limits=config.time_limits)
    failures, number = _tried(lambda: wanted.admit(given.clock(), config.root))
    if given.as_json:
        names = ("plugin", "version", "phase", "kind", "problem", "mend", "thing", "error")
        show.say_json({"failures": [{name: getattr(one, name) for name in names} for one in failures]})
        return LOOK if failures else DONE
    for failure in failures:
        show.say(str(failure))
    if not failures:
        show.say(f"{show.counted(number, 'plugin')} admitted, and nothing is wrong with any.")
    return LOOK if failures else DONE


def _tried(admit: Callable[[], Admitted]) -> tuple[Sequence[Failure], int]:
    """Return what is wrong with plugins, and how many were admitted."""
    try:
        admitted = admit()
    except PluginError as problem:
        if not problem.failures:
            raise
        return cast("Sequence[Failure]", problem.failures), 0
    failures = admitted.failures.told()
    admitted.close()
    return failures, len(admitted.found)


def _stated(given: Given, name: str, suite: Path, examples: int | None) -> Statement:
    try:
        from crmkit.testing.found import subject_of
        from crmkit.testing.statement import state
    except ImportError:
        raise ConfigError("the conformance kit is not installed", mend="pip install 'crmkit[testing]'") from None
    subject = subject_of(name, suite)
    with show.progress("trying", len(subject.laws), quiet=given.as_json) as step:
        return state(subject, given.clock().now(), examples, step=step)


@plugins.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What it adds.")
@common(config=False)
def new(given: Given, name: str, kind: str) -> int:
    """Start a plugin in a folder of its name: green at once."""
    from crmkit.testing.start import start

    files = start(name, kind, Path.cwd())
    if given.as_json:
        show.say_json({"files": files})
        return DONE
    for file in files:
        show.say(str(file))
    show.say(f"\nNext: cd {name}, pip install --editable . --group dev, pytest")
    return DONE
