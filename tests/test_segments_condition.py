"""Single promises of the SQL that a reader should find by name."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from test_segments_oracle import Person
from test_segments_sql import House, build
from test_segments_trees import FIELDS

from crmkit.errors import SegmentError
from crmkit.ledger.state import State
from crmkit.segments.condition import condition, select_patients
from crmkit.segments.text import parse
from crmkit.segments.tree import All, Node, Not, Operator, Rule

TODAY = date(2026, 11, 23)


def found(text: str, *people: Person, today: date = TODAY) -> list[int]:
    """Return the numbers of the people whom a segment matches."""
    house = build(today, list(people))
    matching = house.matching(parse(text, FIELDS))
    house.store.close()
    return [int(patient.removeprefix("P")) for patient in matching]


def seen(*days: date) -> Person:
    return Person(visits=tuple(("completed", day) for day in days))


def test_what_is_unknown_matches_neither_a_rule_nor_its_opposite() -> None:
    people = (Person(), Person(born=date(2000, 1, 1)), Person(born=date(2020, 1, 1)))
    assert found("age >= 18", *people) == [1]
    assert found("not age >= 18", *people) == [2]
    assert found("age is empty", *people) == [0]
    assert found("age >= 18 or not age >= 18 or everybody", *people) == [0, 1, 2]


def test_who_never_came_was_not_last_here_before_some_day() -> None:
    people = (seen(), seen(date(2020, 1, 1)), seen(date(2026, 11, 1)))
    assert found("last_visit before 18 months ago", *people) == [1]
    assert found("not last_visit before 18 months ago", *people) == [2]
    assert found("visits in last 24 months = 0", *people) == [0, 1]


def test_a_window_and_the_time_before_it_leave_no_gap() -> None:
    people = (seen(date(2026, 5, 22)), seen(date(2026, 5, 23)), seen(TODAY))
    assert found("last_visit before 6 months ago", *people) == [0]
    assert found("last_visit in last 6 months", *people) == [1, 2]


def test_a_visit_after_death_never_counts() -> None:
    visits = (("completed", date(2026, 1, 10)), ("completed", date(2026, 10, 10)))
    dead = Person(status="deceased", status_date=date(2026, 2, 1), visits=visits)
    moved = Person(status="moved", status_date=date(2026, 2, 1), visits=visits)
    assert found("visits = 2", dead, moved) == [1]
    assert found("last_visit is 2026-01-10", dead, moved) == [0]


def test_two_visits_on_one_day_are_one() -> None:
    assert found("visits >= 2", seen(TODAY, TODAY), seen(TODAY, date(2026, 1, 1))) == [1]


def test_who_was_born_on_29_february() -> None:
    leap = Person(born=date(2008, 2, 29))
    eve = date(2026, 2, 28)
    assert found("birthday in next 0 days", leap, today=eve) == [0]
    assert found("age >= 18", leap, today=eve) == []
    assert found("age >= 18", leap, today=date(2026, 3, 1)) == [0]
    assert found("birthday in next 0 days", leap, today=date(2028, 2, 28)) == []
    assert found("birthday in month 2", leap) == [0]


def test_text_is_compared_letter_by_letter() -> None:
    people = (Person(city="Newtown"), Person(city="newtown"), Person(city="N%"), Person())
    assert found('city starts with "New"', *people) == [0]
    assert found('city contains "town"', *people) == [0, 1]
    assert found('city contains "%"', *people) == [2]
    assert found('city is not "Newtown"', *people) == [1, 2]
    assert found("city is empty", *people) == [3]


def test_a_language_covers_its_regions() -> None:
    people = (Person(language="de"), Person(language="de-CH"), Person(language="den"), Person())
    assert found("language is DE", *people) == [0, 1]
    assert found("language is de-CH", *people) == [1]
    assert found("not language is de", *people) == [2]


def test_tags_are_whole_labels_and_having_none_is_known() -> None:
    people = (Person(tags=frozenset({"vip"})), Person(tags=frozenset({"vip2"})), Person())
    assert found("tags contains VIP", *people) == [0]
    assert found("not tags contains vip", *people) == [1, 2]
    assert found("tags is empty", *people) == [2]


def test_the_day_of_the_last_contact_is_the_practices() -> None:
    # 13:30 UTC on the 21st is half past midnight on the 22nd in Sydney.
    late = datetime(2026, 11, 21, 13, 30, tzinfo=UTC)
    people = (Person(touches=((State.SENT, late),)), Person(touches=((State.BOUNCED, late),)), Person())
    assert found("last_contact is 2026-11-22", *people) == [0]
    assert found("last_contact after 2026-11-21", *people) == [0]
    assert found("last_contact is empty", *people) == [1, 2]


def test_an_explanation_gives_a_verdict_for_each_rule() -> None:
    house = build(TODAY, [Person(status="moved")])
    node = parse("status is active and age >= 18 and not tags contains vip", FIELDS)
    assert house.verdicts(node, "P0") == (False, None, False)
    house.store.close()


def test_a_tree_made_by_hand_is_fitted_too() -> None:
    house = build(TODAY, [Person(born=date(1950, 1, 1)), Person(born=date(1970, 1, 1))])
    assert house.matching(Rule("born", Operator.LESS, "1960-01-01")) == ["P0"]
    with pytest.raises(SegmentError, match="unknown"):
        condition(Rule("agee", Operator.LESS, 3), FIELDS, house.scope)
    house.store.close()


def test_a_group_joins_at_least_two() -> None:
    with pytest.raises(SegmentError, match="a group of 1 joins nothing"):
        All((Rule("age", Operator.LESS, 3),))


def test_the_deepest_and_the_widest_segment_run() -> None:
    house = build(TODAY, [seen(TODAY)])
    deep: Node = parse("visits >= 1", FIELDS)
    for level in range(11):
        deep = Not(deep) if level % 2 else All((deep, Rule("last_visit", Operator.IS, TODAY)))
    # Five denials of what holds: an odd number.
    assert house.matching(deep) == []
    wide = parse(" or ".join(["visits in last 2 years >= 2"] * 199) + " or visits = 1", FIELDS)
    assert house.matching(wide) == ["P0"]
    with pytest.raises(SegmentError, match="groups nest deeper than 12"):
        house.matching(Not(deep))
    house.store.close()


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("last_visit before 18 months ago", "crmkit_visit_patient_status_day"),
        ("next_visit is empty", "crmkit_visit_patient_status_day"),
        ("visits in last 24 months >= 2", "crmkit_visit_patient_status_day"),
        ("spend in last 36 months >= 200", "crmkit_invoice_patient_day_amount"),
        ("recall_due before today", "crmkit_recall_patient_status_due"),
    ],
)
def test_what_hangs_on_a_patient_is_answered_from_a_covering_index(text: str, index: str) -> None:
    house = build(TODAY, [])
    assert any(f"COVERING INDEX {index}" in line for line in _plan(house, parse(text, FIELDS)))
    house.store.close()


def test_birthdays_are_found_by_index() -> None:
    house = build(TODAY, [])
    lines = _plan(house, parse("birthday in next 7 days", FIELDS))
    assert any("SEARCH" in line and "crmkit_patient_born_day" in line for line in lines)
    house.store.close()


def _plan(house: House, node: Node) -> list[str]:
    select = select_patients(node, FIELDS, house.scope).compile(
        house.store.engine, compile_kwargs={"render_postcompile": True}
    )
    with house.store.read() as connection:
        text = sa.text(f"EXPLAIN QUERY PLAN {select}".replace("?", "1"))
        return [str(row[3]) for row in connection.execute(text)]
