"""What would go out, to whom and when: the plan, one patient's part of it, and a rehearsal of the days to come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeAlias

import attrs
import sqlalchemy as sa

from crmkit.campaigns.plan import Plan
from crmkit.campaigns.planner import Found
from crmkit.clock import Clock, FixedClock
from crmkit.crm import answers
from crmkit.crm.given import patient_id
from crmkit.crm.holding import Holding, holding
from crmkit.crm.log import log_plan
from crmkit.crm.opened import Opened
from crmkit.crm.plugged import Plugged
from crmkit.crm.rehearsal import AcceptingChannel, Rehearsal, run_days
from crmkit.crm.stages import Stages
from crmkit.errors import ConfigError
from crmkit.ledger.scratch import Needed, scratch_ledger
from crmkit.practice import Practice

#: How far a plan looks ahead unless told otherwise: today and the six days after it.
WEEK = timedelta(days=6)

_Look: TypeAlias = Callable[[Stages, sa.Connection], Found]


class Planning(Plugged):
    """The part of a `CRM` that looks ahead."""

    practice: Practice
    clock: Clock
    _opened: Opened
    _stages: Stages

    def plan(
        self,
        through: date | None = None,
        *,
        dry: bool = False,
        connection: sa.Connection | None = None,
        progress: Callable[[str], None] = lambda _: None,
    ) -> Plan:
        """Judge who gets what until a date and write it to the ledger; nothing is sent.

        A campaign that cannot be planned stands in the plan's `broken`, and all others are planned.

        Args:
            through: The last due date to look at, in the practice's calendar; by default six days from today.
            dry: Only return the plan.
            connection: One of the host's own engine in whose open transaction it is written, to be committed or
                rolled back together with what the host writes there; by default it is a transaction of its own.
            progress: Is told each campaign's id.

        Raises:
            ConfigError: If a connection is given that is none of the engine that this CRM was given, or on which no
                transaction is open.
        """
        self.plugins.insist()
        now = self.clock.now()
        last = self._last(through, now)

        told: set[str] = set()

        def tell(campaign: str) -> None:
            # If somebody writes meanwhile, all is judged once more, of which nobody need hear.
            if campaign not in told:
                told.add(campaign)
                progress(campaign)

        def look(stages: Stages, one: sa.Connection) -> Found:
            return stages.planner.look(one, last, now, tell)

        plan = self._judged(look, connection) if dry else self._written(look, connection)
        log_plan(self.practice.id, plan)
        return attrs.evolve(plan, preview=lambda patient: self.preview(patient, last))

    def preview(self, patient: str, through: date | None = None) -> list[answers.Preview]:
        """Return exactly what a patient would receive until a date; NotFound if there is no such patient."""
        self.plugins.insist()
        now = self.clock.now()
        with self._stages.store.read() as connection:
            last = self._last(through, now)
            return answers.preview(self._stages, connection, patient_id(patient), last, now)

    def why(self, patient: str, through: date | None = None) -> list[answers.Answer]:
        """Return where each campaign stands with a patient, in words; NotFound if there is no such patient."""
        now = self.clock.now()
        with self._stages.store.read() as connection:
            last = self._last(through, now)
            return answers.why(self._stages, connection, patient_id(patient), last, now)

    def broken(self) -> Mapping[str, str]:
        """Return the campaigns that cannot be planned as things are, by id, with what is wrong and how to mend it.

        Such as one whose message type, or a field of its segment, has gone with its plugin. Nothing of it is planned or
        leaves before that is mended; all others go on.
        """
        with self._stages.store.read() as connection:
            return {name: str(one.problem) for name, one in self._stages.planner.broken(connection).items()}

    def holds(self, patient: str) -> Holding:
        """Return what holds for a patient just now: what was said, which addresses can be used, who reads for whom."""
        with self._stages.store.read() as connection:
            return holding(self._stages, connection, patient_id(patient), self.clock.now())

    def rehearse(
        self,
        days: int = 365,
        *,
        ahead: timedelta = WEEK,
        keep_messages: bool = True,
        progress: Callable[[date], None] = lambda _: None,
    ) -> Rehearsal:
        """Plan once a day for so many days, send whenever something is due, all on a scratch ledger; nothing leaves.

        Args:
            days: How many days, today included.
            ahead: How far each day's plan looks ahead, as `plan` does.
            keep_messages: Return the messages too; without them a long rehearsal needs less memory.
            progress: Is told each day that is done.
        """
        self.plugins.insist()
        clock = FixedClock(self.clock.now())
        channels = [AcceptingChannel(channel.name, channel.medium) for channel in self._opened.channels]
        with scratch_ledger(self._stages.store, self._needed(clock.now())) as (store, tables):
            stages = self._opened.rehearsing(store, tables, channels, clock)
            return run_days(stages, channels, clock, self.practice, days, ahead, progress, keep_messages=keep_messages)

    def _needed(self, now: datetime) -> Needed:
        planner = self._stages.planner
        with self._stages.store.read() as connection:
            return Needed(self.practice.id, planner.looks_back_to(now), planner.asks_of(connection, now))

    def _last(self, through: date | None, now: datetime) -> date:
        if through is None:
            return self.practice.today(now) + WEEK
        # An instant is a date to Python too, but of no calendar.
        if isinstance(through, datetime) or not isinstance(through, date):
            raise ConfigError("is no date", where="through", mend="write date(2026, 12, 24)")
        return through

    def _judged(self, look: _Look, connection: sa.Connection | None) -> Plan:
        store = self._stages.store
        with store.read() if connection is None else store.within(connection) as mine:
            return look(self._stages, mine).plan

    def _written(self, look: _Look, connection: sa.Connection | None) -> Plan:
        """Plan in a transaction of its own, or in a part of the one that the host has opened."""
        stages = self._stages
        if connection is None:
            plan = stages.looked_first("planning", partial(look, stages), stages.planner.write)
            stages.store.count_new()
            return plan
        # Whoever writes in another thread may wait for the host's transaction, and must not be waited for here.
        apart = self._opened.stages(self.clock)
        with apart.seal.within(connection) as mine:
            apart.lock(mine, "planning")
            return apart.planner.write(mine, look(apart, mine))
