"""Fitting a rule to its field: the operator must suit the field, the operand the operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, cast

import attrs

from crmkit.errors import SegmentError
from crmkit.segments.field import Field, field_of
from crmkit.segments.moment import Span
from crmkit.segments.operand import read_length
from crmkit.segments.tree import MOST_CHOICES, Operand, Operands, Operator, Rule

_DATED = {
    Operator.LESS: Operator.BEFORE,
    Operator.AT_MOST: Operator.ON_OR_BEFORE,
    Operator.MORE: Operator.AFTER,
    Operator.AT_LEAST: Operator.ON_OR_AFTER,
}


@attrs.frozen
class Place:
    """Where a rule stands: its field, and its operand."""

    field: str = "segment"
    value: str = "segment"


def fit(rule: Rule, fields: Mapping[str, Field], place: Place = Place()) -> Rule:
    """Return the rule with its operand as the field means it; a fitted rule comes back unchanged.

    Raises:
        SegmentError: If the field is unknown, or operator, window or operand do not suit it.
    """
    field = field_of(rule.field, fields, place.field)
    operator = _operator(rule, field, place)
    window = _window(rule, field, place)
    try:
        value = _value(operator, rule.value, field.kind.read)
    except ValueError as problem:
        raise SegmentError(f"{field.name} ({field.kind.name}): {problem}", where=place.value) from None
    return Rule(field.name, operator, value, window)


def _operator(rule: Rule, field: Field, place: Place) -> Operator:
    known = field.operators
    operator = rule.operator if rule.operator in known else _DATED.get(rule.operator, rule.operator)
    if operator in known:
        return operator
    mend = f"{field.name} ({field.kind.name}) knows: {', '.join(known)}"
    if field.windowed and operator is Operator.IN_LAST:
        mend = f"compare it, as {field.name} in last {rule.value} >= 1"
    raise SegmentError(f"{field.name} cannot be asked `{rule.operator}`", where=place.field, mend=mend)


def _window(rule: Rule, field: Field, place: Place) -> Span | None:
    if rule.window is None:
        return None
    if not field.windowed:
        raise SegmentError(f"{field.name} is not counted in a window", where=place.field, mend="leave the window out")
    try:
        return read_length(rule.window)
    except ValueError as problem:
        raise SegmentError(str(problem), where=place.field) from None


def _value(operator: Operator, value: object, read: Callable[[object], Operand]) -> Operands:
    match operator:
        case Operator.EMPTY | Operator.NOT_EMPTY:
            _nothing(value)
            return None
        case Operator.IN_LAST | Operator.IN_NEXT:
            return read_length(value)
        case Operator.BETWEEN:
            return _pair(value, read)
        case Operator.IN | Operator.NOT_IN:
            return tuple(read(one) for one in _choices(value))
        case _:
            return read(value)


def _nothing(value: object) -> None:
    if value is not None:
        raise ValueError("emptiness takes no value")


def _pair(value: object, read: Callable[[object], Operand]) -> Operands:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError("between takes two values")
    low, high = (read(one) for one in value)
    if type(low) is type(high) and isinstance(low, (int, Decimal, date)) and low > cast("Any", high):
        raise ValueError(f"between {low} and {high} holds nothing: put the smaller first")
    return low, high


def _choices(value: object) -> tuple[object, ...]:
    if not isinstance(value, (tuple, list)) or not 1 <= len(value) <= MOST_CHOICES:
        raise ValueError(f"in takes a list of 1 to {MOST_CHOICES} values")
    return tuple(value)
