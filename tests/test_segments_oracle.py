"""The oracle of segments: one patient at a time, in plain Python, from the definitions of the words.

It knows three truth values, True, False and None for unknown, and nothing of the SQL that it is held against.
"""

from __future__ import annotations

import operator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs

from crmkit.clock import add_months, age_on, anniversary, local_day
from crmkit.ledger.state import REACHED, State
from crmkit.practice import Practice
from crmkit.segments.moment import Shift, Span, Unit
from crmkit.segments.tree import All, AnyOf, Everybody, Node, Not, Operator, Rule

PRACTICE = Practice(
    id="bright-eyes",
    name="Bright Eyes Optometry",
    country="AU",
    timezone="Australia/Sydney",
    locale="en_AU",
    currency="AUD",
    email="hello@brighteyes.example",
)


@attrs.frozen
class Person:
    """One made patient, with all rows that hang on it."""

    born: date | None = None
    language: str = ""
    city: str = ""
    tags: frozenset[str] = frozenset()
    status: str = "active"
    status_date: date | None = None
    insurer: str | None = None
    visits: tuple[tuple[str, date], ...] = ()
    invoices: tuple[tuple[date, Decimal], ...] = ()
    recalls: tuple[tuple[str, date], ...] = ()
    touches: tuple[tuple[State, datetime | None], ...] = ()


def holds(node: Node, person: Person, today: date) -> bool | None:
    match node:
        case Everybody():
            return True
        case Rule():
            return rule_holds(node, person, today)
        case Not():
            inner = holds(node.item, person, today)
            return None if inner is None else not inner
        case All():
            found = [holds(item, person, today) for item in node.items]
            return False if False in found else None if None in found else True
        case AnyOf():
            found = [holds(item, person, today) for item in node.items]
            return True if True in found else None if None in found else False


def rule_holds(rule: Rule, person: Person, today: date) -> bool | None:
    value = value_of(rule, person, today)
    if rule.operator in (Operator.EMPTY, Operator.NOT_EMPTY):
        return (value is None or value == frozenset()) is (rule.operator is Operator.EMPTY)
    if value is None:
        return None
    if rule.field == "birthday":
        return birthday_holds(rule, value, today)
    if rule.field == "language":
        return language_holds(rule, value)
    if isinstance(value, date):
        return date_holds(rule, value, today)
    return plain_holds(rule, value)


def value_of(rule: Rule, person: Person, today: date) -> Any:
    seen = [day for status, day in person.visits if status == "completed" and day <= today]
    if person.status == "deceased" and person.status_date:
        seen = [day for day in seen if day <= person.status_date]
    since = moved(today, rule.window, -1) if rule.window else date.min
    reached = [local_day(at, PRACTICE.zone) for state, at in person.touches if state in REACHED and at]
    values = {
        "age": person.born and age_on(person.born, today),
        "born": person.born,
        "birthday": person.born,
        "status": person.status,
        "language": person.language or None,
        "city": person.city or None,
        "postcode": person.city or None,
        "attributes.insurer": person.insurer,
        "tags": person.tags,
        "first_visit": min(seen, default=None),
        "last_visit": max(seen, default=None),
        "next_visit": min((day for status, day in person.visits if status == "booked" and day >= today), default=None),
        "visits": len({day for day in seen if day >= since}),
        "spend": sum((amount for day, amount in person.invoices if since <= day <= today), Decimal(0)),
        "recall_due": min((due for status, due in person.recalls if status == "open"), default=None),
        "last_contact": max(reached, default=None),
    }
    return values[rule.field]


def moved(day: date, by: Span | Shift, sign: int = 1) -> date:
    count = by.count * sign
    if by.unit in (Unit.MONTH, Unit.YEAR):
        return add_months(day, count * (12 if by.unit is Unit.YEAR else 1))
    return day + (timedelta(weeks=count) if by.unit is Unit.WEEK else timedelta(days=count))


def date_holds(rule: Rule, value: date, today: date) -> bool:
    wanted: Any = rule.value
    if rule.operator is Operator.IN_LAST:
        return moved(today, wanted, -1) <= value <= today
    if rule.operator is Operator.IN_NEXT:
        return today <= value <= moved(today, wanted)
    ends = wanted if isinstance(wanted, tuple) else (wanted,)
    at = [moved(today, end) if isinstance(end, Shift) else end for end in ends]
    compare = {"before": operator.lt, "after": operator.gt, "on or before": operator.le, "on or after": operator.ge}
    if rule.operator is Operator.BETWEEN:
        return at[0] <= value <= at[1]
    return {**compare, "is": operator.eq, "is not": operator.ne}[rule.operator](value, at[0])


def birthday_holds(rule: Rule, born: date, today: date) -> bool:
    if rule.operator is Operator.IN_MONTH:
        return born.month == rule.value
    kept = (anniversary(born, year) for year in range(today.year - 31, today.year + 32))
    return any(date_holds(rule, day, today) for day in kept)


def language_holds(rule: Rule, tag: str) -> bool:
    wanted: Any = rule.value if isinstance(rule.value, tuple) else (rule.value,)
    covered = any((f"{tag}-").startswith(f"{one}-") for one in wanted)
    return covered is (rule.operator in (Operator.IS, Operator.IN))


def plain_holds(rule: Rule, value: Any) -> bool:
    wanted: Any = rule.value
    match rule.operator:
        case Operator.BETWEEN:
            return bool(wanted[0] <= value <= wanted[1])
        case Operator.IN | Operator.NOT_IN:
            return (value in wanted) is (rule.operator is Operator.IN)
        case Operator.STARTS_WITH:
            return bool(value.startswith(wanted))
        case Operator.CONTAINS:
            return wanted in value
    signs = {"is": operator.eq, "is not": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt}
    return bool({**signs, ">=": operator.ge}[rule.operator](value, wanted))


def test_the_oracle_keeps_the_tables_of_three_valued_logic() -> None:
    yes, no, unknown = Everybody(), Not(Everybody()), Rule("age", Operator.LESS, 3)

    def truth(node: Node) -> bool | None:
        return holds(node, Person(), date(2026, 1, 1))

    assert [truth(Not(node)) for node in (yes, no, unknown)] == [False, True, None]
    assert [truth(All((unknown, node))) for node in (yes, no, unknown)] == [None, False, None]
    assert [truth(AnyOf((unknown, node))) for node in (yes, no, unknown)] == [True, None, None]
