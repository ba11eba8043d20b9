"""Telephone numbers within other text, however they are written there."""

from __future__ import annotations

import re

#: So many of the last digits tell one number from another: a nought stands for +61, or nothing for the plus.
_END, _SHORTEST = 9, 8
_NUMBER = re.compile(f"[0-9]{{{_SHORTEST}}}")
_GROUPED = str.maketrans("", "", " \t\N{NO-BREAK SPACE}().-/")


def close(text: str) -> str:
    """Return a text without what may stand between the digits of a number."""
    return text.translate(_GROUPED)


def numbers_in(text: str) -> str:
    """Return a text as `close` does, empty if no telephone number stands in it.

    >>> numbers_in("room 12 at 1 High St"), numbers_in("call 0491 570 006")
    ('', 'call0491570006')
    """
    closed = close(text)
    return closed if _NUMBER.search(closed) else ""


def end_of(number: str) -> str:
    """Return the last digits of a telephone number, which are the same however it is written; empty if it is none.

    >>> end_of("0491 570 006"), end_of("+61491570006"), end_of("mia@home.example")
    ('491570006', '491570006', '')
    """
    digits = close(number).removeprefix("+")
    return digits[-_END:] if len(digits) >= _SHORTEST and digits.isascii() and digits.isdecimal() else ""
