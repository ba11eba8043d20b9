"""A segment as the query of react-querybuilder, the editor that many hosts have.

Both of its forms are read: groups with one combinator, and groups whose rules have `and` and `or` between them. What is
not understood is refused, never skipped, and so are an empty group and a muted rule: each would widen a segment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any, cast

from crmkit.errors import SegmentError, nearest
from crmkit.segments.field import Field
from crmkit.segments.form import from_json, to_json
from crmkit.segments.tree import All, AnyOf, Everybody, Node, Not, Operator, Rule, check_depth, check_size

#: Its own operators and ours; those of ours that it has no name for stand under their own.
OPERATORS = MappingProxyType(
    {
        "=": Operator.IS,
        "!=": Operator.IS_NOT,
        "<": Operator.LESS,
        "<=": Operator.AT_MOST,
        ">": Operator.MORE,
        ">=": Operator.AT_LEAST,
        "null": Operator.EMPTY,
        "notNull": Operator.NOT_EMPTY,
        "in": Operator.IN,
        "notIn": Operator.NOT_IN,
        "between": Operator.BETWEEN,
        "beginsWith": Operator.STARTS_WITH,
        "contains": Operator.CONTAINS,
    }
)
_DENIED = {
    "notBetween": Operator.BETWEEN,
    "doesNotBeginWith": Operator.STARTS_WITH,
    "doesNotContain": Operator.CONTAINS,
}
_NAMES = {ours: theirs for theirs, ours in OPERATORS.items()}
_EMPTINESS = (Operator.EMPTY, Operator.NOT_EMPTY)
_SEVERAL = (Operator.IN, Operator.NOT_IN, Operator.BETWEEN)
_COMBINATORS: dict[str, type[All | AnyOf]] = {"and": All, "or": AnyOf}
_WORDS = {group: word for word, group in _COMBINATORS.items()}
#: What the editor keeps for itself: which element it is, and whether it may be changed on the screen.
_OWN = ("id", "path", "disabled", "valueSource")
_RULE, _GROUP = ("field", "operator", "value", "window", *_OWN), ("combinator", "rules", "not", *_OWN)
_COMMA = re.compile(r"(?<!\\),")
#: What stands in the place of a field or an operator that was not chosen.
_NOT_CHOSEN = "~"


def from_query(data: object, fields: Mapping[str, Field]) -> Node:
    """Return the segment that a query means, its values fitted to the fields.

    Args:
        data: The query as it came from JSON. A rule of a field that counts may have a `window`, such as `24 months`.
        fields: By name, as `catalogue(standard_fields())` gives them.

    Raises:
        SegmentError: If any part is not understood; the place is a path such as `query.rules[1].value`.

    >>> from crmkit.segments.catalogue import catalogue, standard_fields
    >>> rules = [{"field": "age", "operator": ">=", "value": "18"}, {"field": "next_visit", "operator": "null"}]
    >>> print(from_query({"combinator": "and", "rules": rules}, catalogue(standard_fields())).items[0])
    Rule(field='age', operator=<Operator.AT_LEAST: '>='>, value=18, window=None)
    """
    return check_size(_group(data, fields, "query", 1), "query")


def to_query(node: Node) -> dict[str, Any]:
    """Return the query that shows a segment in the editor; all patients are a query without rules.

    Raises:
        SegmentError: If `everybody` stands within a group, for which the editor has nothing.

    >>> to_query(Rule("age", Operator.AT_LEAST, 18))
    {'combinator': 'and', 'rules': [{'field': 'age', 'operator': '>=', 'value': 18}]}
    """
    match node:
        case All() | AnyOf():
            return {"combinator": _WORDS[type(node)], "rules": [_element(item) for item in node.items]}
        case Not(item=Rule() | All() | AnyOf()):
            return to_query(node.item) | {"not": True}
        case Not():
            return {"combinator": "and", "rules": [_element(node.item)], "not": True}
        case _:
            return {"combinator": "and", "rules": [_element(node)] if isinstance(node, Rule) else []}


def name_of(operator: Operator) -> str:
    """Return under which name the editor has an operator."""
    return _NAMES.get(operator, operator.value)


def _element(node: Node) -> dict[str, Any]:
    if isinstance(node, Everybody):
        raise SegmentError("an editor cannot show `everybody` within a group", mend="write the segment without it")
    if not isinstance(node, Rule):
        return to_query(node)
    rule = to_json(node)
    return {**rule, "operator": name_of(node.operator), "value": rule.get("value")}


def _group(data: object, fields: Mapping[str, Field], path: str, depth: int) -> Node:
    check_depth(depth, path)
    form = _known(data, _GROUP, path)
    elements = form.get("rules")
    if not isinstance(elements, list) or not elements:
        mend = "add a rule or remove the group; a segment of all patients is the text everybody"
        raise SegmentError("the group has no rules", where=f"{path}.rules", mend=mend)
    denied = form.get("not", False)
    if not isinstance(denied, bool):
        raise SegmentError("`not` is true, false or absent", where=f"{path}.not")
    joined = _joined(elements, form, fields, path, depth)
    return Not(joined) if denied else joined


def _joined(
    elements: Sequence[object], form: Mapping[str, object], fields: Mapping[str, Field], path: str, depth: int
) -> Node:
    if "combinator" in form:
        nodes = [_node(one, fields, f"{path}.rules[{place}]", depth) for place, one in enumerate(elements)]
        return _all_of(nodes, _combinator(form["combinator"], f"{path}.combinator"))
    if len(elements) % 2 == 0:
        raise SegmentError("the rules end with a combinator", where=f"{path}.rules", mend="remove it, or add a rule")
    words = [_combinator(one, f"{path}.rules[{2 * place + 1}]") for place, one in enumerate(elements[1::2])]
    nodes = [_node(one, fields, f"{path}.rules[{2 * place}]", depth) for place, one in enumerate(elements[::2])]
    return _by_precedence(nodes, words)


def _by_precedence(nodes: Sequence[Node], words: Sequence[str]) -> Node:
    """Join rules with words between them: `and` binds tighter, as in a segment's text."""
    runs, run = [], 0
    for place, node in enumerate(nodes):
        run += place > 0 and words[place - 1] == "or"
        runs.append((run, node))
    groups = [[node for _, node in some] for _, some in groupby(runs, lambda one: one[0])]
    return _all_of([_all_of(some, "and") for some in groups], "or")


