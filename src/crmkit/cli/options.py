"""What every command takes: which `crm.toml`, JSON or tables, and a clock that stands still."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import click

from crmkit.cli.show import say_problem
from crmkit.clock import Clock, FixedClock, SystemClock
from crmkit.errors import ConfigError, CrmkitError

if TYPE_CHECKING:
    from crmkit.crm.crm import CRM

    _Instants: TypeAlias = click.ParamType[datetime]
    _Days: TypeAlias = click.ParamType[date]
else:
    # Those of click before 8.4 say nothing of what they convert to.
    _Instants = _Days = click.ParamType

#: The exit codes that a command may end with; 2 is click's own, for wrong usage.
DONE, FAILED, LOOK = 0, 1, 3

_CONFIG = Path("crm.toml")


class Instant(_Instants):
    """An instant with its distance from UTC, such as `2026-12-01T09:00+11:00`."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the aware datetime; a time without a zone is refused, for it names no instant."""
        if isinstance(value, datetime):
            return value
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no instant: write it as 2026-12-01T09:00+11:00", param, ctx)
        if at.tzinfo is None:
            self.fail(f"{value!r} names no instant: add the zone, such as +11:00 or Z", param, ctx)
        return at


class Day(_Days):
    """A date, such as `2026-12-24`."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the date; what is written otherwise is refused: 5/3 is in March here, and in May there."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date: write it as 2026-12-24", param, ctx)


@attrs.frozen
class Given:
    """What was given to every command.

    Attributes:
        config: The `crm.toml`.
        as_json: One JSON document on stdout instead of tables, and nothing else.
        at: The instant at which the clock stands; None for the machine's clock.
        factory: The host's function that makes the CRM, in the place of a `crm.toml`; empty for none.
        practice: What that function is given.
    """

    config: Path = _CONFIG
    as_json: bool = False
    at: datetime | None = None
    factory: str = ""
    practice: str = ""

    def clock(self) -> Clock:
        """Return the clock to run on."""
        return SystemClock() if self.at is None else FixedClock(self.at)

    def crm(self) -> CRM:
        """Return the practice's CRM; use it as a context manager."""
        from crmkit.crm.crm import CRM

        if not self.factory:
            return CRM.from_file(self.config, clock=self.clock())
        if self.at is not None:
            mend = "leave out --at, or name a crm.toml with --config"
            raise ConfigError("a CRM that the host makes has the host's clock", where="--at", mend=mend)
        return CRM.made_by(self.factory, self.practice)


def common(*, config: bool = True) -> Callable[[Callable[..., int]], Callable[..., None]]:
    """Return a decorator that adds the common options and turns errors and results into exit codes.

    Args:
        config: Whether the command reads or writes a `crm.toml`.
    """

    def decorate(command: Callable[..., int]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(
            config: Path = _CONFIG,
            *,
            as_json: bool,
            at: datetime | None,
            factory: str = "",
            practice: str = "",
            **more: Any,
        ) -> None:
            given = Given(config, as_json, at, factory, practice)
            click.get_current_context().exit(_run(command, given, more))

        for option in (_AT, _JSON, *((_PRACTICE, _FACTORY, CONFIG_OPTION) if config else ())):
            run = option(run)
        return run

    return decorate


def day_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--through DATE`: the last due date to look at."""
    return click.option(
        "--through",
        type=Day(),
        metavar="DATE",
        help="The last due date to look at, such as 2026-12-24.  [default: six days from today]",
    )(function)


def _run(command: Callable[..., int], given: Given, more: dict[str, Any]) -> int:
    try:
        return command(given, **more)
    except CrmkitError as problem:
        say_problem(problem, as_json=given.as_json)
    except BrokenPipeError:
        raise
    except OSError as problem:
        where = os.fspath(problem.filename) if problem.filename else ""
        told = CrmkitError((problem.strerror or type(problem).__name__).lower(), where=str(where))
        say_problem(told, as_json=given.as_json)
    return FAILED


CONFIG_OPTION = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_CONFIG,
    envvar="CRMKIT_CONFIG",
    show_default=True,
    show_envvar=True,
    help="The practice's settings and programme.",
)
_FACTORY = click.option(
    "--factory",
    default="",
    metavar="MODULE:FUNCTION",
    envvar="CRMKIT_FACTORY",
    show_envvar=True,
    help="A function of the host that makes the CRM, in the place of a crm.toml.",
)
_PRACTICE = click.option(
    "--practice", default="", metavar="ID", help="What --factory is given: by custom the practice."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout instead of tables.")
_AT = click.option(
    "--at",
    type=Instant(),
    metavar="INSTANT",
    help="Run on a clock that stands at this instant, such as 2026-12-01T09:00+11:00.",
)
