"""The tree of a segment: rules, joined by all, any and not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import attrs

from crmkit.errors import SegmentError
from crmkit.segments.moment import Shift, Span

# SQLite's parser and expression tree have fixed depths; a segment that a person can read stays far below.
MOST_DEEP = 12
MOST_RULES = 200
MOST_CHOICES = 500


class Operator(StrEnum):
    """How a field is compared; the value is the word of the text and of the JSON form."""

    IS = "is"
    IS_NOT = "is not"
    EMPTY = "is empty"
    NOT_EMPTY = "is not empty"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    BETWEEN = "between"
    IN = "in"
    NOT_IN = "not in"
    STARTS_WITH = "starts with"
    CONTAINS = "contains"
    BEFORE = "before"
    AFTER = "after"
    ON_OR_BEFORE = "on or before"
    ON_OR_AFTER = "on or after"
    IN_LAST = "in last"
    IN_NEXT = "in next"
    IN_MONTH = "in month"


Operand: TypeAlias = str | int | Decimal | date | Shift | Span | None
Operands: TypeAlias = Operand | tuple[Operand, ...]


@attrs.frozen
class Everybody:
    """The segment without a rule: it matches every patient."""


@attrs.frozen
class Rule:
    """One comparison of one field.

    Attributes:
        field: The field's name.
        operator: How it is compared.
        value: What it is compared with: nothing for the two of emptiness, a pair for `between`, some for `in`.
        window: For fields that count or sum, how far back from today; None for all that ever was.
    """

    field: str
    operator: Operator = attrs.field(converter=Operator)
    value: Operands = None
    window: Span | None = None


@attrs.frozen
class Not:
    """Matches where its rule is known not to hold; what is unknown stays unknown."""

    item: Node


def _group(items: Iterable[Node]) -> tuple[Node, ...]:
    return tuple(items)


def _several(_: object, __: object, items: tuple[Node, ...]) -> None:
    if len(items) < 2:
        raise SegmentError(f"a group of {len(items)} joins nothing", mend="give at least two rules, or the rule alone")


@attrs.frozen
class All:
    """Matches where every one of its two or more items does."""

    items: tuple[Node, ...] = attrs.field(converter=_group, validator=_several)


@attrs.frozen
class AnyOf:
    """Matches where at least one of its two or more items does."""

    items: tuple[Node, ...] = attrs.field(converter=_group, validator=_several)


Node: TypeAlias = Everybody | Rule | Not | All | AnyOf


def rules_of(node: Node) -> tuple[Rule, ...]:
    """Return the rules of a segment in the order of its text.

    Raises:
        SegmentError: If its groups nest too deep.

    >>> [rule.field for rule in rules_of(All((Rule("age", ">=", 18), Not(Rule("status", "is", "moved")))))]
    ['age', 'status']
    """
    return tuple(_walk(node, 1))


def _walk(node: Node, depth: int) -> Iterator[Rule]:
    check_depth(depth, "segment")
    match node:
        case Rule():
            yield node
        case Not():
            yield from _walk(node.item, depth + 1)
        case All() | AnyOf():
            for item in node.items:
                yield from _walk(item, depth + 1)


def check_depth(depth: int, where: str) -> None:
    """Refuse a tree that nests too deep.

    Raises:
        SegmentError: If `depth` is beyond what a database's parser takes.
    """
    if depth > MOST_DEEP:
        raise SegmentError(f"groups nest deeper than {MOST_DEEP}", where=where, mend="write the segment flatter")


def check_size(node: Node, where: str = "segment") -> Node:
    """Return the tree if it has a size that any database takes.

    Raises:
        SegmentError: If it has too many rules, or groups that nest too deep.
    """
    count = len(rules_of(node))
    if count > MOST_RULES:
        raise SegmentError(f"{count} rules are too many", where=where, mend=f"use at most {MOST_RULES}, or `in (...)`")
    return node
