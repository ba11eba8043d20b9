"""What rendering is asked for: one touch, before a word of it is written."""

from __future__ import annotations

import attrs

from crmkit.people.contact import ContactPoint
from crmkit.people.medium import Medium
from crmkit.people.patient import Patient


@attrs.frozen(repr=False)
class Draft:
    """One message to be written.

    Attributes:
        key: The touch's key, in hexadecimal digits.
        type: The message type's full name.
        medium: The way it will go.
        occasion: The reason in time, such as `newsletter 2026-q4`; its last word is the period.
        patient: About whom it is.
        recipient: Who reads it: the patient, or a guardian.
        contact: The address it goes to.
    """

    key: str
    type: str
    medium: Medium
    occasion: str
    patient: Patient
    recipient: Patient
    contact: ContactPoint

    def __repr__(self) -> str:
        return f"Draft(key={self.key!r})"

    @property
    def for_child(self) -> bool:
        """Tell whether the reader is somebody other than the patient."""
        return self.recipient.id != self.patient.id
