"""Instants, zones and clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from crmkit.clock import FixedClock

#: Both sides of the date line, half-hours, quarters, daylight saving in either half of the year.
ZONES = (
    *("UTC", "Australia/Sydney", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Kolkata", "Europe/London"),
    *("America/New_York", "America/St_Johns", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Zurich"),
)
_FIRST, _LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2034, 12, 31, tzinfo=UTC)


def zones() -> st.SearchStrategy[ZoneInfo]:
    """Return time zones, the difficult ones among them."""
    return st.sampled_from(ZONES).map(ZoneInfo)


def instants() -> st.SearchStrategy[datetime]:
    """Return instants of the years 2024 to 2034, in UTC, to the second."""
    seconds = int((_LAST - _FIRST).total_seconds())
    return st.integers(0, seconds).map(lambda after: _FIRST + timedelta(seconds=after))


def clocks() -> st.SearchStrategy[FixedClock]:
    """Return clocks that stand at some instant until they are moved."""
    return instants().map(FixedClock)
