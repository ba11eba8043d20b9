"""The panel: one row for each patient and window, from which all metrics are folded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.clock import add_months
from crmkit.ledger.state import REACHED, State
from crmkit.ledger.touch import digest
from crmkit.metrics.known import NEVER_PATIENTS, Known
from crmkit.metrics.window import Window
from crmkit.people.patient import Status

#: So many calendar months after the last completed visit a patient still counts as active.
ACTIVE_MONTHS = 18

_BATCH = 1000


@attrs.frozen
class History:
    """What the records say of one patient, as far as a window is concerned.

    Attributes:
        patient: An opaque id: the same patient has the same one in every window.
        status: What the person is to the practice.
        status_date: When that began. A departure without a date counts as one before every window.
        first_visit: The first completed visit ever, None for who was never seen.
        last_visit_before_start: The last completed visit on a day before the window.
        last_visit_before_end: The last completed visit on a day before the window's end.
        visits: Days in the window with a completed visit.
        spend: What was invoiced in the window, in the practice's currency.
        contacts: Touches that reached the patient in the window; a message to the household counts for each member.
        arm: Of the lot of the campaign that the metric names: `messaged` or `withheld`, as the patient's household was
            drawn, whatever became of the message; empty if the campaign never had one for the patient, or the metric
            names none.
        contactable: True if an address of some medium can be used on the window's last day.
    """

    patient: str
    status: Status = Status.ACTIVE
    status_date: date | None = None
    first_visit: date | None = None
    last_visit_before_start: date | None = None
    last_visit_before_end: date | None = None
    visits: int = 0
    spend: Decimal = Decimal(0)
    contacts: int = 0
    arm: str = ""
    contactable: bool = True


@attrs.frozen
class PanelRow(History):
    """A patient's history and what follows from it for the window.

    Attributes:
        gone: Deceased, moved or transferred before the window's end.
        new: The first completed visit ever lies in the window.
        active_at_start: A patient, not gone by then, whose last completed visit is recent enough on the first day.
        active_at_end: The same on the first day after the window.
        lapsed_at_start: Was seen before the window, was still the practice's patient and no longer active.
    """

    gone: bool = False
    new: bool = False
    active_at_start: bool = False
    active_at_end: bool = False
    lapsed_at_start: bool = False


def judge(history: History, window: Window) -> PanelRow:
    """Return the panel's row for a history: who counts as active, new, lapsed or gone."""
    here_at_start = _here(history, window.start)
    here_at_end = _here(history, window.end)
    fresh_at_start = _fresh(history.last_visit_before_start, window.start)
    seen_before = history.last_visit_before_start is not None
    return PanelRow(
        **attrs.asdict(history, recurse=False),
        gone=history.status.gone and not here_at_end,
        new=window.holds(history.first_visit),
        active_at_start=here_at_start and fresh_at_start,
        active_at_end=here_at_end and _fresh(history.last_visit_before_end, window.end),
        lapsed_at_start=here_at_start and seen_before and not fresh_at_start,
    )


def panel(
    connection: sa.Connection,
    known: Known,
    window: Window,
    *,
    campaign: str = "",
) -> Iterator[tuple[PanelRow, ...]]:
    """Yield the panel in batches, one row for each patient of the practice, in no particular order.

    Args:
        connection: Open for reading while the batches are drawn.
        known: What was known, of which practice.
        window: Visits and invoices on its last day count, later ones are not seen.
        campaign: The campaign whose lot `arm` tells.
    """
    rows = connection.execute(_query(known, window, campaign), execution_options={"yield_per": _BATCH})
    for batch in rows.partitions():
        yield tuple(judge(_history(row, known.practice.id), window) for row in batch)


def _here(history: History, day: date) -> bool:
    if history.status in NEVER_PATIENTS:
        return False
    return not history.status.gone or (history.status_date is not None and history.status_date >= day)


