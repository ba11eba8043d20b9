"""Plugins: list those that are installed, describe one, check one against the laws, start a new one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import click

from crmkit.cli import show
from crmkit.cli.describe import describe, settings_file
from crmkit.cli.failed import plain
from crmkit.cli.options import DONE, LOOK, Given, common
from crmkit.errors import ConfigError, PluginError

if TYPE_CHECKING:
    from crmkit.crm.config import Config
    from crmkit.plugins.failure import Failure
    from crmkit.testing.statement import Statement

#: What `crmkit plugins new` can start.
KINDS = ("source", "channel", "message-type", "guard", "metric", "field", "event-parser")


def _listed(given: Given) -> int:
    from crmkit.plugins.door import discover

    config = settings_file(given)
    looked = None if config is None else _look(given, config)
    headings = ("name", "distribution", "version", "admitted")
    rows = [
        (found.name, found.distribution, found.version, None if looked is None else found.name in looked.admitted)
        for _, found in sorted(discover().items())
    ]
    failures = looked.failures if looked else ()
    if given.as_json:
        document = {"plugins": [dict(zip(headings, row, strict=True)) for row in rows]}
        show.say_json({**document, "failures": plain(failures)})
        return LOOK if failures else DONE
    said = {None: "no crm.toml", True: "yes", False: "no"} | {one.plugin: "failed" for one in failures}
    show.say_table(headings, [(*row[:3], said.get(row[0], said[row[3]])) for row in rows])
    for failure in failures:
        show.say(f"\n{failure}")
    return LOOK if failures else DONE


#: What the group is for.
_ABOUT = "List the installed plugins and which are admitted; describe one, check one, or start a new one."


def _group(listed: Callable[..., None]) -> click.Group:
    """Return the group; without a further command it lists."""

    @functools.wraps(listed)
    def plugins(**given: Any) -> None:
        if click.get_current_context().invoked_subcommand is None:
            listed(**given)

    short = "List the plugins; describe, check or start one."
    return click.group("plugins", invoke_without_command=True, help=_ABOUT, short_help=short)(plugins)


plugins = _group(common()(_listed))


@plugins.command("list")
@common()
def listed(given: Given) -> int:
    """List the installed plugins, which are admitted, and what is wrong with those that are not."""
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
    installed = _as_installed(given, name)
    if given.as_json:
        show.say_json({**made.plain(), "as_installed": installed})
    else:
        for result in made.results:
            if result.verdict == "broken":
                show.say(f"{result.note}\n")
            elif result.verdict == "waived":
                show.say(f"{result.law.id} is waived: {result.note}\n")
        show.say(made.sentence)
        if installed:
            show.say(f"But a host cannot use it as it is installed. {installed}")
        for file in files:
            show.say(str(file))
    return DONE if made.conforms and not installed else LOOK


def _as_installed(given: Given, name: str) -> str:
    """Return why a host that names the plugin could not have it: the test file imports it past its entry point."""
    from crmkit.plugins.described import describe as described
    from crmkit.plugins.installed import discover

    if name not in discover():
        return ""
    try:
        described(name, {}, given.clock(), Path.cwd())
    except PluginError as problem:
        return str(problem)
    return ""


def _looked_at(given: Given) -> int:
    from crmkit.crm.config import read_config

    looked = _look(given, read_config(given.config))
    if given.as_json:
        show.say_json({"failures": plain(looked.failures)})
        return LOOK if looked.failures else DONE
    for failure in looked.failures:
        show.say(str(failure))
    if not looked.failures:
        show.say(f"{show.counted(len(looked.admitted), 'plugin')} admitted, and nothing is wrong with any.")
    return LOOK if looked.failures else DONE


class _Looked(NamedTuple):
    """Which plugins of a crm.toml come in, and what is wrong with the others."""

    admitted: frozenset[str]
    failures: Sequence[Failure]


def _look(given: Given, config: Config) -> _Looked:
    """Admit the plugins of a crm.toml, to see what comes of it, and close them again."""
    from crmkit.crm.opened import looking
    from crmkit.crm.wanted import Wanted

    wanted = Wanted(config.plugins, config.settings, config.required, strict=False, time_limits=config.time_limits)
    try:
        folders = [config.root / folder if folder else None for folder in (config.templates, config.content)]
        admitted = wanted.admit(given.clock(), config.root, looking(config.practice, *folders), config.practice.id)
    except PluginError as problem:
        if not problem.failures:
            raise
        return _Looked(frozenset(), cast("Sequence[Failure]", problem.failures))
    admitted.close()
    # Closing may fail too.
    return _Looked(frozenset(one.name for one in admitted.found), admitted.failures.told())


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
    show.say(f'\nNext: cd {name}, pip install --editable ".[dev]", pytest')
    return DONE
