"""The SQL of a segment against an oracle in Python with three truth values: True, False and None for unknown."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from test_segments_trees import FIELDS, LANGUAGES, TAGS, TODAYS, WORDS, amounts, days, nodes

from crmkit.clock import add_months, age_on, anniversary, day_start, local_day
from crmkit.ledger.state import REACHED, State
from crmkit.ledger.tables import LedgerTables, declare_ledger
from crmkit.practice import Practice
from crmkit.records.tables import RecordTables, declare_records
from crmkit.segments.condition import explain, select_patients
from crmkit.segments.moment import Shift, Span, Unit
from crmkit.segments.scope import Scope
from crmkit.segments.tree import All, AnyOf, Everybody, Node, Not, Operator, Rule, rules_of
from crmkit.store.store import Store, open_store

PRACTICE = Practice(
    id="bright-eyes",
    name="Bright Eyes Optometry",
    country="AU",
    timezone="Australia/Sydney",
    locale="en_AU",
    currency="AUD",
    email="hello@brighteyes.example",
)
KNOWN = datetime(2026, 1, 1, tzinfo=UTC)


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


instants = st.builds(
    lambda day, grains: day_start(day, PRACTICE.zone) + timedelta(microseconds=grains),
    days,
    st.sampled_from([-1, 0, 1]),
)
people = st.builds(
    Person,
    born=st.one_of(st.none(), days, st.sampled_from([date(2008, 2, 29), date(2008, 2, 28), date(2008, 3, 1)])),
    language=st.sampled_from([*LANGUAGES, "", "den"]),
    city=st.sampled_from([*WORDS, ""]),
    tags=st.frozensets(st.sampled_from(TAGS), max_size=2),
    status=st.sampled_from(["active", "active", "inactive", "deceased", "deceased"]),
    status_date=st.one_of(st.none(), days),
    insurer=st.one_of(st.none(), st.sampled_from(WORDS)),
    visits=st.lists(st.tuples(st.sampled_from(["completed", "booked", "no-show"]), days), max_size=4).map(tuple),
    invoices=st.lists(st.tuples(days, amounts), max_size=3).map(tuple),
    recalls=st.lists(st.tuples(st.sampled_from(["open", "done"]), days), max_size=2).map(tuple),
    touches=st.lists(
        st.tuples(st.sampled_from([State.SENT, State.DELIVERED, State.BOUNCED]), instants), max_size=2
    ).map(tuple),
)


@attrs.frozen
class House:
    """One store with its tables."""

    store: Store
    records: RecordTables
    ledger: LedgerTables

    def scope(self, today: date) -> Scope:
        return Scope(self.records, self.ledger, PRACTICE, today)

    def move_in(self, people: list[Person], practice: str = PRACTICE.id) -> None:
        with self.store.begin() as connection:
            for number, person in enumerate(people):
                _insert(connection, self, person, practice, f"P{number}")

    def clear(self) -> None:
        with self.store.begin() as connection:
            for table in self.store.metadata.sorted_tables:
                connection.execute(table.delete())

    def matching(self, node: Node, today: date) -> list[str]:
        with self.store.read() as connection:
            return list(connection.scalars(select_patients(node, FIELDS, self.scope(today))))

    def verdicts(self, node: Node, today: date, patient: str) -> tuple[Any, ...]:
        with self.store.read() as connection:
            return tuple(connection.execute(explain(node, FIELDS, self.scope(today), patient)).one())


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    store = open_store("sqlite://")
    made = House(store, declare_records(store), declare_ledger(store))
    store.create()
    yield made
    store.close()


def _insert(connection: sa.Connection, house: House, person: Person, practice: str, patient: str) -> None:
    base = {"practice": practice, "source": "test", "digest": "", "known_at": KNOWN}
    records = house.records
    own = {
        "id": patient,
        "born": person.born,
        "born_day": person.born.month * 100 + person.born.day if person.born else None,
        "language": person.language,
        "city": person.city,
        "postcode": person.city,
        "tags": "|" + "".join(f"{tag}|" for tag in sorted(person.tags)),
        "status": person.status,
        "status_date": person.status_date,
        "attributes": {"insurer": person.insurer} if person.insurer else {},
    }
    connection.execute(records.patient.now.insert(), base | own)
    of = base | {"patient": patient}
    for number, (status, day) in enumerate(person.visits):
        row = {"id": f"{patient}-{number}", "status": status, "day": day}
        connection.execute(records.visit.now.insert(), of | row)
    for number, (day, amount) in enumerate(person.invoices):
        row = {"id": f"{patient}-{number}", "day": day, "amount": amount, "currency": "AUD"}
        connection.execute(records.invoice.now.insert(), of | row)
    for number, (status, due) in enumerate(person.recalls):
        row = {"id": f"{patient}-{number}", "type": "recall", "status": status, "due": due}
        connection.execute(records.recall.now.insert(), of | row)
    for number, (state, sent_at) in enumerate(person.touches):
        connection.execute(house.ledger.touch.insert(), _touch(practice, patient, number, state, sent_at))


def _touch(practice: str, patient: str, number: int, state: State, sent_at: datetime | None) -> dict[str, Any]:
    fixed = dict.fromkeys(("campaign", "message", "purpose", "medium", "recipient", "reason"), "x")
    moments = dict.fromkeys(("due", "stale", "changed_at"), KNOWN)
    key = {"practice": practice, "patient": patient, "occasion": f"o{number}", "key": f"{patient}-{number}"}
    return {**fixed, **moments, **key, "version": 1, "state": state, "detail": {}, "priority": 0, "sent_at": sent_at}


# The oracle: one patient at a time, in plain Python, from the definitions of the words and not from the SQL.


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
    kept = (anniversary(born, year) for year in range(today.year - 100, today.year + 101))
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


LEAP = [Person(born=date(2008, 2, 29)), Person(born=date(2008, 2, 28)), Person(born=date(2008, 3, 1)), Person()]


@given(nodes, st.lists(people, min_size=1, max_size=4), st.sampled_from(TODAYS))
@example(Rule("age", Operator.AT_LEAST, 18), LEAP, date(2026, 2, 28))
@example(Rule("birthday", Operator.IN_NEXT, Span(0, Unit.DAY)), LEAP, date(2026, 2, 28))
@example(Rule("birthday", Operator.IN_NEXT, Span(1, Unit.DAY)), LEAP, date(2024, 2, 28))
@example(Not(Rule("age", Operator.MORE, 3)), LEAP, date(2024, 2, 29))
@settings(max_examples=600, deadline=None)
def test_the_sql_agrees_with_the_oracle(house: House, node: Node, people: list[Person], today: date) -> None:
    house.clear()
    house.move_in(people)
    house.move_in(people[::-1], practice="next-door")
    truths = [holds(node, person, today) for person in people]
    event(f"verdicts {sorted(set(map(str, truths)))}")
    assert house.matching(node, today) == [f"P{number}" for number, truth in enumerate(truths) if truth]
    told = [rule_holds(rule, people[0], today) for rule in rules_of(node)]
    assert list(house.verdicts(node, today, "P0")) == (told or [True])
