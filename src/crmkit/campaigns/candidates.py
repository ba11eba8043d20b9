"""From intents to candidates: who would read a message, by which way, and what it still wants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import attrs

from crmkit.campaigns.campaign import Campaign
from crmkit.campaigns.guard import Candidate, Consents, consented
from crmkit.campaigns.intent import Intended
from crmkit.campaigns.wants import Wants
from crmkit.clock import age_on
from crmkit.ledger.touch import touch_key
from crmkit.messages.draft import Draft
from crmkit.people.contact import ContactPoint
from crmkit.people.medium import Medium
from crmkit.people.patient import Patient
from crmkit.practice import Practice


@attrs.frozen(eq=False)
class Candidates:
    """Makes the candidates of one campaign, on records that were read together.

    Attributes:
        practice: Who speaks.
        campaign: The campaign.
        wants: Knows what its messages still want.
        people: Patients and guardians who are on record, by id.
        consents: The statements that hold for them.
        ways: The campaign's media for which there is a channel, best first.
        day: The practice's date.
    """

    practice: Practice
    campaign: Campaign
    wants: Wants
    people: Mapping[str, Patient]
    consents: Consents
    ways: tuple[Medium, ...]
    day: date

    def of(self, intent: Intended) -> Candidate:
        """Return the candidate of an intent whose patient is on record."""
        campaign, kind = self.campaign, self.wants.kind
        patient = self.people[intent.patient]
        minor = self._is_minor(patient, intent.due)
        recipient = self.people.get(patient.guardian) if minor else patient
        medium, contact = self._way(patient, recipient)
        key = intent.key or touch_key(self.practice.id, campaign.id, intent.occasion, patient.id)
        awaits = self.wants.awaits(intent.occasion, recipient) if recipient else ""
        lacks = ""
        if recipient is not None and contact is not None and not awaits:
            lacks = self.wants.lacks(Draft(key, kind.name, medium, intent.occasion, patient, recipient, contact))
        # By place: by name it takes half as long again, for each touch of each window.
        return Candidate(
            key,
            campaign.id,
            kind.name,
            kind.purpose,
            medium,
            intent.occasion,
            intent.due,
            intent.stale,
            patient,
            recipient,
            contact,
            self.consents,
            minor,
            lacks,
            awaits,
            self.wants.linked(medium),
        )

    def _is_minor(self, patient: Patient, due: datetime) -> bool:
        if patient.born is None:
            return bool(patient.guardian)
        of_age = self.practice.adult_age
        # Who comes of age before it is due reads it: a card for the eighteenth birthday is not written to the mother.
        return age_on(patient.born, self.day) < of_age and age_on(patient.born, self.practice.today(due)) < of_age

    def _way(self, patient: Patient, recipient: Patient | None) -> tuple[Medium, ContactPoint | None]:
        """Choose the first medium by which the recipient can be reached and agreed, else the first that reaches."""
        # Where no channel is left, it is not the patient's address that is at fault.
        ways = self.ways or self.campaign.media
        if recipient is None:
            return ways[0], None
        if len(ways) == 1:
            return ways[0], recipient.reach(ways[0], self.day)
        purpose = self.wants.kind.purpose
        reached = [(medium, point) for medium in ways if (point := recipient.reach(medium, self.day))]
        agreed = (way for way in reached if consented(self.consents, purpose, way[0], patient, recipient))
        return next(agreed, reached[0] if reached else (ways[0], None))
