"""What follows from what comes back: how often an address may fail, and how long a payload is kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import attrs

from crmkit.delivery.event import EventKind
from crmkit.ledger.heard import Sign


@attrs.frozen
class Policy:
    """The practice's policy.

    Attributes:
        soft_bounces: So many different messages that came back, though the address may be in order, stop it.
        soft_days: Within so many days, and with no message delivered between.
        keep_days: How many days a payload is kept as it arrived.
        clicks: Whether clicks are noted at all; only for practices that track on pages of their own.
    """

    soft_bounces: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    soft_days: int = attrs.field(default=30, validator=[attrs.validators.ge(1), attrs.validators.le(3650)])
    keep_days: int = attrs.field(default=30, validator=[attrs.validators.ge(1), attrs.validators.le(3650)])
    clicks: bool = False

    @property
    def span(self) -> timedelta:
        """Within which time soft bounces are counted together."""
        return timedelta(days=self.soft_days)


def worn_out(signs: Iterable[Sign], policy: Policy) -> bool:
    """Tell whether an address failed so often that it is not used any more.

    Args:
        signs: What was heard of the address, in any order.
        policy: How often is too often.
    """
    failed: dict[str, datetime] = {}
    # At one and the same instant the failure is taken for the later, so that it counts.
    for sign in sorted(signs, key=lambda one: (one.at, one.kind != EventKind.DELIVERED)):
        if sign.kind == EventKind.DELIVERED:
            failed.clear()
        elif sign.kind == EventKind.BOUNCED and not sign.permanent:
            # When each message came back last: anybody may report one and the same a thousand times.
            failed[sign.key] = sign.at
            if sum(sign.at - at <= policy.span for at in failed.values()) >= policy.soft_bounces:
                return True
    return False
