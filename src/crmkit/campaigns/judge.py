"""From an intent to a judgement: who would read it, by which way, and what all guards say. On fresh records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.campaigns import lot
from crmkit.campaigns.campaign import Campaign
from crmkit.campaigns.candidates import Candidates
from crmkit.campaigns.gone import Gone
from crmkit.campaigns.guard import Candidate, Guard
from crmkit.campaigns.intent import Intended
from crmkit.campaigns.openings import HERE, Openings
from crmkit.campaigns.programme import Version
from crmkit.campaigns.reasons import RANK
from crmkit.campaigns.stops import Stops
from crmkit.campaigns.verdict import ALLOWED, Ruling, Verdict, deny, hold, strictest
from crmkit.campaigns.wants import Wants
from crmkit.clock import utc
from crmkit.hours.hours import CODES
from crmkit.hours.where import Whereabouts
from crmkit.ledger.history import CHUNK, Consents, History
from crmkit.ledger.learnt import address_digest
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch, digest
from crmkit.messages.draft import Draft
from crmkit.messages.renderer import Renderer
from crmkit.messages.type import MessageType
from crmkit.people.medium import Medium
from crmkit.people.patient import Patient
from crmkit.practice import Practice
from crmkit.records.unread import Unread
from crmkit.schedules.schedule import Once, parse_schedule

#: By ruling, the more strict the later.
_STATES = (State.READY, State.DEFERRED, State.HELD, State.DENIED)


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
        sources: The names of all sources that are admitted.
        gone: What has left already.
        stops: What a person has stopped.
        unread: Of whom a row could not be read.
    """

    practice: Practice
    history: History
    types: Mapping[str, MessageType]
    renderer: Renderer
    guards: Sequence[Guard]
    media: frozenset[Medium]
    openings: Openings
    sources: frozenset[str] = frozenset()
    gone: Gone = attrs.field(init=False)
    stops: Stops = attrs.field(init=False)
    unread: Unread = attrs.field(init=False)

    @gone.default
    def _what_is_gone(self) -> Gone:
        return Gone(self.history.tables, self.practice.id)

    @stops.default
    def _what_is_stopped(self) -> Stops:
        return Stops(self.history.tables, self.practice.id)

    @unread.default
    def _what_is_unread(self) -> Unread:
        return Unread(self.history.records, self.practice.id, self.sources)

    def judge(
        self, connection: sa.Connection, version: Version, intents: Sequence[Intended], now: datetime
    ) -> Iterator[Judged]:
        """Yield one judgement for each intent, in their order; patients who are not on record are left out."""
        for start in range(0, len(intents), CHUNK):
            yield from self._batch(connection, version, intents[start : start + CHUNK], now)

    def _batch(
        self, connection: sa.Connection, version: Version, intents: Sequence[Intended], now: datetime
    ) -> Iterator[Judged]:
        campaign = version.campaign
        people, consents = self._people(connection, intents)
        had = self._had(connection, campaign, intents)
        known = [intent for intent in intents if intent.patient in people]
        candidates = self._candidates(campaign, known, people, consents, now)
        verdicts = self.verdicts(candidates, now)
        stopped = self.stops.of(connection, campaign)
        unread = self.unread.among(connection, people)
        for intent, candidate, verdict in zip(known, candidates, verdicts, strict=True):
            before = had.get((intent.patient, intent.occasion))
            own = [before, *stopped] if before else stopped
            if unread:
                own = [*own, *_unread(candidate, unread)]
            final = strictest([verdict, *own], RANK) if own else verdict
            touch = self._touch(version, intent, candidate, final, now)
            yield Judged(touch, candidate, self.openings.where(candidate))

    def _had(
        self, connection: sa.Connection, campaign: Campaign, intents: Sequence[Intended]
    ) -> dict[tuple[str, str], Verdict]:
        """Deny, by patient and occasion, what has been said already: by another campaign, or before it was moved."""
        others = self.gone.by_others(connection, campaign, [(one.patient, one.occasion) for one in intents])
        had = {said: deny("sent_before", campaign=other) for said, other in others.items()}
        kind = self.types[campaign.message_type]
        # Of all others the period is the occasion, and of what has a file for each occasion the file. Here it is the
        # day, and to move that must not begin it anew.
        if isinstance(parse_schedule(campaign.schedule), Once) and not kind.content:
            fresh = timedelta(days=kind.fresh_days + 1)
            for (name, stale), some in _by_occasion(intents).items():
                moved = self.gone.on_another_day(connection, campaign.id, name, stale - fresh, some)
                had |= {(patient, name): deny("moved", occasion=other) for patient, other in moved.items()}
        return had

    def _candidates(
        self,
        campaign: Campaign,
        intents: Sequence[Intended],
        people: Mapping[str, Patient],
        consents: Consents,
        now: datetime,
    ) -> tuple[Candidate, ...]:
        wants = Wants(self.renderer, self.types[campaign.message_type])
        ways = tuple(medium for medium in campaign.media if medium in self.media)
        day = self.practice.today(now)
        made = Candidates(self.practice, campaign, wants, people, MappingProxyType(consents), ways, day)
        return tuple(map(made.of, intents))

    def verdicts(self, candidates: Sequence[Candidate], now: datetime) -> list[Verdict]:
        """Return the strictest verdict of all guards for each candidate."""
        # Nearly all are allowed by all: only what anybody says against one is kept.
        said: dict[int, list[Verdict]] = {}
        for guard in (self._delivered, *(guard.judge for guard in self.guards)):
            for place, verdict in zip(range(len(candidates)), guard(candidates, now), strict=True):
                if verdict is not ALLOWED and verdict.ruling is not Ruling.ALLOW:
                    said.setdefault(place, []).append(verdict)
        finals = [ALLOWED] * len(candidates)
        for place, verdicts in said.items():
            finals[place] = self._awake(candidates[place], strictest(verdicts, RANK), now)
        return finals

    def _delivered(self, candidates: Sequence[Candidate], _: datetime) -> list[Verdict]:
        """Hold what no channel delivers."""
        media = self.media
        return [ALLOWED if one.medium in media else hold("no_channel", medium=one.medium.value) for one in candidates]

    def _awake(self, candidate: Candidate, verdict: Verdict, now: datetime) -> Verdict:
        """Return a deferral to an instant at which the message may leave too: a plugin's own may end at night."""
        if verdict.ruling is not Ruling.DEFER or verdict.until is None or verdict.reason in CODES:
            return verdict
        at, where = max(verdict.until, candidate.due, now), self.openings.where(candidate)
        opening = self.openings.next(where, candidate.purpose, candidate.medium, at, candidate.stale)
        if opening.at is None:
            return deny("no_hour", **opening.detail) if at < candidate.stale else verdict
        return attrs.evolve(verdict, until=opening.at)

    def _people(self, connection: sa.Connection, intents: Sequence[Intended]) -> tuple[dict[str, Patient], Consents]:
        people = self.history.patients(connection, sorted({intent.patient for intent in intents}))
        guardians = {one.guardian for one in people.values() if one.guardian} - set(people)
        people |= self.history.patients(connection, sorted(guardians))
        return people, self.history.consents(connection, sorted(people))

    def _touch(
        self, version: Version, intent: Intended, candidate: Candidate, verdict: Verdict, now: datetime
    ) -> Touch:
        campaign, practice = version.campaign, self.practice.id
        patient, recipient, contact = candidate.patient, candidate.recipient, candidate.contact
        arm = intent.arm
        if arm is None:
            arm = lot.arm(practice, campaign.id, patient.household, campaign.lot)
        if verdict.until and utc(verdict.until) <= max(intent.due, now):
            verdict = ALLOWED  # a deferral that is over keeps nobody waiting
        withheld = arm == lot.WITHHELD
        if withheld and verdict.ruling is Ruling.DEFER:
            verdict = ALLOWED  # nor does one matter to who gets nothing
        state, reason = _STATES[verdict.ruling], verdict.reason or "ready"
        if withheld and state is State.READY:
            state, reason = State.WITHHELD, "withheld"
        if reason == "stale":
            state = State.EXPIRED
        due = max(intent.due, utc(verdict.until)) if verdict.until else intent.due
        # By place: by name it takes half as long again, for each touch of each window.
        return Touch(
            campaign.id,
            intent.occasion,
            intent.patient,
            candidate.key,
            version.number,
            candidate.message,
            candidate.purpose,
            candidate.medium,
            recipient.id if recipient else "",
            state,
            reason,
            due,
            intent.stale,
            now,
            dict(verdict.detail) if verdict.detail else {},
            campaign.priority,
            address_digest(practice, contact.medium, contact.value) if contact else "",
            arm,
            digest(practice, patient.household),
            "",
            campaign.cost_each,
        )


