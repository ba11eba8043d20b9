"""From one rule to SQL, per kind of value.

Only what every database answers alike is used: equality, order of numbers and dates, membership, substrings by
position. Nothing is folded, rounded, ordered as text or dated there. A comparison with NULL is unknown and stays so.
"""

from __future__ import annotations

import operator as op
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

import sqlalchemy as sa

from crmkit.clock import day_start
from crmkit.segments.days import Days, birthdays, born_between, days_of
from crmkit.segments.scope import Scope
from crmkit.segments.tree import Operator, Rule

Expression = sa.ColumnElement[Any]
Condition = sa.ColumnElement[bool]

_ORDER: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.IS: op.eq,
    Operator.IS_NOT: op.ne,
    Operator.LESS: op.lt,
    Operator.AT_MOST: op.le,
    Operator.MORE: op.gt,
    Operator.AT_LEAST: op.ge,
}
# One microsecond is the grain in which every database keeps an instant.
_GRAIN = timedelta(microseconds=1)


def compare_number(value: Expression, rule: Rule, _: Scope) -> Condition:
    """Compare a number or an amount."""
    if rule.operator is Operator.BETWEEN:
        low, high = cast("tuple[Decimal, Decimal]", rule.value)
        return value.between(low, high)
    return cast("Condition", _ORDER[rule.operator](value, rule.value))


def compare_day(value: Expression, rule: Rule, scope: Scope) -> Condition:
    """Compare a date."""
    return _either_way(_in_days(value, days_of(rule, scope.today)), rule)


def compare_instant(value: Expression, rule: Rule, scope: Scope) -> Condition:
    """Compare an instant with days, which begin and end where the practice is."""
    days, zone = days_of(rule, scope.today), scope.practice.zone
    first = None if days.first is None else day_start(days.first, zone)
    last = None if days.last is None else day_start(days.last + timedelta(days=1), zone) - _GRAIN
    return _either_way(_in_range(value, first, last), rule)


def compare_age(born: Expression, rule: Rule, scope: Scope) -> Condition:
    """Compare the completed years of life, by the date of birth."""
    youngest, oldest = _years(rule)
    return _either_way(_in_days(born, born_between(youngest, oldest, scope.today)), rule)


def compare_birthday(day: Expression, rule: Rule, scope: Scope) -> Condition:
    """Compare the day of the year, as month * 100 + day."""
    if rule.operator is Operator.IN_MONTH:
        month = cast("int", rule.value) * 100
        return day.between(month + 1, month + 31)
    days = days_of(rule, scope.today)
    ranges = birthdays(cast("date", days.first), cast("date", days.last))
    return _either_way(sa.or_(*(day.between(first, last) for first, last in ranges)), rule)


def compare_text(text: Expression, rule: Rule, _: Scope) -> Condition:
    """Compare text exactly, letter by letter."""
    if isinstance(rule.value, tuple):
        return text.in_(rule.value) if rule.operator is Operator.IN else text.not_in(rule.value)
    value = cast("str", rule.value)
    match rule.operator:
        case Operator.STARTS_WITH:
            return starts_with(text, value)
        case Operator.CONTAINS:
            return holds(text, value)
        case _:
            return _either_way(text == value, rule)


def compare_language(tag: Expression, rule: Rule, _: Scope) -> Condition:
    """Compare a language tag: a tag covers its more special ones, `de` also `de-CH`."""
    wanted = cast("Iterable[str]", rule.value if isinstance(rule.value, tuple) else (rule.value,))
    covered = sa.or_(*(sa.or_(tag == one, starts_with(tag, f"{one}-")) for one in wanted))
    return sa.not_(covered) if rule.operator in (Operator.IS_NOT, Operator.NOT_IN) else covered


def compare_labels(labels: Expression, rule: Rule, _: Scope) -> Condition:
    """Tell whether one label is among those between the bars."""
    return holds(labels, f"|{rule.value}|")


def starts_with(text: Expression, start: str) -> Condition:
    """Tell whether text begins so, in the same letters (LIKE would ignore their case on SQLite)."""
    return sa.func.substr(text, 1, len(start), type_=sa.Text) == start


def holds(text: Expression, part: str) -> Condition:
    """Tell whether text contains a part, in the same letters: taking the part out would change it."""
    return sa.func.replace(text, part, "", type_=sa.Text) != text


def _either_way(condition: Condition, rule: Rule) -> Condition:
    return sa.not_(condition) if rule.operator is Operator.IS_NOT else condition


def _in_days(value: Expression, days: Days) -> Condition:
    return _in_range(value, days.first, days.last)


def _in_range(value: Expression, first: object, last: object) -> Condition:
    if first is None:
        return value <= last
    return value >= first if last is None else value.between(first, last)


def _years(rule: Rule) -> tuple[int | None, int | None]:
    if isinstance(rule.value, tuple):
        low, high = cast("tuple[int, int]", rule.value)
        return low, high
    years = cast("int", rule.value)
    match rule.operator:
        case Operator.LESS:
            return None, years - 1
        case Operator.AT_MOST:
            return None, years
        case Operator.MORE:
            return years + 1, None
        case Operator.AT_LEAST:
            return years, None
        case _:
            return years, years
