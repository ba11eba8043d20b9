"""The practice's patients: households are put in the order in which they came, numbered, and some have left."""

from __future__ import annotations

from datetime import date, timedelta

import attrs

from crmkit.clock import add_months, age_on
from crmkit.demo.chance import Chance
from crmkit.demo.households import MONTHS, Person, household

MOVED = ("moved to Queensland", "moved to Melbourne", "moved overseas", "moved to the Central Coast")
TRANSFERRED = ("files sent to another optometrist", "sees the eye clinic now")
INACTIVE = ("does not want to come any more", "practice's choice", "unknown")


def make_people(seed: str, today: date, count: int) -> list[Person]:
    """Return so many patients, in the order of their numbers.

    Args:
        seed: The seed of the practice.
        today: The day up to which the history goes; ages are those of this day.
        count: How many patients.
    """
    drafts: list[Person] = []
    used: set[str] = set()
    number = 0
    while len(drafts) < count:
        number += 1
        drafts += _fates(household(seed, number, today, used), seed, number, today)
    return _referred(_numbered(drafts[:count]), seed, today)


def window_start(today: date) -> date:
    """Return the first day of the three years of history."""
    return add_months(today, -MONTHS)


def _numbered(drafts: list[Person]) -> list[Person]:
    """Return the patients in the order in which they came, parents before their children, with patient numbers."""
    ordered = sorted(enumerate(drafts), key=lambda draft: (draft[1].joined, draft[0]))
    ids = {person.id: f"P{number:06d}" for number, (_, person) in enumerate(ordered, start=1)}
    return [attrs.evolve(person, id=ids[person.id], guardian=ids.get(person.guardian, "")) for _, person in ordered]


def _referred(people: list[Person], seed: str, today: date) -> list[Person]:
    """Return the patients; who came within the three years was recommended, in one case of five, by an earlier one."""
    start = window_start(today)
    return [
        _with_referrer(person, people[:at], Chance(seed, "referrer", person.id))
        if at and person.joined >= start and not person.guardian
        else person
        for at, person in enumerate(people)
    ]


def _with_referrer(person: Person, earlier: list[Person], chance: Chance) -> Person:
    friend = chance.pick(earlier)
    fits = friend.household != person.household and not friend.guardian and friend.joined < person.joined
    return attrs.evolve(person, referrer=friend.id) if fits and chance.share(0.28) else person


def _fates(people: list[Person], seed: str, number: int, today: date) -> list[Person]:
    """Return a household, some of whose members have died, left, or never came."""
    chance = Chance(seed, "fate", number)
    if chance.share(0.035):
        day = _day(chance, max(person.joined for person in people), today)
        return [_gone(person, "moved", chance.pick(MOVED), day) for person in people]
    return [_fate(person, chance, today) for person in people]


def _fate(person: Person, chance: Chance, today: date) -> Person:
    age = age_on(person.born, today)
    day = _day(chance, person.joined, today)
    if chance.share(_mortality(age)):
        return _gone(person, "deceased", "family told us", day)
    adult = age >= 18
    if adult and chance.share(0.018):
        return _gone(person, "transferred", chance.pick(TRANSFERRED), day)
    if adult and chance.share(0.03):
        return _gone(person, "inactive", chance.pick(INACTIVE), day)
    if adult and person.joined > add_months(today, -9) and chance.share(0.06):
        return attrs.evolve(person, status="prospective", status_date=person.joined)
    if adult and age < 55 and chance.share(0.008):
        return attrs.evolve(person, status="non-patient", status_reason="pays for the family")
    return person


def _mortality(age: int) -> float:
    if age < 50:
        return 0.001
    return 0.025 if age < 70 else 0.09 if age < 80 else 0.18


def _gone(person: Person, status: str, reason: str, day: date) -> Person:
    return attrs.evolve(person, status=status, status_reason=reason, status_date=max(day, person.joined))


def _day(chance: Chance, joined: date, today: date) -> date:
    """Return a day after the first visit, within the three years and before today."""
    first = max(joined, window_start(today))
    days = (today - first).days
    return first + timedelta(days=1 + chance.below(days - 1)) if days > 1 else first
