"""What is installed, and the templates that are shipped, are looked at once in a run, however many CRMs are opened.

A CRM reads the metadata of every installed distribution and compiles every template when it is opened: half of what
opening costs, and thousands are opened in a run. What was found is found again as long as the folders that it was
found in say the same; templates of a test's own, or of a plugin of its own, are looked at each time. A test about the
checking itself takes `inspect.unwrap(Renderer.check)`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import crmkit
from crmkit.messages.renderer import Renderer
from crmkit.messages.type import MessageType
from crmkit.plugins import installed
from crmkit.plugins.installed import Found

_SHIPPED = Path(crmkit.__file__).parent
_Place = tuple[str, int, int]


def look_up_once(replace: Callable[[Any, Any], None]) -> None:
    """Let whoever asks what is installed, or checks the shipped templates, be given the answer of before."""
    replace(installed.discover, _discovering(installed.discover))
    Renderer.check = _checking(Renderer.check)  # type: ignore[method-assign]


def _discovering(real: Callable[[], dict[str, Found]]) -> Callable[[], dict[str, Found]]:
    known: dict[tuple[_Place, ...], dict[str, Found]] = {}

    def discover() -> dict[str, Found]:
        places = tuple(_place(one or ".") for one in sys.path)
        if places not in known:
            known[places] = real()
        return dict(known[places])

    return discover


def _checking(real: Callable[..., None]) -> Callable[..., None]:
    # A dictionary of types cannot be hashed, and few of them differ.
    known: dict[tuple[object, ...], list[Mapping[str, MessageType]]] = {}

    @wraps(real)
    def check(self: Renderer, *, names: bool = True) -> None:
        if not all(_is_shipped(kind) for kind in self.types.values()):
            return real(self, names=names)
        own = tuple(_files(self.templates)) if self.templates else None
        passed = known.setdefault((names, self.practice.locale, own), [])
        if self.types not in passed:
            real(self, names=names)
            passed.append(dict(self.types))
        return None

    return check


def _is_shipped(kind: MessageType) -> bool:
    return isinstance(kind.templates, Path) and kind.templates.is_relative_to(_SHIPPED)


def _files(folder: Path) -> Iterator[_Place]:
    yield _place(str(folder))
    for above, folders, files in os.walk(folder):
        yield from (_place(os.path.join(above, name)) for name in (*folders, *files))


def _place(path: str) -> _Place:
    try:
        told = os.stat(path)
    except OSError:
        return (path, 0, 0)
    return (path, told.st_mtime_ns, told.st_size)
