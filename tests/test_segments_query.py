"""A host's editor: its queries mean the same segment, and nothing in them is skipped."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from test_segments_trees import nodes

from crmkit.errors import SegmentError
from crmkit.segments.catalogue import catalogue, standard_fields
from crmkit.segments.menu import menu
from crmkit.segments.query import from_query, to_query
from crmkit.segments.text import parse, to_text
from crmkit.segments.tree import Node

FIELDS = catalogue(standard_fields())
AGE: dict[str, Any] = {"id": "r1", "field": "age", "operator": ">=", "valueSource": "value", "value": "18"}


def said(*rules: object, combinator: str = "and", **more: object) -> str:
    return to_text(from_query({"id": "root", "combinator": combinator, "rules": list(rules), **more}, FIELDS))


def rule(field: str, operator: str, value: object = "") -> dict[str, object]:
    return {"field": field, "operator": operator, "value": value}


@given(nodes)
@settings(max_examples=150, deadline=None)
def test_what_the_editor_shows_comes_back_as_the_same_segment(node: Node) -> None:
    assume("everybody" not in to_text(node))
    assert from_query(json.loads(json.dumps(to_query(node))), FIELDS) == node


def test_a_query_as_the_editor_sends_it() -> None:
    lapsed = {"combinator": "or", "rules": [rule("last_visit", "<", "18 months ago"), rule("visits", "=", "0")]}
    text = 'age >= 18 and (last_visit before "18 months ago" or visits = 0)'.replace('"', "")
    assert said(AGE, lapsed) == text
    assert said(AGE, {**lapsed, "not": True}) == text.replace("(", "not (")


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (rule("next_visit", "null", "left over"), "next_visit is empty"),
        (rule("city", "notNull"), "city is not empty"),
        (rule("city", "beginsWith", "New"), 'city starts with "New"'),
        (rule("city", "doesNotContain", "town"), "not city contains town"),
        (rule("age", "notBetween", "18,65"), "not age between 18 and 65"),
        (rule("age", "between", ["18", 65]), "age between 18 and 65"),
        (rule("status", "in", "active, moved,"), "status in (active, moved)"),
        (rule("city", "notIn", "Bondi\\, East,Newtown"), 'city not in ("Bondi, East", "Newtown")'),
        (rule("last_visit", "in last", "6 weeks"), "last_visit in last 6 weeks"),
        ({**rule("visits", ">", 2), "window": "12 months"}, "visits in last 12 months > 2"),
    ],
)
def test_each_operator_of_the_editor_means_what_it_says(sent: dict[str, object], text: str) -> None:
    assert said(sent) == text


def test_between_rules_and_binds_tighter_than_or() -> None:
    rules = [AGE, "and", rule("visits", "=", 0), "OR", rule("city", "=", "x"), "and", rule("spend", ">", "5")]
    assert to_text(from_query({"rules": rules}, FIELDS)) == "(age >= 18 and visits = 0) or (city is x and spend > 5)"


EMPTY: dict[str, Any] = {"combinator": "and", "rules": []}


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ([], "query: list given where a rule or a group is wanted"),
        (EMPTY, "query.rules: the group has no rules"),
        ({"combinator": "and", "rules": [AGE, EMPTY]}, "query.rules[1].rules: the group has no rules"),
        ({"combinator": "xor", "rules": [AGE, AGE]}, "query.combinator: the combinator is neither"),
        ({"rules": [AGE, "and"]}, "query.rules: the rules end with a combinator"),
        ({"rules": [AGE, "then", AGE]}, "query.rules[1]: the combinator is neither"),
        ({"combinator": "and", "rules": [AGE], "not": "no"}, "query.not: `not` is true, false or absent"),
        ({"combinator": "and", "rules": [AGE], "muted": True}, "query: the key muted is not understood"),
        ({"combinator": "and", "rules": [AGE | {"muted": True}]}, "query.rules[0]: the key muted is not"),
        ({"combinator": "and", "rules": [AGE | {"valueSource": "field"}]}, "a field is compared with values only"),
        ({"combinator": "and", "rules": [AGE | {"field": "~"}]}, "query.rules[0].field: no field is chosen"),
        ({"combinator": "and", "rules": [AGE | {"operator": ""}]}, "query.rules[0].operator: no operator is chosen"),
        ({"combinator": "and", "rules": [AGE | {"operator": "endsWith"}]}, "the operator endsWith is unknown"),
        ({"combinator": "and", "rules": [AGE | {"value": "old"}]}, "query.rules[0].value: age (age): 'old' is no"),
        ({"combinator": "and", "rules": [AGE | {"field": "consent"}]}, "consent is not for a segment to judge"),
        ({"combinator": "and", "rules": ["and"]}, "query.rules[0]: str given where a rule or a group is wanted"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(query: object, problem: str) -> None:
    with pytest.raises(SegmentError) as caught:
        from_query(query, FIELDS)
    assert problem in str(caught.value)


def test_groups_within_groups_end_somewhere() -> None:
    query: dict[str, Any] = {"combinator": "and", "rules": [AGE]}
    for _ in range(5000):
        query = {"combinator": "and", "rules": [query, AGE]}
    with pytest.raises(SegmentError, match="deeper"):
        from_query(query, FIELDS)


def test_everybody_is_shown_alone_only() -> None:
    assert to_query(parse("everybody", FIELDS)) == EMPTY
    with pytest.raises(SegmentError, match="everybody"):
        to_query(parse("age >= 18 or everybody", FIELDS))


def test_every_operator_that_is_offered_is_understood() -> None:
    values = {"between": ["1", "2"], "in last": "2 weeks", "in next": "2 weeks", "in month": "2"}
    ours = {"date": "2026-01-01", "language": "de", "word": "active"}
    fields = [one for one in menu(FIELDS) if one["name"] != "birthday"]
    for entry in fields:
        kind = FIELDS[entry["name"]].kind.name
        for operator in entry["operators"]:
            one = ours.get(kind, "1")
            value = [one, one] if operator["name"] == "between" else values.get(operator["name"], one)
            assert said(rule(entry["name"], operator["name"], value)).startswith(entry["name"])
    status = next(entry for entry in fields if entry["name"] == "status")
    assert {"name": "moved", "label": "moved"} in status["values"]
