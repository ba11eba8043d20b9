"""What went wrong with a plugin, as a value: who, in which version, while doing what. Never a patient's data."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from enum import StrEnum
from threading import Lock

import attrs

#: More different failures than this are not kept: by then everybody knows.
_MOST = 1000


class Phase(StrEnum):
    """What a plugin was doing when it failed, in the order of its life."""

    FIND = "find"
    IMPORT = "import"
    INFO = "info"
    HOOKS = "hooks"
    SETTINGS = "settings"
    REGISTER = "register"
    READ = "read"
    FETCH = "fetch"
    SELECT = "select"
    JUDGE = "judge"
    SEND = "send"
    ASK = "ask"
    PARSE = "parse"
    MEASURE = "measure"
    CLOSE = "close"


class Kind(StrEnum):
    """How it failed."""

    RAISED = "raised"
    OVERDUE = "overdue"
    ABANDONED = "abandoned"
    MISSING = "missing"
    DUPLICATE = "duplicate"
    VERSION = "version"
    NO_PLUGIN = "no_plugin"
    NO_INFO = "no_info"
    MISSPELT = "misspelt"
    UNMARKED = "unmarked"
    ORDERED = "ordered"
    SIGNATURE = "signature"
    SETTINGS = "settings"
    NAME = "name"
    WRONG_TYPE = "wrong_type"
    ENDLESS = "endless"
    COUNT = "count"
    FOREIGN = "foreign"
    REPEATED = "repeated"
    CONTRADICTORY = "contradictory"
    NONSENSE = "nonsense"
    QUOTED = "quoted"
    SILENT = "silent"


@attrs.frozen
class Failure:
    """One way in which a plugin failed.

    Attributes:
        plugin: The plugin's name.
        version: The version of its distribution; empty for an object of the host.
        phase: What it was doing.
        kind: How it failed.
        problem: The same as a clause, in crmkit's own words: it quotes neither the plugin nor a patient.
        mend: What its vendor, or the host, can do about it.
        thing: The full name of the object that failed, empty for the plugin as a whole.
        error: The class of the exception, empty if there was none.
        place: The file and line of the plugin's own code that raised it, such as sms.py:40.
        times: How often it has happened.

    >>> print(Failure("acme", "1.2", Phase.JUDGE, Kind.RAISED, "judging failed (KeyError)", thing="acme.night"))
    acme 1.2: judge: acme.night: judging failed (KeyError).
    """

    plugin: str
    version: str
    phase: Phase
    kind: Kind
    problem: str
    mend: str = ""
    thing: str = ""
    error: str = ""
    place: str = ""
    times: int = attrs.field(default=1, eq=False)

    def __str__(self) -> str:
        place = ": ".join(filter(None, (f"{self.plugin} {self.version}".strip(), self.phase.value, self.thing)))
        mend = f" To mend: {self.mend.removesuffix('?').removesuffix('.')}." if self.mend else ""
        at = f" at {self.place}" if self.place else ""
        return f"{place}: {self.problem}{at}.{mend}"


@attrs.define(eq=False)
class Failures:
    """The failures of one `CRM`'s plugins, each once, with how often it happened.

    Attributes:
        practice: The practice's id, for the log: one process may have hundreds.
    """

    practice: str = ""
    _found: dict[Failure, int] = attrs.field(factory=dict, init=False, repr=False)
    _lock: Lock = attrs.field(factory=Lock, init=False, repr=False)

    def note(self, failure: Failure) -> Failure:
        """Keep a failure, and log it when it happens for the first time; return it."""
        with self._lock:
            known = self._found.get(failure, 0)
            if known or len(self._found) < _MOST:
                self._found[failure] = known + 1
        if not known:
            logging.getLogger(f"crmkit.plugin.{failure.plugin}").warning(
                "%s%s", self.practice and f"{self.practice}: ", failure
            )
        return failure

    def told(self) -> Sequence[Failure]:
        """Return all failures so far, in the order in which they first happened."""
        with self._lock:
            return [attrs.evolve(failure, times=times) for failure, times in self._found.items()]
