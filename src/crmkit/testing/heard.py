"""What can be heard of a plugin: its logs, what it prints, its warnings."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO

import attrs


@attrs.define(eq=False)
class Heard:
    """What was said while somebody listened.

    Attributes:
        lines: One for each log record, warning or print.
    """

    lines: list[str] = attrs.field(factory=list, repr=False)

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)


class _Ear(logging.Handler):
    def __init__(self, heard: Heard) -> None:
        super().__init__(level=1)
        self.heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.lines.append(self.format(record))


@contextmanager
def listen() -> Iterator[Heard]:
    """Hear every log record of every level that reaches the root, every print and every warning."""
    heard, printed, root = Heard(), StringIO(), logging.getLogger()
    ear, level = _Ear(heard), root.level
    root.addHandler(ear)
    root.setLevel(1)
    try:
        with redirect_stdout(printed), redirect_stderr(printed), warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield heard
    finally:
        root.removeHandler(ear)
        root.setLevel(level)
    heard.lines += [printed.getvalue(), *(str(one.message) for one in warned)]
