"""Who comes back: patients by the quarter of their first visit, and the share seen again in each quarter after it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import attrs
import sqlalchemy as sa

from crmkit.metrics.known import Known, ever_patient
from crmkit.metrics.series import numbered
from crmkit.metrics.window import Window, whole_quarters


@attrs.frozen
class Cohort:
    """The patients whose first completed visit ever lies in one calendar quarter.

    Attributes:
        window: The quarter.
        size: How many they are. Nobody is taken out again: who dies or moves later is not seen later.
        back: How many were seen in the first calendar quarter after, the second, and so on; None where that quarter
            is not over, for an unfinished quarter is no evidence of absence.
    """

    window: Window
    size: int
    back: tuple[int | None, ...]

    def share(self, quarter: int) -> Decimal | None:
        """Return the share seen in the quarter so many after the first, from 1; None where it is unknown."""
        seen = self.back[quarter - 1]
        return None if seen is None or not self.size else Decimal(seen) / self.size


def cohorts(connection: sa.Connection, known: Known, end: date, count: int) -> tuple[Cohort, ...]:
    """Return the cohorts of the last so many calendar quarters that are over by `end`, the oldest first."""
    windows = whole_quarters(end, count)
    seen = _seen(connection, known, windows)
    return tuple(
        Cohort(window, seen.get((number, number), 0), _back(number, count, seen))
        for number, window in enumerate(windows)
    )


def _back(number: int, count: int, seen: dict[tuple[int, int], int]) -> tuple[int | None, ...]:
    later = range(number + 1, number + count)
    return tuple(seen.get((number, quarter), 0) if quarter < count else None for quarter in later)


def _seen(connection: sa.Connection, known: Known, windows: tuple[Window, ...]) -> dict[tuple[int, int], int]:
    """Return how many patients of each cohort were seen in each quarter, both by number."""
    visit = known.completed(windows[-1].end)
    first = sa.func.min(visit.c.day).over(partition_by=visit.c.patient)
    seen = sa.select(visit.c.patient, visit.c.day, first.label("first_day")).where(ever_patient(visit)).subquery()
    born = numbered(seen.c.first_day, windows).label("born")
    then = numbered(seen.c.day, windows).label("later")
    query = (
        sa.select(born, then, sa.func.count(sa.distinct(seen.c.patient)))
        .where(seen.c.first_day >= windows[0].start)
        .group_by("born", "later")
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}
