"""Typed free values of a patient: what a practice keeps beyond the fields that every practice has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

Attribute = str | Decimal | date | bool

_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def _number(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError("is no number: write 1234.5") from None
    if not value.is_finite():
        raise ValueError("is no number: write 1234.5")
    return value


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("is no date: write YYYY-MM-DD, or name its format in the mapping") from None


def _yes_no(text: str) -> bool:
    if text.lower() not in _YES_NO:
        raise ValueError("is neither yes nor no")
    return _YES_NO[text.lower()]


#: How the text of a source is read, by the type that the mapping states.
TYPES: MappingProxyType[str, Callable[[str], Attribute]] = MappingProxyType(
    {"text": str, "number": _number, "date": _date, "yes-no": _yes_no}
)


def stored(kind: str, text: str) -> Any:
    """Return an attribute as JSON keeps it: text as it is, all else as its type and its canonical text.

    Raises:
        ValueError: If the text does not fit the type; the message does not hold it.

    >>> stored("number", "12.50"), stored("text", "Acme")
    (['number', '12.50'], 'Acme')
    """
    value = TYPES[kind](text)
    if isinstance(value, bool):
        return [kind, "yes" if value else "no"]
    return value if isinstance(value, str) else [kind, str(value)]


def loaded(value: Any) -> Attribute:
    """Return the attribute that JSON keeps.

    >>> loaded(["date", "2026-03-01"])
    datetime.date(2026, 3, 1)
    """
    return TYPES[value[0]](value[1]) if isinstance(value, list) else str(value)
