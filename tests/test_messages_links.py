"""Unsubscribe links: nobody else makes or reads one, and each is good for one practice only."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from crmkit.errors import ConfigError, NotFound
from crmkit.messages.links import Links, Unsubscribe
from crmkit.people.medium import Medium, Purpose
from crmkit.practice import Practice

PRACTICE = Practice(
    id="bright-eyes",
    name="Bright Eyes Optometry",
    country="AU",
    timezone="Australia/Sydney",
    locale="en_AU",
    currency="AUD",
    email="hello@brighteyes.example",
    public_url="https://brighteyes.example/crm/",
    keys=("old-key",),
)
ASKED = Unsubscribe("P000123", Purpose.MARKETING, Medium.EMAIL)


def token(practice: Practice = PRACTICE) -> str:
    url = Links(practice).unsubscribe("P000123", Purpose.MARKETING, Medium.EMAIL)
    start = "https://brighteyes.example/crm/unsubscribe/"
    assert url.startswith(start)
    return url.removeprefix(start)


def test_a_link_says_whom_it_unsubscribes_from_what() -> None:
    assert Links(PRACTICE).read(token()) == ASKED


@given(st.text(max_size=40).filter(bool))
def test_any_patient_id_survives_the_way(patient: str) -> None:
    url = Links(PRACTICE).unsubscribe(patient, Purpose.FEEDBACK, Medium.EMAIL)
    assert url.isascii()
    assert Links(PRACTICE).read(url.rsplit("/", 1)[-1]).patient == patient


@given(st.text(max_size=40).filter(bool), st.sampled_from(Purpose), st.sampled_from(Medium))
def test_every_link_begins_with_what_the_kit_takes_for_the_same_in_all(patient, purpose, medium) -> None:
    links = Links(PRACTICE)
    assert links.unsubscribe(patient, purpose, medium).startswith(links.start)
    assert links.start == "https://brighteyes.example/crm/unsubscribe/"


def test_nobody_without_the_key_reads_whom_a_link_is_about() -> None:
    kept = [token().encode(), urlsafe_b64decode(token() + "=" * (-len(token()) % 4))]
    for told in (b"P000123", b"123", b"market", b"email", b"bright"):
        assert not [one for one in kept if told in one]
    assert token() == token(), "the same wish is the same link, however often a message is written"
    other = Links(PRACTICE).unsubscribe("P000124", Purpose.MARKETING, Medium.EMAIL)
    assert len({*zip(token(), other.rsplit("/", 1)[-1], strict=True)}) > 20, "alike ids give no alike tokens"


def signed_before(practice: str = "bright-eyes", key: str = "old-key") -> str:
    """Return a token as the first ones were: signed, and to be read by anybody."""
    signs = URLSafeSerializer(
        [key], salt="crmkit.unsubscribe.v1", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
    )
    return str(signs.dumps([practice, "P000123", "marketing", "email"]))


def test_a_link_of_the_first_form_stays_valid() -> None:
    assert Links(PRACTICE).read(signed_before()) == ASKED
    assert Links(attrs.evolve(PRACTICE, keys=("new-key", "old-key"))).read(signed_before()) == ASKED
    for one in (signed_before("other-eyes"), signed_before(key="new-key"), signed_before() + "x"):
        with pytest.raises(NotFound):
            Links(PRACTICE).read(one)


@given(st.integers(0, 80), st.characters(codec="ascii"))
def test_a_changed_token_asks_for_nothing(place: int, letter: str) -> None:
    true = token()
    place %= len(true)
    changed = true[:place] + letter + true[place + 1 :]
    for one in ({changed} - {true}) | {true[:place], true[place + 1 :], true + "="}:
        with pytest.raises(NotFound):
            Links(PRACTICE).read(one)


@given(st.text())
def test_nonsense_is_not_found_rather_than_a_crash(nonsense: str) -> None:
    with pytest.raises(NotFound):
        Links(PRACTICE).read(nonsense)


def test_another_practice_with_the_same_key_refuses_it() -> None:
    with pytest.raises(NotFound):
        Links(attrs.evolve(PRACTICE, id="other-eyes")).read(token())


def test_a_token_that_an_old_key_signed_stays_valid_and_new_ones_take_the_new_key() -> None:
    rotated = attrs.evolve(PRACTICE, keys=("new-key", "old-key"))
    assert Links(rotated).read(token()) == ASKED
    assert Links(attrs.evolve(PRACTICE, keys=("new-key",))).read(token(rotated)) == ASKED


def test_a_dropped_key_opens_nothing() -> None:
    with pytest.raises(NotFound):
        Links(attrs.evolve(PRACTICE, keys=("new-key",))).read(token())


@pytest.mark.parametrize("lack", [{"keys": ()}, {"public_url": ""}])
def test_without_keys_or_an_address_there_are_no_links(lack: dict[str, object]) -> None:
    links = Links(attrs.evolve(PRACTICE, **lack))
    assert not links.available
    with pytest.raises(ConfigError, match="public_url"):
        links.unsubscribe("P000123", Purpose.MARKETING, Medium.EMAIL)


def test_a_practice_without_keys_believes_no_token() -> None:
    with pytest.raises(NotFound):
        Links(attrs.evolve(PRACTICE, keys=())).read(token())


def test_the_keys_stand_in_no_repr() -> None:
    assert "old-key" not in repr(Links(PRACTICE))
