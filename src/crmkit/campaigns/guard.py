"""What a guard is, and the candidate that it judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

import attrs

from crmkit.campaigns.verdict import Verdict
from crmkit.people.consent import Consent, allows
from crmkit.people.contact import ContactPoint
from crmkit.people.medium import Medium, Purpose
from crmkit.people.patient import Patient

Consents = Mapping[tuple[str, Purpose, Medium], Consent]


def _frozen(consents: Consents) -> Consents:
    # Shared by a whole batch, so that nobody may write to it; copied it need not be.
    return consents if isinstance(consents, MappingProxyType) else MappingProxyType(consents)


@attrs.frozen
class Candidate:
    """A touch before the verdict, with all that a guard may know.

    Attributes:
        key: The touch's key.
        campaign: The campaign's id.
        message: The message type's full name.
        purpose: Why one would write.
        medium: By which way.
        occasion: The reason in time.
        due: When it may leave at the earliest.
        stale: From when on it is too late.
        patient: About whom.
        recipient: Who would read it: the patient, a minor's guardian, or None if a minor has none on record.
        contact: The address that would be used, None if there is none that can be.
        consents: The statements that hold for patient and recipient, by patient's id, purpose and medium.
        minor: True if the patient is below the adult age when it is due, or of unknown age with a guardian on record.
        lacks: The needed field that is empty, or an empty string.
        awaits: The file that the occasion waits for, with what is wrong with it if it is there, or an empty string.
        linked: False if the message needs an unsubscribe link that cannot be made.
    """

    key: str
    campaign: str
    message: str
    purpose: Purpose
    medium: Medium
    occasion: str
    due: datetime
    stale: datetime
    patient: Patient
    recipient: Patient | None
    contact: ContactPoint | None
    consents: Consents = attrs.field(factory=dict, repr=False, converter=_frozen)
    minor: bool = False
    lacks: str = ""
    awaits: str = ""
    linked: bool = True

    @property
    def opted_out(self) -> bool:
        """Tell whether the patient or the recipient has said no."""
        statements = _said(self.consents, self.purpose, self.medium, self.patient, self.recipient)
        return any(not said.given for said in statements if said)

    @property
    def consented(self) -> bool:
        """Tell whether one may write to the recipient about the patient."""
        return consented(self.consents, self.purpose, self.medium, self.patient, self.recipient)


def consented(
    consents: Consents, purpose: Purpose, medium: Medium, patient: Patient, recipient: Patient | None
) -> bool:
    """Tell whether one may write: nobody said no, and where a yes is needed the patient or recipient gave it."""
    if recipient is patient:
        return allows(consents.get((patient.id, purpose, medium)), purpose)
    said = _said(consents, purpose, medium, patient, recipient)
    denied = any(not one.given for one in said if one)
    return not denied and any(allows(one, purpose) for one in said)


def _said(
    consents: Consents, purpose: Purpose, medium: Medium, patient: Patient, recipient: Patient | None
) -> list[Consent | None]:
    people = [patient] if recipient is None or recipient.id == patient.id else [patient, recipient]
    return [consents.get((person.id, purpose, medium)) for person in people]


class Guard(Protocol):
    """A rule that may deny, hold or defer a touch, and can never loosen another's verdict."""

    @property
    def name(self) -> str:
        """The guard's name."""
        ...

    def judge(self, candidates: Sequence[Candidate], now: datetime) -> Sequence[Verdict]:
        """Return one verdict for each candidate, in their order."""
        ...
