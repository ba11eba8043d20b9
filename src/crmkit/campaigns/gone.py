"""What has left already, as far as it counts for what may still leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import sqlalchemy as sa

from crmkit.campaigns.campaign import Campaign
from crmkit.campaigns.caps import Cap, of_address, of_patient
from crmkit.clock import day_start, local_day
from crmkit.ledger.copies import went_in_a_copy
from crmkit.ledger.history import CHUNK
from crmkit.ledger.state import LEFT, SPENT, State
from crmkit.ledger.tables import TOUCH, LedgerTables
from crmkit.ledger.touch import Touch, fresh_after
from crmkit.store.among import among

#: With the time of a hand-over: what is tried again has one only if nobody knows whether the first had an effect.
_LEFT = tuple(state.value for state in (*LEFT, State.RETRY))
_SPENT = tuple(state.value for state in SPENT)
#: So far apart may two touches of one occasion be: a period is a year at most, with sixty days before and after it, and
#: a month more for good measure.
PERIOD = timedelta(days=366 + 60 + 60 + 31)


@attrs.frozen(eq=False)
class Gone:
    """Reads what has left, or may have.

    Attributes:
        tables: The ledger's tables.
        practice: The practice's id.
    """

    tables: LedgerTables
    practice: str
    _by_others: sa.Select[Any] = attrs.field(init=False, repr=False)
    _left: sa.Select[Any] = attrs.field(init=False, repr=False)
    _about: sa.Select[Any] = attrs.field(init=False, repr=False)
    _shared: sa.Select[Any] = attrs.field(init=False, repr=False)
    _at: sa.Select[Any] = attrs.field(init=False, repr=False)
    _copies: sa.Select[Any] = attrs.field(init=False, repr=False)
    _copies_at: sa.Select[Any] = attrs.field(init=False, repr=False)
    _has_others: sa.Select[Any] = attrs.field(init=False, repr=False)
    _others: sa.Select[Any] = attrs.field(init=False, repr=False)

    @_by_others.default
    def _select_by_others(self) -> sa.Select[Any]:
        table = self.tables.touch
        return sa.select(table.c.patient, table.c.campaign).where(
            table.c.practice == self.practice,
            table.c.message == sa.bindparam("message"),
            table.c.occasion == sa.bindparam("occasion"),
            table.c.campaign != sa.bindparam("campaign"),
            among(table.c.patient, "patients"),
            among(table.c.state, _SPENT),
        )

    @_left.default
    def _select_left(self) -> sa.Select[Any]:
        table = self.tables.touch
        return sa.select(table.c.patient, table.c.address, table.c.sent_at).where(
            table.c.practice == self.practice,
            table.c.sent_at > sa.bindparam("since"),
            among(table.c.purpose, "purposes"),
            among(table.c.state, _LEFT),
        )

    @_about.default
    def _select_about(self) -> sa.Select[Any]:
        return self._left.where(among(self.tables.touch.c.patient, "patients"))

    @_shared.default
    def _select_shared(self) -> sa.Select[Any]:
        # Answered from an index alone; and mostly there is nobody else.
        table = self.tables.touch
        query = sa.select(table.c.address).distinct().where(table.c.practice == self.practice)
        return query.where(*self._lately("addresses"), self._of_others())

    @_at.default
    def _select_at(self) -> sa.Select[Any]:
        return self._left.where(*self._lately("addresses"), self._of_others())

    @_copies.default
    def _select_copies(self) -> sa.Select[Any]:
        table = self.tables.touch
        columns = (table.c.message, table.c.occasion, table.c.medium, table.c.address, table.c.key, table.c.patient)
        return sa.select(*columns).where(
            table.c.practice == self.practice,
            among(table.c.message, "messages"),
            among(table.c.occasion, "occasions"),
            among(table.c.state, _LEFT),
            # Said so that SQLite does not take it for a question after the time.
            sa.or_(table.c.state != State.RETRY.value, table.c.sent_at.is_not(None)),
        )

    @_copies_at.default
    def _select_copies_at(self) -> sa.Select[Any]:
        # Found in an index alone, where SQLite has the occasion too; only what is found is looked at.
        table, near = self.tables.touch, self.tables.touch.alias("near")
        found = sa.select(*(near.c[name] for name in TOUCH)).where(
            near.c.practice == self.practice,
            among(near.c.occasion, "occasions"),
            among(near.c.address, "addresses"),
            near.c.stale > sa.bindparam("fresh", type_=table.c.stale.type),
        )
        there = found.subquery("found")
        return self._copies.join(there, sa.and_(*(there.c[name] == table.c[name] for name in TOUCH)))

    @_has_others.default
    def _select_has_others(self) -> sa.Select[Any]:
        # Two looks into the table's own order, where one question after "another" would read the whole campaign.
        here, named = self.tables.touch.c.occasion, sa.bindparam("occasion", type_=sa.Text)
        beside = (here < named, here > named)
        return sa.select(sa.or_(*(sa.exists().where(*self._of_campaign(), other) for other in beside)))

    @_others.default
    def _select_others(self) -> sa.Select[Any]:
        table = self.tables.touch
        left = sa.and_(table.c.sent_at.is_not(None), among(table.c.state, _LEFT))
        return sa.select(table.c.patient, table.c.occasion).where(
            *self._of_campaign(),
            table.c.occasion != sa.bindparam("occasion"),
            table.c.stale > sa.bindparam("since", type_=table.c.stale.type),
            sa.or_(left, went_in_a_copy(table)),
            among(table.c.patient, "patients"),
        )

    def _of_campaign(self) -> tuple[sa.ColumnElement[bool], ...]:
        table = self.tables.touch
        return table.c.practice == self.practice, table.c.campaign == sa.bindparam("campaign")

    def _lately(self, addresses: str) -> tuple[sa.ColumnElement[bool], ...]:
        """Return the condition that something went to one of some addresses so lately that it may still count."""
        table = self.tables.touch
        return among(table.c.address, addresses), table.c.stale > sa.bindparam("fresh", type_=table.c.stale.type)

    def _of_others(self) -> sa.ColumnElement[bool]:
        return sa.not_(among(self.tables.touch.c.patient, "patients"))

    def by_others(
        self, connection: sa.Connection, campaign: Campaign, asked: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], str]:
        """Return by which other campaign a patient has had this one's message already for an occasion.

        Args:
            connection: Reads.
            campaign: The campaign.
            asked: Patient and occasion.
        """
        patients: dict[str, list[str]] = defaultdict(list)
        for patient, occasion in asked:
            patients[occasion].append(patient)
        found: dict[tuple[str, str], str] = {}
        for occasion, some in patients.items():
            given = {"message": campaign.message_type, "campaign": campaign.id, "occasion": occasion, "patients": some}
            found |= {(who, occasion): other for who, other in map(tuple, connection.execute(self._by_others, given))}
        return found

    def on_another_day(
        self, connection: sa.Connection, campaign: str, occasion: str, since: datetime, patients: Sequence[str]
    ) -> dict[str, str]:
        """Return for which other occasion patients have had a campaign's message: by patient.

        Args:
            connection: Reads.
            campaign: The campaign's id.
            occasion: The occasion.
            since: The other one was fresh after this instant.
            patients: Whom is asked about.
        """
        # Nearly always there is no other.
        named = {"campaign": campaign, "occasion": occasion}
        if not connection.scalar(self._has_others, named):
            return {}
        rows = connection.execute(self._others, {**named, "since": since, "patients": patients})
        return {row.patient: row.occasion for row in rows}

    def past(
        self, connection: sa.Connection, cap: Cap, asking: Sequence[Touch], now: datetime
    ) -> Mapping[str, Sequence[datetime]]:
        """Return when messages left that count against a cap, by patient and by address of those who ask.

        Of others it says what is read along with that, which need not be all.
        """
        past: dict[str, list[datetime]] = defaultdict(list)
        since = now - cap.span
        given = {"since": since, "fresh": fresh_after(since), "purposes": [purpose.value for purpose in cap.purposes]}
        for patient, address, at in self._rows(connection, asking, given):
            past[of_patient(patient)].append(at)
            if address:
                past[of_address(address)].append(at)
        return past

    def _rows(
        self, connection: sa.Connection, asking: Sequence[Touch], given: Mapping[str, Any]
    ) -> Sequence[Sequence[Any]]:
        """Return patient, address and instant of what left about the patients who ask, and to their addresses."""
        patients, addresses = {touch.patient for touch in asking}, {touch.address for touch in asking} - {""}
        if len(patients) > CHUNK or len(addresses) > CHUNK:
            # A plan asks for so many that reading all is quicker than naming them.
            return connection.execute(self._left, given).all()
        given = {**given, "patients": sorted(patients)}
        about = connection.execute(self._about, given).all()
        named = {"fresh": given["fresh"], "patients": given["patients"], "addresses": sorted(addresses)}
        shared = connection.scalars(self._shared, named).all() if addresses else ()
        at = connection.execute(self._at, {**given, "addresses": shared}).all() if shared else ()
        return [*about, *at]

    def today(
        self, connection: sa.Connection, campaigns: Collection[str], zone: ZoneInfo, now: datetime
    ) -> dict[tuple[str, date], int]:
        """Return how many messages of some campaigns left on the day of an instant, by campaign and that day."""
        table, day = self.tables.touch, local_day(now, zone)
        query = (
            sa.select(table.c.campaign, sa.func.count())
            .where(
                table.c.practice == self.practice,
                table.c.sent_at >= day_start(day, zone),
                among(table.c.campaign, campaigns),
                among(table.c.state, _LEFT),
            )
            .group_by(table.c.campaign)
        )
        return {(campaign, day): number for campaign, number in map(tuple, connection.execute(query))}

    def copies(self, connection: sa.Connection, shared: Sequence[Touch]) -> dict[tuple[str, ...], tuple[str, str]]:
        """Return key and patient of what has left, by message type, occasion, medium and address."""
        given = {"messages": {one.message for one in shared}, "occasions": {one.occasion for one in shared}}
        addresses = {one.address for one in shared}
        if len(addresses) > CHUNK:
            rows = connection.execute(self._copies, given)
        else:
            fresh = min(one.stale for one in shared) - PERIOD
            rows = connection.execute(self._copies_at, {**given, "addresses": sorted(addresses), "fresh": fresh})
        return {tuple(row[:4]): (row.key, row.patient) for row in rows}
