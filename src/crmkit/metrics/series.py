"""How the practice went, month by month."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.clock import add_months
from crmkit.metrics.known import NEVER_PATIENTS, Known, still_here
from crmkit.metrics.panel import ACTIVE_MONTHS
from crmkit.metrics.window import Window, whole_months


@attrs.frozen
class Month:
    """One calendar month of the practice.

    Attributes:
        window: The month.
        visits: Completed visits, one a day for each patient.
        turnover: The sum of the invoices.
        new: Patients whose first completed visit ever lies in the month.
        active: Active patients on the first day after the month.
    """

    window: Window
    visits: int
    turnover: Decimal
    new: int
    active: int


def monthly(
    connection: sa.Connection, known: Known, end: date, count: int, active_months: int = ACTIVE_MONTHS
) -> tuple[Month, ...]:
    """Return the last so many calendar months that are over by `end`, the oldest first."""
    windows = whole_months(end, count)
    months = periods(windows, active_months)
    visits = _by_number(connection, _visits(known, months, end))
    turnover = _by_number(connection, _turnover(known, months))
    new = _by_number(connection, _new(known, months, end))
    active = _by_number(connection, _active(known, months, end))
    return tuple(
        Month(
            window,
            visits.get(number, 0),
            turnover.get(number, Decimal(0)),
            new.get(number, 0),
            active.get(number, 0),
        )
        for number, window in enumerate(windows)
    )


def periods(windows: Sequence[Window], active_months: int = 0) -> sa.CTE:
    """Return windows as rows: `number`, `start`, `finish` (the first day after), `since` (so many months before)."""
    days = [sa.column(name, sa.Date) for name in ("start", "finish", "since")]
    rows = [
        (number, window.start, window.end, add_months(window.end, -active_months))
        for number, window in enumerate(windows)
    ]
    return sa.values(sa.column("number", sa.Integer), *days, name="period").data(rows).cte()


def first_visits(known: Known, end: date) -> sa.Subquery:
    """Return patient and day of the first completed visit ever, for those who are the practice's patients."""
    seen, patient = known.completed(end), known.patients()
    return (
        sa.select(seen.c.patient, sa.func.min(seen.c.day).label("day"))
        .select_from(seen.join(patient, patient.c.id == seen.c.patient))
        .where(patient.c.status.not_in([status.value for status in NEVER_PATIENTS]))
        .group_by(seen.c.patient)
        .subquery()
    )


def _by_number(connection: sa.Connection, query: sa.Select[Any]) -> dict[int, Any]:
    return {row[0]: row[1] for row in connection.execute(query)}


def _within(day: sa.ColumnElement[date], period: sa.CTE) -> sa.ColumnElement[bool]:
    return sa.and_(day >= period.c.start, day < period.c.finish)


def _visits(known: Known, months: sa.CTE, end: date) -> sa.Select[Any]:
    seen, patient = known.completed(end), known.patients()
    days = (
        sa.select(seen.c.patient, seen.c.day)
        .select_from(seen.join(patient, patient.c.id == seen.c.patient))
        .distinct()
        .subquery()
    )
    joined = months.join(days, _within(days.c.day, months))
    return sa.select(months.c.number, sa.func.count()).select_from(joined).group_by(months.c.number)


def _turnover(known: Known, months: sa.CTE) -> sa.Select[Any]:
    invoice, patient = known.rows(known.records.invoice, "patient", "day", "amount"), known.patients()
    joined = months.join(invoice, _within(invoice.c.day, months)).join(patient, patient.c.id == invoice.c.patient)
    return sa.select(months.c.number, sa.func.sum(invoice.c.amount)).select_from(joined).group_by(months.c.number)


def _new(known: Known, months: sa.CTE, end: date) -> sa.Select[Any]:
    first = first_visits(known, end)
    joined = months.join(first, _within(first.c.day, months))
    return sa.select(months.c.number, sa.func.count()).select_from(joined).group_by(months.c.number)


def _active(known: Known, months: sa.CTE, end: date) -> sa.Select[Any]:
    seen, patient = known.completed(end), known.patients()
    recent = sa.and_(seen.c.day >= months.c.since, seen.c.day < months.c.finish)
    joined = months.join(seen, recent).join(patient, patient.c.id == seen.c.patient)
    return (
        sa.select(months.c.number, sa.func.count(sa.distinct(seen.c.patient)))
        .select_from(joined)
        .where(still_here(patient, months.c.finish))
        .group_by(months.c.number)
    )