def _fresh(visit: date | None, day: date) -> bool:
    return visit is not None and visit >= add_months(day, -ACTIVE_MONTHS)


def _history(row: sa.Row[tuple[Any, ...]], practice: str) -> History:
    return History(
        patient=digest(practice, row.id),
        status=Status(row.status),
        status_date=row.status_date,
        first_visit=row.earliest,
        last_visit_before_start=row.before_start,
        last_visit_before_end=row.before_end,
        visits=row.visits or 0,
        spend=row.spend if row.spend is not None else Decimal(0),
        contacts=row.contacts or 0,
        arm=row.arm or "",
        contactable=row.reachable is not None,
    )


def _query(known: Known, window: Window, campaign: str) -> sa.Select[tuple[Any, ...]]:
    patient = known.patients()
    parts = [part(known, window) for part in (_visits, _spend, _contacts, _addresses)] + [_arms(known, campaign)]
    joined: sa.FromClause = patient
    for part in parts:
        joined = joined.outerjoin(part, part.c.patient == patient.c.id)
    columns = [column for part in parts for column in part.c if column.name != "patient"]
    return sa.select(*patient.c, *columns).select_from(joined)


def _visits(known: Known, window: Window) -> sa.Subquery:
    seen = known.completed(window.end)
    day, earlier = seen.c.day, seen.c.day < window.start
    return (
        sa.select(
            seen.c.patient,
            sa.func.min(day).label("earliest"),
            sa.func.max(sa.case((earlier, day))).label("before_start"),
            sa.func.max(day).label("before_end"),
            sa.func.count(sa.distinct(sa.case((~earlier, day)))).label("visits"),
        )
        .group_by(seen.c.patient)
        .subquery()
    )


def _spend(known: Known, window: Window) -> sa.Subquery:
    invoice = known.rows(known.records.invoice, "patient", "day", "amount", "currency")
    return (
        sa.select(invoice.c.patient, sa.func.sum(invoice.c.amount).label("spend"))
        .where(invoice.c.day >= window.start, invoice.c.day < window.end, known.in_currency(invoice))
        .group_by(invoice.c.patient)
        .subquery()
    )


def _contacts(known: Known, window: Window) -> sa.Subquery:
    touch = known.ledger.touch
    carrier = touch.alias()
    start, end = window.instants(known.practice.zone)
    carried = sa.and_(carrier.c.practice == touch.c.practice, carrier.c.key == touch.c.carried_by)
    sent = sa.func.coalesce(carrier.c.sent_at, touch.c.sent_at, type_=touch.c.sent_at.type)
    state = sa.func.coalesce(carrier.c.state, touch.c.state)
    return (
        sa.select(touch.c.patient, sa.func.count().label("contacts"))
        .select_from(touch.outerjoin(carrier, sa.and_(touch.c.state == State.CARRIED.value, carried)))
        .where(
            touch.c.practice == known.practice.id,
            state.in_([one.value for one in REACHED]),
            sent >= start,
            sent < end,
            sent <= known.as_of,
        )
        .group_by(touch.c.patient)
        .subquery()
    )


def _addresses(known: Known, window: Window) -> sa.Subquery:
    contact = known.rows(known.records.contact, "patient", "value", "problem", "until")
    return (
        sa.select(contact.c.patient, sa.literal(1).label("reachable"))
        .where(
            contact.c.value != "",
            contact.c.problem == "",
            sa.or_(contact.c.until.is_(None), contact.c.until >= window.last),
        )
        .group_by(contact.c.patient)
        .subquery()
    )


def _arms(known: Known, campaign: str) -> sa.Subquery:
    touch = known.ledger.touch
    return (
        sa.select(touch.c.patient, sa.func.max(touch.c.arm).label("arm"))
        .where(touch.c.practice == known.practice.id, touch.c.campaign == campaign)
        .group_by(touch.c.patient)
        .subquery()
    )
