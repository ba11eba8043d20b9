"""The database: upgrade it, check it, copy it, or print what somebody else is to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from crmkit.cli import show
from crmkit.cli.options import CONFIG_OPTION, DONE, LOOK, Given, common

if TYPE_CHECKING:
    from crmkit.crm.database import Checked, Database


@click.group()
def db() -> None:
    """Upgrade, check or copy the database, or print the SQL."""


def _command(command: Callable[..., int]) -> click.Command:
    """Add the options that say which database, and put the command into the group."""
    run = common(config=False)(command)
    for option in (_SCHEMA, _PREFIX, _DATABASE, CONFIG_OPTION):
        run = option(run)
    return db.command()(run)


def _database(given: Given, database: str, prefix: str, schema: str) -> Database:
    from crmkit.crm.config import read_config
    from crmkit.crm.database import Database

    if database:
        return Database(database, prefix or "crmkit_", schema)
    config = read_config(given.config)
    return Database(config.database, prefix or config.prefix, schema or config.schema)


_DATABASE = click.option(
    "--database", default="", metavar="URL", help="A database, in the place of the one in the crm.toml."
)
_PREFIX = click.option("--prefix", default="", help="What the names of its tables begin with.")
_SCHEMA = click.option("--schema", default="", help="In which schema they lie.")


@_command
def upgrade(given: Given, **where: str) -> int:
    """Bring the database to the revision that this version needs."""
    before, now = _database(given, **where).upgrade()
    if given.as_json:
        show.say_json({"before": before, "now": now})
    elif before == now:
        show.say(f"The database is of revision {now} already.")
    elif before:
        show.say(f"The database was of revision {before}, and is of {now} now.")
    else:
        show.say(f"The database was empty, and is of revision {now} now.")
    return DONE


@_command
def check(given: Given, **where: str) -> int:
    """Tell whether the database is as this version needs it."""
    found = _database(given, **where).check()
    if given.as_json:
        show.say_json(
            {"found": found.found, "needed": found.needed, "problem": found.problem, "differs": found.differs}
        )
    else:
        _say(found)
    return DONE if found.right else LOOK


def _say(found: Checked) -> None:
    if found.problem:
        show.say(found.problem)
    elif not found.found:
        show.say("The database is empty. crmkit sets it up when it is opened first; crmkit db upgrade does it now.")
    elif found.differs:
        show.say(f"The database is of revision {found.found}, but not as it ought to be:")
        for one in found.differs:
            show.say(f"  {one}")
        show.say("Somebody has changed it, or this role lacks rights. crmkit db sql prints how it ought to be.")
    else:
        show.say(f"The database is of revision {found.found}, as this version needs it.")


@_command
@click.option("--to", required=True, metavar="URL", help="The database to copy to; it is empty.")
@click.option("--to-prefix", default="crmkit_", show_default=True, help="What the names of its tables begin with.")
@click.option("--to-schema", default="", help="In which schema they lie.")
def copy(given: Given, to: str, to_prefix: str, to_schema: str, **where: str) -> int:
    """Copy all rows into an empty database, of another kind perhaps."""
    from crmkit.crm.database import Database

    number = _database(given, **where).copy(Database(to, to_prefix, to_schema))
    if given.as_json:
        show.say_json({"rows": number})
    else:
        show.say(f"{number:,} rows were copied. Let nothing send from the old database any more.")
    return DONE


@_command
@click.option("--since", default="", metavar="REVISION", help="The revision of the database.  [default: it is empty]")
def sql(given: Given, since: str, **where: str) -> int:
    """Print the SQL of an upgrade, for somebody else to run."""
    text = _database(given, **where).sql(since)
    if given.as_json:
        show.say_json({"since": since, "sql": text})
    else:
        click.echo(text, nl=False)
    return DONE
