"""A part of the patients, so that several workers need not ask for the same rows."""

from __future__ import annotations

from typing import Any

import attrs
import sqlalchemy as sa

#: The most shares that there can be.
MOST = 256


def _below(instance: Share, _: Any, value: int) -> None:
    if not 0 <= value < instance.of:
        raise ValueError("a share's number is counted from 0")


@attrs.frozen
class Share:
    """One of several shares of all households, by their digests: a household is never split.

    Attributes:
        of: How many shares there are, at most 256.
        number: Which one this is, from 0.

    >>> len(Share(3, 0).digits), len(Share(3, 2).digits)
    (86, 85)
    """

    of: int = attrs.field(validator=[attrs.validators.ge(1), attrs.validators.le(MOST)])
    number: int = attrs.field(validator=_below)

    @property
    def digits(self) -> tuple[str, ...]:
        """With which two digits its households' digests begin."""
        return tuple(f"{part:02x}" for part in range(MOST) if part % self.of == self.number)

    def holds(self, household: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
        """Return the condition that a household's digest belongs to it."""
        return sa.func.substr(household, 1, 2).in_(self.digits)
