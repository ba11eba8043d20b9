"""What a guard says of one candidate, and how several verdicts become one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import IntEnum
from types import MappingProxyType
from typing import Any

import attrs

from crmkit.clock import utc

#: How many characters a word of a verdict's detail may have.
LONGEST = 200


class Ruling(IntEnum):
    """How strict a verdict is: the strictest of several holds."""

    ALLOW = 0
    DEFER = 1
    HOLD = 2
    DENY = 3


def _frozen(detail: Mapping[str, Any]) -> Mapping[str, Any]:
    # In one order, for what is equal is to be written down equally.
    return MappingProxyType({name: detail[name] for name in sorted(detail, key=str)})


@attrs.frozen
class Verdict:
    """What one guard says of one candidate.

    Attributes:
        ruling: Allow; defer until an instant; hold until somebody mends something; deny.
        reason: A code that `campaigns.reasons` puts into words.
        detail: What those words need: at most ten ids, codes, numbers or dates under short lower-case names. A plugin's
            dates and Decimals are kept as text.
        until: For a deferral, the instant from which it may leave, aware.

    Raises:
        ValueError: If the instant is naive, or a deferral has none.
    """

    ruling: Ruling
    reason: str = ""
    detail: Mapping[str, Any] = attrs.field(factory=dict, converter=_frozen)
    until: datetime | None = attrs.field(default=None, converter=attrs.converters.optional(utc))

    def __attrs_post_init__(self) -> None:
        if self.ruling is Ruling.DEFER and self.until is None:
            raise ValueError("a deferral says until when")


ALLOWED = Verdict(Ruling.ALLOW)


def deny(reason: str, **detail: Any) -> Verdict:
    """Return a denial."""
    return Verdict(Ruling.DENY, reason, detail)


def hold(reason: str, **detail: Any) -> Verdict:
    """Return a hold: the touch waits for a person to mend something."""
    return Verdict(Ruling.HOLD, reason, detail)


def defer(until: datetime, reason: str, **detail: Any) -> Verdict:
    """Return a deferral to a later instant."""
    return Verdict(Ruling.DEFER, reason, detail, until)


def strictest(verdicts: Iterable[Verdict], rank: Mapping[str, int]) -> Verdict:
    """Return the verdict that holds: deny over hold over defer (the latest) over allow.

    The order in which guards speak makes no difference, nor does it whether some are heard together first: of two
    equally strict verdicts the one whose reason ranks first is told, then their code and detail decide.
    """
    said = list(verdicts)
    if len(said) < 2:
        return said[0] if said else ALLOWED

    def strictness(verdict: Verdict) -> tuple[int, datetime, int, str, str]:
        until = verdict.until or datetime.min.replace(tzinfo=UTC)
        detail = repr(sorted(verdict.detail.items()))[1:-1]
        return (int(verdict.ruling), until, -rank.get(verdict.reason, 1000), verdict.reason, detail)

    return max(said, key=strictness)
