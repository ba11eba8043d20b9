"""The ways to a person, and the reasons why one may write."""

from __future__ import annotations

from enum import StrEnum


class Medium(StrEnum):
    """The way to a person."""

    EMAIL = "email"
    SMS = "sms"
    POST = "post"
    PHONE = "phone"

    # Equal to its text, and so hashed as its text: at once, where an enumeration's own way is a call of Python.
    __hash__ = str.__hash__

    @classmethod
    def _missing_(cls, _: object) -> None:
        # Python's own words quote what was given, and that is an address where two arguments changed places.
        raise ValueError(f"there is no such medium: known are {', '.join(cls)}")


class Purpose(StrEnum):
    """Why one may write: it decides which consent is needed."""

    CARE = "care"
    SERVICE = "service"
    MARKETING = "marketing"
    FEEDBACK = "feedback"

    __hash__ = str.__hash__

    @property
    def needs_consent(self) -> bool:
        """Tell whether silence means no: care and service are allowed unless withdrawn."""
        return self in (Purpose.MARKETING, Purpose.FEEDBACK)
