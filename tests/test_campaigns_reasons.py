"""Reasons: sentences that a receptionist can read, whatever detail is missing."""

from __future__ import annotations

from string import Formatter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.campaigns.reasons import RANK, REASONS, in_words


def needs(sentence: str) -> dict[str, str]:
    return {name: f"<{name}>" for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_is_a_sentence_without_its_code(reason: str) -> None:
    detail = needs(REASONS[reason])
    told = in_words(reason, detail)
    assert told != reason.replace("_", " ")
    assert "{" not in told
    assert all(value in told for value in detail.values())


@pytest.mark.parametrize("reason", REASONS)
def test_a_missing_detail_breaks_nothing(reason: str) -> None:
    assert in_words(reason, {})


def test_no_two_reasons_read_the_same() -> None:
    assert len(set(REASONS.values())) == len(REASONS)


def test_death_and_a_no_are_told_before_all_else() -> None:
    told_first = sorted(REASONS, key=lambda reason: RANK[reason])[:4]
    assert told_first == ["deceased", "recipient_deceased", "left", "opted_out"]


def test_a_plugins_own_reason_is_shown_in_words() -> None:
    assert in_words("bill_not_paid", {}) == "bill not paid"


@settings(deadline=None)
@given(st.text(max_size=30), st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
def test_whatever_a_plugin_says_is_shown(reason: str, detail: dict[str, str]) -> None:
    assert isinstance(in_words(reason, detail), str)


@pytest.mark.parametrize("reason", ["{patient.name}", "{0}", "{", "{x!r:>9}", "{patient[name]}"])
def test_a_reason_with_braces_is_shown_as_it_is(reason: str) -> None:
    assert in_words(reason, {"patient": "P1"}) == reason


def test_what_is_too_much_is_told_in_figures() -> None:
    told = in_words("too_much", {"most": 1, "days": 7})
    assert told == "would get too much before this occasion is over: at most 1 in 7 days"
