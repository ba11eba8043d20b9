"""How figures read on the page: numbers as in the practice's country, days in English, a dash where there is none."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import attrs

from crmkit import words
from crmkit.metrics.measure import Measure
from crmkit.metrics.window import Window

DASH = "–"

#: Rates of a smaller group are not shown: one patient more or less would change them by five points.
SMALLEST_GROUP = 20

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@attrs.frozen
class Figures:
    """Writes numbers, money and days for one practice.

    >>> figures = Figures("en-AU", "AUD")
    >>> figures.number(12345), figures.money(Decimal("9.5")), figures.share(Decimal("0.797")), figures.share(None)
    ('12,345', '$9.50', '79.7%', '–')
    """

    locale: str
    currency: str

    @property
    def spoken(self) -> str:
        """In which language days are named: English, as all that stands around them."""
        return self.locale if self.locale.split("-")[0] == "en" else "en-GB"

    def number(self, value: int | Decimal | None) -> str:
        """Return a count, with the separators of the language."""
        return DASH if value is None else words.number(value, self.locale)

    def signed(self, value: int) -> str:
        """Return a change, with its sign.

        >>> Figures("en-AU", "AUD").signed(-1234)
        '−1,234'
        """
        sign = "−" if value < 0 else "+" if value else ""
        return f"{sign}{self.number(abs(value))}"

    def points(self, share: Decimal) -> str:
        """Return a difference of shares, of a hundred and with its sign.

        >>> figures = Figures("en-AU", "AUD")
        >>> figures.points(Decimal("0.0766")), figures.points(Decimal("-0.0004"))
        ('+7.7', '0')
        """
        rounded = round(share * 100, 1)
        sign = "−" if rounded < 0 else "+" if rounded else ""
        return f"{sign}{self.number(abs(rounded))}"

    def money(self, value: Decimal | None) -> str:
        """Return an amount in the practice's currency."""
        return DASH if value is None else words.money(value, self.currency, self.locale)

    def share(self, value: Decimal | None) -> str:
        """Return a share of one as a percentage."""
        return DASH if value is None else words.percent(value, self.locale)

    def day(self, day: date) -> str:
        """Return a date written out.

        >>> Figures("de-DE", "EUR").day(date(2026, 3, 9)), Figures("en-US", "USD").day(date(2026, 3, 9))
        ('9 March 2026', 'March 9, 2026')
        """
        return words.long_date(day, self.spoken)

    def window(self, window: Window) -> str:
        """Return the first and the last day of a window."""
        return f"{self.day(window.start)} to {self.day(window.last)}"

    def month(self, window: Window) -> str:
        """Return a month and its year."""
        return words.month_and_year(window.start, self.spoken)

    def value(self, measure: Measure) -> str:
        """Return a measure's value by its unit."""
        if measure.unit == "money":
            return self.money(measure.value)
        if measure.unit == "share":
            return self.share(measure.value)
        plain = self.number(measure.value)
        return plain if measure.unit in ("patients", "visits") or measure.value is None else f"{plain} {measure.unit}"

    def parts(self, measure: Measure) -> str:
        """Return the numerator and the denominator, or the reason why there is no value.

        >>> from datetime import UTC, datetime
        >>> at, year = datetime(2026, 1, 2, tzinfo=UTC), Window.year(2025)
        >>> found = Measure("core.retention@1", "share", Decimal("0.5"), Decimal(1), Decimal(2), {}, at, year)
        >>> Figures("en-AU", "AUD").parts(found)
        '1 of 2'
        """
        if measure.value is None:
            return measure.note
        if measure.denominator is None:
            return ""
        if measure.unit == "money":
            return f"{self.money(measure.numerator)} ÷ {self.number(measure.denominator)}"
        return f"{self.number(measure.numerator)} of {self.number(measure.denominator)}"

    def of_a_hundred(self, measure: Measure) -> str:
        """Return a share as so many of every hundred, empty where there is none.

        None and all are said only where it is none and all: of 300, one is not none of a hundred.
        """
        if measure.value is None:
            return ""
        rounded = round(measure.value * 100)
        if rounded in (0, 100) and measure.value not in (0, 1):
            return "Fewer than 1 of every 100" if not rounded else "More than 99 of every 100"
        return f"{self.number(rounded)} of every 100"


def short_month(window: Window) -> str:
    """Return a month in the little room below a plot.

    >>> short_month(Window.month_of(date(2026, 3, 9)))
    'Mar 26'
    """
    return f"{_MONTHS[window.start.month - 1]} {window.start:%y}"


def quarter(window: Window) -> str:
    """Return the name of a calendar quarter.

    >>> quarter(Window.quarter_of(date(2026, 5, 1)))
    '2026 Q2'
    """
    return f"{window.start.year} Q{(window.start.month + 2) // 3}"
