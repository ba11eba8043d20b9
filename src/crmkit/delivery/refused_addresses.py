"""Addresses of which a channel says that nobody is there: when it is believed, and that they are not used any more."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from threading import Lock

import attrs

from crmkit.delivery.channel import Outcome, Receipt
from crmkit.ledger.learnt import suppress
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch
from crmkit.ledger.trail.seal import Seal
from crmkit.store.store import Connection

#: Of so many answers one looks at how many say that nobody is there. Of fewer than half as many all must say so, and of
#: one or two nothing is concluded.
_LOOKED_AT, _FEW = 20, 3
_BROKEN = "; it says so of most addresses: look at the mail server, not at the addresses"


def at_fault(receipt: Receipt) -> bool:
    """Tell whether a receipt says that the address itself is at fault: only a refusal can.

    >>> at_fault(Receipt("k1", Outcome.REFUSED, permanent=True)), at_fault(Receipt("k1", Outcome.RETRY, permanent=True))
    (True, False)
    """
    return receipt.permanent and receipt.outcome is Outcome.REFUSED


def reason_of(receipt: Receipt) -> str:
    """Return the code of the reason that a receipt gives its touch."""
    return "refused_address" if at_fault(receipt) else State(receipt.outcome.value).value


@attrs.define
class Belief:
    """Whether a channel's word that nobody is at an address is taken.

    A server that has lost its list of users, or asks one that has, says so of everybody. No practice has moved that
    many of its patients: their addresses stay in use, and their messages wait.
    """

    _last: deque[bool] = attrs.field(factory=lambda: deque(maxlen=_LOOKED_AT), init=False)
    _looking: Lock = attrs.field(factory=Lock, init=False, repr=False)

    def of(self, receipts: Sequence[Receipt]) -> list[Receipt]:
        """Return the receipts as they are to be believed."""
        said = [at_fault(one) for one in receipts if one.outcome in (Outcome.SENT, Outcome.REFUSED)]
        # Several threads of a host may send.
        with self._looking:
            self._last.extend(said)
            looked_at, nobody = len(self._last), sum(self._last)
        broken = nobody == looked_at >= _FEW if looked_at < _LOOKED_AT / 2 else nobody * 2 > looked_at
        if not broken:
            return list(receipts)
        return [_not_believed(one) if at_fault(one) else one for one in receipts]


def _not_believed(receipt: Receipt) -> Receipt:
    return attrs.evolve(receipt, outcome=Outcome.RETRY, permanent=False, evidence=receipt.evidence + _BROKEN)


def listen_alone(connection: Connection, seal: Seal) -> None:
    """Let nobody else take events in, or learn of addresses, until the transaction ends."""
    seal.store.lock(connection, f"listening {seal.practice}")


@attrs.frozen(eq=False)
class RefusedAddresses:
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
