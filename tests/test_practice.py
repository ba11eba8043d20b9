"""The practice: what cannot be right is refused with a word on how to write it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest

from crmkit.errors import ConfigError
from crmkit.practice import Practice
from crmkit.settings import structure

RIGHT: dict[str, Any] = {
    "id": "bright-eyes",
    "name": "Bright Eyes Optometry",
    "country": "AU",
    "timezone": "Australia/Sydney",
    "locale": "en_AU",
    "currency": "AUD",
    "email": "hello@brighteyes.example",
    "phone": "+61255501234",
    "address": "1 High St, Newtown NSW 2042",
    "public_url": "https://brighteyes.example/crm/",
    "keys": ["newest-secret", "older-secret"],
}


@pytest.mark.parametrize(
    ("field", "value", "mend"),
    [
        ("id", "Bright Eyes", "lower-case letters"),
        ("id", "", "lower-case letters"),
        ("name", "  ", "is needed"),
        ("name", "Bright\nBcc: all@brighteyes.example", "on one line"),
        ("name", "Bright\x00Eyes", "on one line"),
        ("name", "Bright\u2028Eyes", "on one line"),
        ("country", "Australia", "two letters of ISO 3166, such as AU"),
        ("country", "SCHWEIZ", "two letters of ISO 3166, such as CH"),
        ("country", "au", "two letters of ISO 3166, such as AU"),
        ("timezone", "Sydney", "such as Europe/Zurich"),
        ("timezone", "", "such as Europe/Zurich"),
        ("timezone", "../../etc/passwd", "such as Europe/Zurich"),
        ("locale", "english", "BCP 47, such as en"),
        ("locale", "", "BCP 47, such as en"),
        ("currency", "dollars", "three letters of ISO 4217, such as AUD"),
        ("email", "hello(at)brighteyes", "hello@brighteyes.example"),
        ("email", "hello@brighteyes.example\nBcc: all@brighteyes.example", "hello@brighteyes.example"),
        ("phone", "555-0000", "write it as +61 ..."),
        ("public_url", "brighteyes.example/crm", "starts with https://"),
        ("public_url", "javascript:alert(1)", "starts with https://"),
        ("public_url", "https://brighteyes.example/crm?practice=1", "no ?"),
        ("public_url", "https://brighteyes.example/#crm", "no #"),
        ("public_url", "https://brighteyes.example/" + "a" * 300, "at most 300 letters"),
        ("keys", "one-secret", '["a long random text"]'),
        ("keys", ["", "secret"], '["a long random text"]'),
        ("adult_age", -1, "from 0 to 25"),
        ("adult_age", 99, "from 0 to 25"),
        ("region", "AU-NSW", "such as NSW for AU-NSW"),
        ("region", "New South Wales", "such as NSW for AU-NSW"),
    ],
)
def test_a_value_that_cannot_be_right_says_how_to_write_it(field: str, value: object, mend: str) -> None:
    with pytest.raises(ValueError, match=re.escape(mend)):
        Practice(**{**RIGHT, field: value})
    with pytest.raises(ConfigError) as told:
        structure(Practice, {**RIGHT, field: value}, where="crm.toml: practice")
    assert str(told.value).startswith("crm.toml: practice: ")


@pytest.mark.parametrize("field", [field.name for field in attrs.fields(Practice)])
def test_what_an_empty_or_another_column_gives_is_told_by_its_name(field: str) -> None:
    for value in (None, 7.5):
        with pytest.raises(ValueError, match=f"^practice {field}"):
            Practice(**{**RIGHT, field: value})


@pytest.mark.parametrize("keys", ["one-secret", ["one-secret", " "]], ids=["text", "blank"])
def test_a_refused_key_is_not_told(keys: object) -> None:
    with pytest.raises(ValueError, match="keys") as caught:
        Practice(**{**RIGHT, "keys": keys})
    assert "one-secret" not in str(caught.value)


def test_no_repr_holds_a_key() -> None:
    practice = Practice(**RIGHT)
    assert "secret" not in repr(practice)
    assert "secret" not in f"{attrs.evolve(practice, name='Other')!s}"
    assert practice.keys == ("newest-secret", "older-secret")


def test_spellings_are_made_equal() -> None:
    practice = Practice(**RIGHT)
    assert practice.locale == "en-AU"
    assert practice.public_url == "https://brighteyes.example/crm"
    assert attrs.evolve(practice, email="hello@BrightEyes.EXAMPLE").domain == "brighteyes.example"


def test_an_address_in_other_letters_is_written_as_mail_programs_read_it() -> None:
    practice = Practice(**{**RIGHT, "public_url": "https://bücher.example:8443/für%20alle/"})
    assert practice.public_url == "https://xn--bcher-kva.example:8443/f%C3%BCr%20alle"
    assert Practice(**{**RIGHT, "name": "بصر\u200f"}).name == "بصر\u200f"


def test_what_is_optional_may_be_missing() -> None:
    needed = {name: RIGHT[name] for name in ("id", "name", "country", "timezone", "locale", "currency", "email")}
    practice = Practice(**needed)
    assert (practice.phone, practice.public_url, practice.keys, practice.adult_age) == ("", "", (), 18)


def test_a_telephone_number_is_read_in_the_country_of_the_practice() -> None:
    assert Practice(**{**RIGHT, "phone": "02 5550 1234"}).phone == "02 5550 1234"
    with pytest.raises(ValueError, match="phone"):
        Practice(**{**RIGHT, "country": "CH", "phone": "02 5550 1234"})
    with pytest.raises(ValueError, match=r"write it as \+41 "):
        Practice(**{**RIGHT, "country": "CH", "phone": "12"})


def test_today_is_the_date_on_the_wall_of_the_practice() -> None:
    practice = Practice(**RIGHT)
    assert practice.today(datetime(2026, 11, 23, 12, 59, tzinfo=UTC)) == date(2026, 11, 23)
    assert practice.today(datetime(2026, 11, 23, 13, 0, tzinfo=UTC)) == date(2026, 11, 24)
    with pytest.raises(ValueError, match="time zone"):
        practice.today(datetime(2026, 11, 23, 12, 0))  # noqa: DTZ001 - the point of the test
