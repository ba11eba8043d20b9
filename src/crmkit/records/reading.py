"""Reading the text of one row into typed values, collecting every fault on the way."""

from __future__ import annotations

import re
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

import attrs

from crmkit.clock import local_day
from crmkit.errors import nearest
from crmkit.records.source import Fault, Row

# What a 32-bit column holds: the smallest of the databases.
_MOST = 2**31
_YES = frozenset({"yes", "true", "1", "y"})
_NO = frozenset({"no", "false", "0", "n"})


@attrs.define
class Reading:
    """One row being read. Each method returns a value or notes a fault and returns a stand-in.

    Attributes:
        row: The row as found.
        zone: The practice's zone: a time without an offset is a time on the practice's wall.
        faults: What could not be read so far.
    """

    row: Row
    zone: ZoneInfo
    faults: list[Fault] = attrs.field(factory=list)

    def fault(self, field: str, reason: str) -> None:
        """Note that a field cannot be used."""
        self.faults.append(Fault(field, reason))

    def text(self, field: str) -> str:
        """Return a field without the white space around it; blank if absent."""
        return self.row.fields.get(field, "").strip()

    def needed(self, field: str) -> str:
        """Return a field that must not be blank."""
        value = self.text(field)
        if not value:
            self.fault(field, "is blank but needed")
        return value

    def day(self, field: str, *, needed: bool = False) -> date | None:
        """Return a date: ISO 8601, or the practice's date of an ISO instant."""
        value = self.needed(field) if needed else self.text(field)
        if not value:
            return None
        try:
            return date.fromisoformat(value) if len(value) <= 10 else local_day(self._at(value), self.zone)
        except ValueError:
            self.fault(field, "is no date: write YYYY-MM-DD, or name its format in the mapping")
            return None

    def calendar_day(self, field: str) -> date | None:
        """Return a date as it is written, whatever time and offset stand behind it: nobody is born in a time zone."""
        value = self.text(field)
        try:
            return datetime.fromisoformat(value).date() if value else None
        except ValueError:
            self.fault(field, "is no date: write YYYY-MM-DD, or name its format in the mapping")
            return None

    def instant(self, field: str, *, needed: bool = False) -> datetime | None:
        """Return an instant in UTC; a date alone means its start in the practice."""
        value = self.needed(field) if needed else self.text(field)
        if not value:
            return None
        try:
            return self._at(value).astimezone(UTC)
        except ValueError:
            self.fault(field, "is no instant: write YYYY-MM-DDTHH:MM, or name its format in the mapping")
            return None

    def word(self, field: str, known: tuple[str, ...], default: str = "") -> str:
        """Return one of a closed set of words, in lower case."""
        value = self.text(field).lower() or default
        if value in known:
            return value
        reason = f"is none of {', '.join(known)}: translate it with values = {{...}} in the mapping"
        self.fault(field, "is blank but needed" if not value else f"{reason} ({nearest(value, known)})")
        return known[0]

    def yes(self, field: str) -> bool:
        """Return a yes or a no."""
        value = self.needed(field).lower()
        if value and value not in _YES | _NO:
            self.fault(field, "is neither yes nor no: translate it with values = {...} in the mapping")
        return value in _YES

    def whole(self, field: str, *, needed: bool = False) -> int | None:
        """Return a whole number."""
        value = self.needed(field) if needed else self.text(field)
        if not value:
            return None
        if re.fullmatch(r"[+-]?[0-9]+", value) and abs(int(value)) < _MOST:
            return int(value)
        self.fault(field, "is no whole number")
        return None

    def money(self, field: str) -> Decimal:
        """Return an amount: digits, with a point before the cents."""
        value = self.needed(field)
        try:
            amount = Decimal(value or "0")
        except InvalidOperation:
            self.fault(field, "is no amount: write 1234.50")
            return Decimal(0)
        if not amount.is_finite() or abs(amount) >= Decimal(10) ** 12:
            self.fault(field, "is no amount that can be: write 1234.50")
            return Decimal(0)
        return amount

    def _at(self, value: str) -> datetime:
        at = datetime.fromisoformat(value)
        if len(value) <= 10:
            at = datetime.combine(at.date(), time.min)
        # The outermost years, which programs write for "never", have no room for another zone's offset.
        if at.year in (MINYEAR, MAXYEAR):
            raise ValueError("a year that no instant is in")
        return at if at.tzinfo else at.replace(tzinfo=self.zone)
