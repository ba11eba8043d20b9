"""The SQL of a segment against an oracle in Python with three truth values: True, False and None for unknown."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import attrs
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from test_segments_trees import AMOUNTS, FIELDS, LANGUAGES, TAGS, WORDS, rules_by_field, trees_of

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
# A leap day, and the day on which Sydney leaves summer time; then days about which birthdays are awkward.
TODAYS = (date(2024, 2, 29), date(2026, 4, 5))
AWKWARD = (*TODAYS, date(2024, 2, 28), date(2025, 2, 28), date(2026, 3, 1), date(2026, 12, 31))
T = TypeVar("T")
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


def edges(today: date) -> list[date]:
    """The days on which a small window or an age begins or ends, and their neighbours."""
    starts = [add_months(today, -12 * years) for years in (0, 1, 18, 19)]
    starts += [add_months(today, months) for months in (-2, -1, 1)]
    starts += [today + timedelta(days=days) for days in (-30, -7, 7, 30)]
    return [start + timedelta(days=off) for start in starts for off in (-1, 0, 1)]


def crowd(today: date, size: int) -> list[Person]:
    """People whose days lie on the edges; the same ones in every run."""
    dice = random.Random(today.toordinal())
    days = edges(today)
    return [_anybody(dice, days) for _ in range(size)]


def _anybody(dice: random.Random, days: list[date]) -> Person:
    def some(most: int, make: Callable[[], T]) -> tuple[T, ...]:
        return tuple(make() for _ in range(dice.randint(0, most)))

    states, seen = [State.SENT, State.COMPLAINED, State.BOUNCED], ["completed", "completed", "booked", "no-show"]
    leap = [None, date(2008, 2, 29), date(2008, 2, 28), date(2008, 3, 1)]
    return Person(
        born=dice.choice([*days, *leap]),
        language=dice.choice([*LANGUAGES, "", "den"]),
        city=dice.choice([*WORDS, ""]),
        tags=frozenset(some(2, lambda: dice.choice(TAGS))),
        status=dice.choice(["active", "inactive", "deceased"]),
        status_date=dice.choice([None, *days]),
        insurer=dice.choice([None, *WORDS]),
        visits=some(4, lambda: (dice.choice(seen), dice.choice(days))),
        invoices=some(3, lambda: (dice.choice(days), dice.choice(AMOUNTS))),
        recalls=some(2, lambda: (dice.choice(["open", "done"]), dice.choice(days))),
        touches=some(2, lambda: (dice.choice(states), _near_midnight(dice.choice(days), dice.randint(-1, 1)))),
    )


def _near_midnight(day: date, grains: int) -> datetime:
    return day_start(day, PRACTICE.zone) + timedelta(microseconds=grains)


@attrs.frozen
class House:
    """One store with its tables."""

    store: Store
    records: RecordTables
    ledger: LedgerTables
    today: date
    people: tuple[Person, ...]

    @property
    def scope(self) -> Scope:
        return Scope(self.records, self.ledger, PRACTICE, self.today)

    def move_in(self, people: list[Person], practice: str = PRACTICE.id) -> None:
        rows: dict[sa.Table, list[dict[str, Any]]] = {}
        for number, person in enumerate(people):
            for table, row in _rows(self, person, practice, f"P{number}"):
                rows.setdefault(table, []).append(row)
        with self.store.begin() as connection:
            for table, found in rows.items():
                connection.execute(table.insert(), found)

    def matching(self, node: Node) -> list[str]:
        with self.store.read() as connection:
            return list(connection.scalars(select_patients(node, FIELDS, self.scope)))

    def verdicts(self, node: Node, patient: str) -> tuple[Any, ...]:
        with self.store.read() as connection:
            return tuple(connection.execute(explain(node, FIELDS, self.scope, patient)).one())


def build(today: date, people: list[Person]) -> House:
    store = open_store("sqlite://")
    house = House(store, declare_records(store), declare_ledger(store), today, tuple(people))
    store.create()
    house.move_in(people)
    # The neighbours have the same ids and other lives.
    house.move_in(people[::-1], practice="next-door")
    return house


@pytest.fixture(scope="module", params=TODAYS, ids=str)
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    made = build(request.param, crowd(request.param, 200))
    yield made
    made.store.close()


def _rows(house: House, person: Person, practice: str, patient: str) -> Iterator[tuple[sa.Table, dict[str, Any]]]:
    base = {"practice": practice, "source": "test", "digest": "", "known_at": KNOWN}
    records = house.records
    yield records.patient.now, base | _own(person, patient)
    visits = [{"status": status, "day": day} for status, day in person.visits]
    invoices = [{"day": day, "amount": amount, "currency": "AUD"} for day, amount in person.invoices]
    recalls = [{"type": "recall", "status": status, "due": due} for status, due in person.recalls]
    for kind, rows in ((records.visit, visits), (records.invoice, invoices), (records.recall, recalls)):
        for number, row in enumerate(rows):
            yield kind.now, base | row | {"patient": patient, "id": f"{patient}-{number}"}
    for number, (state, sent_at) in enumerate(person.touches):
        yield house.ledger.touch, _touch(practice, patient, number, state, sent_at)


def _own(person: Person, patient: str) -> dict[str, Any]:
    return {
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


def agree(house: House, node: Node) -> None:
    truths = {f"P{number}": holds(node, person, house.today) for number, person in enumerate(house.people)}
    assert house.matching(node) == sorted(patient for patient, truth in truths.items() if truth)


@pytest.mark.parametrize("field", [*FIELDS, "attributes.insurer"])
def test_each_field_agrees_with_the_oracle(house: House, field: str) -> None:
    @given(rules_by_field(st.sampled_from(edges(house.today)))[field])
    @settings(max_examples=25, deadline=None)
    def check(rule: Rule) -> None:
        agree(house, rule)
        agree(house, Not(rule))

    check()


def test_trees_of_rules_agree_with_the_oracle(house: House) -> None:
    rules = st.one_of(*rules_by_field(st.sampled_from(edges(house.today))).values())

    @given(trees_of(rules), st.integers(0, len(house.people) - 1))
    @settings(max_examples=80, deadline=None)
    def check(node: Node, number: int) -> None:
        agree(house, node)
        told = tuple(rule_holds(rule, house.people[number], house.today) for rule in rules_of(node))
        assert house.verdicts(node, f"P{number}") == (told or (True,))

    check()


@pytest.mark.parametrize("today", AWKWARD, ids=str)
def test_windows_of_birthdays_agree_for_every_day_of_birth(today: date) -> None:
    house = build(today, [Person(), *(Person(born=date(2008, 1, 1) + timedelta(days=days)) for days in range(366))])
    for count in (0, 1, 7, 363, 364, 365, 366):
        agree(house, Rule("birthday", Operator.IN_NEXT, Span(count, Unit.DAY)))
        agree(house, Rule("birthday", Operator.IN_LAST, Span(count, Unit.DAY)))
    house.store.close()


@pytest.mark.parametrize("today", AWKWARD, ids=str)
def test_ages_agree_on_every_day_about_a_birthday(today: date) -> None:
    turning = add_months(today, -12 * 18)
    house = build(today, [Person(), *(Person(born=turning + timedelta(days=off)) for off in range(-400, 401))])
    for sign in ("is", "is not", "<", "<=", ">", ">="):
        agree(house, Rule("age", sign, 18))
    house.store.close()
