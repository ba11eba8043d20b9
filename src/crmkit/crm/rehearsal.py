"""Rehearsing: the same plan and the same send, day after day, on a clock of their own; nothing leaves."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta

import attrs

from crmkit.clock import FixedClock, day_start, utc
from crmkit.crm.stages import Stages
from crmkit.delivery.channel import Outcome, Receipt
from crmkit.delivery.order import Order
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch
from crmkit.messages.message import Message
from crmkit.people.medium import Medium
from crmkit.practice import Practice

#: So many touches that were added or moved make a database's counts of them worthless.
_MANY = 400


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
    """What some days would bring, if nothing new comes in and every hand-over is accepted.

    Attributes:
        days: Each day with what would leave on it, and what would wait.
        broken: Which campaigns cannot be planned, by id, with what is wrong and how to mend it; they send nothing here.
    """

    days: tuple[RehearsedDay, ...] = attrs.field(repr=False)
    broken: Mapping[str, str] = attrs.field(factory=dict)

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
    """Plan on so many days, always at the same time by the practice's clock, and send whenever something falls due."""
    start = clock.now().astimezone(practice.zone)
    rehearsed, uncounted, broken = [], 0, dict[str, str]()
    for number in range(days):
        # Adding days to a wall clock keeps its hands where they are, over changes of the clocks too.
        at = start + timedelta(days=number)
        today = at.date()
        course = _Course(stages, channels, clock, keep_messages)
        course.send_until(utc(at))
        clock.set(at)
        with stages.seal.begin() as connection:
            plan = stages.planner.plan(connection, today + ahead, clock.now())
        uncounted += plan.changed
        broken |= plan.broken
        if uncounted >= _MANY:
            stages.store.count_again()
            uncounted = 0
        course.send()
        course.send_until(day_start(today + timedelta(days=1), practice.zone))
        waiting = Counter(plan.reasons())
        waiting.subtract({(State.READY, "ready"): waiting[State.READY, "ready"]})
        rehearsed.append(RehearsedDay(today, tuple(course.sent), tuple(course.messages), +waiting))
        uncounted += len(course.sent)
        progress(today)
    return Rehearsal(tuple(rehearsed), broken)


@attrs.define
class _Course:
    """The sendings of one day."""

    stages: Stages
    channels: Sequence[AcceptingChannel]
    clock: FixedClock
    keep_messages: bool
    sent: list[Touch] = attrs.field(factory=list)
    messages: list[Message] = attrs.field(factory=list)
    gone: int = 0
    uncounted: int = 0

    def send_until(self, end: datetime) -> None:
        """Put the clock to each instant before an end at which something falls due, and send."""
        while (due := self._next_due()) is not None and due < end:
            self.clock.set(due)
            self.send()

    def send(self) -> None:
        """Send what is due now."""
        found = self.stages.dispatch.send(Order(keep=sys.maxsize, progress=self._count)).touches
        gone = [touch for touch in found if touch.state is State.SENT]
        kept = {key: message for channel in self.channels for key, message in channel.kept.items()}
        for channel in self.channels:
            channel.kept.clear()
        self.sent += gone
        self.messages += [kept[touch.key] for touch in gone] if self.keep_messages else []

    def _count(self, gone: int) -> None:
        # A day on which everybody is written to fills tables of which the planner thinks that they are empty.
        self.uncounted += gone
        self.gone += gone
        if self.uncounted >= max(_MANY, self.gone / 2):
            self.stages.store.count_again()
            self.uncounted = 0

    def _next_due(self) -> datetime | None:
        with self.stages.store.read() as connection:
            return self.stages.dispatch.claims.next_due(connection, self.clock.now())
