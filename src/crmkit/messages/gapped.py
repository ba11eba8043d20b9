"""A text with gaps: all that is the same for every reader, and places for what is not."""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs
from markupsafe import escape

# Signs of the private use area, which stand in nobody's text. Escaping changes what is between them, and so shows.
_OPEN, _CLOSE = "\ue000", "\ue001"
_GAP = re.compile(f"{_OPEN}(?:<(\\d+)>|&lt;(\\d+)&gt;){_CLOSE}")


def mark(number: int) -> str:
    """Return what stands in for the value of a number while a text is written for nobody in particular."""
    return f"{_OPEN}<{number}>{_CLOSE}"


@attrs.frozen
class GappedText:
    """A text in pieces, every second of which is a gap.

    Attributes:
        pieces: The text between the gaps, with an empty text in the place of each gap.
        gaps: For each gap its place among the pieces, and the number of the value that belongs there.
    """

    pieces: tuple[str, ...]
    gaps: tuple[tuple[int, int], ...] = ()

    @classmethod
    def cut(cls, text: str, values: int) -> GappedText | None:
        """Cut a text at its marks; None if a mark was changed, so that nobody knows what belongs there.

        Args:
            text: A text in which marks stand for values.
            values: How many values there are. Number `n + values` is the escaped form of value `n`.

        >>> GappedText.cut(f"Dear {mark(0)},", 1).fill(["Mia", "Mia"])
        'Dear Mia,'
        """
        # A search with two groups gives, for each gap, the text before it and the two ways in which it is numbered.
        parts = _GAP.split(text)
        if any(_OPEN in literal or _CLOSE in literal for literal in parts[::3]):
            return None
        pieces, gaps = [parts[0]], []
        for plain, escaped, literal in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
            number = int(plain or escaped)
            if number >= values:
                # Nobody made this mark: it stands in what the practice wrote.
                return None
            gaps.append((len(pieces), number if plain else number + values))
            pieces += ["", literal]
        return cls(tuple(pieces), tuple(gaps))

    def fill(self, values: Sequence[str]) -> str:
        """Return the text with the values in its gaps."""
        pieces = list(self.pieces)
        for place, number in self.gaps:
            pieces[place] = values[number]
        return "".join(pieces)


def with_escaped(values: Sequence[str]) -> tuple[str, ...]:
    """Return the values, and behind them how each is written in HTML.

    >>> with_escaped(["O'Neill"])
    ("O'Neill", 'O&#39;Neill')
    """
    return (*values, *[_escaped(value) for value in values])


def _escaped(value: str) -> str:
    # Few values have a sign that is written otherwise in HTML, and to look for those takes a fifth of the time.
    if "&" in value or "<" in value or ">" in value or "'" in value or '"' in value:
        return str(escape(value))
    return value
