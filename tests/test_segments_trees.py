"""Random segments, and that text and JSON give each of them back."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.segments.catalogue import catalogue, standard_fields
from crmkit.segments.fit import fit
from crmkit.segments.form import from_json, to_json
from crmkit.segments.moment import Shift, Span, Unit
from crmkit.segments.text import parse, to_text
from crmkit.segments.tree import All, AnyOf, Everybody, Node, Not, Operator, Rule

FIELDS = catalogue(standard_fields())
DATES = ("born", "first_visit", "last_visit", "next_visit", "recall_due", "last_contact")
TEXTS = ("city", "postcode", "attributes.insurer")

# Pairs that differ in case alone, signs that LIKE takes for wildcards, and letters beyond ASCII, all on purpose.
WORDS = (
    "Newtown",
    "newtown",
    "NEWTOWN",
    "New",
    "wtow",
    "Zürich",
    "zürich",
    "ZÜRICH",
    "a%b",
    "aXb",
    "a_b",
    "%",
    "2042",
    "20",
)
TAGS = ("vip", "vip2", "no-news", "été", "a_b", "axb")
AMOUNTS = tuple(Decimal(text) for text in ("-20", "0", "0.01", "19.99", "20", "200.005"))
LANGUAGES = ("de", "de-CH", "en", "en-AU")

units = st.sampled_from(Unit)
counts = st.sampled_from([0, 1, 2, 7, 12, 18, 30])
spans = st.builds(Span, counts, units)
shifts = st.builds(Shift, st.one_of(counts, counts.map(lambda count: -count)), units)
ages = st.one_of(st.sampled_from([0, 1, 17, 18, 19]), st.integers(0, 100))
amounts = st.sampled_from(AMOUNTS)
texts = st.one_of(st.sampled_from(WORDS), st.text(min_size=1, max_size=4).filter(lambda text: "\0" not in text))


def rules(field: str, operators: str, values: st.SearchStrategy[object]) -> st.SearchStrategy[Rule]:
    window = spans if FIELDS.get(field) and FIELDS[field].windowed else st.none()
    return st.builds(
        lambda operator, value, back: fit(Rule(field, operator, value, back), FIELDS),
        st.sampled_from([Operator(operator) for operator in operators.split(", ")]),
        values,
        st.one_of(st.none(), window),
    )


def ordered(values: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.tuples(values, values).map(lambda pair: tuple(sorted(pair)))


def choices(values: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(values, min_size=1, max_size=3).map(tuple)


def date_rules(field: str, days: st.SearchStrategy[date]) -> st.SearchStrategy[Rule]:
    return st.one_of(
        rules(field, "is, is not, before, after, on or before, on or after", st.one_of(days, shifts)),
        rules(field, "between", ordered(days)),
        rules(field, "in last, in next", spans),
        rules(field, "is empty, is not empty", st.none()),
    )


def size_rules(field: str, values: st.SearchStrategy[object]) -> st.SearchStrategy[Rule]:
    return st.one_of(rules(field, "is, is not, <, <=, >, >=", values), rules(field, "between", ordered(values)))


def text_rules(field: str, values: st.SearchStrategy[object], more: str = "") -> st.SearchStrategy[Rule]:
    return st.one_of(rules(field, f"is, is not{more}", values), rules(field, "in, not in", choices(values)))


def emptiness(field: str) -> st.SearchStrategy[Rule]:
    return rules(field, "is empty, is not empty", st.none())


def rules_by_field(days: st.SearchStrategy[date]) -> dict[str, st.SearchStrategy[Rule]]:
    born = st.one_of(rules("birthday", "in last, in next", spans), rules("birthday", "in month", st.integers(1, 12)))
    status = st.sampled_from(["active", "Inactive", "deceased", "non-patient"])
    tags = rules("tags", "contains", st.sampled_from((*TAGS, "VIP", "Été", "vi")))
    return {
        **{name: date_rules(name, days) for name in DATES},
        **{name: text_rules(name, texts, ", starts with, contains") | emptiness(name) for name in TEXTS},
        "age": size_rules("age", ages) | emptiness("age"),
        "visits": size_rules("visits", st.integers(0, 3)),
        "spend": size_rules("spend", amounts),
        "birthday": born | emptiness("birthday"),
        "status": text_rules("status", status),
        "language": text_rules("language", st.sampled_from(LANGUAGES)) | emptiness("language"),
        "tags": tags | emptiness("tags"),
    }


def trees_of(rules: st.SearchStrategy[Rule]) -> st.SearchStrategy[Node]:
    return st.recursive(rules | st.just(Everybody()), _joined, max_leaves=5)


def _joined(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, inner), st.builds(All, several), st.builds(AnyOf, several))


nodes = trees_of(st.one_of(*rules_by_field(st.dates(date(1800, 1, 1), date(2200, 12, 31))).values()))


def test_every_standard_field_is_tried() -> None:
    assert {*rules_by_field(st.dates())} == {*FIELDS, "attributes.insurer"}


@given(nodes)
@settings(max_examples=200, deadline=None)
def test_the_text_of_a_segment_reads_back_as_the_same_segment(node: Node) -> None:
    line = to_text(node)
    assert "\n" not in line
    assert parse(line, FIELDS) == node


@given(nodes)
@settings(max_examples=150, deadline=None)
def test_the_stored_form_reads_back_as_the_same_segment(node: Node) -> None:
    stored = json.dumps(to_json(node))
    assert from_json(json.loads(stored), FIELDS) == node


@given(nodes)
@settings(deadline=None)
def test_the_case_of_keywords_does_not_matter(node: Node) -> None:
    words = {"and", "or", "not", "is", "empty", "in", "last", "next", "before", "between", "ago", "months", "everybody"}
    outside = to_text(node).split('"')
    outside[::2] = [" ".join(w.upper() if w in words else w for w in part.split(" ")) for part in outside[::2]]
    if "\\" not in to_text(node):
        assert parse('"'.join(outside), FIELDS) == node
