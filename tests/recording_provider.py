"""The world outside, for senders in tests: patients, a channel that is told what happens, and what really arrived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import attrs

from crmkit import FixedClock
from crmkit.errors import NotSent
from crmkit.people.medium import Medium
from crmkit.plugins import Batch, CrmkitSpec, Guarantee, Outcome, PluginInfo, Receipt, Row, hookimpl

#: What may become of one message. With `raise` and `not sent` the rest of its batch is not handed over either.
FATES = (
    *("sent", "refused", "retry", "not sent", "lost", "raise", "raise before", "slow"),
    *("death before", "death after"),
)
#: A call lasts no longer: then the kit gives it up, and the channel too.
CALL = timedelta(minutes=15)


class Crash(KeyboardInterrupt):
    """The process dies: the one thing that no plugin is shielded from."""


@attrs.define
class Provider:
    """What the world outside knows: what arrived, when, and how often it may have."""

    clock: FixedClock
    guarantee: Guarantee
    arrived: list[str] = attrs.field(factory=list)
    seen: dict[str, tuple[datetime, str]] = attrs.field(factory=dict)
    allowed: Counter[str] = attrs.field(factory=Counter)
    fates: list[str] = attrs.field(factory=list)
    broken: list[str] = attrs.field(factory=list)

    def take(self, message):
        """Let a message arrive, unless it is one that a keyed provider has had already."""
        now, text = self.clock.now(), message.digest
        before = self.seen.get(message.key)
        if before and self.guarantee.ttl and now - before[0] < self.guarantee.ttl:
            if before[1] != text:
                # Told at the end: whatever a channel raises is taken for a fault of its own.
                self.broken.append(f"{message.key} was repeated under the same key, and not word for word")
            return
        self.seen[message.key] = before or (now, text)
        self.arrived.append(message.key)


class People(CrmkitSpec):
    """Six patients who agreed."""

    info = PluginInfo("people")
    name = "people"

    @hookimpl
    def crmkit_sources(self, ctx):
        return [self]

    def read(self, since):
        rows = []
        for number in range(6):
            who, day = f"P{number}", f"19{70 + number}-11-{22 + number % 3}"
            fields = {"given": "Mia", "family": "Stone", "born": day, "household": who, "email": f"{who}@x.example"}
            said = {"patient": who, "purpose": "marketing", "medium": "email", "given": "yes", "at": "2025-03-01"}
            rows += [Row("patient", who, fields), Row("consent", f"C{number}", said)]
        yield Batch(tuple(sorted(rows, key=lambda row: row.kind == "consent")))


class Post(CrmkitSpec):
    """A sender's channel: what becomes of a message is told beforehand.

    Attributes:
        provider: Who takes the messages.
        meanwhile: What happens elsewhere while one message takes long.
        die: Ends the sender's process.
        pulse: Raises Crash if it has ended.
    """

    info = PluginInfo("post")
    name = "post"
    medium = Medium.EMAIL

    def __init__(self, provider: Provider):
        self.provider = provider
        self.guarantee = provider.guarantee
        self.any_left = False
        self.meanwhile: Callable[[], None] = lambda: None
        self.die: Callable[[], None] = lambda: None
        self.pulse: Callable[[], None] = lambda: None

    @hookimpl
    def crmkit_channels(self, ctx):
        return [self]

    def send(self, messages):
        began, self.any_left = self.provider.clock.now(), False
        return [receipt for message in messages for receipt in self._one(message, began)]

    def ask(self, questions):
        known = {True: Outcome.SENT, False: Outcome.RETRY}
        return [Receipt(one.key, known[one.key in self.provider.seen]) for one in questions]

    def _one(self, message, began):
        if self.provider.clock.now() - began >= CALL:
            raise TimeoutError
        fate = self.provider.fates.pop(0) if self.provider.fates else "sent"
        self._before(fate)
        if fate in ("refused", "retry"):
            return [Receipt(message.key, Outcome(fate))]
        self.any_left = True
        self.provider.take(message)
        self._after(fate)
        return [] if fate == "lost" else [Receipt(message.key, Outcome.SENT)]

    def _before(self, fate):
        if fate == "death before":
            self.die()
        if fate == "not sent" and not self.any_left:
            # Else it would be a lie: the kit believes it of all that has not been answered yet.
            raise NotSent("the connection was refused")
        if fate in ("not sent", "raise before"):
            raise RuntimeError("no connection")

    def _after(self, fate):
        if fate == "death after":
            self.die()
        if fate == "raise":
            raise RuntimeError("no answer")
        if fate == "slow":
            self.meanwhile()
            self.pulse()
