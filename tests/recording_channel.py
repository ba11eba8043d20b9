"""A channel for tests: it remembers what it was handed, takes its time on the test's clock, and fails as told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from crmkit import FixedClock
from crmkit.errors import NotSent
from crmkit.people.medium import Medium
from crmkit.plugins import BLIND, CrmkitSpec, Guarantee, Limits, Message, Outcome, PluginInfo, Receipt, hookimpl


class Crash(KeyboardInterrupt):
    """The process dies."""


class Recorder(CrmkitSpec):
    """Registers itself as its channel.

    Attributes:
        handed: Every message that it was handed, in order; a provider that knows keys keeps each once.
        sizes: How many messages each call had.
        fate: What happens to the next messages: an outcome, `nobody` (refused, for the address is at fault),
            `not sent`, `crash before`, `crash after`, or `silent`.
        each: How long one message takes.
        between: Is called with each message before it is taken.
    """

    info = PluginInfo("recorder")
    name = "recorder"
    medium = Medium.EMAIL

    def __init__(
        self,
        *,
        clock: FixedClock | None = None,
        each: timedelta = timedelta(0),
        guarantee: Guarantee = BLIND,
        limits: Limits | None = None,
    ) -> None:
        self.handed: list[Message] = []
        self.sizes: list[int] = []
        self.fate: list[str] = []
        self.clock, self.each = clock, each
        self.guarantee, self.limits, self.account = guarantee, limits or Limits(), ""
        self.between: Callable[[Message], None] = lambda _: None
        self.asked: list[str] = []
        self.answers: dict[str, Outcome] = {}

    @hookimpl
    def crmkit_channels(self, ctx: Any) -> list[Any]:
        del ctx
        return [self]

    def send(self, messages: Sequence[Message]) -> list[Receipt]:
        self.sizes.append(len(messages))
        found = [self._take(message) for message in messages]
        return [receipt for receipt in found if receipt]

    def ask(self, questions: Sequence[Any]) -> list[Receipt]:
        self.asked += [one.key for one in questions]
        return [Receipt(one.key, self.answers.get(one.key, Outcome.UNKNOWN)) for one in questions]

    @property
    def keys(self) -> list[str]:
        return [message.key for message in self.handed]

    def _take(self, message: Message) -> Receipt | None:
        self.between(message)
        if self.clock:
            self.clock.move(self.each)
        fate = self.fate.pop(0) if self.fate else "sent"
        if fate == "crash before":
            raise Crash
        if fate == "not sent":
            raise NotSent("the connection was refused")
        if fate == "nobody":
            return Receipt(message.key, Outcome.REFUSED, evidence="550 5.1.1", permanent=True)
        if fate in ("refused", "retry"):
            return Receipt(message.key, Outcome(fate))
        self.handed.append(message)
        if fate == "crash after":
            raise Crash
        return None if fate == "silent" else Receipt(message.key, Outcome.SENT, reference=f"Q{len(self.handed)}")
