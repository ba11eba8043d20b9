"""What to tell the writer of a segment that the grammar does not understand."""

from __future__ import annotations

from collections.abc import Iterable

from lark.exceptions import UnexpectedInput, UnexpectedToken

from crmkit.errors import SegmentError, nearest
from crmkit.segments.grammar import WRITTEN

_QUOTES = "\"'“”„‘’«»"
_STRAIGHT = 'put text between two straight quotes, as "Newtown"'


def place_of(text: str, line: int, column: int) -> str:
    """Return the words for a position in a segment's text.

    >>> place_of("age > 3", 1, 5)
    'segment, column 5'
    """
    return f"segment, line {line}, column {column}" if "\n" in text else f"segment, column {column}"


def misread(text: str, problem: UnexpectedInput) -> SegmentError:
    """Return the error for a text at which the parser stopped."""
    expected = _written(problem)
    if isinstance(problem, UnexpectedToken) and problem.token.type == "$END":
        end = text.rstrip()
        where = place_of(text, end.count("\n") + 1, len(end) - end.rfind("\n"))
        return SegmentError("the segment breaks off", where=where, mend=_write(expected))
    found = str(problem.token) if isinstance(problem, UnexpectedToken) else text[problem.pos_in_stream or 0 :][:1]
    where = place_of(text, problem.line, problem.column)
    if found in _QUOTES:
        return SegmentError("the quotes do not close", where=where, mend=_STRAIGHT)
    return SegmentError(f"{found!r} is not understood here", where=where, mend=_mend(found, expected))


def _mend(found: str, expected: list[str]) -> str:
    meant = nearest(found.lower(), expected)
    if meant.startswith("did you mean"):
        return meant
    quotes = ". Text of several words stands between straight quotes" if "and" in expected else ""
    return f"{_write(expected)}{quotes}"


def _written(problem: UnexpectedInput) -> list[str]:
    names: Iterable[str] = ()
    if isinstance(problem, UnexpectedToken):
        names = problem.accepts or problem.expected
    else:
        names = getattr(problem, "allowed", None) or ()
    return sorted({WRITTEN.get(name, name.lower()) for name in names})


def _write(expected: list[str]) -> str:
    return f"go on with one of: {'; '.join(expected)}" if len(expected) > 1 else f"go on with {''.join(expected)}"
