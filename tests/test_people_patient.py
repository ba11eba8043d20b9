"""What a patient's objects show of the person: nothing, unless it is asked for."""

from __future__ import annotations

from datetime import date

import pytest

from crmkit.people.contact import ContactPoint, Line, Normalised
from crmkit.people.medium import Medium, Purpose
from crmkit.people.name import PersonName
from crmkit.people.patient import Patient, Status

DAY = date(2026, 11, 23)
NAME = PersonName(prefix="Ms", given="Margaret", preferred="Meg", middle="Ann", family="Stone", full="Margaret Stone")


def mail(value: str, **more: object) -> ContactPoint:
    return ContactPoint(Medium.EMAIL, value.upper(), value, "P1", **more)  # type: ignore[arg-type]


PATIENT = Patient(
    "P1",
    NAME,
    born=date(1961, 3, 9),
    contacts=(
        mail("meg@brighteyes.example"),
        ContactPoint(Medium.SMS, "0491 570 006", "+61491570006", "P1", line=Line.MOBILE),
        ContactPoint(Medium.POST, "1 High St", "1 High St\nNewtown", "P1"),
    ),
    attributes={"allergy": "latex"},
    tags=frozenset({"glaucoma"}),
    status_reason="moved in with Margaret",
)


@pytest.mark.parametrize(
    "thing",
    [NAME, *PATIENT.contacts, Normalised("meg@brighteyes.example"), PATIENT],
    ids=["name", "email", "sms", "post", "normalised", "patient"],
)
@pytest.mark.parametrize("show", [repr, str, lambda thing: f"{[thing]}"], ids=["repr", "str", "in a list"])
def test_no_name_or_address_is_shown(thing: object, show: object) -> None:
    shown = show(thing)  # type: ignore[operator]
    private = [
        "Margaret",
        "Meg",
        "Ann",
        "Stone",
        "brighteyes",
        "0491",
        "491570006",
        "High St",
        "Newtown",
        "latex",
        "glaucoma",
    ]
    assert [word for word in [*private, "1961"] if word.lower() in shown.lower()] == []


def test_an_address_in_the_place_of_a_medium_is_not_quoted() -> None:
    with pytest.raises(ValueError, match="known are email, sms, post, phone") as told:
        Medium("meg@brighteyes.example")
    assert "meg" not in str(told.value)


def test_the_id_is_shown() -> None:
    assert "P1" in repr(PATIENT)


def test_a_patient_is_reached_at_the_first_address_that_can_be_used() -> None:
    points = (
        mail("", problem="not an e-mail address"),
        mail("back@brighteyes.example", problem="messages to it come back"),
        mail("old@brighteyes.example", until=date(2026, 11, 22)),
        mail("last-day@brighteyes.example", until=DAY),
        mail("meg@brighteyes.example"),
    )
    patient = Patient("P1", contacts=points)
    assert patient.reach(Medium.EMAIL, DAY) == points[3]
    assert patient.reach(Medium.EMAIL, date(2026, 11, 24)) == points[4]
    assert patient.reach(Medium.SMS, DAY) is None


@pytest.mark.parametrize(
    ("name", "greeting", "display"),
    [
        (PersonName(given="Anna", family="van der Berg"), "Anna", "Anna van der Berg"),
        (PersonName(given="Anna", preferred="Annie", family="Berg"), "Annie", "Anna Berg"),
        (
            PersonName(prefix="Dr", given="Jean-Luc", middle="M.", family="Roy", suffix="III"),
            "Jean-Luc",
            "Dr Jean-Luc M. Roy III",
        ),
        (PersonName(full="田中 太郎"), "", "田中 太郎"),
        (PersonName(), "", ""),
    ],
)
def test_a_name_is_greeted_as_stored(name: PersonName, greeting: str, display: str) -> None:
    assert (name.greeting, name.display) == (greeting, display)


def test_a_formal_greeting_has_the_family_name_and_is_nothing_without_a_first_one() -> None:
    assert PersonName(prefix="Dr", given="Anna", middle="M.", family="van der Berg").formal == "Anna van der Berg"
    assert PersonName(given="Thomas", preferred="Tom", family="Berg").formal == "Tom Berg"
    assert PersonName(given="Anna").formal == "Anna"
    assert PersonName(family="Berg").formal == PersonName(full="Anna Berg").formal == ""


def test_who_has_left_for_good() -> None:
    assert {status for status in Status if status.gone} == {Status.DECEASED, Status.MOVED, Status.TRANSFERRED}


@pytest.mark.parametrize("word", [*Medium, *Purpose])
def test_a_word_is_found_by_its_text_and_its_text_by_the_word(word: Medium | Purpose) -> None:
    assert {word: "found"}[word.value] == "found"  # type: ignore[index]
    assert {word.value: "found"}[word] == "found"
