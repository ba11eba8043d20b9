"""Where a practice's CRM comes from, so that a worker elsewhere can build its own: names travel, nothing else."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any

import attrs

from crmkit.errors import ConfigError, CrmkitError

if TYPE_CHECKING:
    from crmkit.crm.crm import CRM

_NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_MEND = "write it as module:function, such as myapp.crm:make"


def _importable(_: Any, __: Any, value: str) -> None:
    if not _NAME.fullmatch(value):
        raise ConfigError(f"{value!r} names no function", where="factory", mend=_MEND)


@attrs.frozen
class Origin:
    """An importable function of the host that returns a practice's CRM.

    Attributes:
        factory: Its name, such as `myapp.crm:make`.
        practice: What it is given: by custom the practice's id; without one it is called with nothing.
    """

    factory: str = attrs.field(validator=_importable)
    practice: str = ""

    def open(self) -> CRM:
        """Build the CRM; the caller closes it.

        Raises:
            ConfigError: If there is no such function, it fails, or it returns something else.
        """
        from crmkit.crm.crm import CRM

        make = self._function()
        try:
            crm = make(self.practice) if self.practice else make()
        except CrmkitError:
            raise
        except Exception as problem:
            raise self._wrong(_failed(problem)) from problem
        if not isinstance(crm, CRM):
            raise self._wrong("returned no CRM")
        crm.origin = self
        return crm

    def _function(self) -> Any:
        module, _, name = self.factory.partition(":")
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError) as problem:
            lacks = f": there is no {problem.name}" if problem.name else ""
            raise self._wrong(f"cannot be imported{lacks}") from problem

    def _wrong(self, what: str) -> ConfigError:
        mend = "it must be importable on this machine, and return a CRM"
        return ConfigError(f"the factory {what}", where=self.factory, mend=mend)


def _failed(problem: Exception) -> str:
    """Return what went wrong and where, without the error's own words, which may hold a patient's data."""
    frames = extract_tb(problem.__traceback__)
    if isinstance(problem, TypeError) and len(frames) == 1:
        return "takes other arguments: it is called with the practice if one is given, else with nothing"
    return f"failed ({type(problem).__name__}, {Path(frames[-1].filename).name} line {frames[-1].lineno})"


def from_file(path: str) -> CRM:
    """Return the CRM that a `crm.toml` describes: the factory of those who have a file."""
    from crmkit.crm.crm import CRM

    return CRM.from_file(path)
