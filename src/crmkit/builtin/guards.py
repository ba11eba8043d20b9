"""The standard guards: each is one rule, judged on values alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import attrs

from crmkit.builtin.names import doubt
from crmkit.campaigns.guard import Candidate, Guard
from crmkit.campaigns.verdict import ALLOWED, Verdict, deny, hold
from crmkit.people.medium import Purpose
from crmkit.people.patient import Status

# Named once: for each candidate, an enumeration takes longer to find its member than a rule takes to judge.
_ACTIVE, _DECEASED, _CARE = Status.ACTIVE, Status.DECEASED, Purpose.CARE


@attrs.frozen
class RuleGuard:
    """A guard made of one rule for one candidate.

    Attributes:
        name: The guard's name.
        rule: Returns the verdict on one candidate at an instant.
    """

    name: str
    rule: Callable[[Candidate, datetime], Verdict]

    @property
    def help(self) -> str:
        """What it does, in a sentence."""
        return self.rule.__doc__ or ""

    def judge(self, candidates: Sequence[Candidate], now: datetime) -> Sequence[Verdict]:
        """Return the rule's verdict for each candidate."""
        return [self.rule(candidate, now) for candidate in candidates]


def standard_guards() -> tuple[Guard, ...]:
    """Return the guards that no host can leave out."""
    return (
        RuleGuard("deceased", deceased),
        RuleGuard("left", left),
        RuleGuard("guardian", guardian),
        RuleGuard("stale", stale),
        RuleGuard("consent", consent),
        RuleGuard("reach", reach),
        RuleGuard("links", links),
        RuleGuard("content", content),
        RuleGuard("fields", fields),
        RuleGuard("name", name),
    )


def deceased(candidate: Candidate, _: datetime) -> Verdict:
    """Deny if the patient or the guardian has died."""
    if candidate.patient.status is _DECEASED:
        return deny("deceased")
    dead = candidate.recipient is not None and candidate.recipient.status is _DECEASED
    return deny("recipient_deceased") if dead else ALLOWED


def left(candidate: Candidate, _: datetime) -> Verdict:
    """Deny all but care to those who have left the practice or never were patients of it."""
    status = candidate.patient.status
    if status is _ACTIVE or candidate.purpose is _CARE:
        return ALLOWED
    return deny("left", status=status.value) if status.gone or status is Status.NON_PATIENT else ALLOWED


def guardian(candidate: Candidate, _: datetime) -> Verdict:
    """Deny if a minor has no guardian on record who could read it."""
    return deny("minor_without_guardian") if candidate.minor and candidate.recipient is None else ALLOWED


def stale(candidate: Candidate, now: datetime) -> Verdict:
    """Deny if the occasion has passed for too long."""
    return deny("stale") if now >= candidate.stale else ALLOWED


def consent(candidate: Candidate, _: datetime) -> Verdict:
    """Deny without the consent that the purpose needs, or against a no of patient or guardian."""
    if candidate.consented:
        return ALLOWED
    detail = {"purpose": candidate.purpose.value, "medium": candidate.medium.value}
    return deny("opted_out" if candidate.opted_out else "no_consent", **detail)


def reach(candidate: Candidate, _: datetime) -> Verdict:
    """Deny if there is no address, or none that can be used."""
    if candidate.contact is not None or candidate.recipient is None:
        return ALLOWED
    points = [point for point in candidate.recipient.contacts if point.medium is candidate.medium]
    if not points:
        return deny("no_address", medium=candidate.medium.value)
    problem = next((point.problem for point in points if point.problem), "no longer valid")
    return deny("bad_address", medium=candidate.medium.value, problem=problem)


def links(candidate: Candidate, _: datetime) -> Verdict:
    """Hold what needs an unsubscribe link that cannot be made."""
    return ALLOWED if candidate.linked else hold("no_links")


def content(candidate: Candidate, _: datetime) -> Verdict:
    """Hold what waits for a content file."""
    return hold("content_missing", path=candidate.awaits) if candidate.awaits else ALLOWED


def fields(candidate: Candidate, _: datetime) -> Verdict:
    """Hold what lacks a field that its template prints."""
    return hold("field_missing", field=candidate.lacks) if candidate.lacks else ALLOWED


def name(candidate: Candidate, _: datetime) -> Verdict:
    """Hold what would greet somebody by a name that looks wrong."""
    patient, recipient = candidate.patient, candidate.recipient
    if problem := doubt(patient.name):
        return hold("doubtful_name", problem=problem)
    if recipient is not None and recipient is not patient and (problem := doubt(recipient.name)):
        # Who looks at the patient's own row finds nothing wrong there.
        return hold("doubtful_guardian", problem=problem, patient=recipient.id)
    return ALLOWED
