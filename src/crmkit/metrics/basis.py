"""What the figures rest on: since when there is anything on record, and what of it cannot be counted."""

from __future__ import annotations

from datetime import date

import attrs
import sqlalchemy as sa

from crmkit.clock import add_months
from crmkit.metrics.known import Known
from crmkit.metrics.panel import ACTIVE_MONTHS
from crmkit.metrics.window import Window

#: With so many months of visits before it, hardly anybody looks new in a window who had been seen long ago.
LONG_ENOUGH = 60
# A date that was never filled in, such as 1 January 1900, is no beginning: one visit in so many may be older.
_STRAYS = 200


@attrs.frozen
class Basis:
    """Since when there is anything on record. What was before can be in no figure.

    Attributes:
        visits_since: From when on visits are on record, None without any; one in two hundred may be older.
        first_message: On which day the first message left, None if none did.
        other_currency: How many invoices are in another currency than the practice's; no figure holds their amounts.
    """

    visits_since: date | None = None
    first_message: date | None = None
    other_currency: int = 0

    def too_short_for(self, window: Window) -> bool:
        """Tell whether so little lies before a window that some who seem new in it are not.

        >>> Basis(date(2024, 3, 1)).too_short_for(Window.year(2026)), Basis().too_short_for(Window.year(2026))
        (True, False)
        """
        return self.visits_since is not None and self.visits_since > add_months(window.start, -LONG_ENOUGH)

    @property
    def active_from(self) -> date | None:
        """From when on all who are active can be told, for until then their last visit may not be on record."""
        return None if self.visits_since is None else add_months(self.visits_since, ACTIVE_MONTHS)


def basis(connection: sa.Connection, known: Known, end: date) -> Basis:
    """Return what there is on record before a date."""
    return Basis(_visits_since(connection, known, end), _first_message(connection, known), known.other_currency)


def _visits_since(connection: sa.Connection, known: Known, end: date) -> date | None:
    visit = known.rows(known.records.visit, "day", "status")
    completed = (visit.c.status == "completed", visit.c.day < end)
    count = connection.scalar(sa.select(sa.func.count()).select_from(visit).where(*completed)) or 0
    oldest = sa.select(visit.c.day).where(*completed).order_by(visit.c.day)
    return connection.scalar(oldest.offset(count // _STRAYS).limit(1))


def _first_message(connection: sa.Connection, known: Known) -> date | None:
    touch = known.ledger.touch
    left = (touch.c.practice == known.practice.id, touch.c.sent_at.is_not(None), touch.c.sent_at <= known.as_of)
    first = connection.scalar(sa.select(touch.c.sent_at).where(*left).order_by(touch.c.sent_at).limit(1))
    return None if first is None else known.practice.today(first)
