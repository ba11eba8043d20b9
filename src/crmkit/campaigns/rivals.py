"""What other senders have claimed and not handed over yet: it may be about to leave, and takes room like what has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.campaigns.room import Ask
from crmkit.campaigns.terms import Terms
from crmkit.ledger.state import State
from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.touch import Touch
from crmkit.people.medium import Medium, Purpose
from crmkit.store.among import among

#: By what the more urgent of two touches is told: the order in which they are claimed.
Urgency = tuple[int, datetime, str, str, str]

_NAMES = (
    *("key", "campaign", "occasion", "patient", "message", "purpose", "medium", "address"),
    *("priority", "due", "stale", "claimed_at"),
)


@attrs.frozen
class Rival:
    """One touch that somebody else has claimed.

    Of two senders each sees what the other has claimed. Whatever was claimed first goes first, and of what was claimed
    in the same instant the more urgent: so both say the same of the same two touches, and never are both right.
    """

    key: str
    campaign: str
    occasion: str
    patient: str
    message: str
    purpose: Purpose = attrs.field(converter=Purpose)
    medium: Medium = attrs.field(converter=Medium)
    address: str
    priority: int
    due: datetime
    stale: datetime
    claimed_at: datetime

    def first(self, terms: Terms, than: Urgency | None = None) -> bool:
        """Tell whether it goes before a touch of such an urgency; without one, before all that are settled."""
        if terms.claimed_at is None or self.claimed_at < terms.claimed_at:
            return True
        return than is not None and self.claimed_at == terms.claimed_at and urgency(self) < than

    def ask(self, now: datetime) -> Ask:
        """Return it as something that takes room now."""
        return Ask(
            self.key, self.campaign, now, self.stale, self.purpose, self.medium, self.patient, self.address, held=True
        )


@attrs.frozen(eq=False)
class Rivals:
    """Reads what others have claimed.

    Attributes:
        tables: The ledger's tables.
        practice: The practice's id.
    """

    tables: LedgerTables
    practice: str
    _any: sa.Select[Any] = attrs.field(init=False, repr=False)
    _by: Mapping[str, sa.Select[Any]] = attrs.field(init=False, repr=False)

    @_any.default
    def _select_any(self) -> sa.Select[Any]:
        # Answered from an index alone: mostly there is only one sender, and each window asks.
        touch = self.tables.touch
        return sa.select(sa.literal(1)).select_from(touch).where(*self._others()).limit(1)

    @_by.default
    def _select_by(self) -> Mapping[str, sa.Select[Any]]:
        table = self.tables.touch
        columns = [table.c["changed_at" if name == "claimed_at" else name] for name in _NAMES]
        held = sa.select(*columns).where(*self._others(), table.c.lease > sa.bindparam("now"))
        return {name: held.where(among(table.c[name], "asked")) for name in ("patient", "address", "campaign")}

    def _others(self) -> tuple[sa.ColumnElement[bool], ...]:
        table = self.tables.touch
        claimed = table.c.state == State.CLAIMED.value
        return table.c.practice == self.practice, claimed, table.c.owner != sa.bindparam("owner")

    def of(self, connection: sa.Connection, touches: Collection[Touch], terms: Terms, now: datetime) -> list[Rival]:
        """Return what anybody but the owner of some touches has claimed, still holds, and may owe them something.

        That is what goes to the same patients or addresses, or is of a campaign that is spread over days.
        """
        given = {"owner": terms.owner, "now": now}
        if connection.execute(self._any, given).first() is None:
            return []
        found: dict[str, Rival] = {}
        for name, select in self._by.items():
            asked = {getattr(touch, name) for touch in touches} - {""}
            if name == "campaign":
                asked &= set(terms.per_day)
            rows = connection.execute(select, {**given, "asked": sorted(asked)}).all() if asked else ()
            found |= {row.key: Rival(**dict(zip(_NAMES, row, strict=True))) for row in rows}
        return list(found.values())


#: How urgent a touch or rival is: the smaller goes first.
urgency: Callable[[Touch | Rival], Urgency] = attrgetter("priority", "due", "campaign", "occasion", "patient")
