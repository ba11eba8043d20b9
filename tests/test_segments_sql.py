"""The SQL of a segment against an oracle in Python with three truth values: True, False and None for unknown."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import attrs
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from test_segments_oracle import PRACTICE, Person, holds, rule_holds
from test_segments_trees import AMOUNTS, FIELDS, LANGUAGES, TAGS, WORDS, rules_by_field, trees_of

from crmkit.clock import add_months, day_start
from crmkit.ledger.state import State
from crmkit.ledger.tables import LedgerTables, declare_ledger
from crmkit.records.tables import RecordTables, declare_records
from crmkit.segments.condition import explain, select_patients
from crmkit.segments.moment import Span, Unit
from crmkit.segments.scope import Scope
from crmkit.segments.tree import Node, Not, Operator, Rule, rules_of
from crmkit.store.store import Store, open_store

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

# A leap day, and the day on which Sydney leaves summer time; then days about which birthdays are awkward.
TODAYS = (date(2024, 2, 29), date(2026, 4, 5))
AWKWARD = (*TODAYS, date(2024, 2, 28), date(2025, 2, 28), date(2026, 3, 1), date(2026, 12, 31))
T = TypeVar("T")
KNOWN = datetime(2026, 1, 1, tzinfo=UTC)


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
