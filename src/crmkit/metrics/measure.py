"""What a metric says: never a bare number."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import attrs

from crmkit.clock import utc
from crmkit.metrics.window import Window


def _counts(excluded: Mapping[str, int]) -> Mapping[str, int]:
    return MappingProxyType({reason: count for reason, count in excluded.items() if count})


def made_anew(value: Any) -> tuple[type, tuple[Any, ...]]:
    """Return how pickle makes a value anew: the view of a mapping cannot travel, but what it shows can."""
    given = (getattr(value, field.name) for field in attrs.fields(type(value)))
    return type(value), tuple(dict(one) if isinstance(one, MappingProxyType) else one for one in given)


@attrs.frozen
class Figure:
    """What a metric makes of its state.

    Attributes:
        value: The figure, None where there is none to give.
        numerator: What was counted or summed.
        denominator: What it was divided by, None for a plain count or sum.
        excluded: How many patients were left out, by reason.
        note: Why there is no value, or what the reader must know about it.
    """

    value: Decimal | None
    numerator: Decimal
    denominator: Decimal | None = None
    excluded: Mapping[str, int] = attrs.field(factory=dict, converter=_counts)
    note: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return made_anew(self)


def total(numerator: Decimal | int, excluded: Mapping[str, int] | None = None) -> Figure:
    """Return the outcome of a count or a sum."""
    return Figure(Decimal(numerator), Decimal(numerator), None, excluded or {})


def ratio(numerator: Decimal | int, denominator: Decimal | int, excluded: Mapping[str, int] | None = None) -> Figure:
    """Return the outcome of a division; nothing divided by nothing is no value, not zero.

    >>> ratio(3, 4).value, ratio(0, 0).value, ratio(0, 0).note
    (Decimal('0.75'), None, 'there was nothing to count')
    """
    above, below = Decimal(numerator), Decimal(denominator)
    if not below:
        return Figure(None, above, below, excluded or {}, "there was nothing to count")
    return Figure(above / below, above, below, excluded or {})


@attrs.frozen
class Measure:
    """One figure, with all that is needed to understand it and to compute it again.

    Attributes:
        definition: The metric's name and version, such as `core.retention@1`.
        unit: `patients`, `visits`, `share` (of one), `money` (the practice's currency), or a plugin's own word.
        value: The figure, None where there is none to give; `note` then says why.
        numerator: What was counted or summed.
        denominator: What it was divided by, None for a plain count or sum.
        excluded: How many patients were left out, by reason.
        as_of: Only what was known at this instant was used.
        window: The days that were looked at.
        note: Why there is no value, or what the reader must know about it.
        help: What the figure means, in one or two sentences.
    """

    definition: str
    unit: str
    value: Decimal | None
    numerator: Decimal
    denominator: Decimal | None
    excluded: Mapping[str, int] = attrs.field(converter=_counts)
    as_of: datetime = attrs.field(converter=utc)
    window: Window
    note: str = ""
    help: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return made_anew(self)

    @property
    def name(self) -> str:
        """The metric's name without its version."""
        return self.definition.rpartition("@")[0]
