"""The standard guards: each lets the ordinary message pass and stops the one that it is for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.builtin.guards import standard_guards
from crmkit.builtin.names import doubt
from crmkit.campaigns.guard import Candidate
from crmkit.campaigns.reasons import REASONS, in_words
from crmkit.campaigns.verdict import Ruling, Verdict
from crmkit.people.consent import Consent
from crmkit.people.contact import ContactPoint
from crmkit.people.medium import Medium, Purpose
from crmkit.people.name import PersonName
from crmkit.people.patient import Patient, Status

NAMES = Path(__file__).parents[2] / "shared" / "data" / "names-namecase" / "proper_cased.json"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MAIL = ContactPoint(Medium.EMAIL, "mia@stone.example", "mia@stone.example", "P1")
MIA = Patient("P1", PersonName(given="Mia", family="Stone"), contacts=(MAIL,))
TOM = Patient("P2", PersonName(given="Tom", family="Stone"), contacts=(attrs.evolve(MAIL, owner="P2"),))
GUARDS = {guard.name: guard for guard in standard_guards()}


def statement(patient: str, yes: bool, purpose: Purpose = Purpose.MARKETING) -> dict[Any, Consent]:
    return {(patient, purpose, Medium.EMAIL): Consent(patient, purpose, Medium.EMAIL, yes, NOW)}


CARD = Candidate(
    key="T1",
    campaign="birthday-card",
    message="core.birthday",
    purpose=Purpose.MARKETING,
    medium=Medium.EMAIL,
    occasion="birthday 2026",
    due=NOW,
    stale=NOW + timedelta(days=3),
    patient=MIA,
    recipient=MIA,
    contact=MAIL,
    consents=statement("P1", True),
)
CHILD = {"minor": True, "recipient": TOM, "consents": statement("P2", True)}
CARE = {"purpose": Purpose.CARE, "consents": {}}
SERVICE = {"purpose": Purpose.SERVICE, "consents": {}}


def judge(guard: str, **changes: Any) -> Verdict:
    (verdict,) = GUARDS[guard].judge([attrs.evolve(CARD, **changes)], NOW)
    return verdict


def is_now(status: Status, person: Patient = MIA) -> Patient:
    return attrs.evolve(person, status=status)


def named(**parts: str) -> Patient:
    return attrs.evolve(MIA, name=PersonName(**parts))


BROKEN = attrs.evolve(MAIL, value="", problem="not an e-mail address")
OLD = attrs.evolve(MAIL, until=NOW.date() - timedelta(days=1))

STOPPED: Mapping[str, tuple[str, dict[str, Any], Ruling, str]] = {
    "the patient has died": ("deceased", {"patient": is_now(Status.DECEASED)}, Ruling.DENY, "deceased"),
    "the patient has died, even for care": (
        "deceased",
        {"patient": is_now(Status.DECEASED), **CARE},
        Ruling.DENY,
        "deceased",
    ),
    "the guardian has died": (
        "deceased",
        {**CHILD, "recipient": is_now(Status.DECEASED, TOM)},
        Ruling.DENY,
        "recipient_deceased",
    ),
    "the patient has moved": ("left", {"patient": is_now(Status.MOVED)}, Ruling.DENY, "left"),
    "the patient was transferred": ("left", {"patient": is_now(Status.TRANSFERRED), **SERVICE}, Ruling.DENY, "left"),
    "never was a patient": ("left", {"patient": is_now(Status.NON_PATIENT)}, Ruling.DENY, "left"),
    "a minor without guardian": (
        "guardian",
        {"minor": True, "recipient": None},
        Ruling.DENY,
        "minor_without_guardian",
    ),
    "too late to the instant": ("stale", {"stale": NOW}, Ruling.DENY, "stale"),
    "never agreed": ("consent", {"consents": {}}, Ruling.DENY, "no_consent"),
    "agreed to something else": (
        "consent",
        {"consents": statement("P1", True, Purpose.FEEDBACK)},
        Ruling.DENY,
        "no_consent",
    ),
    "agreed to another medium": ("consent", {"medium": Medium.SMS}, Ruling.DENY, "no_consent"),
    "opted out": ("consent", {"consents": statement("P1", False)}, Ruling.DENY, "opted_out"),
    "opted out of care": (
        "consent",
        {"purpose": Purpose.CARE, "consents": statement("P1", False, Purpose.CARE)},
        Ruling.DENY,
        "opted_out",
    ),
    "the guardian opted out": (
        "consent",
        {**CHILD, "consents": statement("P1", True) | statement("P2", False)},
        Ruling.DENY,
        "opted_out",
    ),
    "the child opted out": (
        "consent",
        {**CHILD, "consents": statement("P1", False) | statement("P2", True)},
        Ruling.DENY,
        "opted_out",
    ),
    "no address": ("reach", {"contact": None, "recipient": attrs.evolve(MIA, contacts=())}, Ruling.DENY, "no_address"),
    "an address of another medium": ("reach", {"contact": None, "medium": Medium.SMS}, Ruling.DENY, "no_address"),
    "a broken address": (
        "reach",
        {"contact": None, "recipient": attrs.evolve(MIA, contacts=(BROKEN,))},
        Ruling.DENY,
        "bad_address",
    ),
    "an old address": (
        "reach",
        {"contact": None, "recipient": attrs.evolve(MIA, contacts=(OLD,))},
        Ruling.DENY,
        "bad_address",
    ),
    "no unsubscribe link": ("links", {"linked": False}, Ruling.HOLD, "no_links"),
    "no content file": ("content", {"awaits": "newsletter/2026-q4.md"}, Ruling.HOLD, "content_missing"),
    "an empty field": ("fields", {"lacks": "patient.name.greeting"}, Ruling.HOLD, "field_missing"),
    "a wrong-looking name": ("name", {"patient": named(given="MIA", family="Stone")}, Ruling.HOLD, "doubtful_name"),
    "a wrong-looking guardian": (
        "name",
        {**CHILD, "recipient": named(given="tom", family="Stone")},
        Ruling.HOLD,
        "doubtful_guardian",
    ),
}

ALLOWED: Mapping[str, tuple[str, dict[str, Any]]] = {
    "both alive": ("deceased", {}),
    "a live guardian": ("deceased", CHILD),
    "a patient": ("left", {}),
    "not seen for long": ("left", {"patient": is_now(Status.INACTIVE)}),
    "a prospective patient": ("left", {"patient": is_now(Status.PROSPECTIVE)}),
    "care for who has moved": ("left", {"patient": is_now(Status.MOVED), **CARE}),
    "an adult": ("guardian", {}),
    "a minor with guardian": ("guardian", CHILD),
    "a moment before it is too late": ("stale", {"stale": NOW + timedelta(microseconds=1)}),
    "agreed": ("consent", {}),
    "the guardian agreed": ("consent", CHILD),
    "care in silence": ("consent", CARE),
    "service in silence": ("consent", SERVICE),
    "care against a no to marketing": ("consent", {"purpose": Purpose.CARE, "consents": statement("P1", False)}),
    "an address": ("reach", {}),
    "nobody to reach": ("reach", {"contact": None, "recipient": None, "minor": True}),
    "an unsubscribe link": ("links", {}),
    "content is there": ("content", {}),
    "all fields": ("fields", {}),
    "an ordinary name": ("name", {}),
    "an ordinary guardian": ("name", CHILD),
}


@pytest.mark.parametrize(("guard", "changes", "ruling", "reason"), STOPPED.values(), ids=STOPPED)
def test_what_is_stopped(guard: str, changes: dict[str, Any], ruling: Ruling, reason: str) -> None:
    verdict = judge(guard, **changes)
    assert (verdict.ruling, verdict.reason) == (ruling, reason)
    told = in_words(verdict.reason, verdict.detail)
    assert reason in REASONS
    assert not set("{}") & set(told)
    assert [word for word in ("Mia", "Tom", "Stone", "stone.example") if word in told] == []


@pytest.mark.parametrize(("guard", "changes"), ALLOWED.values(), ids=ALLOWED)
def test_what_passes(guard: str, changes: dict[str, Any]) -> None:
    assert judge(guard, **changes).ruling is Ruling.ALLOW


def test_every_guard_is_seen_stopping_and_passing() -> None:
    assert {guard for guard, *_ in STOPPED.values()} == set(GUARDS) == {guard for guard, _ in ALLOWED.values()}


@settings(deadline=None)
@given(st.lists(st.sampled_from([changes for _, changes, *_ in STOPPED.values()]), max_size=6))
def test_a_guard_judges_each_candidate_alone(many: list[dict[str, Any]]) -> None:
    candidates = [attrs.evolve(CARD, **changes) for changes in many]
    for guard in GUARDS.values():
        assert list(guard.judge(candidates, NOW)) == [guard.judge([one], NOW)[0] for one in candidates]


FINE = [
    *("McDonald", "O'Neill", "O’Neill", "O`Neill", "van der Berg", "Nguyễn", "田中", "de la Cruz", "Jean-Luc", "Þór"),
    *("D'Arcy", "Ng", "Na", "Jo", "Åsa", "MacDougall", "Łukasz", "José Eduardo", "Anna-Maria", "J. F.", "J.R.R."),
    *("محمد", "علی\u200cرضا", "Владимир", "Αθηνά", "प्रिया", "St. John", "Tom & Anna", "Tess", "Xavier", "김", "Ó"),
    *("Sig", "Dona", "Fama", "Nn Ahmed", "Baby", "Verst", "Defuntis", "Fam Li"),
    *("Ängström", "Åke", "Âmbar", "Ágnes Ã", "Ó’Briain"),
]
WRONG = {
    "MARGARET": "all capitals",
    "MARY-ANN": "all capitals",
    "LI NA": "all capitals",
    "ВЛАДИМИР": "all capitals",
    "margaret": "all lower case",
    "mary ann": "all lower case",
    "þór": "all lower case",
    "x": "all lower case",
    "X": "only one letter",
    "TEST": "all capitals",
    "Test": "a placeholder",
    "Testpatient": "a placeholder",
    "Unknown": "a placeholder",
    "Unknown.": "a placeholder",
    "NA": "a placeholder",
    "None": "a placeholder",
    "Xxx": "a placeholder",
    "Baby of Anna": "a placeholder",
    "--": "a placeholder",
    "Deceased": "a remark",
    "Win Money Www.Evil.example": "a web address",
    "Evil.Com": "a web address",
    "Anna deceased": "a remark",
    "Anna dec'd": "a remark",
    "Verstorben": "a remark",
    "Anna verst.": "a remark",
    "Pierre dcd": "a remark",
    "Luigi defunto": "a remark",
    "Juan q.e.p.d.": "a remark",
    "Juan exitus": "a remark",
    "N.N.": "a placeholder",
    "Sin nombre": "a placeholder",
    "Sconosciuto": "a placeholder",
    "Recién nacido": "a placeholder",
    "Baby girl": "a placeholder",
    "Do Not Contact": "a remark",
    "Test Do Not Use": "a remark",
    "Mr": "a title",
    "Frau": "a title",
    "Smith, Anna": "a comma",
    "Anna,": "a comma",
    "aNNA": "capitals the wrong way round",
    "N/A": "digits or signs",
    "Anna2": "digits or signs",
    "a@b": "digits or signs",
    "Anna (deaf)": "digits or signs",
    'Margaret "Meg"': "digits or signs",
    "Anna?": "digits or signs",
    "{{ name }}": "digits or signs",
    "<b>Anna</b>": "digits or signs",
    "Jos\ufffd": "digits or signs",
    "MÃ¼ller": "letters in a wrong encoding",
    "GarcÃ\xada": "letters in a wrong encoding",
    "JesÃºs": "letters in a wrong encoding",
    "Ãœlker": "letters in a wrong encoding",
    "GroÃŸ": "letters in a wrong encoding",
    "Anna\tMaria": "digits or signs",
    "\u202ennaA": "an invisible sign that turns the text round",
    "An\u2067na": "an invisible sign that turns the text round",
}


@pytest.mark.parametrize("name", FINE)
@pytest.mark.parametrize("part", ["given", "preferred", "family"])
def test_a_proper_name_raises_no_doubt(name: str, part: str) -> None:
    # A particle in lower case begins surnames, not what one is called by.
    if part != "family" and name[0].islower():
        name = name.title()
    assert doubt(PersonName(**{"given": "Anna", "family": "Muster", part: name})) == ""


@pytest.mark.parametrize(("name", "problem"), WRONG.items())
def test_a_wrong_looking_name_is_told(name: str, problem: str) -> None:
    assert doubt(PersonName(given=name, family="Berg")) == problem
    assert doubt(PersonName(given="Anna", preferred=name, family="Berg")) == problem


@pytest.mark.parametrize("name", ["BERG", "Berg2", "B@rg", "Berg (dec.)", "MÃ¼ller", "Berg deceased", "bERG"])
def test_a_wrong_looking_surname_is_told(name: str) -> None:
    assert doubt(PersonName(given="Anna", family=name))


@pytest.mark.parametrize(("name", "problem"), {"berg": "all lower case", "de la cruz": "all lower case"}.items())
def test_a_family_name_that_a_formal_greeting_prints_is_looked_at_like_the_first(name: str, problem: str) -> None:
    assert doubt(PersonName(given="Anna", family=name)) == problem
    assert doubt(PersonName(given="Anna", family="Unbekannt")) == doubt(PersonName(given="Anna", family="-"))
    assert doubt(PersonName(given="Anna", family="-")) == "a placeholder"
    assert [doubt(PersonName(given="Anna", family=one)) for one in ("None", "Test", "Na", "O")] == [""] * 4


@pytest.mark.parametrize(
    "name", ["Dr. Sabine", "Dr Sabine", "Frau Anna", "Prof.Dr. Max", "Sra. María", "Dña. Ana", "Sig.ra Ada", "Frl. Ida"]
)
def test_a_title_in_front_of_a_first_name_is_told(name: str) -> None:
    assert doubt(PersonName(given=name, family="Berg")) == "a title"
    assert doubt(PersonName(given="Anna", preferred=name, family="Berg")) == "", "who wants to be called so is"


@pytest.mark.parametrize("name", ["Anna Berg", "Berg Anna", "Anna Maria BERG"])
def test_a_whole_name_in_the_place_of_the_first_is_told(name: str) -> None:
    assert doubt(PersonName(given=name, family="Berg")) == "the family name twice"
    assert doubt(PersonName(given="Berg", family="Berg")) == doubt(PersonName(given=name)) == ""


def test_a_name_of_many_initials_holds_nothing_up() -> None:
    began = monotonic()
    assert doubt(PersonName(given=f"{'A. ' * 24}BC", family="Berg")) == "all capitals"
    assert doubt(PersonName(given=f"{'J-' * 24}R.", family="Berg")) == ""
    assert monotonic() - began < 1, "it took twice as long with each more"


@pytest.mark.parametrize("part", ["middle", "full"])
def test_what_stands_in_the_whole_name_is_looked_at_too(part: str) -> None:
    assert doubt(PersonName(given="Anna", family="Berg", **{part: "ANNA DECEASED"})) == "all capitals"
    assert doubt(PersonName(given="Anna", family="Berg", **{part: "Berg, Anna M."})) == ""


@pytest.mark.parametrize("part", ["prefix", "suffix"])
def test_what_stands_beside_a_name_is_wrong_for_its_signs_and_remarks_alone(part: str) -> None:
    for fine in ("MRS", "Dr. (Univ. Rom)", "Prof. Dr. h.c.", "Dr.-Ing.", "III", "3rd", "M.Sc., B.A.", "dr"):
        assert doubt(PersonName(given="Anna", family="Berg", **{part: fine})) == ""
    assert doubt(PersonName(given="Anna", family="Berg", **{part: "verstorben"})) == "a remark"
    assert doubt(PersonName(given="Anna", family="Berg", **{part: "Fr\ufffdulein"})) == "digits or signs"


def test_what_is_called_by_counts_and_not_what_is_hidden_behind_it() -> None:
    assert doubt(PersonName(given="MARGARET", preferred="Meg", family="Stone")) == ""
    assert doubt(PersonName()) == ""
    assert doubt(PersonName(family="Stone")) == ""


@settings(deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
def test_doubt_never_repeats_the_name(given_name: str, family: str) -> None:
    known = {"", "all capitals", "all lower case", "a placeholder", "only one letter", "digits or signs"}
    known |= {
        "letters in a wrong encoding",
        "a web address",
        "a remark",
        "a title",
        "a comma",
        "capitals the wrong way round",
        "the family name twice",
    }
    known |= {"an invisible sign that turns the text round", "a web address"}
    assert doubt(PersonName(given=given_name, family=family)) in known


@pytest.mark.skipif(not NAMES.is_file(), reason="the properly cased names are not beside the checkout")
def test_properly_cased_names_raise_no_false_alarm_and_in_capitals_all_but_the_shortest_do() -> None:
    names = sorted({name for group in json.loads(NAMES.read_text(encoding="utf-8")).values() for name in group})
    assert len(names) > 300
    alarms = [name for name in names for part in ("given", "family") if doubt(PersonName(**{part: name}))]
    assert alarms == ["Dr Martin Luther King Jr", "Mr Smith", "Ms Smith"], "as first names, with their titles"
    capitals = [name for name in names if not doubt(PersonName(family=name.upper()))]
    assert [name for name in capitals if sum(map(str.isalpha, name)) > 2] == []
