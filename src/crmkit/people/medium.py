"""The ways to a person, and the reasons why one may write."""

from __future__ import annotations

from enum import StrEnum


class Medium(StrEnum):
    """The way to a person."""

    EMAIL = "email"
    SMS = "sms"
    POST = "post"
    PHONE = "phone"


class Purpose(StrEnum):
    """Why one may write: it decides which consent is needed."""

    CARE = "care"
    SERVICE = "service"
    MARKETING = "marketing"
    FEEDBACK = "feedback"

    @property
    def needs_consent(self) -> bool:
        """Tell whether silence means no: care and service are allowed unless withdrawn."""
        return self in (Purpose.MARKETING, Purpose.FEEDBACK)
