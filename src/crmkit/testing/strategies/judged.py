"""What guards are given, what they answer, and the campaigns behind it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import attrs
from hypothesis import strategies as st

from crmkit.campaigns.campaign import Campaign, Objective
from crmkit.campaigns.guard import Candidate
from crmkit.campaigns.verdict import ALLOWED, Verdict, defer, deny, hold
from crmkit.people.consent import Consent
from crmkit.people.medium import Medium, Purpose
from crmkit.people.patient import Patient
from crmkit.testing.home import NOW
from crmkit.testing.samples import candidate_of, key_of
from crmkit.testing.strategies.people import NUMBERS, consents, patients

_SEGMENTS = (
    *("everybody", "age >= 18", "last_visit before 18 months ago", "tags contains vip"),
    "visits > 3 in 24 months",
)
_SCHEDULES = ("on birthday", "yearly on 1 December", "quarterly on day 20")
_OCCASIONS = ("birthday 2026", "newsletter 2026-q4", "recall due 2027-03")
# Made once, as those of people are.
_SAID = st.none() | consents("anybody", Purpose.MARKETING, Medium.EMAIL)


def campaigns() -> st.SearchStrategy[Campaign]:
    """Return campaigns that a programme could hold."""
    return st.builds(
        Campaign,
        NUMBERS.map(lambda number: f"campaign-{number}"),
        objective=st.sampled_from(Objective),
        message=st.sampled_from(("birthday", "newsletter", "acme.reminder")),
        segment=st.sampled_from(_SEGMENTS),
        schedule=st.sampled_from(_SCHEDULES),
        media=st.lists(st.sampled_from(Medium), min_size=1, unique=True),
        lot=st.sampled_from((Decimal(0), Decimal("0.2"))),
        priority=st.integers(1, 99),
    )


def candidates(*, odd: bool = True) -> st.SearchStrategy[Candidate]:
    """Return touches before the verdict.

    Odd ones have nobody to read them, no address, no consent, lack a field, or are long stale; the others are those
    that every standard guard allows.
    """
    usual = NUMBERS.map(candidate_of)
    return usual | _odd_candidates() if odd else usual


def verdicts() -> st.SearchStrategy[Verdict]:
    """Return verdicts of all four rulings."""
    later = st.integers(1, 400).map(lambda hours: NOW + timedelta(hours=hours))
    reasons = st.sampled_from(("not_today", "acme_closed"))
    return st.just(ALLOWED) | reasons.map(deny) | reasons.map(hold) | st.builds(defer, later, reasons)


@st.composite
def _odd_candidates(draw: st.DrawFn) -> Candidate:
    patient = draw(patients(odd=True))
    recipient = draw(st.sampled_from((patient, None)) | patients(odd=True))
    purpose, medium = draw(st.sampled_from(Purpose)), draw(st.sampled_from(Medium))
    due = NOW + timedelta(hours=draw(st.integers(-400, 400)))
    return Candidate(
        key=key_of(draw(st.integers(0, 10**6))),
        campaign=draw(st.sampled_from(("birthday-card", "come-back"))),
        message=draw(st.sampled_from(("core.birthday", "acme.reminder"))),
        purpose=purpose,
        medium=medium,
        occasion=draw(st.sampled_from(_OCCASIONS)),
        due=due,
        stale=due + timedelta(days=draw(st.integers(1, 30))),
        patient=patient,
        recipient=recipient,
        contact=draw(st.sampled_from((None, *(recipient.contacts if recipient else ())))),
        consents=_said(draw, (patient, recipient), purpose, medium),
        minor=draw(st.booleans()),
        lacks=draw(st.sampled_from(("", "patient.greeting"))),
        awaits=draw(st.sampled_from(("", "content/newsletter/2026-q4.md"))),
        linked=draw(st.booleans()),
    )


def _said(
    draw: st.DrawFn, people: tuple[Patient, Patient | None], purpose: Purpose, medium: Medium
) -> dict[tuple[str, Purpose, Medium], Consent]:
    said = [(person.id, draw(_SAID)) for person in people if person]
    return {
        (patient, purpose, medium): attrs.evolve(one, patient=patient, purpose=purpose, medium=medium)
        for patient, one in said
        if one
    }
