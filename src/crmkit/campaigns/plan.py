"""The plan: for each campaign and each patient of its segment exactly one touch, with one state and one reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

import attrs

from crmkit.campaigns.reasons import in_words
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch
from crmkit.messages.message import Message


class Previewed(Protocol):
    """What a patient would receive of one campaign: `crmkit.crm.answers.Preview`."""

    @property
    def touch(self) -> Touch:
        """The touch, judged now."""
        ...

    @property
    def why(self) -> str:
        """Its state and reason in words."""
        ...

    @property
    def message(self) -> Message | None:
        """The message as `send` would hand it over; None if it cannot be written."""
        ...


@attrs.frozen
class Plan:
    """What a plan found.

    Attributes:
        touches: Every touch that is due until `through` and still fresh, judged; what has left is not in it.
        through: The last due date that was looked at.
        made_at: When it was made.
        changed: How many touches it added to the ledger or changed there; 0 for a dry plan.
        broken: Which campaigns could not be planned, by id, with what is wrong and how to mend it. Nothing new is
            planned of them, nothing that was planned before leaves, and all others go on.
    """

    touches: tuple[Touch, ...] = attrs.field(repr=False)
    through: date
    made_at: datetime
    changed: int = 0
    broken: Mapping[str, str] = attrs.field(factory=dict)
    _preview: Callable[[str], Sequence[Previewed]] | None = attrs.field(default=None, repr=False, eq=False)

    def __reduce__(self) -> tuple[Any, ...]:
        # What is handed to another process is the findings, not the CRM that could render them.
        return Plan, (self.touches, self.through, self.made_at, self.changed, dict(self.broken))

    def counts(self) -> Mapping[tuple[str, State], int]:
        """Return how many touches each campaign has in each state."""
        return Counter((touch.campaign, touch.state) for touch in self.touches)

    def reasons(self) -> Mapping[tuple[State, str], int]:
        """Return how many touches have each state and reason."""
        return Counter((touch.state, touch.reason) for touch in self.touches)

    def of(self, patient: str) -> tuple[Touch, ...]:
        """Return the touches of one patient."""
        return tuple(touch for touch in self.touches if touch.patient == patient)

    def ready(self) -> tuple[Touch, ...]:
        """Return the touches that may leave when they are due."""
        return tuple(touch for touch in self.touches if touch.state is State.READY)

    def preview(self, patient: str) -> Sequence[Previewed]:
        """Return exactly what a patient would receive; see `CRM.preview`."""
        if self._preview is None:
            raise ValueError("this plan was not made by a CRM: it cannot render")
        return self._preview(patient)


def explain(touch: Touch) -> str:
    """Return a touch's state and reason in words."""
    words = in_words(touch.reason, touch.detail)
    return words if touch.state is State.READY else f"{touch.state.value}: {words}"


def ordered(touches: Sequence[Touch]) -> tuple[Touch, ...]:
    """Return touches in the order in which people read them: by campaign, due time, patient and occasion."""

    def place(touch: Touch) -> tuple[Any, ...]:
        return touch.priority, touch.campaign, touch.due, touch.patient, touch.occasion

    return tuple(sorted(touches, key=place))
