"""E-mail addresses: what is accepted has a valid form, and the quick way never differs from the thorough one."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import email_validator
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crmkit.people.email import normalise_email

ADDRESSES = Path(__file__).parents[2] / "shared" / "data" / "emails-isemail" / "tests.xml"

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LOCAL = st.text(LETTERS + LETTERS.upper() + "0123456789_+-.", min_size=1, max_size=40)
LABEL = st.text(LETTERS + "0123456789-", min_size=1, max_size=34)
TLD = st.one_of(
    st.sampled_from(["example", "com", "au", "test", "invalid", "local", "localhost", "onion", "arpa", "c"]),
    st.text(LETTERS + "0-", min_size=1, max_size=26),
)
DOMAIN = st.tuples(st.lists(LABEL, max_size=3), TLD).map(lambda parts: ".".join([*parts[0], parts[1]]))
PLAIN = st.tuples(LOCAL, DOMAIN).map("@".join)


def thorough(address: str) -> str:
    try:
        found = email_validator.validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except email_validator.EmailNotValidError:
        return ""
    return found.ascii_email or found.normalized


@settings(deadline=None)
@given(PLAIN)
@example("mia@brighteyes.example")
@example("-@a.example")
@example("mia@xn--80ak6aa92e.com")
@example("mia@ab--cd.example")
@example("mia@xn--a.example")
@example("mia@a.test")
@example("mia@home.arpa")
@example("a." + "b" * 60 + "@c.example")
@example("mia@" + "a" * 33 + ".example")
def test_the_quick_way_and_the_thorough_way_agree(address: str) -> None:
    assert normalise_email(address).value == thorough(address)


@settings(deadline=None)
@given(PLAIN)
def test_a_normal_form_is_its_own_normal_form(address: str) -> None:
    made = normalise_email(address)
    assert bool(made.value) != bool(made.problem)
    assert normalise_email(made.value).value == made.value


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        (" mia@brighteyes.example\n", "mia@brighteyes.example"),
        ("mia@brighteyes.example\u00a0", "mia@brighteyes.example"),
        ("Mia.Stone@BrightEyes.EXAMPLE", "Mia.Stone@brighteyes.example"),
        ("mia@bücher.example", "mia@xn--bcher-kva.example"),
        ("o'neill@brighteyes.example", "o'neill@brighteyes.example"),
    ],
)
def test_only_the_domain_and_the_blanks_around_are_changed(typed: str, value: str) -> None:
    assert normalise_email(typed).value == value


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "mia",
        "mia(at)brighteyes.example",
        "mia@brighteyes",
        "mia@@brighteyes.example",
        "mia@brighteyes.example\r\nBcc: all@brighteyes.example",
        "Mia <mia@brighteyes.example>",
        "mia..stone@brighteyes.example",
        ".mia@brighteyes.example",
        "mia@-brighteyes.example",
        "mia@[127.0.0.1]",
        "mia@localhost",
        "mia@practice.test",
    ],
)
def test_what_is_no_single_address_is_refused_without_repeating_it(typed: str) -> None:
    made = normalise_email(typed)
    assert made.value == ""
    assert made.problem == "not an e-mail address"


@pytest.mark.parametrize("between", ["; ", ", ", " / ", "\n"])
def test_two_addresses_in_one_cell_are_told_as_such(between: str) -> None:
    made = normalise_email(f"mia@brighteyes.example{between}tom@brighteyes.example")
    assert made.value == ""
    assert made.problem == "more than one e-mail address: leave the one to write to"


def test_an_address_in_other_letters_is_refused_with_what_to_ask_for() -> None:
    made = normalise_email("müller@brighteyes.example")
    assert made.value == ""
    assert made.problem.endswith("ask for an address in plain letters")
    assert "müller" not in made.problem


def catalogue() -> list[tuple[str, str]]:
    found = []
    for test in ElementTree.parse(ADDRESSES).getroot().iter("test"):  # noqa: S314 - a file of the test data
        text = test.findtext("address") or ""
        # Control characters are written as their pictures.
        address = "".join(chr(ord(one) - 0x2400) if 0x2400 <= ord(one) <= 0x2420 else one for one in text)
        found.append((address, test.findtext("category") or ""))
    return found


@pytest.mark.skipif(not ADDRESSES.is_file(), reason="the catalogue of addresses is not beside the checkout")
def test_no_address_without_a_valid_form_is_accepted() -> None:
    cases = catalogue()
    verdicts = dict(cases)
    accepted = [
        address for address, category in cases if category == "ISEMAIL_ERR" and not normalise_email(address).problem
    ]
    # What is accepted although faulty is faulty only by white space around it, and that is gone from the value.
    assert [address for address in accepted if address == address.strip()] == []
    assert {verdicts[normalise_email(address).value] for address in accepted} == {"ISEMAIL_VALID_CATEGORY"}
    assert len(cases) == 164


@pytest.mark.skipif(not ADDRESSES.is_file(), reason="the catalogue of addresses is not beside the checkout")
def test_agreement_with_the_catalogue() -> None:
    accepted = Counter(category for address, category in catalogue() if not normalise_email(address).problem)
    refused = Counter(category for address, category in catalogue() if normalise_email(address).problem)
    # Of the valid ones, only the address at a bare top-level domain is refused.
    assert (accepted["ISEMAIL_VALID_CATEGORY"], refused["ISEMAIL_VALID_CATEGORY"]) == (13, 1)
    assert (accepted["ISEMAIL_DNSWARN"], refused["ISEMAIL_DNSWARN"]) == (8, 0)
    assert (accepted["ISEMAIL_ERR"], refused["ISEMAIL_ERR"]) == (16, 50)
    # Quoted local parts, comments, address literals and obsolete forms.
    assert refused["ISEMAIL_RFC5321"] == 16
    assert (accepted["ISEMAIL_RFC5322"], refused["ISEMAIL_RFC5322"]) == (1, 29)
    assert (accepted["ISEMAIL_CFWS"], refused["ISEMAIL_CFWS"]) == (6, 4)
    assert (accepted["ISEMAIL_DEPREC"], refused["ISEMAIL_DEPREC"]) == (2, 18)
