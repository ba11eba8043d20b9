"""What comes back from the world, in one normal form: events, and the payloads that they are read from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol

import attrs

from crmkit.clock import utc
from crmkit.people.medium import Medium, Purpose

_KEY = re.compile(r"[0-9a-f]{32}")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class EventKind(StrEnum):
    """What happened after a message had left."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"
    DELAYED = "delayed"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    REPLIED = "replied"
    RATED = "rated"
    CLICKED = "clicked"


def _all(purposes: Iterable[Purpose]) -> tuple[Purpose, ...]:
    return tuple(purposes)


@attrs.frozen
class Stop:
    """What a reader wants to end.

    Attributes:
        purposes: For which purposes nobody may write any more by the event's medium; at least one.
        language: In which language it was said (BCP 47), empty where no words were read.
    """

    purposes: tuple[Purpose, ...] = attrs.field(converter=_all, validator=attrs.validators.min_len(1))
    language: str = ""

    def including(self, purpose: Purpose) -> Stop:
        """Return the same wish for one purpose more: whoever answers a message with STOP means that one too.

        >>> Stop((Purpose.MARKETING,), "en").including(Purpose.CARE).purposes
        (<Purpose.CARE: 'care'>, <Purpose.MARKETING: 'marketing'>)
        """
        wanted = {*self.purposes, purpose}
        return attrs.evolve(self, purposes=tuple(one for one in Purpose if one in wanted))


def _instant(at: datetime | None) -> datetime | None:
    return None if at is None else utc(at)


def _maybe(kind: type[Any]) -> Any:
    return attrs.validators.optional(attrs.validators.instance_of(kind))


def _line(most: int) -> Any:
    """Return a validator: one line of at most so many characters. What it refuses is named, never quoted."""

    def check(_: Any, field: attrs.Attribute[str], value: str) -> None:
        if len(value) > most or _UNPRINTABLE.search(value):
            raise ValueError(f"an event's {field.name} is one line of at most {most} characters")

    return check


@attrs.frozen(kw_only=True)
class Event:
    """One thing that happened to one message or one person. It quotes nothing that the person wrote.

    Attributes:
        id: The same id from the same parser is the same event: the provider's own, or `Payload.event_id`.
        kind: What happened.
        medium: By which way the message had gone, or the answer came.
        at: When it happened, aware, kept in UTC; None where the payload does not say.
        key: The touch's key, 32 hexadecimal digits, where the payload tells it.
        reference: Where it does not: what the provider calls the message, as a channel of the same plugin gave it in
            `Receipt.reference`. What is heard before that receipt is written down waits for it, a day at most.
        proof: What a Message-ID of ours has behind the key: of what anybody may have written, only that shows that the
            message had left. Where the payload itself is proven, it is not needed.
        address: Whom it is about, as the payload writes it: not normalised.
        permanent: Of a bounce: the address itself is at fault, so that no later message can arrive.
        status: An enhanced status code (RFC 3463) such as 5.1.1.
        stop: Of a reply, an unsubscribe or a complaint: what the reader wants to end.
        rating: Of a rating: the number given.
        evidence: What speaks for it, in a few words of the parser's own.

    Raises:
        ValueError: If a part is not of this form: a naive time, a broken line, a key of another shape.
    """

    id: str = attrs.field(validator=[attrs.validators.min_len(1), _line(200)])
    kind: EventKind = attrs.field(validator=attrs.validators.instance_of(EventKind))
    medium: Medium = attrs.field(validator=attrs.validators.instance_of(Medium))
    at: datetime | None = attrs.field(default=None, converter=_instant)
    key: str = ""
    address: str = attrs.field(default="", repr=False, validator=_line(320))
    permanent: bool = attrs.field(default=False, validator=attrs.validators.instance_of(bool))
    status: str = ""
    stop: Stop | None = attrs.field(default=None, validator=_maybe(Stop))
    rating: int | None = attrs.field(default=None, validator=_maybe(int))
    evidence: str = attrs.field(default="", validator=_line(100))
    proof: str = attrs.field(default="", repr=False, validator=_line(64))
    reference: str = attrs.field(default="", validator=_line(200))

    @property
    def names(self) -> str:
        """By what it names its message, empty if it tells at most an address."""
        return self.key or self.reference

    def __attrs_post_init__(self) -> None:
        if self.key and not _KEY.fullmatch(self.key):
            raise ValueError("an event's key is 32 hexadecimal digits")
        if self.address and self.address in self.reference:
            raise ValueError("an event's reference names the message, and not its reader")
        if self.status and not _STATUS.fullmatch(self.status):
            raise ValueError("an event's status is an enhanced status code such as 5.1.1")
        if self.permanent and self.kind is not EventKind.BOUNCED:
            raise ValueError("only a bounce is permanent")
        if (self.kind is EventKind.RATED) != (self.rating is not None):
            raise ValueError("a rating has a number, and nothing else has one")
        if self.rating is not None and not 0 <= self.rating <= 100:
            raise ValueError("a rating lies between 0 and 100")


def _lower_names(headers: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType({name.lower(): value for name, value in headers.items()})


@attrs.frozen
class Payload:
    """What arrived: one mail, or one call of a webhook.

    Attributes:
        body: The bytes as they came; signatures are made over them.
        headers: The call's headers with lower-case names; a mail has its own inside the body.
        received_at: When it arrived, aware, kept in UTC.
    """

    body: bytes = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False, converter=_lower_names)
    received_at: datetime = attrs.field(converter=utc, kw_only=True)

    def event_id(self, number: int) -> str:
        """Return an id for the payload's event of this number: the same bytes give the same ids.

        >>> from datetime import UTC
        >>> Payload(b"", received_at=datetime(2026, 11, 23, tzinfo=UTC)).event_id(1)
        'e3b0c44298fc1c149afbf4c8996fb924-1'
        """
        return f"{hashlib.sha256(self.body).hexdigest()[:32]}-{number}"


class EventParser(Protocol):
    """A plugin object that reads events from payloads.

    It may also have an attribute `verifies`, true if it refuses whatever is not from whom it claims to be. Only such a
    parser is reached by calls from outside; all others read what the host itself hands in. One of those that reads what
    anybody may have written, such as mails, has an attribute `forgeable` that is true: then what it reads proves
    something of a message only by key and proof, as that message carried them in its Message-ID.
    """

    @property
    def name(self) -> str:
        """The parser's name."""
        ...

    def parse(self, payload: Payload) -> Sequence[Event]:
        """Return the payload's events; none for what is no event, such as an ordinary mail.

        Raises:
            NotFound: If the payload is not from whom it claims to be: forged, altered or too old.
            SourceError: If it cannot be read. No error quotes the payload.
        """
        ...


def verifies(parser: EventParser) -> bool:
    """Tell whether a parser declares that it refuses what is forged."""
    return getattr(parser, "verifies", False) is True


def forgeable(parser: EventParser) -> bool:
    """Tell whether a parser declares that anybody may have written what it reads."""
    return getattr(parser, "forgeable", False) is True
