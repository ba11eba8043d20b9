"""Messages handed to a channel as the core hands them over, without the wrapper that would mend its faults."""

from __future__ import annotations

from collections.abc import Sequence

from crmkit.delivery.channel import Channel, Outcome, Receipt
from crmkit.errors import NotSent
from crmkit.messages.message import Message


def handed_over(channel: Channel, batch: Sequence[Message]) -> list[Receipt]:
    """Return a channel's receipts; where it raises NotSent, whatever it has not answered is to be tried again."""
    given: list[Receipt] = []
    try:
        for receipt in channel.send(batch):
            given.append(receipt)  # noqa: PERF402 - one by one, for the next may raise
    except NotSent:
        answered = {one.key for one in given}
        given += [Receipt(one.key, Outcome.RETRY) for one in batch if one.key not in answered]
    return given
