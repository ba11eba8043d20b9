"""What a host hands in, from a form or from tables of its own: it is looked at before anything rests on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from crmkit.clock import Clock
from crmkit.errors import ConfigError

_T = TypeVar("_T")


def patient_id(given: str) -> str:
    """Return a patient's id as the records have it.

    Databases differ in what they make of a number where a text is wanted, and a no of nobody is lost.

    Raises:
        ConfigError: If it is no text, or blank.

    >>> patient_id(" P1 ")
    'P1'
    """
    return _id(given, "patient")


def patient_ids(given: Sequence[str] | None) -> list[str] | None:
    """Return the ids of those whom alone something is for; None if it is for everybody.

    Raises:
        ConfigError: If it is one text, which is a list of letters to Python, or one of them is no id.
    """
    if isinstance(given, str):
        raise ConfigError("is one text", where="only_to", mend=f"write a list: only_to=[{given!r}]")
    return None if given is None else [_id(one, "only_to") for one in given]


def of_kind(kind: type[_T], given: _T, where: str) -> _T:
    """Return what was given if it is of a kind: else it would be found out in the middle of a plan.

    Raises:
        ConfigError: If it is anything else.
    """
    if not isinstance(given, kind):
        raise ConfigError(f"is no {kind.__name__}", where=where, mend=f"give a crmkit.{kind.__name__}")
    return given


def text(given: str, where: str) -> str:
    """Return a text that was given; None, as of a variable that the environment lacks, is none.

    Raises:
        ConfigError: If it is anything else.
    """
    if not isinstance(given, str):
        raise ConfigError("is no text", where=where, mend="write one, or leave it out")
    return given


def a_clock(given: Clock) -> Clock:
    """Return a clock that was given.

    Raises:
        ConfigError: If it cannot be asked for the time.
    """
    if not callable(getattr(given, "now", None)):
        raise ConfigError("tells no time", where="clock", mend="give an object with now(), such as a crmkit.FixedClock")
    return given


def _id(given: Any, where: str) -> str:
    if isinstance(given, str) and given.strip():
        return given.strip()
    if isinstance(given, str):
        raise ConfigError("is blank", where=where, mend="give the patient's id, as the source gives it")
    # Of anything but a number the text may be a whole patient.
    example = f": {str(given)!r}" if type(given) is int else ""
    raise ConfigError("is no text", where=where, mend=f"write the id as text, as the source gives it{example}")
