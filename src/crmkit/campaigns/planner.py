"""Making the plan: from the programme and the calendar to judged touches in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta

import attrs
import sqlalchemy as sa

from crmkit.campaigns.broken import Broken, broken
from crmkit.campaigns.gone import PERIOD
from crmkit.campaigns.intent import Occasion, named
from crmkit.campaigns.judge import Judge, Judged, denied, elsewhere
from crmkit.campaigns.members import Members
from crmkit.campaigns.plan import Plan, ordered
from crmkit.campaigns.programme import Programme, Version
from crmkit.campaigns.settle import Settlement
from crmkit.campaigns.terms import Terms
from crmkit.clock import day_start
from crmkit.hours.where import Whereabouts
from crmkit.ledger.copies import gone_in_copies
from crmkit.ledger.history import CHUNK
from crmkit.ledger.ledger import Ledger
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch, fresh_after
from crmkit.messages.type import MessageType
from crmkit.practice import Practice
from crmkit.schedules.schedule import Due

#: When messages become due on their day, on the practice's wall clock.
MORNING = time(9, 0)
_GOING = (State.READY, State.DEFERRED)
_FADING = (State.HELD, State.DEFERRED, State.READY)
#: What shows only over all patients, or to a sender, which writes the message and asks the sources.
_SEEN_ELSEWHERE = ("carried", "cap", "too_much", "spread", "too_many", "template_failed", "source_silent")


@attrs.define
class _Gathered:
    """What the campaigns bring together: touches that are there by key, all judged anew, and where recipients may be.

    The candidates are let go: a plan of many patients must not hold them all in memory.
    """

    old: dict[str, Touch] = attrs.field(factory=dict)
    touches: list[Touch] = attrs.field(factory=list)
    where: dict[str, Whereabouts] = attrs.field(factory=dict)


@attrs.frozen
class Found:
    """What a look found that is not written down yet: the plan, and by key what the ledger holds of it."""

    plan: Plan
    old: Mapping[str, Touch] = attrs.field(repr=False)


@attrs.frozen(eq=False)
class Planner:
    """Plans one practice's programme.

    Attributes:
        practice: Who speaks.
        ledger: Where judgements are written.
        programme: The campaigns in force.
        members: Finds the patients of a campaign.
        judge: Judges intents.
        settlement: Settles ready touches among each other.
    """

    practice: Practice
    ledger: Ledger
    programme: Programme
    members: Members
    judge: Judge
    settlement: Settlement

    def check(self, version: Version) -> None:
        """Refuse a campaign that could never be planned: its segment, schedule, message type or lot.

        Raises:
            ConfigError: If the message type is unknown, or care would be withheld by lot.
            SegmentError: If the segment cannot be understood.
            ScheduleError: If the schedule cannot be understood.
        """
        if found := self._broken(version):
            raise found.problem

    def broken(self, connection: sa.Connection) -> Mapping[str, Broken]:
        """Return, by id, the campaigns in force that cannot be planned as things are, most urgent first."""
        return self._sound(connection)[1]

    def _broken(self, version: Version) -> Broken | None:
        return broken(version.campaign, self.judge.types, self.members)

    def _sound(self, connection: sa.Connection) -> tuple[list[Version], dict[str, Broken]]:
        """Return the campaigns in force that can be planned, and by id why the others cannot."""
        sound: list[Version] = []
        versions, unread = self.programme.in_force(connection)
        why = {campaign: Broken(problem) for campaign, problem in unread.items()}
        for version in versions:
            if found := self._broken(version):
                why[version.campaign.id] = found
            else:
                sound.append(version)
        return sound, why

    def plan(self, connection: sa.Connection, through: date, now: datetime) -> Plan:
        """Judge all that is due until a date and still fresh, and write it to the ledger."""
        return self.write(connection, self.look(connection, through, now))

    def look(
        self, connection: sa.Connection, through: date, now: datetime, progress: Callable[[str], None] = lambda _: None
    ) -> Found:
        """Judge all that is due until a date and still fresh; nothing is written.

        Args:
            connection: Reads.
            through: The last due date to look at, in the practice's calendar.
            now: The instant of the plan.
            progress: Is told each campaign's id.
        """
        gathered = _Gathered()
        versions, why = self._sound(connection)
        for campaign, found in why.items():
            progress(campaign)
            self._keep_back(connection, campaign, found, through, now, gathered)
        for version in versions:
            progress(version.campaign.id)
            self._campaign(connection, version, through, now, gathered)
        settled = self.settlement.settle(connection, gathered.touches, now, Terms.of(versions, gathered.where))
        behind = self._left_behind(connection, [*why, *(version.campaign.id for version in versions)], now)
        behind = [touch for touch in behind if touch.key not in gathered.old]
        old = gathered.old | {touch.key: touch for touch in behind}
        settled += [self._faded(touch, now) for touch in behind]
        told = {campaign: str(found.problem) for campaign, found in why.items()}
        return Found(Plan(ordered(settled), through, now, broken=told), old)

    def write(self, connection: sa.Connection, found: Found) -> Plan:
        """Write what a look found to the ledger, which must not have changed since; return it as a plan."""
        changed = self.ledger.judge(connection, found.plan.touches, found.old, "plan")
        return attrs.evolve(found.plan, changed=changed)

    def looks_back_to(self, now: datetime) -> datetime:
        """Return an instant by which everything was stale that no plan and no sending asks for from now on.

        What is settled is asked for as long as it counts against a cap, or another message may be about its occasion.
        """
        fresh = max((kind.fresh_days for kind in self.judge.types.values()), default=0)
        spans = [cap.span for cap in self.settlement.caps]
        return fresh_after(now - max([PERIOD + timedelta(days=fresh + 1), *spans]))

    def asks_of(self, connection: sa.Connection, now: datetime) -> frozenset[str]:
        """Return the names of all tables that the segments of campaigns in force ask."""
        asked: set[str] = set()
        for version in self._sound(connection)[0]:
            asked |= self.members.asks_of(version.campaign, now)
        return frozenset(asked)

    def of_patient(self, connection: sa.Connection, patient: str, through: date, now: datetime) -> list[Judged]:
        """Return what one patient is due until a date, judged now and settled; nothing is written.

        Of a campaign that cannot be planned there is nothing. What has left stays as it is, and so does what only the
        whole plan can see, a copy that another patient's touch carries and room that others have taken; or a sender, a
        template that failed and a source that is silent.
        """
        table = self.ledger.tables.touch
        there = {touch.key: touch for touch in self.ledger.touches(connection, table.c.patient == patient)}
        arms = {(touch.campaign, touch.occasion): touch.arm for touch in there.values()}
        judged: list[Judged] = []
        versions, _ = self._sound(connection)
        for version in versions:
            kind = self.judge.types[version.campaign.message_type]
            due = self.members.due(connection, version.campaign, kind, through, now, only=patient)
            occasions = [self._occasion(one, kind) for _, one in due]
            intents = [one.intent(patient, arms.get((version.campaign.id, one.name))) for one in occasions]
            judged += self.judge.judge(connection, version, intents, now)
        again = self.judged_again(connection, there.values())
        open_touches = [one.touch for one in judged if one.touch.key not in there or one.touch.key in again]
        terms = Terms.of(versions, elsewhere(judged))
        settled = there | {one.key: one for one in self.settlement.settle(connection, open_touches, now, terms)}
        return [attrs.evolve(one, touch=_seen(settled[one.touch.key], there.get(one.touch.key), now)) for one in judged]

    def judged_again(self, connection: sa.Connection, touches: Iterable[Touch]) -> frozenset[str]:
        """Return the keys of those touches that a plan judges again, while they are fresh."""
        some = [touch for touch in touches if touch.is_open]
        past = gone_in_copies(connection, self.ledger.tables, self.ledger.practice, some)
        return frozenset(touch.key for touch in some if touch.key not in past)

    def _campaign(
        self, connection: sa.Connection, version: Version, through: date, now: datetime, found: _Gathered
    ) -> None:
        """Gather the touches of a campaign that are there and fresh, and all of them judged anew."""
        campaign, kind = version.campaign, self.judge.types[version.campaign.message_type]
        decided = self.ledger.decided(connection, campaign.id, now)
        old = self.ledger.open(connection, campaign.id, now)
        # What a sender gave back between the two questions is as it was.
        there = {on: touch for touch in old if (on := (touch.patient, touch.occasion)) not in decided}
        occasions: dict[Due, Occasion] = {}
        due: list[tuple[str, Occasion]] = []
        for patient, when in self.members.due(connection, campaign, kind, through, now):
            occasion = occasions.get(when) or occasions.setdefault(when, self._occasion(when, kind))
            if (patient, occasion.name) not in decided:
                due.append((patient, occasion))
        new = [one for one in due if (one[0], one[1].name) not in there]
        earlier = self._earlier(connection, campaign.id, new, now)
        again = self.judged_again(connection, earlier.values())
        intents = []
        for patient, occasion in due:
            open_ = there.pop((patient, occasion.name), None)
            before = open_ or earlier.get((patient, occasion.name))
            if open_ or before is None or before.key in again:
                intents.append(occasion.intent(patient, before.arm if before else None))
        old += [touch for touch in earlier.values() if touch.key in again]
        found.old |= {touch.key: touch for touch in old}
        for one in self.judge.judge(connection, version, intents, now):
            found.touches.append(one.touch)
            found.where |= elsewhere([one])
        found.touches += self._left(there.values(), through, now)

    def _keep_back(
        self,
        connection: sa.Connection,
        campaign: str,
        why: Broken,
        through: date,
        now: datetime,
        gathered: _Gathered,
    ) -> None:
        """Gather the touches of a campaign that cannot be planned: nothing of it leaves before that is mended."""
        old = self._until(self.ledger.open(connection, campaign, now), through)
        gathered.old |= {touch.key: touch for touch in old}
        gathered.touches += [why.keep_back(touch, now) for touch in old]

    def _earlier(
        self, connection: sa.Connection, campaign: str, new: Iterable[tuple[str, Occasion]], now: datetime
    ) -> dict[tuple[str, str], Touch]:
        """Return touches by patient and occasion that were over already when the campaign, or a birthday, was moved."""
        patients: dict[str, list[str]] = {}
        for patient, occasion in new:
            patients.setdefault(occasion.name, []).append(patient)
        found: list[Touch] = []
        for name, some in patients.items():
            for start in range(0, len(some), CHUNK):
                found += self.ledger.earlier(connection, campaign, name, some[start : start + CHUNK], now)
        return {(touch.patient, touch.occasion): touch for touch in found}

    def _occasion(self, due: Due, kind: MessageType) -> Occasion:
        at = datetime.combine(due.day, MORNING, tzinfo=self.practice.zone)
        over = day_start(due.day + timedelta(days=kind.fresh_days + 1), self.practice.zone)
        # In UTC from here on: two wall clocks of one zone subtract wrongly over a change of the clocks.
        return Occasion(named(kind, due), at.astimezone(over.tzinfo), over)

    def _left(self, there: Iterable[Touch], through: date, now: datetime) -> list[Touch]:
        return [denied(one, "left_segment", now) for one in self._until(there, through)]

    def _until(self, touches: Iterable[Touch], through: date) -> list[Touch]:
        end = day_start(through + timedelta(days=1), self.practice.zone)
        return [touch for touch in touches if touch.due < end]

    def _left_behind(self, connection: sa.Connection, campaigns: Sequence[str], now: datetime) -> list[Touch]:
        """Return the judgements that no campaign in force will look at again: gone stale, or their campaign went."""
        table = self.ledger.tables.touch
        waiting = table.c.state.in_([state.value for state in _FADING])
        behind = sa.or_(table.c.stale <= now, table.c.campaign.not_in(campaigns))
        return self.ledger.touches(connection, waiting, behind)

    def _faded(self, touch: Touch, now: datetime) -> Touch:
        if touch.stale > now:
            return denied(touch, "campaign_gone", now)
        return attrs.evolve(touch, state=State.EXPIRED, reason="stale", detail={}, changed_at=now)


def _seen(touch: Touch, before: Touch | None, now: datetime) -> Touch:
    """Return the touch as the last plan, or a sender, left it where only these saw what keeps it back."""
    if before is None or touch.state not in _GOING or before.reason not in _SEEN_ELSEWHERE:
        return touch
    room_again = before.state is State.DEFERRED and before.due <= now
    return touch if room_again else before
