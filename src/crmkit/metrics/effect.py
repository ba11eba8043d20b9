"""What a campaign with a lot brought about: who was seen, of those who were to get the message and of those withheld.

Everybody counts in the arm that the household was drawn into, whatever became of the message: to leave out those whom
it did not reach, or who came before it left, would compare different people. So nobody is taken by where the touch
stands today, but by the first judgement with nothing against the message: both arms are judged alike until then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.campaigns import lot
from crmkit.ledger.state import State
from crmkit.metrics.interval import Arm, Difference, difference
from crmkit.metrics.known import Known

#: Whoever is seen within so many days after the message was due counts as seen.
DAYS = 60
_WITHIN = timedelta(days=DAYS)
_GOING = (State.READY, State.DEFERRED, State.CARRIED)
#: What other messages deny: whoever is withheld is never asked, and so both arms keep such patients.
_CROWDED_OUT = ("same_message", "too_much", "too_many")


@attrs.frozen
class Effect:
    """The two arms of one campaign's lot, side by side. Effects of several campaigns do not add up.

    Attributes:
        campaign: The campaign's id.
        since: When the first of those counted was due, None as long as there is nobody.
        messaged: Who was to get the message.
        withheld: Who was drawn to get none.
        waiting: How many are not counted yet, for their sixty days are not over.
    """

    campaign: str
    since: date | None = None
    messaged: Arm = attrs.field(factory=Arm)
    withheld: Arm = attrs.field(factory=Arm)
    waiting: int = 0

    @property
    def difference(self) -> Difference | None:
        """By how much the share seen is higher among the messaged; None as long as an arm is empty."""
        return difference(self.messaged, self.withheld)


@attrs.frozen
class _Drawn:
    """A patient when the campaign first had a message for them."""

    patient: str
    household: str
    arm: str
    day: date


@attrs.frozen
class _Draw:
    """A span in which a campaign's lot stayed the same: those drawn by another share cannot be put together."""

    campaign: str
    start: datetime
    end: datetime | None = None


def effects(connection: sa.Connection, known: Known, end: date) -> tuple[Effect, ...]:
    """Return the effect of each campaign that has or had a lot, from those whose sixty days are over by a date."""
    # Of today it is not known yet who comes.
    over = min(end, known.practice.today(known.as_of))
    return tuple(_effect(connection, known, draw, over) for draw in list(_draws(connection, known)))


def _effect(connection: sa.Connection, known: Known, draw: _Draw, over: date) -> Effect:
    drawn = list(_entries(connection, known, draw))
    counted = [one for one in drawn if one.day + _WITHIN <= over]
    seen = _seen(connection, known, counted)
    arms = {
        arm: Arm.of(_households((one for one in counted if one.arm == arm), seen))
        for arm in (lot.MESSAGED, lot.WITHHELD)
    }
    since = min((one.day for one in counted), default=None)
    return Effect(draw.campaign, since, arms[lot.MESSAGED], arms[lot.WITHHELD], len(drawn) - len(counted))


def _households(drawn: Iterable[_Drawn], seen: frozenset[str]) -> list[tuple[int, int]]:
    sizes: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in drawn:
        sizes[one.household][0] += 1
        sizes[one.household][1] += one.patient in seen
    return [(size, back) for size, back in sizes.values()]


def _seen(connection: sa.Connection, known: Known, drawn: list[_Drawn]) -> frozenset[str]:
    """Return who of those drawn has a completed visit within the sixty days."""
    if not drawn:
        return frozenset()
    days = {one.patient: one.day for one in drawn}
    first, last = min(days.values()), max(days.values()) + _WITHIN
    visit = known.completed(last)
    query = sa.select(visit.c.patient, visit.c.day).where(visit.c.day >= first)
    return frozenset(
        patient
        for patient, day in connection.execute(query)
        if patient in days and days[patient] <= day < days[patient] + _WITHIN
    )


def _draws(connection: sa.Connection, known: Known) -> Iterator[_Draw]:
    """Yield, for each campaign that has or had a lot, the last span in which it stayed the same."""
    table = known.ledger.campaign
    query = (
        sa.select(table.c.id, table.c.definition, table.c.added_at)
        .where(table.c.practice == known.practice.id, table.c.added_at <= known.as_of)
        .order_by(table.c.id, table.c.version.desc())
    )
    for id_, versions in groupby(connection.execute(query), attrgetter("id")):
        end = None
        for share, same in groupby(versions, lambda version: Decimal(version.definition["lot"])):
            start = [version.added_at for version in same][-1]
            if share:
                yield _Draw(id_, start, end)
                break
            end = start


def _entries(connection: sa.Connection, known: Known, draw: _Draw) -> Iterator[_Drawn]:
    """Yield the patients drawn in the span, each as of when the campaign first had a message for them.

    Later occasions do not count: who came back after the first message is no longer asked, and so is missing there
    from one arm only.
    """
    drawn: dict[tuple[str, str], datetime] = {}
    first: dict[str, sa.Row[Any]] = {}
    freshest = timedelta()
    for row in connection.execute(_judgements(known, draw.campaign)):
        freshest = max(freshest, row.stale - row.due)
        drawn.setdefault((row.occasion, row.patient), row.at)
        if _nothing_against(row) and (row.patient not in first or row.at < first[row.patient].at):
            first[row.patient] = row
    here = frozenset(connection.scalars(sa.select(known.patients().c.id))) if first else frozenset[str]()
    for row in first.values():
        began = drawn[row.occasion, row.patient]
        if row.patient in here and draw.start <= began and (draw.end is None or began < draw.end):
            # What leaves later, for want of room, was due when it was due in the other arm.
            due = max(row.stale - freshest, row.at)
            yield _Drawn(row.patient, row.household, row.arm, known.practice.today(due))


def _judgements(known: Known, campaign: str) -> sa.Select[tuple[Any, ...]]:
    """Return the first judgement of each touch of a campaign, and all that had nothing against it, in their order."""
    touch, event = known.ledger.touch, known.ledger.event
    columns = (touch.c.occasion, touch.c.patient, touch.c.household, touch.c.arm, touch.c.due, touch.c.stale)
    going = event.c.state.in_([state.value for state in (*_GOING, State.WITHHELD)])
    return (
        sa.select(*columns, event.c.at, event.c.state, event.c.reason)
        .select_from(touch.join(event, known.ledger.same_touch(event)))
        .where(
            touch.c.practice == known.practice.id,
            touch.c.campaign == campaign,
            event.c.at <= known.as_of,
            sa.or_(event.c.number == 1, going, event.c.reason.in_(_CROWDED_OUT)),
        )
        .order_by(touch.c.occasion, touch.c.patient, event.c.number)
    )


def _nothing_against(row: sa.Row[Any]) -> bool:
    if row.arm == lot.WITHHELD:
        return bool(row.state == State.WITHHELD)
    return bool(row.arm) and (row.state in _GOING or row.reason in _CROWDED_OUT)
