"""What a worker does on another machine or in another process: functions that are found by name, given data only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from crmkit.crm.origin import Origin
from crmkit.delivery.dispatch import Order
from crmkit.ledger.share import Share


def send_share(origin: Origin, share: Share, only_to: Sequence[str] | None) -> list[str]:
    """Send what is due to one share of the households and return the keys of the touches that were taken up."""
    with origin.open() as crm:
        return [touch.key for touch in crm._stages.dispatch.send(Order(only_to=only_to, share=share)).touches]


def run_day(origin: Origin) -> dict[str, int]:
    """Do one practice's day: sync where it has sources, plan, and send what is due.

    Returns:
        How many touches came to each state, such as `{"sent": 12, "deferred": 3}`.
    """
    with origin.open() as crm:
        if crm.plugins.sources:
            crm.sync()
        crm.plan()
        return dict(Counter(str(touch.state) for touch in crm.send().touches))
