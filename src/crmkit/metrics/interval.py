"""How far chance reaches: the difference of two shares with its range, where households were drawn and not patients."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from math import sqrt

import attrs

#: The range holds the true difference 95 times of 100.
_Z = 1.959963984540054


@attrs.frozen
class Arm:
    """One of the two groups that a lot made.

    Attributes:
        patients: How many belong to it.
        seen: How many of them were seen.
        households: In how many households they live: these were drawn.
        weight: So many patients, each drawn alone, would tell as much; members of one household tell less.
    """

    patients: int = 0
    seen: int = 0
    households: int = 0
    weight: float = 0

    @classmethod
    def of(cls, households: Iterable[tuple[int, int]]) -> Arm:
        """Return the arm of some households, each given as how many patients live there and how many were seen."""
        drawn = list(households)
        patients, seen = sum(size for size, _ in drawn), sum(back for _, back in drawn)
        return cls(patients, seen, len(drawn), patients / _repeated(drawn, patients, seen) if patients else 0)

    @property
    def share(self) -> Decimal | None:
        """The share seen, None of nobody."""
        return Decimal(self.seen) / self.patients if self.patients else None


@attrs.frozen
class Difference:
    """By how much the share seen is higher in the first arm, and between which bounds chance leaves that open."""

    value: Decimal
    low: Decimal
    high: Decimal


def difference(first: Arm, second: Arm) -> Difference | None:
    """Return the difference of two arms' shares with Newcombe's interval of 95 per cent; None if an arm is empty.

    >>> found = difference(Arm.of([(1, 1)] * 3894 + [(1, 0)] * 17413), Arm.of([(1, 1)] * 2262 + [(1, 0)] * 19044))
    >>> found and [round(bound * 100, 3) for bound in (found.value, found.low, found.high)]
    [Decimal('7.659'), Decimal('6.995'), Decimal('8.323')]
    """
    if not first.patients or not second.patients:
        return None
    one, other = first.seen / first.patients, second.seen / second.patients
    low_one, high_one = _wilson(one, first.weight)
    low_other, high_other = _wilson(other, second.weight)
    value = one - other
    low = value - sqrt((one - low_one) ** 2 + (high_other - other) ** 2)
    high = value + sqrt((high_one - one) ** 2 + (other - low_other) ** 2)
    return Difference(_exact(value), _exact(low), _exact(high))


def _exact(value: float) -> Decimal:
    return round(Decimal(value), 6)


def _wilson(share: float, weight: float) -> tuple[float, float]:
    middle = share + _Z**2 / (2 * weight)
    reach = _Z * sqrt(share * (1 - share) / weight + _Z**2 / (4 * weight**2))
    return (middle - reach) / (1 + _Z**2 / weight), (middle + reach) / (1 + _Z**2 / weight)


def _repeated(drawn: list[tuple[int, int]], patients: int, seen: int) -> float:
    """Return how many patients of the arm tell as much as one drawn alone would (the design effect), at least 1."""
    share = seen / patients
    if share in (0, 1) or len(drawn) < 2:
        # Nothing tells how alike a household's members are: as if they were all the same.
        return sum(size * size for size, _ in drawn) / patients
    between = sum((back - share * size) ** 2 for size, back in drawn) / (1 - 1 / len(drawn))
    return max(1.0, between / (patients * share * (1 - share)) * (1 - 1 / patients))