def _by_occasion(intents: Sequence[Intended]) -> dict[tuple[str, datetime], list[str]]:
    """Return the patients of each occasion, which is told by its name and by when it is over."""
    found: dict[tuple[str, datetime], list[str]] = defaultdict(list)
    for one in intents:
        found[one.occasion, one.stale].append(one.patient)
    return found


def _unread(candidate: Candidate, unread: frozenset[str]) -> list[Verdict]:
    """Hold what is about somebody, or for somebody, of whom something new is known that nobody could read."""
    people = (candidate.patient, candidate.recipient)
    return [hold("unread_row", patient=one.id) for one in people if one is not None and one.id in unread][:1]


def elsewhere(judged: Iterable[Judged]) -> dict[str, Whereabouts]:
    """Return, by touch key, where recipients may be whose number says so."""
    return {one.touch.key: one.where for one in judged if one.where is not HERE}


def denied(touch: Touch, reason: str, now: datetime, **detail: Any) -> Touch:
    """Return the touch as denied for a reason; nobody holds it any more."""
    return touch.changed(state=State.DENIED, reason=reason, detail=detail, owner="", lease=None, changed_at=now)


def held(touch: Touch, reason: str, now: datetime, **detail: Any) -> Touch:
    """Return the touch as held for a reason; no sender does any more."""
    return touch.changed(state=State.HELD, reason=reason, detail=detail, owner="", lease=None, changed_at=now)
