"""What a worker does on another machine or in another process: functions that are found by name, given data only."""

from __future__ import annotations

from collections.abc import Sequence

from crmkit.crm.origin import Origin
from crmkit.delivery.order import Order
from crmkit.ledger.share import Share


def send_share(origin: Origin, share: Share, only_to: Sequence[str] | None) -> tuple[list[str], dict[str, int]]:
    """Send what is due to one share of the households.

    Returns:
        The keys of touches that were taken up, and how many more came to each state.
    """
    with origin.open() as crm:
        crm.plugins.insist()
        done = crm._stages.dispatch.send(Order(only_to=only_to, share=share))
        return [touch.key for touch in done.touches], {str(state): number for state, number in done.untold.items()}


def run_day(origin: Origin) -> dict[str, int]:
    """Do one practice's day: sync where it has sources, plan, and send what is due.

    Returns:
        How many touches came to each state, such as `{"sent": 12, "deferred": 3}`.
    """
    with origin.open() as crm:
        if crm.plugins.sources:
            crm.sync()
        crm.plan()
        return {str(state): number for state, number in crm.send().counts().items()}
