"""Addresses that are at fault, as a channel was told at the hand-over: not used any more, as after a hard bounce."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import attrs

from crmkit.delivery.channel import Outcome, Receipt
from crmkit.ledger.learnt import suppress
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch
from crmkit.ledger.trail.seal import Seal
from crmkit.store.store import Connection


def at_fault(receipt: Receipt) -> bool:
    """Tell whether a receipt says that the address itself is at fault: only a refusal can.

    >>> at_fault(Receipt("k1", Outcome.REFUSED, permanent=True)), at_fault(Receipt("k1", Outcome.RETRY, permanent=True))
    (True, False)
    """
    return receipt.permanent and receipt.outcome is Outcome.REFUSED


def reason_of(receipt: Receipt) -> str:
    """Return the code of the reason that a receipt gives its touch."""
    return "refused_address" if at_fault(receipt) else State(receipt.outcome.value).value


def listen_alone(connection: Connection, seal: Seal) -> None:
    """Let nobody else take events in, or learn of addresses, until the transaction ends."""
    seal.store.lock(connection, f"listening {seal.practice}")


@attrs.frozen(eq=False)
class AtFault:
    """Stops the use of addresses that a channel refuses for their own sake.

    Attributes:
        seal: The database, and the trail of what is written to it.
    """

    seal: Seal

    def lock(self, connection: Connection, receipts: Iterable[Receipt]) -> None:
        """Let nobody else learn of addresses until the transaction ends, if a receipt says that one is at fault.

        It comes before anything is written: who takes events in moves touches while holding the same lock.
        """
        if any(at_fault(one) for one in receipts):
            listen_alone(connection, self.seal)

    def stop(self, connection: Connection, told: Sequence[tuple[Touch, Receipt]], now: datetime) -> None:
        """Stop using the addresses of touches that were refused for it; what is stopped already stays as it is.

        Args:
            connection: A transaction that may write, in which `lock` came first.
            told: Touches as they are now, each with the receipt that brought it there.
            now: The present instant.
        """
        for touch, receipt in told:
            if at_fault(receipt) and touch.state is State.REFUSED and touch.address:
                reason = f"nobody is there, says the channel {touch.detail['channel']}"
                reason += f" ({receipt.evidence})" if receipt.evidence else ""
                suppress(connection, self.seal, touch.medium, touch.address, reason, now)
