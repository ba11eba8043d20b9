"""One address of one medium: what was typed is kept beside what was made of it."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import attrs

from crmkit.people.medium import Medium


class Line(StrEnum):
    """What kind of line a telephone number belongs to."""

    MOBILE = "mobile"
    FIXED = "fixed"
    UNKNOWN = "unknown"


@attrs.frozen
class Normalised:
    """What was made of a typed address.

    Attributes:
        value: The normal form (E.164, lower-case domain), empty where there is none.
        problem: Why there is none, in words without the address itself; empty where all is well.
        line: For telephone numbers, the kind of line.
    """

    value: str = attrs.field(repr=False)
    problem: str = ""
    line: Line | None = None


@attrs.frozen
class ContactPoint:
    """One address of one person.

    Attributes:
        medium: The way to the person. A telephone number that takes text messages is stored once, as sms.
        typed: As it was found in the source.
        value: As it is used: an addr-spec, an E.164 number, or address lines divided by newlines.
        owner: The id of the patient whose address it is.
        problem: Why it cannot be used, empty where it can.
        line: The kind of telephone line.
        until: The last date on which it holds, in the practice's calendar.
    """

    medium: Medium
    typed: str = attrs.field(repr=False)
    value: str = attrs.field(repr=False)
    owner: str
    problem: str = ""
    line: Line | None = None
    until: date | None = None

    def usable(self, day: date) -> bool:
        """Tell whether one can write to it on a date."""
        return bool(self.value) and not self.problem and (self.until is None or day <= self.until)
