"""Telephone numbers: what was typed becomes one usable number, or is refused with a reason."""

from __future__ import annotations

import csv
from pathlib import Path
from time import monotonic

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.people.contact import Line
from crmkit.people.medium import Medium
from crmkit.people.normal import normalise
from crmkit.people.phone import normalise_phone

PHONES = Path(__file__).parents[2] / "shared" / "data" / "phones" / "example_numbers.csv"
MOBILE = "+61491570006"
KINDS = {phonenumbers.PhoneNumberType.MOBILE: Line.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE: Line.FIXED}


@pytest.mark.parametrize(
    "typed",
    [
        "0491 570 006",
        "0491570006",
        " 0491-570-006 ",
        "0491–570–006",
        "0491\u00a0570\u00a0006",
        "(0491) 570 006",
        "0491.570.006",
        "+61 491 570 006",
        "＋61 491 570 006",
        "+61 (0) 491 570 006",
        "0491 570 006 (mum)",
        "0491 570 006 Mutter",
        "0491 570 006mum",
        "0491 570 006 after 5pm",
        "0491 570 006 5pm",
        "0491 570 006 ext. 12",
    ],
)
def test_a_number_is_read_however_it_is_written_and_text_after_it_is_cut(typed: str) -> None:
    made = normalise_phone(typed, "AU")
    assert (made.value, made.line, made.problem) == (MOBILE, Line.MOBILE, "")


@pytest.mark.parametrize(
    "typed",
    [
        "090-1234-5678",
        "０９０－１２３４－５６７８",
        "090ー1234ー5678",
        "090−1234−5678",
        "＋８１　（０）９０　１２３４　５６７８",
    ],
)
def test_digits_and_hyphens_of_other_keyboards_are_read_too(typed: str) -> None:
    assert normalise_phone(typed, "JP").value == "+819012345678"
    assert normalise_phone("٠٥٠ ١٢٣ ٤٥٦٧", "SA").value == "+966501234567"


@pytest.mark.parametrize(
    "between",
    ["/", " / ", ";", "; ", ", ", " or ", "\n"],
    ids=["slash", "spaced slash", "semicolon", "list", "comma", "or", "new line"],
)
def test_of_two_numbers_the_first_is_taken(between: str) -> None:
    assert normalise_phone(f"0491 570 006{between}0491 570 156", "AU").value == MOBILE
    assert normalise_phone(f"0491 570 006{between}(02) 5550 0123", "AU").value == MOBILE


def test_a_slash_after_the_area_code_begins_no_second_number() -> None:
    assert normalise_phone("030/23125000", "DE").value == "+493023125000"


@pytest.mark.parametrize("typed", ["0491 MUMMYS", "1300 FLOWER", "0491 57O OO6", "call mum", "MUTTER"])
def test_letters_never_become_digits(typed: str) -> None:
    made = normalise_phone(typed, "AU")
    assert made.value == ""
    assert made.problem


@settings(deadline=None)
@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12))
def test_a_word_behind_a_number_changes_nothing(word: str) -> None:
    assert normalise_phone(f"0491 570 006 {word}", "AU").value == MOBILE
    assert normalise_phone(f"0491 {word}", "AU").value == ""


def test_the_country_decides_what_a_number_without_prefix_means() -> None:
    assert normalise_phone("02 5550 0123", "AU").value == "+61255500123"
    assert normalise_phone("079 123 45 67", "CH").value == "+41791234567"
    assert normalise_phone("+41 79 123 45 67", "AU").value == "+41791234567"


def test_a_country_written_out_refuses_national_numbers_with_the_reason_and_keeps_international_ones() -> None:
    assert "two letters" in normalise_phone("0491 570 006", "AUSTRALIA").problem
    assert normalise_phone("+61 491 570 006", "AUSTRALIA").value == MOBILE


@pytest.mark.parametrize(
    ("typed", "country", "line"),
    [
        ("0491 570 156", "AU", Line.MOBILE),
        ("(02) 5550 0000", "AU", Line.FIXED),
        ("(08) 7010 1234", "AU", Line.FIXED),
        ("617-555-0123", "US", Line.UNKNOWN),
        ("1800 975 707", "AU", Line.UNKNOWN),
    ],
)
def test_the_line_is_mobile_or_fixed_only_where_the_number_tells(typed: str, country: str, line: Line) -> None:
    made = normalise_phone(typed, country)
    assert made.problem == ""
    assert made.line is line


@pytest.mark.parametrize("typed", ["555-123-4567", "(555) 987-6543", "123", "0000 000 000", "", "  ", "n/a"])
def test_a_number_that_cannot_exist_is_refused(typed: str) -> None:
    made = normalise_phone(typed, "US")
    assert made.value == ""
    assert made.problem
    assert made.line is Line.UNKNOWN


@settings(deadline=None)
@given(st.text(max_size=30), st.sampled_from(["AU", "US", "CH", "DE", "", "zz"]))
def test_whatever_is_typed_gives_a_number_or_a_problem_never_both(typed: str, country: str) -> None:
    made = normalise_phone(typed, country)
    assert bool(made.value) != bool(made.problem)
    if made.value:
        assert normalise_phone(made.value, country).value == made.value


@settings(deadline=None)
@given(st.text("0123456789", min_size=3, max_size=12))
def test_the_problem_never_repeats_the_number(typed: str) -> None:
    assert typed not in normalise_phone(typed, "AU").problem


@pytest.mark.no_cover
@pytest.mark.skipif(not PHONES.is_file(), reason="the example numbers are not beside the checkout")
def test_example_numbers_of_the_world() -> None:
    with PHONES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wrong, refused = [], 0
    for row in rows:
        made = normalise_phone(row["international_format"], "AU")
        # Numbering plans change, so what counts is what the release knows that is installed.
        number = phonenumbers.parse(row["e164"])
        valid = phonenumbers.is_valid_number(number)
        refused += not valid
        kind = KINDS.get(phonenumbers.number_type(number), Line.UNKNOWN)
        if (made.value, made.line) != ((row["e164"], kind) if valid else ("", Line.UNKNOWN)):
            wrong.append(row["e164"])
    assert wrong == []
    # Some of the examples are out of use by the numbering plan's own metadata.
    assert (len(rows), refused < 10) == (1144, True)


@pytest.mark.no_cover
@pytest.mark.skipif(not PHONES.is_file(), reason="the example numbers are not beside the checkout")
def test_example_numbers_as_their_own_country_writes_them() -> None:
    with PHONES.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["region"].isalpha() and row["valid"] == "1"]
    wrong = [row["e164"] for row in rows if normalise_phone(row["national_format"], row["region"]).value != row["e164"]]
    assert len(rows) > 1100
    assert wrong == []


@pytest.mark.parametrize("medium", [Medium.SMS, Medium.PHONE, Medium.EMAIL])
def test_a_cell_longer_than_any_address_holds_nothing_up(medium: Medium) -> None:
    began = monotonic()
    for sign in ("/", "( ", "or ", "a@b.c;"):
        assert normalise(sign * 20_000, medium, "AU").problem.startswith("longer than 1000 characters")
    assert monotonic() - began < 1
    assert normalise("1 High St\n" * 200, Medium.POST, "AU").problem == ""
