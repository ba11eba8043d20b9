"""What went out and what did not: touches by campaign, state and reason."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.state import REACHED, State
from crmkit.metrics.known import Known
from crmkit.metrics.window import Window, whole_months


@attrs.frozen(order=True)
class TouchCount:
    """How many touches of one campaign, by one medium and for one purpose, stand in one state for one reason."""

    campaign: str
    state: State
    reason: str
    medium: str
    purpose: str
    count: int


@attrs.frozen(order=True)
class MessageCount:
    """How many messages of one campaign left in one month and did not come back."""

    month: Window
    campaign: str
    count: int


def touch_counts(connection: sa.Connection, known: Known, window: Window) -> tuple[TouchCount, ...]:
    """Return what became of the touches of a window: those sent in it, and those due in it and not sent.

    Who was to read a copy shares its fate: where the copy came back, or still waits, so do those in it.
    """
    touch = known.ledger.touch
    carrier = touch.alias()
    start, end = window.instants(known.practice.zone)
    at = sa.func.coalesce(carrier.c.sent_at, touch.c.sent_at, touch.c.due, type_=touch.c.due.type)
    theirs = carrier.c.state.not_in([state.value for state in REACHED])
    state = sa.case((theirs, carrier.c.state), else_=touch.c.state).label("state")
    reason = sa.case((theirs, carrier.c.reason), else_=touch.c.reason).label("reason")
    carried = (touch.c.state == State.CARRIED.value, carrier.c.practice == touch.c.practice)
    one = (
        sa.select(touch.c.campaign, state, reason, touch.c.medium, touch.c.purpose)
        .select_from(touch.outerjoin(carrier, sa.and_(*carried, carrier.c.key == touch.c.carried_by)))
        .where(touch.c.practice == known.practice.id, at >= start, at < end, at <= known.as_of)
        .subquery()
    )
    query = sa.select(*one.c, sa.func.count().label("number")).group_by(*one.c)
    found = (
        TouchCount(row.campaign, State(row.state), row.reason, row.medium, row.purpose, row.number)
        for row in connection.execute(query)
    )
    return tuple(sorted(found))


def messages_by_month(connection: sa.Connection, known: Known, end: date, count: int) -> tuple[MessageCount, ...]:
    """Return the messages that reached somebody in the last so many calendar months that are over by `end`."""
    found: list[MessageCount] = []
    for month in whole_months(end, count):
        found += [MessageCount(month, row[0], row[1]) for row in connection.execute(_sent(known, month))]
    return tuple(sorted(found))


def _sent(known: Known, month: Window) -> sa.Select[Any]:
    touch = known.ledger.touch
    start, end = month.instants(known.practice.zone)
    return (
        sa.select(touch.c.campaign, sa.func.count())
        .where(
            touch.c.practice == known.practice.id,
            touch.c.state.in_([state.value for state in REACHED]),
            touch.c.sent_at >= start,
            touch.c.sent_at < end,
            touch.c.sent_at <= known.as_of,
        )
        .group_by(touch.c.campaign)
    )
