"""What a person has stopped or paused, as far as it keeps back what may still leave."""

from __future__ import annotations

from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.campaigns.campaign import Campaign
from crmkit.campaigns.verdict import Verdict, hold
from crmkit.ledger.tables import LedgerTables


@attrs.frozen(eq=False)
class Stops:
    """Reads what is stopped.

    Attributes:
        tables: The ledger's tables.
        practice: The practice's id.
    """

    tables: LedgerTables
    practice: str
    _paused: sa.Select[Any] = attrs.field(init=False, repr=False)

    @_paused.default
    def _select_paused(self) -> sa.Select[Any]:
        # Made once: to make it takes longer than to find its rows, and each window asks.
        stop = self.tables.learnt.stop
        return sa.select(stop.c.campaign).where(stop.c.practice == self.practice)

    def now(self, connection: sa.Connection) -> frozenset[str]:
        """Return which campaigns are stopped; an empty text stands for all."""
        return frozenset(connection.scalars(self._paused))

    def of(self, connection: sa.Connection, campaign: Campaign) -> list[Verdict]:
        """Return what is said of all touches of a campaign: nothing, or one hold."""
        paused = self.now(connection)
        if "" in paused:
            return [hold("stopped")]
        return [hold("paused")] if campaign.paused or campaign.id in paused else []
