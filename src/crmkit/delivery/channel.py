"""What a channel is: it delivers finished messages by one medium and answers with receipts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Protocol

import attrs

from crmkit.messages.message import Message
from crmkit.people.medium import Medium


class Outcome(StrEnum):
    """What became of one hand-over."""

    SENT = "sent"
    REFUSED = "refused"
    RETRY = "retry"
    UNKNOWN = "unknown"


@attrs.frozen
class Receipt:
    """A channel's answer for one message.

    Attributes:
        key: The message's key.
        outcome: Sent; refused for good; retry (provably without effect); unknown (it may have left).
        reference: The provider's name for the message, such as a queue id.
        evidence: What speaks for the outcome, in a few words without the address: a status code, a phase.
        permanent: Of a refusal: the address itself is at fault, so that no later message can arrive. It is not used any
            more, as after a bounce of that kind. Leave it out where a policy, a filter or a full mailbox refuses.
        retry_after: Of a retry: how long the provider asked to wait; `told_to_wait` reads it from its headers. The
            message is not handed over again before that is over, or a day. If all messages of a call were told so,
            nothing else is handed over either, for a quarter of an hour at most.
    """

    key: str
    outcome: Outcome
    reference: str = ""
    evidence: str = ""
    permanent: bool = False
    retry_after: timedelta | None = None


class Headers(Protocol):
    """The headers of an answer, as every HTTP library has them: a mapping, or what has `items` like one."""

    def items(self) -> Iterable[tuple[str, Any]]:
        """Return names and values."""
        ...


def told_to_wait(headers: Headers) -> timedelta | None:
    """Return how long an answer's `Retry-After` asks to wait: so many seconds, or from its `Date` to another.

    None where it asks for nothing that can be read.

    >>> told_to_wait({"Retry-After": "120"})
    datetime.timedelta(seconds=120)
    >>> told_to_wait({"retry-after": "Mon, 23 Nov 2026 10:00:00 GMT", "date": "Mon, 23 Nov 2026 09:59:00 GMT"})
    datetime.timedelta(seconds=60)
    >>> told_to_wait({"Retry-After": "soon"}) is None
    True
    """
    said = {name.lower(): value.strip() for name, value in headers.items() if isinstance(value, str)}
    asked = said.get("retry-after", "")
    try:
        if asked.isascii() and asked.isdigit():
            return timedelta(seconds=int(asked))
        wait = parsedate_to_datetime(asked) - parsedate_to_datetime(said.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return max(wait, timedelta(0))


@attrs.frozen
class Guarantee:
    """What the provider behind a channel does for a message of which nobody knows whether it left.

    Attributes:
        ttl: For how long the provider swallows a second message of the same key; zero where it knows no keys.
        queryable: Whether the channel can `ask` what became of a message.
    """

    ttl: timedelta = attrs.field(default=timedelta(0), validator=attrs.validators.ge(timedelta(0)))
    queryable: bool = False


#: Nothing can be done: what is in doubt is shown to a person, and never repeated by itself.
BLIND = Guarantee()
#: The channel can be asked; what the provider never saw may go once more.
QUERYABLE = Guarantee(queryable=True)


def keyed(ttl: timedelta) -> Guarantee:
    """Return the guarantee of a provider that swallows a second message of the same key for so long.

    What is in doubt is repeated as long as a quarter of an hour of that time is left, for so long may a call take. It
    goes in batches of at most ten then, and from the second repetition on alone: one message at which a call fails as a
    whole keeps no other in doubt.
    """
    return Guarantee(ttl)


@attrs.frozen
class Limits:
    """How much a channel may be handed.

    Attributes:
        batch: The most messages in one call.
        per_second: The most messages in a second, over all processes together; None for no limit.
        call_seconds: How long a call may take until the channel itself has given up whatever it waits for; None for
            no longer than the host gives any channel. It counts for a channel without a guarantee, and if it is more.
    """

    batch: int = attrs.field(default=100, validator=[attrs.validators.ge(1), attrs.validators.le(100)])
    per_second: float | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.gt(0)))
    call_seconds: float | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.gt(0)))


@attrs.frozen
class Question:
    """One attempt of which nobody knows what became.

    Attributes:
        key: The message's key.
        message_id: What the message carries.
        reference: The provider's name for it, empty where it gave none.
        at: When it was handed over, in UTC.
    """

    key: str
    message_id: str
    reference: str
    at: datetime


class Channel(Protocol):
    """A plugin object that delivers messages.

    It may also have an attribute `guarantee` (else `BLIND`), an attribute `limits` (else `Limits()`) and an attribute
    `account`: which account of the provider's it uses, in a word that is no secret. What is in doubt is repeated, or
    asked about, by the same account only, for another one would say that it never saw it. Without the attribute any
    change of the plugin's settings counts as another account.
    """

    @property
    def name(self) -> str:
        """The channel's name."""
        ...

    @property
    def medium(self) -> Medium:
        """The medium by which it delivers."""
        ...

    def send(self, messages: Sequence[Message]) -> Iterable[Receipt]:
        """Hand over messages and give one receipt for each, in any order. What is given before a failure counts.

        Raises:
            NotSent: If none of those that have no receipt yet has left.
        """
        ...


class QueryableChannel(Channel, Protocol):
    """A channel whose provider can be asked; its guarantee says so."""

    def ask(self, questions: Sequence[Question]) -> Sequence[Receipt]:
        """Return what became of each attempt: sent or refused; retry if the provider never saw it; else unknown."""
        ...


def guarantee_of(channel: Channel) -> Guarantee:
    """Return what a channel declares; whatever is no guarantee counts as none."""
    declared = getattr(channel, "guarantee", BLIND)
    return declared if isinstance(declared, Guarantee) else BLIND


def account_of(channel: Channel) -> str:
    """Return what is kept of the account that a channel uses, empty where nothing is ever repeated or asked about."""
    kept = getattr(channel, "account", "")
    return kept if isinstance(kept, str) else ""


def limits_of(channel: Channel) -> Limits:
    """Return how much a channel may be handed."""
    declared = getattr(channel, "limits", None)
    return declared if isinstance(declared, Limits) else Limits()
