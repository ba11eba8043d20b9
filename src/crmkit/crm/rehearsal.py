"""Rehearsing: the same plan and the same send, day after day, on a clock of their own; nothing leaves."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta

import attrs

from crmkit.clock import FixedClock
from crmkit.crm.stages import Stages
from crmkit.delivery.channel import Outcome, Receipt
from crmkit.delivery.order import Order
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch
from crmkit.messages.message import Message
from crmkit.people.medium import Medium
from crmkit.practice import Practice


@attrs.frozen
class RehearsedDay:
    """What one day would bring.

    Attributes:
        day: The practice's date.
        sent: The touches that would leave.
        messages: Their messages, in the same order.
        waiting: How many touches would not leave, by state and reason.
    """

    day: date
    sent: tuple[Touch, ...] = attrs.field(repr=False)
    messages: tuple[Message, ...] = attrs.field(repr=False)
    waiting: Mapping[tuple[State, str], int]


@attrs.frozen
class Rehearsal:
    """What some days would bring, if nothing new comes in and every hand-over is accepted."""

    days: tuple[RehearsedDay, ...] = attrs.field(repr=False)

    @property
    def messages(self) -> int:
        """How many messages would leave altogether."""
        return sum(len(day.sent) for day in self.days)

    def by_campaign(self) -> Mapping[str, int]:
        """Return how many messages each campaign would send."""
        return Counter(touch.campaign for day in self.days for touch in day.sent)

    def patients(self) -> Mapping[str, int]:
        """Return how many messages each patient would get."""
        return Counter(touch.patient for day in self.days for touch in day.sent)


@attrs.define
class AcceptingChannel:
    """Takes every message and keeps it, in the place of a real channel."""

    name: str
    medium: Medium
    kept: dict[str, Message] = attrs.field(factory=dict, repr=False)

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        """Accept the messages."""
        self.kept |= {message.key: message for message in messages}
        return [Receipt(message.key, Outcome.SENT) for message in messages]


def run_days(
    stages: Stages,
    channels: Sequence[AcceptingChannel],
    clock: FixedClock,
    practice: Practice,
    days: int,
    ahead: timedelta,
    progress: Callable[[date], None],
    *,
    keep_messages: bool,
) -> Rehearsal:
    """Plan and send on so many days, always at the same time by the practice's clock."""
    start = clock.now().astimezone(practice.zone)
    rehearsed = []
    for number in range(days):
        clock.set(_same_time(start, number))
        today = practice.today(clock.now())
        with stages.seal.begin() as connection:
            plan = stages.planner.plan(connection, today + ahead, clock.now())
        sent = [touch for touch in stages.dispatch.send(Order(keep=sys.maxsize)).touches if touch.state is State.SENT]
        kept = {key: message for channel in channels for key, message in channel.kept.items()}
        for channel in channels:
            channel.kept.clear()
        messages = tuple(kept[touch.key] for touch in sent) if keep_messages else ()
        waiting = Counter(plan.reasons())
        waiting.subtract({(State.READY, "ready"): waiting[State.READY, "ready"]})
        rehearsed.append(RehearsedDay(today, tuple(sent), messages, +waiting))
        progress(today)
    return Rehearsal(tuple(rehearsed))


def _same_time(start: datetime, number: int) -> datetime:
    # Adding days to a wall clock keeps its hands where they are, over changes of the clocks too.
    return start + timedelta(days=number)
