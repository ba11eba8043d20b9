"""The kinds of value that a field may have: which operators suit them, how operands are read, how rows are compared."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import sqlalchemy as sa

from crmkit.segments import compare, operand
from crmkit.segments.compare import Condition, Expression
from crmkit.segments.scope import Scope
from crmkit.segments.tree import Operand, Operator, Rule

_EMPTINESS = (Operator.EMPTY, Operator.NOT_EMPTY)
_SAME = (Operator.IS, Operator.IS_NOT)
_CHOICE = (*_SAME, Operator.IN, Operator.NOT_IN)
_SIZE = (*_SAME, Operator.LESS, Operator.AT_MOST, Operator.MORE, Operator.AT_LEAST, Operator.BETWEEN)
_ORDER = (Operator.BEFORE, Operator.AFTER, Operator.ON_OR_BEFORE, Operator.ON_OR_AFTER)
_WINDOW = (Operator.IN_LAST, Operator.IN_NEXT)
_DATE = (*_SAME, *_ORDER, Operator.BETWEEN, *_WINDOW)


def _is_null(value: Expression) -> Condition:
    return value.is_(None)


@attrs.frozen(eq=False)
class Kind:
    """A kind of value.

    Attributes:
        name: As a message or a form names it.
        operators: What may be asked of it, beside emptiness.
        read: Turns an operand as written into the one that is meant; raises ValueError.
        compare: The condition that the value, as SQL, meets the rule.
        empty: The condition that there is no value.
        choices: The words, where only these are values.
    """

    name: str
    operators: tuple[Operator, ...]
    read: Callable[[object], Operand]
    compare: Callable[[Expression, Rule, Scope], Condition] = attrs.field(repr=False)
    empty: Callable[[Expression], Condition] = attrs.field(default=_is_null, repr=False)
    choices: tuple[str, ...] = ()

    def condition(self, value: Expression, rule: Rule, scope: Scope) -> Condition:
        """Return the condition that a value, as SQL, meets a rule."""
        if rule.operator in _EMPTINESS:
            empty = self.empty(value)
            return empty if rule.operator is Operator.EMPTY else sa.not_(empty)
        return self.compare(value, rule, scope)


COUNT = Kind("whole number", _SIZE, operand.read_count, compare.compare_number)
MONEY = Kind("amount", _SIZE, operand.read_money, compare.compare_number)
AGE = Kind("age", _SIZE, operand.read_age, compare.compare_age)
DATE = Kind("date", _DATE, operand.read_day, compare.compare_day)
INSTANT = Kind("date", _DATE, operand.read_day, compare.compare_instant)
DAY_OF_YEAR = Kind("day of the year", (*_WINDOW, Operator.IN_MONTH), operand.read_month, compare.compare_birthday)
LANGUAGE = Kind("language", _CHOICE, operand.read_language, compare.compare_language)
TEXT = Kind("text", (*_CHOICE, Operator.STARTS_WITH, Operator.CONTAINS), operand.read_text, compare.compare_text)
LABELS = Kind(
    "labels",
    (Operator.CONTAINS,),
    operand.read_label,
    compare.compare_labels,
    lambda labels: labels == "|",
)


def word_of(*choices: str) -> Kind:
    """Return the kind of a closed set of words.

    >>> word_of("gold", "silver").read("Gold")
    'gold'
    """
    return Kind("word", _CHOICE, operand.read_word(choices), compare.compare_text, choices=choices)
