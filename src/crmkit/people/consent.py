"""A patient's yes or no to one purpose by one medium, and which of several statements holds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import attrs

from crmkit.people.medium import Medium, Purpose


@attrs.frozen
class Consent:
    """One statement of one patient.

    Attributes:
        patient: The patient's id.
        purpose: What it allows or forbids.
        medium: By which way.
        given: True for yes, False for no.
        at: When it was stated, aware, in UTC.
        wording: The sentence that was agreed to.
        evidence: Where the proof lies, such as a form's id.
        learnt: True if the kit itself learnt it (an unsubscribe), False if a source says so.
    """

    patient: str
    purpose: Purpose
    medium: Medium
    given: bool
    at: datetime
    wording: str = attrs.field(default="", repr=False)
    evidence: str = attrs.field(default="", repr=False)
    learnt: bool = False


def standing(statements: Iterable[Consent]) -> Consent | None:
    """Return the statement that holds among those of one patient, purpose and medium, or None without any.

    Of what sources say, the latest holds. A withdrawal that the kit learnt is beaten only by a yes that is dated
    later and carries evidence, or by a later yes that the kit learnt itself. So no sync can undo an opt-out. At the
    same instant a no holds.
    """
    said = list(statements)
    if len(said) < 2:
        # As with nearly everybody.
        return said[0] if said else None
    said.sort(key=lambda one: (one.at, not one.given, one.learnt, one.evidence, one.wording))
    withdrawals = [one for one in said if one.learnt and not one.given]
    if not withdrawals:
        return said[-1]
    opt_out = withdrawals[-1]
    later = [one for one in said if one.at > opt_out.at]
    back = any(one.given and (one.learnt or one.evidence) for one in later)
    # From a proven return on, sources are believed again: the last of them is at that instant or after it.
    return later[-1] if back else opt_out


def allows(statement: Consent | None, purpose: Purpose) -> bool:
    """Tell whether one may write: without a statement, care and service yes, marketing and feedback no."""
    return not purpose.needs_consent if statement is None else statement.given
