"""All campaigns of a practice, stored by id; a changed campaign becomes a new version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.campaigns.campaign import Campaign
from crmkit.errors import NotFound, nearest
from crmkit.ledger.audit import Seal
from crmkit.ledger.decided import Decided, Decision, decide, definition_digest, has_begun
from crmkit.ledger.tables import LedgerTables


@attrs.frozen
class Version:
    """A campaign as it stands in the programme, with the number of its version."""

    campaign: Campaign
    number: int


@attrs.frozen(eq=False)
class Programme:
    """The stored campaigns of one practice. Every method works inside the caller's transaction."""

    tables: LedgerTables
    practice: str
    seal: Seal
    _in_force: sa.Select[Any] = attrs.field(init=False, repr=False)
    _known: dict[tuple[str, int], tuple[dict[str, Any], Version]] = attrs.field(factory=dict, init=False, repr=False)

    @_in_force.default
    def _select_in_force(self) -> sa.Select[Any]:
        table = self.tables.campaign
        query = sa.select(table.c.id, table.c.version, table.c.definition)
        return query.where(table.c.practice == self.practice, table.c.current)

    def add(self, connection: sa.Connection, campaign: Campaign, now: datetime) -> int:
        """Store a campaign and return its version; an unchanged one keeps its version."""
        table = self.tables.campaign
        mine = sa.and_(table.c.practice == self.practice, table.c.id == campaign.id)
        decide(connection, self.seal)
        latest = connection.execute(sa.select(table).where(mine).order_by(table.c.version.desc()).limit(1)).first()
        if latest and latest.current and latest.definition == campaign.definition():
            return int(latest.version)
        version = int(latest.version) + 1 if latest else 1
        connection.execute(sa.update(table).where(mine).values(current=False))
        row = {"practice": self.practice, "id": campaign.id, "version": version, "current": True, "added_at": now}
        connection.execute(sa.insert(table).values(**row, definition=campaign.definition()))
        digest = definition_digest(campaign.definition())
        decide(connection, self.seal, Decision(Decided.ADDED, campaign.id, now, "", version, digest))
        return version

    def retire(self, connection: sa.Connection, campaign: str, now: datetime) -> None:
        """Take a campaign out of the programme; its touches stay.

        Raises:
            NotFound: If the programme has no such campaign.
        """
        self.find(connection, campaign)
        table = self.tables.campaign
        mine = (table.c.practice == self.practice, table.c.id == campaign)
        decide(connection, self.seal)
        connection.execute(sa.update(table).where(*mine).values(current=False))
        decide(connection, self.seal, Decision(Decided.RETIRED, campaign, now))

    def replace(self, connection: sa.Connection, campaigns: Sequence[Campaign], now: datetime) -> None:
        """Make these campaigns the whole programme."""
        for campaign in campaigns:
            self.add(connection, campaign, now)
        kept = {campaign.id for campaign in campaigns}
        for version in self.versions(connection):
            if version.campaign.id not in kept:
                self.retire(connection, version.campaign.id, now)

    def stands(self, connection: sa.Connection, campaigns: Sequence[Campaign]) -> bool:
        """Tell whether these campaigns are the whole programme already, so that there is nothing to write."""
        stored = {id_: definition for id_, _, definition in connection.execute(self._in_force)}
        wanted = {campaign.id: campaign.definition() for campaign in campaigns}
        return stored == wanted and has_begun(connection, self.seal)

    def versions(self, connection: sa.Connection) -> list[Version]:
        """Return the campaigns that are in force, most urgent first."""
        found = [self._version(*row) for row in connection.execute(self._in_force).all()]
        return sorted(found, key=lambda version: (version.campaign.priority, version.campaign.id))

    def _version(self, id_: str, number: int, definition: dict[str, Any]) -> Version:
        # Every window of a sending asks for them, and only a version that was rolled back is ever written anew.
        known = self._known.get((id_, number))
        if known is None or known[0] != definition:
            known = self._known[id_, number] = definition, Version(Campaign.from_definition(definition), number)
        return known[1]

    def find(self, connection: sa.Connection, campaign: str) -> Version:
        """Return one campaign that is in force.

        Raises:
            NotFound: If there is none of that id.
        """
        versions = {version.campaign.id: version for version in self.versions(connection)}
        if campaign not in versions:
            raise NotFound(f"there is no campaign {campaign}", mend=nearest(campaign, versions))
        return versions[campaign]
