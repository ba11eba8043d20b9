"""Every failure that crmkit raises on purpose.

An error says what is wrong, where (file, line, field, setting) and how to mend it. Its text holds ids and field
names only, never a patient's name, address or number, so that it may be logged.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Self

__all__ = [
    "ConfigError",
    "CrmkitError",
    "GoneBack",
    "InTheWay",
    "MissingField",
    "NotFound",
    "NotSent",
    "OtherRevision",
    "PluginError",
    "ScheduleError",
    "SegmentError",
    "SourceError",
    "StoreError",
    "TemplateError",
    "Unreachable",
    "nearest",
]


class CrmkitError(Exception):
    """The base of all failures of crmkit.

    Args:
        problem: What is wrong, as one clause without a full stop.
        where: The place: a file and line, a setting's path, a campaign.
        mend: What the reader can do about it.

    >>> print(CrmkitError("no such folder", where="crm.toml: settings.csv.folder", mend="create it"))
    crm.toml: settings.csv.folder: no such folder. To mend: create it.
    """

    code = "error"

    def __init__(self, problem: str, *, where: str = "", mend: str = "") -> None:
        self.problem = problem
        self.where = where
        self.mend = mend
        super().__init__(problem)

    def within(self, place: str) -> Self:
        """Put a wider place before the error's own, and return the error."""
        self.where = f"{place}: {self.where}" if self.where else place
        return self

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        mend = f" To mend: {_sentence(self.mend)}" if self.mend else ""
        return f"{place}{_sentence(self.problem)}{mend}"


def _sentence(clause: str) -> str:
    return clause if clause.endswith((".", "?", "!")) else f"{clause}."


class ConfigError(CrmkitError):
    """A setting, a `crm.toml` or an argument that cannot be used."""

    code = "config"


class SegmentError(CrmkitError):
    """A segment's text or tree that cannot be understood."""

    code = "segment"


class ScheduleError(CrmkitError):
    """A schedule's text that cannot be understood."""

    code = "schedule"


class TemplateError(CrmkitError):
    """A template or a content file that cannot be used for anybody."""

    code = "template"


class MissingField(CrmkitError):  # noqa: N818 - a state of one message, not of the program
    """One message lacks a value that its template prints; that message is held.

    Attributes:
        field: The dotted name of the missing field.
    """

    code = "missing-field"

    def __init__(self, field: str, *, where: str = "", mend: str = "") -> None:
        self.field = field
        super().__init__(f"the field {field} is empty", where=where, mend=mend)


class SourceError(CrmkitError):
    """A data source that cannot be read at all (single bad rows are rejected, not raised)."""

    code = "source"


class NotSent(CrmkitError):  # noqa: N818 - the answer of a channel
    """Raised by a channel that knows that of the messages it was handed, and has not answered yet, none has left."""

    code = "not-sent"


class PluginError(CrmkitError):
    """A plugin that cannot be admitted or that broke the contract.

    Attributes:
        failures: All that went wrong, where several plugins could not be admitted.
    """

    code = "plugin"

    def __init__(self, problem: str, *, where: str = "", mend: str = "", failures: Sequence[object] = ()) -> None:
        self.failures = tuple(failures)
        super().__init__(problem, where=where, mend=mend)


class StoreError(CrmkitError):
    """A database that cannot be used."""

    code = "store"


class InTheWay(StoreError):  # noqa: N818 - a moment's state, not a fault
    """Another transaction was in the way: nothing was written, and the same may be tried again at once."""


class Unreachable(StoreError):  # noqa: N818 - a moment's state, not a fault
    """The database did not answer, the connection to it was lost, or none came free: the same may be tried again later.

    What was being committed just then may have been written; every call of a `CRM` may be made again all the same.
    """


class GoneBack(StoreError):  # noqa: N818 - what happened to the database
    """The database is not what it was when this process wrote to it: a backup was restored, or its file replaced."""


class OtherRevision(StoreError):  # noqa: N818 - what the database is
    """The database is of another revision than this version of crmkit needs, perhaps since this process began."""


class NotFound(CrmkitError):  # noqa: N818 - reads as the answer it is
    """A patient, campaign or touch that does not exist."""

    code = "not-found"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names what the reader probably meant, and else all that is known.

    >>> nearest("tokne", ["token", "url"])
    'did you mean token?'
    >>> nearest("x", ["token", "url"])
    'known are: token, url'
    """
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"known are: {', '.join(names) or 'none'}"


def nearest_brought(name: str, known: Iterable[str]) -> str:
    """Return the same hint for what a plugin may bring: such a name begins with the plugin's, which may not be there.

    >>> nearest_brought("acme.shoes", ["age", "born"])
    'admit the plugin acme, which would bring it; known are: age, born'
    >>> nearest_brought("cor.birthday", ["core.birthday"])
    'did you mean core.birthday?'
    """
    names = sorted(known)
    hint, (plugin, dot, _) = nearest(name, names), name.partition(".")
    if dot and hint.startswith("known are") and not any(one.startswith(f"{plugin}.") for one in names):
        return f"admit the plugin {plugin}, which would bring it; {hint}"
    return hint
