"""What a writer of segments sees: texts that read, the canonical line, and what is said when one does not read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from crmkit.errors import SegmentError
from crmkit.segments.catalogue import catalogue, standard_fields
from crmkit.segments.field import attribute
from crmkit.segments.kind import word_of
from crmkit.segments.moment import Shift, Span, Unit
from crmkit.segments.text import in_words, parse, to_text
from crmkit.segments.tree import All, AnyOf, Everybody, Not, Operator, Rule

FIELDS = catalogue(standard_fields())

READ = [
    ("last_visit before 18 months ago", Rule("last_visit", Operator.BEFORE, Shift(-18, Unit.MONTH))),
    ("next_visit is empty", Rule("next_visit", Operator.EMPTY)),
    ("next_visit within 30 days", Rule("next_visit", Operator.IN_NEXT, Span(30, Unit.DAY))),
    ("next_visit after 2 weeks from now", Rule("next_visit", Operator.AFTER, Shift(2, Unit.WEEK))),
    ("last_visit on or after 2026-01-01", Rule("last_visit", Operator.ON_OR_AFTER, date(2026, 1, 1))),
    ("last_visit on 2026-01-01", Rule("last_visit", Operator.IS, date(2026, 1, 1))),
    ("recall_due before today", Rule("recall_due", Operator.BEFORE, Shift(0, Unit.DAY))),
    ("recall_due before Tomorrow", Rule("recall_due", Operator.BEFORE, Shift(1, Unit.DAY))),
    ("born < 1960-01-01", Rule("born", Operator.BEFORE, date(1960, 1, 1))),
    ("birthday in month 12", Rule("birthday", Operator.IN_MONTH, 12)),
    ("first_visit in last 3 months", Rule("first_visit", Operator.IN_LAST, Span(3, Unit.MONTH))),
    ("visits in last 24 months >= 2", Rule("visits", Operator.AT_LEAST, 2, Span(24, Unit.MONTH))),
    ("visits in last 1 year between 2 and 4", Rule("visits", Operator.BETWEEN, (2, 4), Span(1, Unit.YEAR))),
    ("visits = 0", Rule("visits", Operator.IS, 0)),
    ("spend in last 36 months >= 200", Rule("spend", Operator.AT_LEAST, Decimal(200), Span(36, Unit.MONTH))),
    ("spend != 19.50", Rule("spend", Operator.IS_NOT, Decimal("19.50"))),
    ("status in (Active, inactive)", Rule("status", Operator.IN, ("active", "inactive"))),
    ("status is not non-patient", Rule("status", Operator.IS_NOT, "non-patient")),
    ('language is "DE-ch"', Rule("language", Operator.IS, "de-CH")),
    ('tags contains "No-News"', Rule("tags", Operator.CONTAINS, "no-news")),
    ("postcode is 0812", Rule("postcode", Operator.IS, "0812")),
    ("city is Zürich", Rule("city", Operator.IS, "Zürich")),
    (r'city is "O\"Hara and \\"', Rule("city", Operator.IS, 'O"Hara and \\')),
    ('attributes.insurer is "Acme"', Rule("attributes.insurer", Operator.IS, "Acme")),
    ("last_contact is not empty", Rule("last_contact", Operator.NOT_EMPTY)),
    ("Everybody", Everybody()),
]


@pytest.mark.parametrize(("text", "node"), READ)
def test_a_rule_reads(text: str, node: Rule) -> None:
    assert parse(text, FIELDS) == node
    assert parse(to_text(node), FIELDS) == node


def test_and_binds_tighter_than_or_and_not_tightest() -> None:
    young, old, vip = (parse(text, FIELDS) for text in ("age < 18", "age > 65", "tags contains vip"))
    assert parse("age < 18 or age > 65 and tags contains vip", FIELDS) == AnyOf((young, All((old, vip))))
    assert parse("NOT age < 18 AND age > 65", FIELDS) == All((Not(young), old))
    assert parse("not (age < 18 or age > 65)", FIELDS) == Not(AnyOf((young, old)))
    assert parse("(age < 18 or age > 65) and tags contains vip", FIELDS) == All((AnyOf((young, old)), vip))


def test_the_canonical_line_is_readable() -> None:
    text = 'status IS active AND (language = "de" OR postcode starts with "20")  and visits in last 2 year >= 2'
    assert in_words(parse(text, FIELDS)) == (
        'status is active and (language is de or postcode starts with "20") and visits in last 2 years >= 2'
    )


def test_a_text_may_run_over_lines() -> None:
    assert parse("age >= 18\n  and status is active\n", FIELDS) == parse("age >= 18 and status is active", FIELDS)


def test_a_vendor_may_close_the_set_of_an_attribute() -> None:
    plan = attribute("attributes.plan", word_of("gold", "silver"), "the insurance plan")
    fields = catalogue((*standard_fields(), plan))
    assert parse("attributes.plan is Gold", fields) == Rule("attributes.plan", Operator.IS, "gold")
    with pytest.raises(SegmentError, match="did you mean gold"):
        parse("attributes.plan is golt", fields)


REFUSED = [
    ("", "segment: the segment is empty. To mend: write everybody to match all."),
    ("agee > 3", "segment, column 1: the field agee is unknown. To mend: did you mean age?"),
    ("age > 3 and agee > 3", "column 13: the field agee"),
    ("age > 3 and\n  agee > 3", "segment, line 2, column 3: the field agee"),
    ("age starts with 3", "age (age) knows: is, is not, <, <=, >, >=, between, is empty, is not empty."),
    ("visits is empty", "visits cannot be asked `is empty`"),
    ("age in last 3 months >= 2", "age is not counted in a window"),
    ("visits in last 3 months", "compare it, as visits in last 3 months >= 1"),
    ("last_visit befor 2026-01-01", "column 12: 'befor' is not understood here. To mend: did you mean before?"),
    (
        "last_visit before 1.2.2025",
        "column 19: last_visit (date): '1.2.2025' is no date: write it",
    ),
    ("last_visit before 2025-02-30", "is no day of the calendar: write it in the form YYYY-MM-DD"),
    ("last_visit before 0001-01-01", "too far away"),
    ("last_visit before 300 years ago", "column 19: 300 years are more than a century"),
    ("last_visit before soon", "'soon' is no date"),
    ("born between 2025-12-31 and 2025-01-01", "put the smaller first"),
    ("age between 5 and 3", "column 13: age (age): between 5 and 3 holds nothing"),
    ("age >= eighteen", "'eighteen' is no number"),
    ("age >= 17.5", "17.5 is no whole number"),
    ("age >= 200", "200 is no age"),
    ("visits >= 99999999999999999999", "no number in reach"),
    ("spend > 0.00001", "is no amount: write it as 200 or 199.50"),
    ("birthday in month 13", "13 is no month"),
    ("birthday before today", "birthday (day of the year) knows: in last, in next, in month"),
    ("status is actve", "column 11: status (word): 'actve' is not one of its words: did you mean active?"),
    ("language is klingon", "is no known language tag: use BCP 47"),
    ('tags contains "a|b"', "that is not one label"),
    ('city is ""', "the text is empty: use `is empty`"),
    ('city is "\\u0000"', "a character that cannot be stored"),
    ('city is "\\q"', "a backslash in text is written twice"),
    ("city is 3 weeks ago", "put text between quotes"),
    ("city is High Town", "column 14: 'Town' is not understood here"),
    ('city is "High', "column 9: the quotes do not close"),
    ("city is “Newtown”", "straight quotes"),
    ("(age > 3", "column 9: the segment breaks off. To mend: go on with )"),
    ("age > 3)", "column 8: ')' is not understood here. To mend: go on with the end"),
    ("age > 3 and", "column 12: the segment breaks off"),
    ("%", "column 1: '%' is not understood here. To mend: go on with one of: (; a field; everybody; not"),
    ("attributes.1 is x", "the field attributes.1 is unknown"),
    (" not" * 3000 + " age > 3", "groups nest deeper than 12"),
    (" or ".join(["age > 3"] * 201), "201 rules are too many"),
    ("age > 3 or " * 3000, "longer than 20000 characters"),
]


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=[text[:40] for text, _ in REFUSED])
def test_a_text_that_does_not_read_says_where_and_how_to_mend_it(text: str, said: str) -> None:
    with pytest.raises(SegmentError) as caught:
        parse(text, FIELDS)
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["consent", "marketing_consent", "opt_out", "opted_in", "unsubscribed"])
def test_consent_is_no_field(name: str) -> None:
    with pytest.raises(SegmentError, match="guards judge consent when a touch is planned and again when it is sent"):
        parse(f"not {name} = yes", FIELDS)


def test_a_name_that_is_no_attribute_is_refused() -> None:
    with pytest.raises(SegmentError, match="no attribute's name"):
        attribute('attributes.a"b')
