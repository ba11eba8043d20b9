"""What metrics fold: patients' histories, and the rows of the panel."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from crmkit.campaigns import lot
from crmkit.metrics.panel import History, PanelRow, judge
from crmkit.metrics.window import Window
from crmkit.people.patient import Status
from crmkit.testing.samples import key_of

#: The window of all histories: the year up to the day of the trials.
WINDOW = Window.year_to(date(2026, 11, 23))


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Return what the records say of one patient, as far as `WINDOW` is concerned; no two facts contradict."""
    days = sorted(draw(st.lists(st.dates(date(2018, 1, 1), WINDOW.last), max_size=4, unique=True)))
    inside = [day for day in days if WINDOW.holds(day)]
    before = [day for day in days if day < WINDOW.start]
    cents = draw(st.integers(-50_000, 900_000)) if inside else 0
    return History(
        patient=key_of(draw(st.integers(0, 10**6))),
        status=draw(st.sampled_from(Status)),
        status_date=draw(st.none() | st.dates(date(2018, 1, 1), date(2026, 11, 23))),
        first_visit=days[0] if days else None,
        last_visit_before_start=before[-1] if before else None,
        last_visit_before_end=days[-1] if days else None,
        visits=len(inside),
        spend=Decimal(cents) / 100,
        contacts=draw(st.integers(0, 5)),
        arm=draw(st.sampled_from(("", lot.MESSAGED, lot.WITHHELD))),
        contactable=draw(st.booleans()),
    )


def panel_rows(*, min_size: int = 0, max_size: int = 30) -> st.SearchStrategy[tuple[PanelRow, ...]]:
    """Return the panel of a small practice: one row for each patient."""
    rows = histories().map(lambda history: judge(history, WINDOW))
    return st.lists(rows, min_size=min_size, max_size=max_size, unique_by=lambda row: row.patient).map(tuple)


#: Three patients: one who stays, one who has lapsed, one who is new.
SOME_ROWS = tuple(
    judge(history, WINDOW)
    for history in (
        History(key_of(1), first_visit=date(2020, 1, 7), last_visit_before_start=date(2025, 9, 1), visits=2),
        History(key_of(2), first_visit=date(2019, 1, 7), last_visit_before_start=date(2019, 9, 1)),
        History(key_of(3), first_visit=date(2026, 3, 3), last_visit_before_end=date(2026, 3, 3), visits=1),
    )
)
