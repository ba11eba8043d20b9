"""Households: who lives together, how old they are, what they speak, and on whose address they are written to."""

from __future__ import annotations

from datetime import date, timedelta

import attrs

from crmkit.clock import age_on
from crmkit.demo import contacts, names
from crmkit.demo.chance import Chance
from crmkit.demo.contacts import Home
from crmkit.demo.hours import last_open, next_open
from crmkit.demo.names import Culture

YEARS = 3
MONTHS = 12 * YEARS
#: Share of households that came for the first time within the three years: about thirty patients a month.
NEW = 0.36
KINDS = ((46, "single"), (28, "couple"), (18, "family"), (8, "one parent"))
AGES = ((12, (19, 29)), (20, (30, 44)), (24, (45, 59)), (28, (60, 74)), (16, (75, 92)))
#: The fractional part of its multiples spreads households evenly over the months: no month without new faces.
GOLDEN = 0.6180339887498949


@attrs.frozen(repr=False)
class Person:
    """One patient of the generated practice, before anything in the practice's files is amiss.

    Attributes:
        id: The patient's number; within this room, until all are numbered, household and place in it.
        joined: The day of the first visit, of whatever year.
        interval: Months from one eye test to the next.
        guardian: The id of the parent of a minor.
    """

    id: str
    household: str
    born: date
    joined: date
    interval: int
    prefix: str = ""
    given: str = ""
    preferred: str = ""
    middle: str = ""
    family: str = ""
    suffix: str = ""
    language: str = ""
    status: str = "active"
    status_reason: str = ""
    status_date: date | None = None
    guardian: str = ""
    referrer: str = ""
    email: str = ""
    mobile: str = ""
    phone: str = ""
    address1: str = ""
    address2: str = ""
    city: str = ""
    postcode: str = ""
    tags: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The number in the id."""
        return int(self.id[1:])


@attrs.frozen(repr=False)
class _Family:
    """What the members of one household have in common."""

    chance: Chance
    number: int
    today: date
    culture: Culture
    name: str
    language: str
    home: Home
    joined: date


def household(seed: str, number: int, today: date, used: set[str]) -> list[Person]:
    """Return the members of one household, adults first.

    Args:
        seed: The seed of the practice.
        number: The number of the household, from 1.
        today: The day up to which the history goes.
        used: The e-mail addresses given out so far; those of the household are added.
    """
    chance = Chance(seed, "household", number)
    kind = chance.weighted(KINDS)
    culture = chance.weighted([(one.weight, one) for one in names.CULTURES])
    language = culture.language if chance.share(culture.speaks) else "en"
    joined = _joined(chance, number, today)
    family = _Family(
        chance, number, today, culture, chance.pick(culture.families), language, contacts.home(chance), joined
    )
    adults = _adults(family, kind, used)
    return [*adults, *_children(family, adults, kind, used)]


def _joined(chance: Chance, number: int, today: date) -> date:
    """Return the day of the first visit: within the three years, with more of late, or in the eight before."""
    if chance.share(NEW):
        share = (number * GOLDEN % 1) ** 1.08
        return last_open(today - timedelta(days=1 + int(share * (MONTHS * 30.4 - 8))))
    return last_open(today - timedelta(days=int(MONTHS * 30.5 + chance.fraction() * 8 * 365)))


def _adults(family: _Family, kind: str, used: set[str]) -> list[Person]:
    chance = family.chance
    young, old = chance.weighted(AGES)
    age = chance.between(28, 54) if kind in ("family", "one parent") else chance.between(young, old)
    female = chance.share(0.54 if kind != "one parent" else 0.8)
    first = _adult(family, 0, age, female, (), used)
    if kind not in ("couple", "family"):
        return [first]
    other = max(20, age + chance.between(-6, 6))
    second = _adult(family, 1, other, female if chance.share(0.06) else not female, (first.given,), used)
    if first.email and chance.share(0.28):
        second = attrs.evolve(second, email=first.email)
    if first.mobile and chance.share(0.05):
        second = attrs.evolve(second, mobile=first.mobile)
    return [first, second]


def _adult(family: _Family, place: int, age: int, female: bool, taken: tuple[str, ...], used: set[str]) -> Person:
    chance, culture = family.chance, family.culture
    person = _person(family, place, age, female, taken)
    if place and chance.share(0.3):
        person = attrs.evolve(person, family=chance.pick(culture.families))
    old = age > 74
    address = contacts.email(chance, person.given, person.family, person.born.year, used, family.number)
    return attrs.evolve(
        person,
        prefix=_prefix(chance, female),
        suffix="OAM" if old and chance.share(0.03) else "",
        email=address if chance.share(0.6 if old else 0.92) else "",
        mobile=contacts.mobile(chance) if chance.share(0.7 if old else 0.95) else "",
        phone=family.home.phone if chance.share(0.75 if old else 0.24) else "",
        interval=chance.weighted(((66, 24), (26, 36), (8, 12)) if age < 65 else ((72, 24), (28, 12))),
        tags=_tags(chance, age),
    )


def _children(family: _Family, adults: list[Person], kind: str, used: set[str]) -> list[Person]:
    if kind not in ("family", "one parent"):
        return []
    parents_age = min(age_on(adult.born, family.today) for adult in adults)
    children: list[Person] = []
    for place in range(family.chance.weighted(((46, 1), (42, 2), (12, 3)))):
        age = family.chance.between(4, max(4, min(17, parents_age - 21)))
        taken = tuple(one.given for one in (*adults, *children))
        children.append(_child(family, len(adults) + place, age, taken, adults[0], used))
    return children


def _child(family: _Family, place: int, age: int, taken: tuple[str, ...], parent: Person, used: set[str]) -> Person:
    chance = family.chance
    child = _person(family, place, age, chance.share(0.5), taken)
    own = age > 14 and chance.share(0.5)
    address = contacts.email(chance, child.given, child.family, child.born.year, used, family.number) if own else ""
    # A child comes from the age of three on, whenever the parents first came.
    third = date(child.born.year + 3, child.born.month, min(child.born.day, 28))
    return attrs.evolve(
        child,
        joined=max(child.joined, next_open(third)),
        interval=12,
        guardian=parent.id,
        email=address or (parent.email if chance.share(0.94) else ""),
        mobile=contacts.mobile(chance) if own else parent.mobile,
        tags=("school-screening",) if chance.share(0.12) else (),
    )


def _person(family: _Family, place: int, age: int, female: bool, taken: tuple[str, ...]) -> Person:
    chance, culture = family.chance, family.culture
    given = names.given_name(chance, culture, female, taken)
    later = chance.between(10, 300) if chance.share(0.4) and place else 0
    joined = last_open(family.joined + timedelta(days=later))
    return Person(
        id=f"{family.number}/{place}",
        household=f"H{family.number:05d}",
        born=_born(chance, age, family.today),
        joined=joined if joined < family.today else family.joined,
        interval=24,
        given=given,
        preferred=names.preferred_name(chance, culture, given),
        middle=names.middle_name(chance, culture, female, given),
        family=family.name,
        language="" if chance.share(0.08) else family.language,
        address1=family.home.address1,
        address2=family.home.address2,
        city=family.home.city,
        postcode=family.home.postcode,
    )


def _born(chance: Chance, age: int, today: date) -> date:
    birthday = today.replace(year=today.year - age, day=min(today.day, 28))
    return birthday - timedelta(days=chance.below(365))


def _prefix(chance: Chance, female: bool) -> str:
    mostly = [(30, "Ms"), (20, "Mrs"), (4, "Miss")] if female else [(54, "Mr")]
    return chance.weighted([*mostly, (4, "Dr"), (1, "Mx"), (41, "")])


def _tags(chance: Chance, age: int) -> tuple[str, ...]:
    shares = (
        (min(0.9, 0.2 + age / 100), "glasses"),
        (0.14 if age < 55 else 0.03, "contact-lenses"),
        (0.02 if age < 45 else 0.1, "diabetes"),
        (0.05 if age < 66 else 0.6, "concession"),
    )
    return tuple(tag for share, tag in shares if chance.share(share))
