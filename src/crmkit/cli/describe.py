"""What a plugin brings: its hooks, its settings, and all that it registers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click
from click.core import ParameterSource

from crmkit.cli import show
from crmkit.cli.options import DONE, Given, common

if TYPE_CHECKING:
    from crmkit.crm.config import Config
    from crmkit.plugins.described import Described


@click.command()
@click.argument("name")
@common()
def describe(given: Given, name: str) -> int:
    """Tell what a plugin brings: its hooks, its settings, and all that it registers.

    It is imported for that, whether the crm.toml admits it or not.
    """
    from crmkit.plugins.described import describe as described

    config = settings_file(given)
    settings: Mapping[str, Any] = config.settings.get(name, {}) if config else {}
    root, limits = (config.root, config.time_limits) if config else (Path.cwd(), None)
    told = described(name, settings, given.clock(), root, limits)
    if given.as_json:
        show.say_json(attrs.asdict(told))
    else:
        _say(told)
    return DONE


def settings_file(given: Given) -> Config | None:
    """Return what the crm.toml says; None without one, unless it was asked for by name."""
    from crmkit.crm.config import read_config

    source = click.get_current_context().get_parameter_source("config")
    if source is ParameterSource.DEFAULT and not given.config.exists():
        return None
    return read_config(given.config)


def _say(told: Described) -> None:
    show.say(
        f"{told.name}, of {told.distribution} {told.version}; it needs version {told.requires_api} of the contract."
    )
    show.say(f"It implements {', '.join(told.hooks) or 'no hook'}.\n")
    if told.untold:
        show.say(f"What it registers is told once it has its settings. {told.untold}")
    else:
        show.say_table(("kind", "name", "what it is"), [(one.kind, one.name, one.help) for one in told.things])
    if told.settings:
        show.say()
        headings = ("setting", "type", "default", "secret", "what it is")
        show.say_table(
            headings,
            [
                (one.name, one.type, "must be set" if one.required else one.default, _YES[one.secret], one.help)
                for one in told.settings
            ],
        )


_YES = {True: "yes", False: "no"}
