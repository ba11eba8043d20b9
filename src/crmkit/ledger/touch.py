"""One intended contact of one patient for one occasion."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any

import attrs

from crmkit.ledger.state import State
from crmkit.people.medium import Medium, Purpose


# Without slots it is made in half the time, and a message needs half a dozen of them on its way.
@attrs.frozen(slots=False)
class Touch:
    """A touch with its present state and reason. It holds ids and digests, nothing that names a person.

    Attributes:
        campaign: The campaign's id.
        version: Which version of the campaign judged.
        occasion: The reason in time, such as `birthday 2027`.
        patient: About whom.
        key: A digest of practice, campaign, occasion and patient; what leaves carries it.
        message: The message type's full name.
        purpose: Why one may write.
        medium: By which way.
        recipient: The patient's id or the guardian's.
        address: A digest of the address, empty where there is none.
        state: Where it stands.
        reason: A code; `in_words` makes words of it.
        detail: What the words for the reason need.
        due: When it may leave at the earliest, in UTC.
        stale: From when on it is too late.
        priority: A lower number goes first.
        arm: `messaged` or `withheld` where the campaign has a lot, else empty.
        household: A digest of the household, by which a lot is drawn again.
        carried_by: The key of the touch whose message speaks for this one too.
        cost: What the message cost, in the practice's currency.
        owner: Who has claimed it, until `lease`.
        lease: Until when the claim holds; None if nobody has claimed it.
        changed_at: When state or reason last changed.
        sent_at: When it was handed over.
        moves: How many transitions it has behind it.
        attempts: How many times it was handed over.
    """

    campaign: str
    occasion: str
    patient: str
    key: str
    version: int
    message: str
    purpose: Purpose
    medium: Medium
    recipient: str
    state: State
    reason: str
    due: datetime
    stale: datetime
    changed_at: datetime
    detail: Mapping[str, Any] = attrs.field(factory=dict)
    priority: int = 50
    address: str = ""
    arm: str = ""
    household: str = ""
    carried_by: str = ""
    cost: Decimal | None = None
    owner: str = ""
    lease: datetime | None = None
    sent_at: datetime | None = None
    moves: int = 0
    attempts: int = 0

    @property
    def in_doubt(self) -> bool:
        """Tell whether an attempt was made that may have had an effect."""
        return self.sent_at is not None and self.state in (State.RETRY, State.CLAIMED, State.UNKNOWN, State.SENDING)

    @property
    def is_open(self) -> bool:
        """Tell whether it is a judgement: the next plan makes it again, unless it went in a copy (`copies.py`)."""
        return self.state.is_judgement

    def changed(self, **values: Any) -> Touch:
        """Return a copy in which some values differ, as `attrs.evolve` does, in a fifth of its time."""
        whole = vars(self) | values
        if len(whole) > len(_NAMES):
            raise TypeError(f"a touch has no {', '.join(sorted(whole.keys() - set(_NAMES)))}")
        copy = object.__new__(Touch)
        object.__setattr__(copy, "__dict__", whole)
        return copy

    def same_judgement(self, other: Touch) -> bool:
        """Tell whether another judgement of this touch says the same."""
        return bool(_says(self) == _says(other))

    def same_ground(self, other: Touch) -> bool:
        """Tell whether another judgement of this touch rests on the same: only where it stands may differ."""
        return bool(_rests(self) == _rests(other))


def on_its_way(channel: str, *, keyed: bool) -> dict[str, Any]:
    """Return the detail of a touch that is handed to a channel.

    Whether it goes under a key is kept with it: a later version of the channel may know keys where this one did not.
    """
    return {"channel": channel, "keyed": True} if keyed else {"channel": channel}


#: A verdict holds for some seconds, a call takes minutes, and machines' clocks differ.
_LATE = timedelta(days=1)
_NAMES = tuple(field.name for field in attrs.fields(Touch))
#: What a judgement says nothing about.
_OWN = ("changed_at", "sent_at", "moves", "attempts")
#: Where a touch stands: that changes while it goes its way.
_STANDING = (*_OWN, "state", "reason", "detail", "owner", "lease")
_rests = attrgetter(*(name for name in _NAMES if name not in _STANDING))
_says = attrgetter(*(name for name in _NAMES if name not in _OWN))


def fresh_after(at: datetime) -> datetime:
    """Return after which instant all was stale that left after another one: nothing leaves that is too late."""
    return at - _LATE


def touch_key(practice: str, campaign: str, occasion: str, patient: str) -> str:
    """Return the key of a touch: the same for the same intent, whoever computes it.

    >>> touch_key("bright-eyes", "birthday-card", "birthday 2027", "P000123")
    'acee0661dca0cc9062eb88c1d7b554a4'
    """
    return digest(practice, campaign, occasion, patient)


def digest(*parts: str) -> str:
    """Return 32 hexadecimal digits of the SHA-256 of the parts."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
