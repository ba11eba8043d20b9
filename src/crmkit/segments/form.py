"""A segment as JSON: the stored form, and what a host's editor may send.

`{"all": [...]}`, `{"any": [...]}`, `{"not": ...}`, `{"everybody": true}`, and for a rule `{"field": ..., "operator":
..., "value": ..., "window": ...}`, where value and window may be missing. What is not understood is refused, never
skipped: a skipped rule would widen a segment.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from crmkit.errors import SegmentError, nearest
from crmkit.segments.field import Field
from crmkit.segments.fit import Place, fit
from crmkit.segments.operand import read_length
from crmkit.segments.tree import All, AnyOf, Everybody, Node, Not, Operand, Operator, Rule, check_depth, check_size

_SHAPES = ("all", "any", "not", "everybody", "field")
_RULE_KEYS = ("field", "operator", "value", "window")


def to_json(node: Node) -> dict[str, Any]:
    """Return the stored form of a segment, of plain JSON values.

    >>> to_json(Not(Rule("age", Operator.AT_LEAST, 18)))
    {'not': {'field': 'age', 'operator': '>=', 'value': 18}}
    """
    match node:
        case Everybody():
            return {"everybody": True}
        case Not():
            return {"not": to_json(node.item)}
        case All():
            return {"all": [to_json(item) for item in node.items]}
        case AnyOf():
            return {"any": [to_json(item) for item in node.items]}
        case Rule():
            return _rule_json(node)


def from_json(data: object, fields: Mapping[str, Field], *, where: str = "segment") -> Node:
    """Return the segment of a stored form, its operands fitted to the fields.

    A group of one is the rule itself.

    Raises:
        SegmentError: If any part is not understood; the place is a path such as `segment.all[1].value`.
    """
    return check_size(_node(data, fields, where, 1), where)


def _rule_json(rule: Rule) -> dict[str, Any]:
    form: dict[str, Any] = {"field": rule.field, "operator": str(rule.operator)}
    if isinstance(rule.value, tuple):
        form["value"] = [_plain(one) for one in rule.value]
    elif rule.value is not None:
        form["value"] = _plain(rule.value)
    return form | ({"window": str(rule.window)} if rule.window else {})


def _plain(value: Operand) -> str | int:
    if isinstance(value, Decimal):
        return format(value, "f")
    return value if isinstance(value, int) else str(value)


def _node(data: object, fields: Mapping[str, Field], path: str, depth: int) -> Node:
    check_depth(depth, path)
    shape = _shape(data, path)
    if shape == "field":
        return _rule(_mapping(data, path), fields, path)
    content = _mapping(data, path)[shape]
    path = f"{path}.{shape}"
    if shape == "everybody":
        return _everybody(content, path)
    if shape == "not":
        return Not(_node(content, fields, path, depth + 1))
    items = _items(content, path)
    if len(items) == 1:
        return _node(items[0], fields, f"{path}[0]", depth + 1)
    nodes = tuple(_node(item, fields, f"{path}[{index}]", depth + 1) for index, item in enumerate(items))
    return All(nodes) if shape == "all" else AnyOf(nodes)


def _mapping(data: object, path: str) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise SegmentError(f"{type(data).__name__} given where an object is wanted", where=path)
    return data


def _shape(data: object, path: str) -> str:
    keys = [str(key) for key in _mapping(data, path)]
    shape = next((name for name in _SHAPES if name in keys), None)
    if shape is None:
        raise SegmentError("the object is no rule and no group", where=path, mend=f"use one of {', '.join(_SHAPES)}")
    known = _RULE_KEYS if shape == "field" else (shape,)
    strange = next((key for key in keys if key not in known), None)
    if strange is not None:
        raise SegmentError(f"the key {strange} is unknown beside {shape}", where=path, mend=nearest(strange, known))
    return shape


def _everybody(content: object, path: str) -> Everybody:
    if content is not True:
        raise SegmentError("everybody is true or absent", where=path, mend='write {"everybody": true}')
    return Everybody()


def _items(content: object, path: str) -> list[object]:
    if not isinstance(content, list) or not content:
        raise SegmentError(
            "a group needs a list of at least one rule", where=path, mend='use {"everybody": true} to match all'
        )
    return content


def _rule(form: Mapping[str, object], fields: Mapping[str, Field], path: str) -> Rule:
    name, operator = form["field"], form.get("operator")
    if not isinstance(name, str):
        raise SegmentError("the field's name is no text", where=f"{path}.field")
    if operator not in tuple(Operator):
        raise SegmentError("the operator is unknown", where=f"{path}.operator", mend=nearest(str(operator), Operator))
    window = None if form.get("window") is None else _window(form["window"], f"{path}.window")
    draft = Rule(name, Operator(str(operator)), _value(form.get("value"), path), window)
    return fit(draft, fields, Place(f"{path}.field", f"{path}.value"))


def _window(value: object, path: str) -> Any:
    try:
        return read_length(value)
    except ValueError as problem:
        raise SegmentError(str(problem), where=path) from None


def _value(value: object, path: str) -> Any:
    if isinstance(value, (Mapping, bool)):
        raise SegmentError(f"{type(value).__name__} given where a value is wanted", where=f"{path}.value")
    return tuple(value) if isinstance(value, list) else value
