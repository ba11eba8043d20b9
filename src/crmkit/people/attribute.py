"""Typed free values of a patient: what a practice keeps beyond the fields that every practice has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


#: Where JSON keeps the types of those that are not text; no name holds a colon.
_KINDS = ":types"


def packed(found: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Return attributes as JSON keeps them: canonical text by name, and the types of those that are not text.

    Args:
        found: Type and text by name.

    >>> packed({"insurer": ("text", "Acme"), "limit": ("number", "12.50")})
    {'insurer': 'Acme', 'limit': '12.50', ':types': {'limit': 'number'}}
    """
    kinds = {name: kind for name, (kind, _) in found.items() if kind != "text"}
    return {name: text for name, (_, text) in found.items()} | ({_KINDS: kinds} if kinds else {})


def unpacked(kept: Mapping[str, Any]) -> dict[str, Attribute]:
    """Return the attributes that JSON keeps, typed.

    >>> unpacked({"limit": "12.50", ":types": {"limit": "number"}})
    {'limit': Decimal('12.50')}
    """
    kinds = kept.get(_KINDS, {})
    return {name: TYPES[kinds.get(name, "text")](text) for name, text in kept.items() if name != _KINDS}


def canonical(kind: str, text: str) -> str:
    """Return the one way in which a value of a type is written.

    Raises:
        ValueError: If the text does not fit the type; the message does not hold it.

    >>> canonical("yes-no", "TRUE")
    'yes'
    """
    value = TYPES[kind](text)
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
