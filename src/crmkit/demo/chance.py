"""Chance that falls the same on every machine: all of a generated practice comes out of a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """A stream of chance that its seed decides.

    Of the generator only `random()` is used, the one method whose sequence Python promises to keep for a seed; the
    rest is arithmetic on it. A person or a household has a stream of its own, so that a change in one life leaves
    the others as they were.

    >>> Chance("bright-eyes", 1).below(100) == Chance("bright-eyes", 1).below(100)
    True
    """

    def __init__(self, *seed: object) -> None:
        # A demo wants the same chance each time, so a generator fit for secrets would be the wrong one.
        self._next = random.Random("/".join(str(part) for part in seed)).random  # noqa: S311

    def fraction(self) -> float:
        """Return a number from 0 up to, not including, 1."""
        return self._next()

    def share(self, share: float) -> bool:
        """Return True in this share of the cases."""
        return self._next() < share

    def below(self, end: int) -> int:
        """Return a whole number from 0 to `end` - 1."""
        return int(self._next() * end)

    def between(self, first: int, last: int) -> int:
        """Return a whole number from `first` to `last`, both included."""
        return first + int(self._next() * (last - first + 1))

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options, each as likely as the next."""
        return options[int(self._next() * len(options))]

    def weighted(self, options: Sequence[tuple[float, T]]) -> T:
        """Return one of the options, each as likely as its weight says; the weights need not add up to one."""
        left = self._next() * sum(weight for weight, _ in options)
        for weight, option in options:
            left -= weight
            if left < 0:
                return option
        return options[-1][1]

    def lognormal(self, median: float, sigma: float) -> float:
        """Return a positive number, half of them below the median, with a long tail above it."""
        # Twelve even draws make a bell near enough to the normal one.
        bell = sum(self._next() for _ in range(12)) - 6
        return median * math.exp(sigma * bell)
