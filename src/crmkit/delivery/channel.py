"""What a channel is: it delivers finished messages by one medium and answers with receipts."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

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
    """

    key: str
    outcome: Outcome
    reference: str = ""
    evidence: str = ""


class Channel(Protocol):
    """A plugin object that delivers messages."""

    @property
    def name(self) -> str:
        """The channel's name."""
        ...

    @property
    def medium(self) -> Medium:
        """The medium by which it delivers."""
        ...

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        """Hand over messages and return one receipt for each, in any order."""
        ...
