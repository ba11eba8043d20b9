"""A person whom the practice looks after."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType

import attrs

from crmkit.people.attribute import Attribute
from crmkit.people.contact import ContactPoint
from crmkit.people.medium import Medium
from crmkit.people.name import PersonName


class Status(StrEnum):
    """What the person is to the practice."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    DECEASED = "deceased"
    MOVED = "moved"
    TRANSFERRED = "transferred"
    PROSPECTIVE = "prospective"
    NON_PATIENT = "non-patient"

    @property
    def gone(self) -> bool:
        """Tell whether the person has left the practice for good, for a reason that is known."""
        return self in (Status.DECEASED, Status.MOVED, Status.TRANSFERRED)


@attrs.frozen
class Patient:
    """One patient, as the records and the ledger together say.

    Attributes:
        id: The id in the practice's software.
        name: How the person is called.
        born: Date of birth.
        language: BCP 47, empty where unknown.
        status: What the person is to the practice.
        status_reason: Why, in the software's words; empty where it does not say.
        status_date: When that began, None where unknown.
        household: A key shared by those who live together; without one, the patient's own id.
        guardian: The id of the patient who receives what is meant for a minor.
        referrer: The id of the patient who recommended the practice.
        contacts: Addresses, in the order in which the source gives them.
        tags: Lower-case labels.
        attributes: Typed free values by name: text, Decimal, date or bool.
        region: The state or province of the postal address, as the source writes it; empty where unknown.
        country: The country of the postal address, as the source writes it; empty for the practice's.
    """

    id: str
    name: PersonName = attrs.field(factory=PersonName)
    born: date | None = attrs.field(default=None, repr=False)
    language: str = ""
    status: Status = Status.ACTIVE
    status_reason: str = attrs.field(default="", repr=False)
    status_date: date | None = None
    household: str = ""
    guardian: str = ""
    referrer: str = ""
    contacts: tuple[ContactPoint, ...] = ()
    tags: frozenset[str] = attrs.field(default=frozenset(), repr=False)
    attributes: Mapping[str, Attribute] = attrs.field(factory=lambda: MappingProxyType({}), repr=False)
    region: str = attrs.field(default="", repr=False)
    country: str = attrs.field(default="", repr=False)

    def reach(self, medium: Medium, day: date) -> ContactPoint | None:
        """Return the first address of a medium that can be used on a date, or None."""
        for point in self.contacts:
            if point.medium is medium and point.usable(day):
                return point
        return None
