"""Documents are tests: every Python block of a page and every `>>>` of a docstring runs as it stands.

A page's `text` block is what the Python blocks before it printed. Each document runs in an empty folder of its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import redirect_stdout
from doctest import ELLIPSIS, OutputChecker
from io import StringIO
from pathlib import Path
from typing import Any

from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser
from sybil.parsers.rest import DocTestParser
from sybil.sybil import SybilCollection

# The page on many machines starts workers beside all other tests, where half a minute may not be enough for them.
os.environ.setdefault("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "120s")

_run = PythonEvaluator()
_PRINTED, _PLACES = "_printed", "_places"


def _python(example: Example) -> None:
    printed = StringIO()
    with redirect_stdout(printed):
        _run(example)
    example.namespace[_PRINTED] = example.namespace.get(_PRINTED, "") + printed.getvalue()


def _printed(example: Example) -> str:
    """Return what differs between the block and what was printed, empty if they agree."""
    got, want = example.namespace.pop(_PRINTED, ""), str(example.parsed)
    agree = bool(got) and OutputChecker().check_output(want, got, ELLIPSIS)
    return "" if agree else f"The page says:\n{want}\nPrinted was:\n{got or 'nothing'}"


def _enter(namespace: dict[str, Any]) -> None:
    namespace[_PLACES] = os.getcwd(), tempfile.mkdtemp()
    os.chdir(namespace[_PLACES][1])


def _leave(namespace: dict[str, Any]) -> None:
    home, folder = namespace[_PLACES]
    os.chdir(home)
    shutil.rmtree(folder)


class _Docstrings(Sybil):
    """Modules with an example in them; to read the docstrings of all the others takes longer than to run these."""

    def should_parse(self, path: Path) -> bool:
        return super().should_parse(path) and ">>>" in path.read_text(encoding="utf-8")


_blocks = PythonCodeBlockParser(doctest_optionflags=ELLIPSIS)
_blocks.codeblock_parser = CodeBlockParser("python", _python)
_PAGE = [_blocks, CodeBlockParser("text", _printed)]

_documents = (
    Sybil(_PAGE, path="docs", patterns=["*.md"], setup=_enter, teardown=_leave),
    Sybil(_PAGE, filenames=["README.md"], setup=_enter, teardown=_leave),
    _Docstrings([DocTestParser(ELLIPSIS)], path="src", patterns=["*.py"], setup=_enter, teardown=_leave),
)

pytest_collect_file = SybilCollection(_documents).pytest()
