"""Where a plugin failed, for whoever is to mend it."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path
from traceback import walk_tb
from types import TracebackType

#: A file whose name is anything else might be called like a patient.
_FILE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}\.py")
_STANDARD, _OURS = Path(os.__file__).parent, Path(__file__).parent
_INSTALLED = {"site-packages", "dist-packages"}


def place_of(trace: TracebackType | None) -> str:
    """Return file and line where the plugin's own code last stood, and not what it rests on, such as a driver.

    Empty if there is none, or the file's name is no plain word.
    """
    frames = [(Path(frame.f_code.co_filename), line) for frame, line in walk_tb(trace)]
    called = [(file, line) for file, line in frames if not _calls(file)]
    own = [(file.name, line) for file, line in called if package(file) == package(called[0][0])]
    file, line = own[-1] if own else ("", 0)
    return f"{file}:{line}" if _FILE_NAME.fullmatch(file) else ""


def package(file: Path) -> str:
    """Return what was installed of which a file is a part; empty for a host's own, and all that is not installed.

    >>> package(Path("/usr/lib/python3/dist-packages/acme/night.py"))
    'acme'
    """
    return next((part for above, part in pairwise(file.parts) if above in _INSTALLED), "")


def _calls(file: Path) -> bool:
    """Tell whether a file is Python's own, or of what makes the call."""
    return _OURS in file.parents or package(file) == "pluggy" or (_STANDARD in file.parents and not package(file))
