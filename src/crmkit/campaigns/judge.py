"""From an intent to a judgement: who would read it, by which way, and what all guards say. On fresh records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.campaigns import lot
from crmkit.campaigns.gone import Gone
from crmkit.campaigns.guard import Candidate, Guard, consented
from crmkit.campaigns.openings import HERE, Openings
from crmkit.campaigns.programme import Version
from crmkit.campaigns.reasons import RANK
from crmkit.campaigns.verdict import ALLOWED, Ruling, Verdict, deny, hold, strictest
from crmkit.campaigns.wants import Wants
from crmkit.clock import age_on, utc
from crmkit.hours.hours import CODES
from crmkit.hours.where import Whereabouts
from crmkit.ledger.history import CHUNK, Consents, History
from crmkit.ledger.learnt import address_digest, stops
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch, digest, touch_key
from crmkit.messages.draft import Draft
from crmkit.messages.renderer import Renderer
from crmkit.messages.type import MessageType
from crmkit.people.contact import ContactPoint
from crmkit.people.medium import Medium
from crmkit.people.patient import Patient
from crmkit.practice import Practice

_STATES = {Ruling.ALLOW: State.READY, Ruling.DEFER: State.DEFERRED, Ruling.HOLD: State.HELD, Ruling.DENY: State.DENIED}


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


@attrs.frozen
class Occasion:
    """One occasion of a campaign: its name, when it is due and from when on it is stale, in UTC."""

    name: str
    due: datetime
    stale: datetime

    def intent(self, patient: str, arm: str | None = None) -> Intent:
        """Return the intent to write to a patient; an arm that was drawn before stays."""
        return Intent(patient, self.name, self.due, self.stale, arm)


@attrs.frozen
class Judged:
    """A touch with its verdict, the candidate on which it was passed, and where the recipient may be."""

    touch: Touch
    candidate: Candidate
    where: Whereabouts = HERE

    def draft(self) -> Draft:
        """Return what rendering needs; the touch must be one that has somebody to write to."""
        candidate = self.candidate
        if candidate.recipient is None or candidate.contact is None:
            raise ValueError(f"touch {candidate.key} has nobody to write to")
        return Draft(
            candidate.key,
            candidate.message,
            candidate.medium,
            candidate.occasion,
            candidate.patient,
            candidate.recipient,
            candidate.contact,
        )


@attrs.frozen(eq=False)
class Judge:
    """Judges intents in batches.

    Attributes:
        practice: Who speaks.
        history: People as records and ledger say now.
        types: Message types by full name.
        renderer: Knows which fields and files a message needs.
        guards: All admitted guards.
        media: The media for which there is a channel.
        openings: When messages may leave.
        gone: What has left already.
    """

    practice: Practice
    history: History
    types: Mapping[str, MessageType]
    renderer: Renderer
    guards: Sequence[Guard]
    media: frozenset[Medium]
    openings: Openings
    gone: Gone = attrs.field(init=False)

    @gone.default
    def _what_is_gone(self) -> Gone:
        return Gone(self.history.tables, self.practice.id)

    def judge(
        self, connection: sa.Connection, version: Version, intents: Sequence[Intent], now: datetime
    ) -> Iterator[Judged]:
        """Yield one judgement for each intent, in their order; patients who are not on record are left out."""
        for start in range(0, len(intents), CHUNK):
            yield from self._batch(connection, version, intents[start : start + CHUNK], now)

    def _batch(
        self, connection: sa.Connection, version: Version, intents: Sequence[Intent], now: datetime
    ) -> Iterator[Judged]:
        people, consents = self._people(connection, intents)
        spent = self.gone.by_others(connection, version.campaign, [(one.patient, one.occasion) for one in intents])
        known = [intent for intent in intents if intent.patient in people]
        wants = Wants(self.renderer, self.types[version.campaign.message_type])
        day = self.practice.today(now)
        candidates = [self._candidate(version, intent, people, consents, wants, day) for intent in known]
        verdicts = self.verdicts(candidates, now)
        stopped = self._stopped(connection, version)
        for intent, candidate, verdict in zip(known, candidates, verdicts, strict=True):
            before = spent.get((intent.patient, intent.occasion))
            own = [deny("sent_before", campaign=before)] if before else []
            own += stopped
            final = strictest([verdict, *own], RANK) if own else verdict
            touch = self._touch(version, intent, candidate, final, now)
            yield Judged(touch, candidate, self.openings.where(candidate.contact, candidate.medium))

    def verdicts(self, candidates: Sequence[Candidate], now: datetime) -> list[Verdict]:
        """Return the strictest verdict of all guards for each candidate."""
        said: list[list[Verdict]] = [self._own(candidate) for candidate in candidates]
        for guard in self.guards:
            for place, verdict in zip(said, guard.judge(candidates, now), strict=True):
                if verdict.ruling is not Ruling.ALLOW:
                    place.append(verdict)
        finals = [strictest(verdicts, RANK) for verdicts in said]
        return [self._awake(*pair, now) for pair in zip(candidates, finals, strict=True)]

    def _awake(self, candidate: Candidate, verdict: Verdict, now: datetime) -> Verdict:
        """Return a deferral to an instant at which the message may leave too: a plugin's own may end at night."""
        if verdict.ruling is not Ruling.DEFER or verdict.until is None or verdict.reason in CODES:
            return verdict
        at, where = max(verdict.until, candidate.due, now), self.openings.where(candidate.contact, candidate.medium)
        opening = self.openings.next(where, candidate.purpose, candidate.medium, at, candidate.stale)
        if opening.at is None:
            return deny("no_hour", **opening.detail) if at < candidate.stale else verdict
        return attrs.evolve(verdict, until=opening.at)

    def _stopped(self, connection: sa.Connection, version: Version) -> list[Verdict]:
        paused = stops(connection, self.history.tables, self.practice.id)
        if "" in paused:
            return [hold("stopped")]
        return [hold("paused")] if version.campaign.paused or version.campaign.id in paused else []

    def _own(self, candidate: Candidate) -> list[Verdict]:
        return [] if candidate.medium in self.media else [hold("no_channel", medium=candidate.medium.value)]

    def _people(self, connection: sa.Connection, intents: Sequence[Intent]) -> tuple[dict[str, Patient], Consents]:
        people = self.history.patients(connection, sorted({intent.patient for intent in intents}))
        guardians = {one.guardian for one in people.values() if one.guardian} - set(people)
        people |= self.history.patients(connection, sorted(guardians))
        return people, self.history.consents(connection, sorted(people))

    def _candidate(
        self,
        version: Version,
        intent: Intent,
        people: Mapping[str, Patient],
        consents: Consents,
        wants: Wants,
        day: date,
    ) -> Candidate:
        campaign, kind = version.campaign, wants.kind
        patient = people[intent.patient]
        minor = self._is_minor(patient, day)
        recipient = people.get(patient.guardian) if minor else patient
        medium, contact = self._way(kind, campaign.media, (patient, recipient), consents, day)
        key = intent.key or touch_key(self.practice.id, campaign.id, intent.occasion, intent.patient)
        awaits = wants.awaits(intent.occasion, recipient) if recipient else ""
        lacks = ""
        if recipient is not None and contact is not None and not awaits:
            lacks = wants.lacks(Draft(key, kind.name, medium, intent.occasion, patient, recipient, contact))
        return Candidate(
            key=key,
            campaign=campaign.id,
            message=kind.name,
            purpose=kind.purpose,
            medium=medium,
            occasion=intent.occasion,
            due=intent.due,
            stale=intent.stale,
            patient=patient,
            recipient=recipient,
            contact=contact,
            consents=consents,
            minor=minor,
            lacks=lacks,
            awaits=awaits,
            linked=wants.linked,
        )

    def _is_minor(self, patient: Patient, day: date) -> bool:
        if patient.born is None:
            return bool(patient.guardian)
        return age_on(patient.born, day) < self.practice.adult_age

    def _way(
        self,
        kind: MessageType,
        media: Sequence[Medium],
        people: tuple[Patient, Patient | None],
        consents: Consents,
        day: date,
    ) -> tuple[Medium, ContactPoint | None]:
        """Choose the first medium by which the recipient can be reached and agreed, else the first that reaches."""
        patient, recipient = people
        ways = [medium for medium in media if medium in self.media]
        if recipient is None or not ways:
            return media[0], None
        if len(ways) == 1:
            return ways[0], recipient.reach(ways[0], day)
        reached = [(medium, point) for medium in ways if (point := recipient.reach(medium, day))]
        agreed = (way for way in reached if consented(consents, kind.purpose, way[0], patient, recipient))
        return next(agreed, reached[0] if reached else (ways[0], None))

    def _touch(self, version: Version, intent: Intent, candidate: Candidate, verdict: Verdict, now: datetime) -> Touch:
        campaign, patient = version.campaign, candidate.patient
        arm = (
            lot.arm(self.practice.id, campaign.id, patient.household, campaign.lot)
            if intent.arm is None
            else intent.arm
        )
        if verdict.until and utc(verdict.until) <= max(intent.due, now):
            verdict = ALLOWED  # a deferral that is over keeps nobody waiting
        if verdict.ruling is Ruling.DEFER and arm == lot.WITHHELD:
            verdict = ALLOWED  # nor does one matter to who gets nothing
        state, reason, detail = _STATES[verdict.ruling], verdict.reason or "ready", dict(verdict.detail)
        if state is State.READY and arm == lot.WITHHELD:
            state, reason = State.WITHHELD, "withheld"
        if reason == "stale":
            state = State.EXPIRED
        return Touch(
            campaign=campaign.id,
            occasion=intent.occasion,
            patient=intent.patient,
            key=candidate.key,
            version=version.number,
            message=candidate.message,
            purpose=candidate.purpose,
            medium=candidate.medium,
            recipient=candidate.recipient.id if candidate.recipient else "",
            address=self._address(candidate.contact),
            state=state,
            reason=reason,
            detail=detail,
            due=max(intent.due, utc(verdict.until)) if verdict.until else intent.due,
            stale=intent.stale,
            priority=campaign.priority,
            arm=arm,
            household=digest(self.practice.id, patient.household),
            cost=campaign.cost_each,
            changed_at=now,
        )

    def _address(self, contact: ContactPoint | None) -> str:
        return address_digest(self.practice.id, contact.medium, contact.value) if contact else ""


def elsewhere(judged: Iterable[Judged]) -> dict[str, Whereabouts]:
    """Return, by touch key, where recipients may be whose number says so."""
    return {one.touch.key: one.where for one in judged if one.where is not HERE}


def intent_of(touch: Touch) -> Intent:
    """Return the intent behind a touch, to judge it again; its arm stays as it was drawn."""
    return Intent(touch.patient, touch.occasion, touch.due, touch.stale, touch.arm, touch.key)


def refused(touch: Touch, reason: str, now: datetime, **detail: Any) -> Touch:
    """Return the touch as denied for a reason."""
    return attrs.evolve(touch, state=State.DENIED, reason=reason, detail=detail, changed_at=now)
