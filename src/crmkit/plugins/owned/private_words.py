"""Keeping a reader's address and name out of what is written down as evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable

from crmkit.people.digits import end_of, numbers_in

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_SHORTEST, _LONGEST = 4, 200


def one_line(text: str) -> str:
    """Return a text as one line that is not too long."""
    short = text[: 2 * _LONGEST]
    return (short if short.isprintable() else _UNPRINTABLE.sub(" ", short)).strip()[:_LONGEST]


def quotes(text: str, private: Iterable[str]) -> bool:
    """Tell whether a text quotes one of some private words, in any case; very short ones prove nothing.

    >>> quotes("550 <Mia@stone.example> unknown", ["mia@stone.example"]), quotes("550 no such user", ["mia"])
    (True, False)
    >>> quotes("no handset at 0491 570 156", ["+61491570156"])
    True
    """
    folded = text.casefold()
    # Most evidence is a status code, and too short to quote anything.
    if len(folded) < _SHORTEST:
        return False
    # Where no number stands, none is looked for: this is asked of each verdict on each patient.
    numbers = numbers_in(folded)
    return any(len(word) >= _SHORTEST and _stands_in(folded, numbers, word) for word in private)


def _stands_in(folded: str, numbers: str, word: str) -> bool:
    end = end_of(word) if numbers else ""
    return end in numbers if end else _first(word) in folded


def _first(word: str) -> str:
    """Return what is looked for: of a postal address its first line, for the town says little."""
    folded = word.casefold()
    if "\n" not in folded:
        return folded
    return next((line for line in folded.split("\n") if len(line) >= _SHORTEST), folded)
