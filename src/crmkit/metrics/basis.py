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
        invoices_since: The same of invoices; without any there is no figure of money.
        first_message: On which day the first message left, None if none did.
        read_on: On which day a source was last read, None if that is not known.
        other_currency: How many invoices are in another currency than the practice's; no figure holds their amounts.
    """

    visits_since: date | None = None
    invoices_since: date | None = None
    first_message: date | None = None
    read_on: date | None = None
    other_currency: int = 0

    def too_short_for(self, window: Window) -> bool:
        """Tell whether so little lies before a window that some who seem new in it are not.

        >>> Basis(date(2024, 3, 1)).too_short_for(Window.year(2026)), Basis().too_short_for(Window.year(2026))
        (True, False)
        """
        return self.visits_since is not None and self.visits_since > add_months(window.start, -LONG_ENOUGH)

    def too_few_invoices_for(self, window: Window) -> bool:
        """Tell whether invoices are on record for a part of the window only, and visits for more of it.

        >>> Basis(date(2020, 1, 1), date(2026, 3, 1)).too_few_invoices_for(Window.year(2026))
        True
        """
        begun = max(window.start, self.visits_since or window.start)
        return self.invoices_since is not None and self.invoices_since > add_months(begun, 1)

    @property
    def active_from(self) -> date | None:
        """From when on all who are active can be told, for until then their last visit may not be on record."""
        return None if self.visits_since is None else add_months(self.visits_since, ACTIVE_MONTHS)


def basis(connection: sa.Connection, known: Known, end: date) -> Basis:
    """Return what there is on record before a date."""
    visit = known.rows(known.records.visit, "day", "status")
    invoice = known.rows(known.records.invoice, "day", "currency")
    return Basis(
        _begin(connection, visit.c.day, visit.c.status == "completed", visit.c.day < end),
        _begin(connection, invoice.c.day, known.in_currency(invoice), invoice.c.day < end),
        _first_message(connection, known),
        known.practice.today(known.synced_at) if known.synced_at else None,
        known.other_currency,
    )


def _begin(connection: sa.Connection, day: sa.ColumnElement[date], *which: sa.ColumnElement[bool]) -> date | None:
    count = connection.scalar(sa.select(sa.func.count(day)).where(*which)) or 0
    return connection.scalar(sa.select(day).where(*which).order_by(day).offset(count // _STRAYS).limit(1))


def _first_message(connection: sa.Connection, known: Known) -> date | None:
    touch = known.ledger.touch
    left = (touch.c.practice == known.practice.id, touch.c.sent_at.is_not(None), touch.c.sent_at <= known.as_of)
    first = connection.scalar(sa.select(touch.c.sent_at).where(*left).order_by(touch.c.sent_at).limit(1))
    return None if first is None else known.practice.today(first)
