"""All campaigns of a practice, stored by id; a changed campaign becomes a new version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.campaigns.campaign import Campaign
from crmkit.errors import ConfigError, NotFound, nearest
from crmkit.ledger.decided import Decided, Decision, decide, definition_digest, has_begun
from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.trail.seal import Seal


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
    _known: dict[tuple[str, int], tuple[dict[str, Any], Version | ConfigError]] = attrs.field(
        factory=dict, init=False, repr=False
    )

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
        self.insist_on(connection, campaign)
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
        for id_ in self._ids(connection) - kept:
            self.retire(connection, id_, now)

    def stands(self, connection: sa.Connection, campaigns: Sequence[Campaign]) -> bool:
        """Tell whether these campaigns are the whole programme already, so that there is nothing to write."""
        stored = {id_: definition for id_, _, definition in connection.execute(self._in_force)}
        wanted = {campaign.id: campaign.definition() for campaign in campaigns}
        return stored == wanted and has_begun(connection, self.seal)

    def versions(self, connection: sa.Connection) -> list[Version]:
        """Return the campaigns that are in force and can be read, most urgent first."""
        return self.in_force(connection)[0]

    def in_force(self, connection: sa.Connection) -> tuple[list[Version], dict[str, ConfigError]]:
        """Return the campaigns that are in force, most urgent first; and by id why others cannot be read here."""
        versions: list[Version] = []
        unread: dict[str, ConfigError] = {}
        for id_, number, definition in connection.execute(self._in_force).all():
            found = self._version(id_, number, definition)
            if isinstance(found, Version):
                versions.append(found)
            else:
                unread[id_] = found
        return sorted(versions, key=lambda version: (version.campaign.priority, version.campaign.id)), unread

    def _version(self, id_: str, number: int, definition: dict[str, Any]) -> Version | ConfigError:
        # Every window of a sending asks for them, and only a version that was rolled back is ever written anew.
        known = self._known.get((id_, number))
        if known is None or known[0] != definition:
            found: Version | ConfigError
            try:
                found = Version(Campaign.from_definition(definition), number)
            except ConfigError as problem:
                found = problem.within(f"campaign {id_}")
            known = self._known[id_, number] = definition, found
        return known[1]

    def insist_on(self, connection: sa.Connection, campaign: str) -> None:
        """Refuse an id of which there is no campaign in force.

        Raises:
            NotFound: If there is none.
        """
        ids = self._ids(connection)
        if campaign not in ids:
            raise NotFound(f"there is no campaign {campaign}", mend=nearest(campaign, ids))

    def _ids(self, connection: sa.Connection) -> set[str]:
        return {row.id for row in connection.execute(self._in_force)}