def _all_of(nodes: Sequence[Node], word: str) -> Node:
    return nodes[0] if len(nodes) == 1 else _COMBINATORS[word](nodes)


def _combinator(word: object, path: str) -> str:
    found = word.lower() if isinstance(word, str) else ""
    if found not in _COMBINATORS:
        raise SegmentError("the combinator is neither `and` nor `or`", where=path)
    return found


def _node(data: object, fields: Mapping[str, Field], path: str, depth: int) -> Node:
    if isinstance(data, Mapping) and "rules" in data:
        return _group(data, fields, path, depth + 1)
    return _rule(_known(data, _RULE, path), fields, path)


def _rule(form: Mapping[str, object], fields: Mapping[str, Field], path: str) -> Node:
    for name in ("field", "operator"):
        if form.get(name) in (None, "", _NOT_CHOSEN):
            raise SegmentError(f"no {name} is chosen", where=f"{path}.{name}", mend="choose one, or remove the rule")
    if form.get("valueSource") not in (None, "value"):
        raise SegmentError("a field is compared with values only", where=f"{path}.valueSource", mend="give a value")
    word = str(form["operator"])
    operator = OPERATORS.get(word) or _DENIED.get(word) or next((one for one in Operator if one == word), None)
    if operator is None:
        mend = nearest(word, (*OPERATORS, *_DENIED, *Operator))
        raise SegmentError(f"the operator {word} is unknown", where=f"{path}.operator", mend=mend)
    rule = {"field": form["field"], "operator": operator.value, "value": _value(form.get("value"), operator)}
    node = from_json(rule | {"window": form.get("window")}, fields, where=path)
    return Not(node) if word in _DENIED else node


def _value(value: object, operator: Operator) -> object:
    """Return a value as the stored form has it: the editor keeps some that no longer matter, and lists as one text."""
    if operator in _EMPTINESS:
        return None
    if operator in _SEVERAL and isinstance(value, str):
        # The editor itself makes nothing of a comma too many.
        return [part.replace("\\,", ",").strip() for part in _COMMA.split(value) if part.strip()]
    return value


def _known(data: object, keys: Sequence[str], path: str) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise SegmentError(f"{type(data).__name__} given where a rule or a group is wanted", where=path)
    strange = next((str(key) for key in data if key not in keys), None)
    if strange is not None:
        mend = f"leave it out; known are: {', '.join(keys)}"
        raise SegmentError(f"the key {strange} is not understood", where=path, mend=mend)
    return cast("Mapping[str, object]", data)
