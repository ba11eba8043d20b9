"""What a campaign intends: one patient and one occasion, before anybody has asked whether it may be."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import attrs

from crmkit.ledger.touch import Touch
from crmkit.messages.type import MessageType
from crmkit.schedules.schedule import Due


@attrs.frozen
class Intent:
    """One patient and one occasion of a campaign, before anybody has asked whether it may be.

    The arm is None until it is drawn, and the touch's key is empty until it is known.
    """

    patient: str
    occasion: str
    due: datetime
    stale: datetime
    arm: str | None = None
    key: str = ""


#: What is judged: an intent, or a touch that is judged again. Its arm stays as it was drawn.
Intended: TypeAlias = Intent | Touch


@attrs.frozen
class Occasion:
    """One occasion of a campaign: its name, when it is due and from when on it is stale, in UTC."""

    name: str
    due: datetime
    stale: datetime

    def intent(self, patient: str, arm: str | None = None) -> Intent:
        """Return the intent to write to a patient; an arm that was drawn before stays."""
        return Intent(patient, self.name, self.due, self.stale, arm)


def named(kind: MessageType, due: Due) -> str:
    """Return the name of an occasion: what it is about, and when."""
    return f"{kind.stem} {due.period}"
