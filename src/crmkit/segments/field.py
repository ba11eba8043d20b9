"""A field: what a rule may ask of a patient."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import attrs
import sqlalchemy as sa

from crmkit.errors import SegmentError, nearest_brought
from crmkit.segments.compare import Condition, Expression
from crmkit.segments.kind import TEXT, Kind
from crmkit.segments.moment import Span
from crmkit.segments.scope import Scope
from crmkit.segments.tree import Operator, Rule

_ATTRIBUTE = re.compile(r"attributes\.([A-Za-z][A-Za-z0-9_-]{0,62})")
_CONSENT = re.compile(r"consent|opt(ed)?[_-]?(in|out)|unsubscrib|suppress", re.IGNORECASE)


@attrs.frozen(eq=False)
class Field:
    """What a rule may ask of a patient.

    Attributes:
        name: As it stands in a segment.
        kind: Which operators suit it and how operands are read.
        help: One line for a form.
        value: The value as SQL, correlated to the patient of the scope; NULL where it is unknown. The span is the
            rule's window.
        windowed: True if it counts or sums and so takes a window.
        known: True if it is never unknown, so that emptiness is no question.
    """

    name: str
    kind: Kind
    help: str
    value: Callable[[Scope, Span | None], Expression] = attrs.field(repr=False)
    windowed: bool = False
    known: bool = False

    @property
    def operators(self) -> tuple[Operator, ...]:
        """What may be asked of it."""
        return self.kind.operators if self.known else (*self.kind.operators, Operator.EMPTY, Operator.NOT_EMPTY)

    @property
    def trusted(self) -> bool:
        """Whether its SQL is crmkit's own: then it is no fault of the field if the database refuses it."""
        return True

    @property
    def patience(self) -> float | None:
        """How many seconds the database may take over a statement with its SQL; None for as long as it likes."""
        return None

    def condition(self, rule: Rule, scope: Scope) -> Condition:
        """Return the condition that a patient of the scope meets a fitted rule."""
        return self.kind.condition(self.value(scope, rule.window), rule, scope)

    def refused(self, error: str, *, overdue: bool) -> None:
        """Be told that the database refuses its SQL, with the class of the error, and whether it took too long."""


def unknown() -> Expression:
    """Return the value that is known of nobody, and so meets no rule."""
    return sa.null()


def is_expression(value: object) -> bool:
    """Tell whether a value is SQL that can be compared."""
    return isinstance(value, sa.ColumnElement)


def strays(value: Expression, scope: Scope) -> bool:
    """Tell whether a value is taken from other rows than the patient's own, outside any subquery: that multiplies."""
    return not {*sa.select(value).get_final_froms()} <= {scope.patient}


def attribute(name: str, kind: Kind = TEXT, help: str = "") -> Field:  # noqa: A002 - the word that a form shows
    """Return the field of one free attribute, which the records keep as text.

    Args:
        name: With its family, such as `attributes.insurer`.
        kind: `TEXT`, or `word_of(...)` for a closed set.
        help: One line for a form.

    Raises:
        SegmentError: If the name is none of an attribute.
    """
    found = _ATTRIBUTE.fullmatch(name)
    if found is None:
        raise SegmentError(f"{name} is no attribute's name", mend="use letters, digits, _ and -, as attributes.insurer")
    key = found[1]

    def value(scope: Scope, _: Span | None) -> Expression:
        text = sa.cast(scope.patient.c.attributes[key].as_string(), sa.Text)
        return sa.func.nullif(text, "", type_=sa.Text)

    return Field(name, kind, help or f"the attribute {key}", value)


def field_of(name: str, fields: Mapping[str, Field], where: str = "segment") -> Field:
    """Return the field of a name; any `attributes.NAME` is one.

    Raises:
        SegmentError: If there is no such field; the nearest is named.
    """
    if name in fields:
        return fields[name]
    if _ATTRIBUTE.fullmatch(name):
        return attribute(name)
    if _CONSENT.search(name):
        raise SegmentError(
            f"{name} is no field: consent is not for a segment to judge",
            where=where,
            mend="leave the rule out; guards judge consent when a touch is planned and again when it is sent",
        )
    raise SegmentError(
        f"the field {name} is unknown", where=where, mend=nearest_brought(name, (*fields, "attributes.NAME"))
    )
