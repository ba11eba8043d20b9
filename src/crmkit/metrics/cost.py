"""What the campaigns cost, as their entries in the programme say. What they brought in is another question."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import attrs
import sqlalchemy as sa

from crmkit.ledger.state import LEFT
from crmkit.metrics.known import Known
from crmkit.metrics.window import Window


@attrs.frozen
class Cost:
    """What one campaign cost in a window, in the practice's currency.

    Attributes:
        campaign: The campaign's id.
        messages: How many left in the window, or may have left; a copy that several share is one.
        each: What these messages cost together.
        fixed: What the campaign cost once for each occasion whose first message left in the window.
    """

    campaign: str
    messages: int = 0
    each: Decimal = Decimal(0)
    fixed: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        """Both together."""
        return self.each + self.fixed


def costs(connection: sa.Connection, known: Known, window: Window) -> tuple[Cost, ...]:
    """Return what each campaign cost in a window, by its id; campaigns that cost nothing are left out."""
    touch = known.ledger.touch
    start, end = window.instants(known.practice.zone)
    left = sa.and_(
        touch.c.practice == known.practice.id,
        touch.c.state.in_([state.value for state in LEFT]),
        touch.c.sent_at < end,
        touch.c.sent_at <= known.as_of,
    )
    fixed = _fixed(connection, known, left, window)
    sums = (
        sa.select(touch.c.campaign, sa.func.count().label("messages"), sa.func.sum(touch.c.cost).label("each"))
        .where(left, touch.c.sent_at >= start)
        .group_by(touch.c.campaign)
        .order_by(touch.c.campaign)
    )
    made = (
        Cost(row.campaign, row.messages, row.each or Decimal(0), fixed.get(row.campaign, Decimal(0)))
        for row in connection.execute(sums)
    )
    return tuple(cost for cost in made if cost.total)


def _fixed(connection: sa.Connection, known: Known, left: sa.ColumnElement[bool], window: Window) -> dict[str, Decimal]:
    """Return the fixed costs by campaign, each occasion by the version under which its first message left."""
    touch, campaign = known.ledger.touch, known.ledger.campaign
    first = sa.func.min(touch.c.sent_at, type_=touch.c.sent_at.type).label("first")
    began = (
        sa.select(touch.c.campaign, sa.func.min(touch.c.version).label("version"), first)
        .where(left)
        .group_by(touch.c.campaign, touch.c.occasion)
        .subquery()
    )
    mine = (campaign.c.practice == known.practice.id, campaign.c.id == began.c.campaign)
    query = sa.select(began, campaign.c.definition).join(
        campaign, sa.and_(*mine, campaign.c.version == began.c.version)
    )
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in connection.execute(query):
        if window.holds(known.practice.today(row.first)):
            found[row.campaign] += Decimal(row.definition["cost_fixed"])
    return found
