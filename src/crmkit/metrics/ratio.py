"""The form of most metrics: something counted or summed over patients, perhaps divided by something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

import attrs

from crmkit.metrics.measure import Figure, ratio, total
from crmkit.metrics.panel import PanelRow


def _fixed(counts: Mapping[str, int]) -> Mapping[str, int]:
    return MappingProxyType(dict(counts))


@attrs.frozen
class Tally:
    """A numerator, a denominator and the patients left out, by reason. Tallies add up in any order."""

    numerator: Decimal = Decimal(0)
    denominator: Decimal = Decimal(0)
    excluded: Mapping[str, int] = attrs.field(factory=dict, converter=_fixed)

    def __add__(self, other: Tally) -> Tally:
        reasons = {*self.excluded, *other.excluded}
        return Tally(
            self.numerator + other.numerator,
            self.denominator + other.denominator,
            {reason: self.excluded.get(reason, 0) + other.excluded.get(reason, 0) for reason in reasons},
        )


@attrs.frozen
class Ratio:
    """A sum over patients, divided by another one where there is a denominator.

    Attributes:
        name: The full name.
        version: The version of the definition.
        campaign: The id of the campaign whose lot `PanelRow.arm` is to tell.
        unit: As in `Measure`.
        help: What the figure means.
        above: What a patient adds to the numerator.
        below: What a patient adds to the denominator; None makes the measure a plain count or sum.
        left_out: Why a patient does not belong to the measure, empty for those who do.
    """

    name: str
    unit: str
    help: str
    above: Callable[[PanelRow], Decimal | int]
    below: Callable[[PanelRow], Decimal | int] | None = None
    left_out: Callable[[PanelRow], str] = lambda _: ""
    version: int = 1
    campaign: str = ""

    def start(self) -> Tally:
        """Return the tally of nobody."""
        return Tally()

    def add(self, state: Tally, rows: Sequence[PanelRow]) -> Tally:
        """Return the tally with more patients in it."""
        excluded: dict[str, int] = {}
        above, below = Decimal(0), Decimal(0)
        for row in rows:
            if reason := self.left_out(row):
                excluded[reason] = excluded.get(reason, 0) + 1
                continue
            above += self.above(row)
            below += self.below(row) if self.below else 0
        return state + Tally(above, below, excluded)

    def value(self, state: Tally) -> Figure:
        """Return the sum or the quotient; a quotient of nothing is None."""
        if self.below is None:
            return total(state.numerator, state.excluded)
        return ratio(state.numerator, state.denominator, state.excluded)
