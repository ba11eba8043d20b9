"""Who belongs to a campaign and when its occasions fall due: the segment and the schedule, asked of the records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import attrs
import sqlalchemy as sa
from sqlalchemy.sql import visitors

from crmkit.campaigns.campaign import Campaign
from crmkit.campaigns.intent import named
from crmkit.ledger.tables import LedgerTables
from crmkit.messages.type import MessageType
from crmkit.practice import Practice
from crmkit.records.tables import RecordTables
from crmkit.schedules.schedule import Anniversary, Due, parse_schedule
from crmkit.segments.ask import Ask
from crmkit.segments.condition import explain, select_patients
from crmkit.segments.field import Field
from crmkit.segments.scope import Scope
from crmkit.segments.text import parse, to_text
from crmkit.segments.tree import Node, rules_of
from crmkit.store.among import among
from crmkit.store.rows import Rows


@attrs.frozen(eq=False)
class Members:
    """Finds the patients of a campaign's segment.

    Attributes:
        practice: Whose patients.
        records: The canonical tables.
        ledger: The ledger's tables, for what segments ask of past contacts.
        fields: What a segment may ask, by name.
    """

    practice: Practice
    records: RecordTables
    ledger: LedgerTables
    fields: Mapping[str, Field]
    _read: dict[str, Node] = attrs.field(factory=dict, init=False)
    _selects: dict[tuple[str, date], Rows] = attrs.field(factory=dict, init=False)

    def segment(self, campaign: Campaign) -> Node:
        """Return a campaign's segment, read once.

        Raises:
            SegmentError: If it cannot be understood.
        """
        if campaign.segment not in self._read:
            self._read[campaign.segment] = parse(campaign.segment, self.fields)
        return self._read[campaign.segment]

    def due(
        self,
        connection: sa.Connection,
        campaign: Campaign,
        kind: MessageType,
        through: date,
        now: datetime,
        *,
        only: str | None = None,
    ) -> list[tuple[str, Due]]:
        """Return each patient of the segment (or `only` one) with each occasion due until a date and still fresh."""
        schedule = parse_schedule(campaign.schedule)
        first = self.practice.today(now) - timedelta(days=kind.fresh_days)
        patient = self.records.patient.now
        if not isinstance(schedule, Anniversary):
            dues = schedule.between(first, through)
            ask = self._ask(campaign, now)
            rows = ask.rows(connection, lambda: self._select(campaign, now).where(self._only(only))) if dues else []
            return [(row.id, due) for due in dues for row in rows]
        near = patient.c.born_day.in_(sorted(schedule.born_days(first, through)))

        def select() -> sa.Select[Any]:
            return self._select(campaign, now).add_columns(patient.c.born).where(near, self._only(only))

        rows = self._ask(campaign, now).rows(connection, select)
        return [(row.id, due) for row in rows for due in schedule.due(row.born, first, through)]

    def occasions(
        self, campaign: Campaign, kind: MessageType, now: datetime
    ) -> Callable[[date | None], frozenset[str]]:
        """Return what tells, by the day of birth, the names of a patient's occasions that are due and still fresh."""
        schedule, today = parse_schedule(campaign.schedule), self.practice.today(now)
        first = today - timedelta(days=kind.fresh_days)
        if not isinstance(schedule, Anniversary):
            names = frozenset(named(kind, due) for due in schedule.between(first, today))
            return lambda _: names

        dues = schedule.dues(first, today)
        return lambda born: frozenset(named(kind, due) for due in dues(born)) if born else frozenset()

    def among(
        self, connection: sa.Connection, campaign: Campaign, patients: Sequence[str], now: datetime
    ) -> frozenset[str]:
        """Return which of some patients belong to the segment now."""
        given = {"ids": patients}
        rows = self._ask(campaign, now).answer(connection, lambda: self._among(campaign, now).of(connection, given))
        return frozenset([row[0] for row in rows])

    def count(self, connection: sa.Connection, segment: Node, now: datetime) -> int:
        """Return how many patients a segment matches now."""
        scope = self._scope(now)

        def select() -> sa.Select[Any]:
            ids = select_patients(segment, self.fields, scope).order_by(None).subquery()
            return sa.select(sa.func.count()).select_from(ids)

        return int(Ask(segment, self.fields, scope, self._selects.clear).rows(connection, select)[0][0])

    def failing(self, connection: sa.Connection, campaign: Campaign, patient: str, now: datetime) -> list[str]:
        """Return the rules of the segment that a patient does not meet, as text; a rule under `not` as it stands."""
        node, scope = self.segment(campaign), self._scope(now)
        rows = self._ask(campaign, now).rows(connection, lambda: explain(node, self.fields, scope, patient))
        verdicts = rows[0] if rows else ()
        return [to_text(rule) for rule, met in zip(rules_of(node), verdicts, strict=False) if not met]

    def asks_of(self, campaign: Campaign, now: datetime) -> frozenset[str]:
        """Return the names of the tables that a campaign's segment asks."""
        select = self._select(campaign, now)
        return frozenset(one.name for one in visitors.iterate(select) if isinstance(one, sa.Table))

    def _ask(self, campaign: Campaign, now: datetime) -> Ask:
        return Ask(self.segment(campaign), self.fields, self._scope(now), self._selects.clear)

    def _among(self, campaign: Campaign, now: datetime) -> Rows:
        """Return the select of those of some patients who belong to the segment, made once for each day."""
        made_for = (campaign.segment, self.practice.today(now))
        made = self._selects.get(made_for)
        if made is None:
            # Another thread that sends may add to them, or clear them, at any moment.
            if any(day != made_for[1] for _, day in tuple(self._selects)):
                self._selects.clear()
            theirs = among(self.records.patient.now.c.id, "ids")
            made = self._selects[made_for] = Rows(self._select(campaign, now).where(theirs))
        return made

    def _only(self, patient: str | None) -> sa.ColumnElement[bool]:
        return sa.true() if patient is None else self.records.patient.now.c.id == patient

    def _scope(self, now: datetime) -> Scope:
        return Scope(self.records, self.ledger, self.practice, self.practice.today(now))

    def _select(self, campaign: Campaign, now: datetime) -> sa.Select[Any]:
        return select_patients(self.segment(campaign), self.fields, self._scope(now))
