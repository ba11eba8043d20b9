"""A segment as one line of text: reading it, and writing the canonical form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

import attrs
from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from crmkit.errors import SegmentError
from crmkit.segments.field import Field
from crmkit.segments.fit import Place, fit
from crmkit.segments.grammar import KEYWORDS, parser
from crmkit.segments.misread import misread, place_of
from crmkit.segments.moment import Span, read_moment, read_span
from crmkit.segments.tree import (
    All,
    AnyOf,
    Everybody,
    Node,
    Not,
    Operand,
    Operands,
    Operator,
    Rule,
    check_depth,
    check_size,
)

Branch: TypeAlias = "Tree[Token]"

_LONGEST = 20_000
_BARE = re.compile(r"[a-z]+(-[a-z]+)*")


def parse(text: str, fields: Mapping[str, Field]) -> Node:
    """Return the segment that a text means, its operands fitted to the fields.

    Args:
        text: Such as `last_visit before 18 months ago and age >= 18`.
        fields: By name, as `catalogue(standard_fields())` gives them.

    Raises:
        SegmentError: If the text cannot be understood; the place is a column of the text.
    """
    if not text.strip():
        raise SegmentError("the segment is empty", where="segment", mend="write everybody to match all")
    if len(text) > _LONGEST:
        raise SegmentError(f"the segment is longer than {_LONGEST} characters", where="segment", mend="use `in (...)`")
    try:
        tree = parser().parse(text)
    except UnexpectedInput as problem:
        raise misread(text, problem) from None
    return check_size(_Reader(text, fields).node(tree, 1))


def to_text(node: Node) -> str:
    """Return the canonical text of a segment, which parses to the same segment.

    >>> to_text(Not(Rule("age", Operator.AT_LEAST, 18)))
    'not age >= 18'
    """
    match node:
        case Everybody():
            return "everybody"
        case Rule():
            return _rule_text(node)
        case Not():
            return f"not {_nested(node.item)}"
        case All():
            return " and ".join(_nested(item) for item in node.items)
        case AnyOf():
            return " or ".join(_nested(item) for item in node.items)


def in_words(node: Node) -> str:
    """Return a segment as a person at the desk reads it: for now, its canonical text."""
    return to_text(node)


@attrs.frozen
class _Reader:
    """Turns the parser's tree into a segment, with the text at hand for places."""

    text: str
    fields: Mapping[str, Field]

    def node(self, tree: Branch, depth: int) -> Node:
        check_depth(depth, self.place(tree))
        branches = _branches(tree)
        match tree.data:
            case "everybody":
                return Everybody()
            case "negation":
                return Not(self.node(branches[0], depth + 1))
            case "all":
                return All(tuple(self.node(branch, depth + 1) for branch in branches))
            case "any":
                return AnyOf(tuple(self.node(branch, depth + 1) for branch in branches))
            case _:
                return self.rule(tree)

    def rule(self, tree: Branch) -> Rule:
        branches = _branches(tree)
        test = branches[-1]
        place = Place(self.place(tree), self.place((_branches(test) or [test])[0]))
        try:
            drafted = _draft(str(tree.children[0]), branches)
        except ValueError as problem:
            raise SegmentError(str(problem), where=place.value) from None
        return fit(drafted, self.fields, place)

    def place(self, tree: Branch) -> str:
        return place_of(self.text, tree.meta.line, tree.meta.column)


def _branches(tree: Branch) -> list[Branch]:
    return [child for child in tree.children if isinstance(child, Tree)]


def _draft(name: str, branches: list[Branch]) -> Rule:
    window = _span(branches[0]) if branches[0].data == "back" else None
    test = branches[-1]
    if test.data == "back":
        return Rule(name, Operator.IN_LAST, window)
    return Rule(name, _operator(test), _value(test), window)


def _operator(test: Branch) -> Operator:
    name = str(test.data)
    if name == "order":
        return Operator(str(test.children[0]))
    return Operator[{"empty": "EMPTY", "not_empty": "NOT_EMPTY"}.get(name, name.upper())]


def _value(test: Branch) -> Operands:
    match test.data:
        case "empty" | "not_empty":
            return None
        case "in_next":
            return _span(test)
        case "in_month":
            return str(test.children[-1])
        case "in" | "not_in":
            return tuple(_operand(branch) for branch in _branches(_branches(test)[0]))
        case "between":
            low, high = _branches(test)
            return _operand(low), _operand(high)
        case _:
            return _operand(_branches(test)[0])


def _operand(branch: Branch) -> Operand:
    words = [str(token) for token in branch.children]
    kind = branch.children[0].type if isinstance(branch.children[0], Token) else ""
    if kind == "TEXT":
        return _unquoted(words[0])
    return read_moment(" ".join(words)) if kind == "NAMED" or len(words) > 1 else words[0]


def _unquoted(quoted: str) -> str:
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError:
        raise ValueError('a backslash in text is written twice, and a quote as \\"') from None


def _span(tree: Branch) -> Span:
    span = _branches(tree)[0]
    return read_span(" ".join(str(token) for token in span.children))


def _nested(node: Node) -> str:
    return f"({to_text(node)})" if isinstance(node, (All, AnyOf)) else to_text(node)


def _rule_text(rule: Rule) -> str:
    window = f" in last {rule.window}" if rule.window else ""
    operator, value = str(rule.operator), rule.value
    if isinstance(value, (int, Decimal)):
        operator = {Operator.IS: "=", Operator.IS_NOT: "!="}.get(rule.operator, operator)
    if value is None:
        return f"{rule.field}{window} {operator}"
    return f"{rule.field}{window} {operator} {_operands_text(rule.operator, value)}"


def _operands_text(operator: Operator, value: Operands) -> str:
    if not isinstance(value, tuple):
        return _operand_text(value)
    if operator is Operator.BETWEEN:
        return " and ".join(_operand_text(one) for one in value)
    return f"({', '.join(_operand_text(one) for one in value)})"


def _operand_text(value: Operand) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if not isinstance(value, str):
        return str(value)
    bare = _BARE.fullmatch(value) and value not in KEYWORDS
    return value if bare else json.dumps(value, ensure_ascii=False)
