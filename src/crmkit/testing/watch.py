"""What a plugin's own code asks of the machine: its clock, its chance, its environment, its network."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from crmkit.clock import SystemClock

#: Functions written in C, by their qualified names.
_BUILTIN = {
    "datetime.now": "the machine's clock",
    "datetime.utcnow": "the machine's clock",
    "datetime.today": "the machine's clock",
    "date.today": "the machine's clock",
    "time": "the machine's clock",
    "time_ns": "the machine's clock",
    "localtime": "the machine's clock",
    "gmtime": "the machine's clock",
    "urandom": "chance",
    "Random.random": "chance",
    "Random.getrandbits": "chance",
    "socket.connect": "the network",
}
_MODULES = frozenset({None, "time", "posix", "nt"})
#: Functions written in Python, by module and name.
_PYTHON = {
    ("os", "getenv"): "the environment",
    ("uuid", "uuid4"): "chance",
    ("uuid", "uuid1"): "chance",
    ("socket", "create_connection"): "the network",
    ("urllib.request", "urlopen"): "the network",
}


@contextmanager
def watched(package: str) -> Iterator[list[str]]:
    """Note what the code of a package, by its top name, asks of the machine in this thread; only direct calls count."""
    asked: list[str] = []

    def look(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and _is_of(frame, package):
            asked.extend(_builtin(called))
        elif event == "call" and frame.f_back is not None and _is_of(frame.f_back, package):
            asked.extend(_python(frame))

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield asked
    finally:
        sys.setprofile(before)


def _is_of(frame: FrameType, package: str) -> bool:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] == package


def _builtin(called: Any) -> list[str]:
    name = getattr(called, "__qualname__", "")
    what = _BUILTIN.get(name) if getattr(called, "__module__", None) in _MODULES else None
    return [f"{what} ({name})"] if what else []


def _python(frame: FrameType) -> list[str]:
    module, name = str(frame.f_globals.get("__name__", "")), frame.f_code.co_name
    owner = frame.f_locals.get("self")
    what = _PYTHON.get((module, name))
    if owner is os.environ:
        what = "the environment"
    elif isinstance(owner, random.Random):
        what = "chance"
    elif isinstance(owner, SystemClock) and name == "now":
        what = "the machine's clock"
    return [f"{what} ({name})"] if what else []
