"""Consent: no source can undo an opt-out, and the order in which statements arrive makes no difference."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.people.consent import Consent, allows, standing
from crmkit.people.medium import Medium, Purpose

START = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)


def said(yes: bool, hour: int, *, evidence: str = "", learnt: bool = False, wording: str = "") -> Consent:
    at = START + timedelta(hours=hour)
    return Consent("P1", Purpose.MARKETING, Medium.EMAIL, yes, at, wording, evidence, learnt)


STATEMENT = st.builds(
    said,
    st.booleans(),
    st.integers(0, 8),
    evidence=st.sampled_from(["", "form-1", "form-2"]),
    learnt=st.booleans(),
    wording=st.sampled_from(["", "I agree"]),
)
UNPROVEN = st.builds(said, st.booleans(), st.integers(0, 20))
PROVEN = st.builds(said, st.booleans(), st.integers(0, 10), evidence=st.just("form-1"))


def test_what_a_person_wrote_down_beside_a_statement_shows_in_no_repr() -> None:
    assert "Mia" not in repr(said(True, 1, evidence="told Kim by Mia Stone", wording="I, Mia Stone, agree"))


@settings(deadline=None)
@given(st.lists(UNPROVEN, max_size=8), st.lists(PROVEN, max_size=8), st.integers(10, 12))
def test_no_source_without_later_evidence_can_undo_a_withdrawal(
    unproven: list[Consent], early: list[Consent], hour: int
) -> None:
    opt_out = said(False, hour, learnt=True)
    holds = standing([*unproven, *early, opt_out])
    assert holds is not None
    assert not holds.given


@settings(deadline=None)
@given(st.lists(STATEMENT, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_statements_makes_no_difference(statements: list[Consent], chance: object) -> None:
    shuffled = list(statements)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert standing(shuffled) == standing(statements)


@settings(deadline=None)
@given(st.lists(STATEMENT, max_size=8))
def test_a_later_yes_to_the_kit_itself_always_counts(statements: list[Consent]) -> None:
    back = said(True, 9, learnt=True)
    assert standing([*statements, back]) == back


@settings(deadline=None)
@given(st.lists(STATEMENT, max_size=8))
def test_a_later_withdrawal_always_counts(statements: list[Consent]) -> None:
    for learnt in (True, False):
        holds = standing([*statements, said(False, 9, learnt=learnt)])
        assert holds is not None
        assert not holds.given


@settings(deadline=None)
@given(st.lists(STATEMENT, min_size=1, max_size=8))
def test_what_holds_was_really_said(statements: list[Consent]) -> None:
    assert standing(statements) in statements


def test_evidence_dated_later_brings_a_patient_back() -> None:
    opt_out = said(False, 3, learnt=True)
    signed = said(True, 4, evidence="form-7")
    assert standing([signed, opt_out]) == signed
    assert standing([attrs.evolve(signed, at=opt_out.at), opt_out]) == opt_out
    assert standing([attrs.evolve(signed, evidence=""), opt_out]) == opt_out


def test_after_a_proven_return_the_source_may_say_no_again() -> None:
    statements = [said(False, 3, learnt=True), said(True, 4, evidence="form-7"), said(False, 5)]
    for order in permutations(statements):
        assert standing(order) == statements[2]


def test_a_second_withdrawal_needs_a_second_proof() -> None:
    statements = [
        said(False, 1, learnt=True),
        said(True, 2, evidence="form-7"),
        said(False, 3, learnt=True),
        said(True, 4),
    ]
    assert standing(statements) == statements[2]


def test_of_what_sources_say_the_latest_holds_and_a_no_at_the_same_instant() -> None:
    assert standing([said(True, 2), said(False, 1)]) == said(True, 2)
    assert standing([said(False, 2), said(True, 2)]) == said(False, 2)
    assert standing([]) is None


@pytest.mark.parametrize(
    ("purpose", "silent"),
    [(Purpose.CARE, True), (Purpose.SERVICE, True), (Purpose.MARKETING, False), (Purpose.FEEDBACK, False)],
)
def test_silence_allows_care_and_service_only(purpose: Purpose, silent: bool) -> None:
    assert allows(None, purpose) is silent
    assert allows(said(True, 1), purpose)
    assert not allows(said(False, 1), purpose)
