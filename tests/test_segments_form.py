"""The stored form: what it looks like, and that nothing in it is skipped."""

from __future__ import annotations

from typing import Any

import pytest

from crmkit.errors import SegmentError
from crmkit.segments.catalogue import catalogue, standard_fields
from crmkit.segments.form import from_json, to_json
from crmkit.segments.text import parse, to_text

FIELDS = catalogue(standard_fields())
AGE: dict[str, Any] = {"field": "age", "operator": ">=", "value": 18}


def test_the_stored_form_is_plain() -> None:
    text = "visits in last 24 months >= 2 and (not spend > 19.50 or status in (active, moved)) and born is empty"
    assert to_json(parse(text, FIELDS)) == {
        "all": [
            {"field": "visits", "operator": ">=", "value": 2, "window": "24 months"},
            {
                "any": [
                    {"not": {"field": "spend", "operator": ">", "value": "19.50"}},
                    {"field": "status", "operator": "in", "value": ["active", "moved"]},
                ]
            },
            {"field": "born", "operator": "is empty"},
        ]
    }


def test_an_editor_may_send_numbers_as_text_and_groups_of_one() -> None:
    form = {"all": [{"any": [{"field": "age", "operator": "between", "value": ["18", "65"]}]}]}
    assert to_text(from_json(form, FIELDS)) == "age between 18 and 65"


def test_everybody_is_said_aloud() -> None:
    assert to_text(from_json({"everybody": True}, FIELDS)) == "everybody"


REFUSED = [
    ([], "segment: list given where an object is wanted"),
    ({}, "segment: the object is no rule and no group"),
    ({"all": []}, "segment.all: a group needs a list of at least one rule"),
    ({"any": AGE}, "segment.any: a group needs a list"),
    ({"all": [AGE, {"any": []}]}, "segment.all[1].any: a group needs"),
    ({"all": [AGE], "any": [AGE]}, "the key any is unknown beside all"),
    ({"everybody": False}, "segment.everybody: everybody is true or absent"),
    ({"not": None}, "segment.not: NoneType given where an object is wanted"),
    (AGE | {"muted": True}, "the key muted is unknown beside field"),
    (AGE | {"field": "~"}, "segment.field: the field ~ is unknown"),
    (AGE | {"field": 3}, "segment.field: the field's name is no text"),
    (AGE | {"operator": "atLeast"}, "segment.operator: the operator is unknown"),
    ({"field": "age"}, "segment.operator: the operator is unknown"),
    (AGE | {"value": None}, "segment.value: age (age): None is no number"),
    (AGE | {"value": True}, "segment.value: bool given where a value is wanted"),
    (AGE | {"value": [18]}, "segment.value: age (age)"),
    ({"all": [AGE, AGE | {"value": "old"}]}, "segment.all[1].value: age (age): 'old' is no number"),
    ({"field": "age", "operator": "between", "value": [1]}, "between takes two values"),
    ({"field": "status", "operator": "in", "value": []}, "in takes a list of 1 to 500 values"),
    ({"field": "status", "operator": "in", "value": "active"}, "in takes a list of 1 to 500 values"),
    ({"field": "born", "operator": "is empty", "value": ""}, "emptiness takes no value"),
    ({"field": "born", "operator": "in last", "value": 3}, "segment.value: born (date): 3 is no length of time"),
    ({"field": "visits", "operator": ">", "value": 1, "window": "long"}, "segment.window: 'long' is no length of time"),
    ({"field": "city", "operator": "is", "value": 1.5}, "float given where text is wanted"),
    ({"field": "city", "operator": "is", "value": "\ud800"}, "a character that cannot be stored"),
]


@pytest.mark.parametrize(("form", "said"), REFUSED)
def test_what_is_not_understood_is_refused_with_its_path(form: object, said: str) -> None:
    with pytest.raises(SegmentError) as caught:
        from_json(form, FIELDS)
    assert said in str(caught.value)


def test_a_form_that_nests_too_deep_is_refused() -> None:
    form: dict[str, Any] = AGE
    for _ in range(5000):
        form = {"not": form}
    with pytest.raises(SegmentError, match="nest deeper than 12"):
        from_json(form, FIELDS)
