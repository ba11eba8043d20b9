"""How the practice went, month by month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.metrics.known import Known, ever_patient, gone, still_here
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


def monthly(connection: sa.Connection, known: Known, end: date, count: int) -> tuple[Month, ...]:
    """Return the last so many calendar months that are over by `end`, the oldest first."""
    windows = whole_months(end, count)
    visits = _by_number(connection, _visits(known, windows))
    turnover = _by_number(connection, _turnover(known, windows))
    new = _by_number(connection, _new(known, windows))
    active = _active(connection, known, windows, whole_months(end, count + ACTIVE_MONTHS))
    return tuple(
        Month(
            window,
            visits.get(number, 0),
            turnover.get(number, Decimal(0)),
            new.get(number, 0),
            active[window],
        )
        for number, window in enumerate(windows)
    )


def numbered(day: sa.ColumnElement[date], windows: Sequence[Window]) -> sa.ColumnElement[int]:
    """Return the number of the window in which a day lies, null for a day in none; the windows adjoin one another."""
    whens = [(day < window.end, sa.literal(number)) for number, window in enumerate(windows)]
    return sa.case((day < windows[0].start, sa.null()), *whens)


def _by_number(connection: sa.Connection, query: sa.Select[*tuple[Any, ...]]) -> dict[int, Any]:
    return {row[0]: row[1] for row in connection.execute(query)}


def _visits(known: Known, windows: Sequence[Window]) -> sa.Select[*tuple[Any, ...]]:
    seen = known.completed(windows[-1].end)
    days = sa.select(seen.c.patient, seen.c.day).where(seen.c.day >= windows[0].start).distinct().subquery()
    number = numbered(days.c.day, windows).label("number")
    return sa.select(number, sa.func.count()).group_by("number")


def _turnover(known: Known, windows: Sequence[Window]) -> sa.Select[*tuple[Any, ...]]:
    invoice = known.of_patients(known.records.invoice, "day", "amount", "currency")
    number = numbered(invoice.c.day, windows).label("number")
    return (
        sa.select(number, sa.func.sum(invoice.c.amount))
        .where(invoice.c.day >= windows[0].start, invoice.c.day < windows[-1].end, known.in_currency(invoice))
        .group_by("number")
    )


def _new(known: Known, windows: Sequence[Window]) -> sa.Select[*tuple[Any, ...]]:
    seen = known.completed(windows[-1].end)
    earliest = sa.select(sa.func.min(seen.c.day).label("day")).where(ever_patient(seen)).group_by(seen.c.patient)
    first = earliest.subquery()
    number = numbered(first.c.day, windows).label("number")
    return sa.select(number, sa.func.count()).where(first.c.day >= windows[0].start).group_by("number")


def _active(
    connection: sa.Connection, known: Known, windows: Sequence[Window], months: Sequence[Window]
) -> Counter[Window]:
    """Return how many patients were active at the end of each window, from one look at the visits.

    A visit keeps a patient active from its month on, for so many months, until the next one does or the patient leaves.
    """
    active: Counter[Window] = Counter()
    for visited, after, left, patients in connection.execute(_spells(known, windows, months)):
        ends = [visited + ACTIVE_MONTHS, len(months), after, left]
        for number in range(visited, min(end for end in ends if end is not None)):
            active[months[number]] += patients
    return active


def _spells(known: Known, windows: Sequence[Window], months: Sequence[Window]) -> sa.Select[*tuple[Any, ...]]:
    """Return, by number, a month with a visit, the next one with a visit, the one of leaving, and how many patients."""
    seen = known.completed(windows[-1].end)
    here = still_here(seen, windows[0].end)
    visited = numbered(seen.c.day, months).label("visited")
    # Who leaves in a month was still here when it began, and is not at its end.
    left = sa.case((gone(seen), numbered(seen.c.status_date, months))).label("leaves")
    some = sa.select(seen.c.patient, visited, left).where(seen.c.day >= months[0].start, here).distinct().subquery()
    following = sa.func.lead(some.c.visited).over(partition_by=some.c.patient, order_by=some.c.visited)
    spells = sa.select(some.c.visited, following.label("following"), some.c.leaves).subquery()
    return sa.select(*spells.c, sa.func.count()).group_by(*spells.c)
