"""People and what they have agreed to."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from types import MappingProxyType

import attrs
from hypothesis import strategies as st

from crmkit.people.consent import Consent
from crmkit.people.medium import Medium, Purpose
from crmkit.people.name import PersonName
from crmkit.people.patient import Patient, Status
from crmkit.testing.home import NOW
from crmkit.testing.samples import contact_of, name_of, patient_of

#: What practices have in their name fields.
ODD_NAMES = (
    *("", " ", "MIA", "mia", "Mia (mum)", "Mia\r\nBcc: all", "{{ mia }}", "<b>Mia</b>", "X", "李"),
    "DO NOT USE",
)
_ATTRIBUTES = {"insurer": "Acme", "recall": date(2027, 3, 1), "vip": True}
NUMBERS = st.integers(1, 999)
# Hypothesis takes far longer to look at a strategy for the first time than to draw from it: these are made once.
_BORN = st.none() | st.dates(date(1900, 1, 1), date(2026, 11, 1))
_SINCE = st.none() | st.dates(date(2000, 1, 1), date(2026, 11, 1))


@cache
def names(*, odd: bool = False) -> st.SearchStrategy[PersonName]:
    """Return names of people; odd ones are empty, shouted, or no name at all."""
    usual = NUMBERS.map(name_of)
    if not odd:
        return usual
    part = st.sampled_from(ODD_NAMES)
    return usual | st.builds(PersonName, given=part, preferred=part, family=part, prefix=part)


@cache
def patients(*, odd: bool = False) -> st.SearchStrategy[Patient]:
    """Return patients; odd ones have died, have no birth date, no address, or a name that is none."""
    usual = NUMBERS.map(patient_of)
    return usual | _odd_patients() if odd else usual


@st.composite
def _odd_patients(draw: st.DrawFn) -> Patient:
    number = draw(NUMBERS)
    points = [contact_of(medium, number) for medium in Medium]
    problem = draw(st.sampled_from(("", "bounced")))
    return patient_of(
        number,
        name=draw(names(odd=True)),
        born=draw(_BORN),
        language=draw(st.sampled_from(("", "en", "de-CH", "pt-BR", "ar"))),
        status=draw(st.sampled_from(Status)),
        status_date=draw(_SINCE),
        contacts=tuple(attrs.evolve(one, problem=problem) for one in points[: draw(st.integers(0, len(points)))]),
        tags=draw(st.sampled_from((frozenset(), frozenset({"vip"})))),
        attributes=MappingProxyType(draw(st.sampled_from(({}, _ATTRIBUTES)))),
    )


def consents(patient: str, purpose: Purpose | None = None, medium: Medium | None = None) -> st.SearchStrategy[Consent]:
    """Return statements of a patient, given by id; of one purpose and medium where they are stated."""
    return st.builds(
        Consent,
        patient=st.just(patient),
        purpose=st.just(purpose) if purpose else st.sampled_from(Purpose),
        medium=st.just(medium) if medium else st.sampled_from(Medium),
        given=st.booleans(),
        at=st.integers(0, 4000).map(lambda days: NOW - timedelta(days=days)),
        wording=st.sampled_from(("", "I agree to hear from you")),
        evidence=st.sampled_from(("", "form 7")),
        learnt=st.booleans(),
    )
