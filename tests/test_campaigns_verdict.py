"""Verdicts: the strictest holds, in whatever order guards speak, and another guard can never loosen it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.campaigns.reasons import RANK, REASONS
from crmkit.campaigns.verdict import ALLOWED, Ruling, Verdict, defer, deny, hold, strictest

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOURS = st.integers(0, 5).map(lambda hours: NOW + timedelta(hours=hours))
MORE = {
    "reason": st.sampled_from(["", "a-plugin's-own", *REASONS]),
    "detail": st.dictionaries(st.sampled_from(["status", "medium"]), st.sampled_from(["sms", 7, 1, True]), max_size=2),
}
VERDICT = st.builds(Verdict, st.just(Ruling.DEFER), until=HOURS, **MORE) | st.builds(
    Verdict, st.sampled_from(Ruling).filter(lambda ruling: ruling is not Ruling.DEFER), until=st.none() | HOURS, **MORE
)
VERDICTS = st.lists(VERDICT, max_size=7)
#: Verdicts so alike that they often differ in one thing only, or only in how it is written.
DETAILS = ({}, {"status": 1, "medium": 2}, {"medium": 2, "status": 1}, {"medium": 2, "status": True})
ALIKE = st.builds(
    Verdict,
    st.sampled_from(Ruling),
    st.sampled_from(["", "acme.no"]),
    st.sampled_from(DETAILS),
    st.sampled_from([NOW, NOW + timedelta(hours=1)]),
)


def exactly(verdict: Verdict) -> str:
    """Return a verdict as it would be written down: what is equal but looks different is told apart."""
    return repr(verdict)


@settings(deadline=None)
@given(VERDICTS, st.randoms(use_true_random=False))
def test_the_order_in_which_guards_speak_makes_no_difference(verdicts: list[Verdict], chance: Random) -> None:
    shuffled = list(verdicts)
    chance.shuffle(shuffled)
    assert strictest(shuffled, RANK) == strictest(verdicts, RANK)


@settings(deadline=None)
@given(VERDICTS, VERDICT)
def test_another_guard_never_loosens(verdicts: list[Verdict], more: Verdict) -> None:
    before, after = strictest(verdicts, RANK), strictest([*verdicts, more], RANK)
    assert after.ruling >= before.ruling
    assert after.ruling >= more.ruling
    if before.ruling is after.ruling is Ruling.DEFER and before.until:
        assert after.until is not None
        assert after.until >= before.until


@settings(deadline=None, max_examples=500)
@given(ALIKE, ALIKE, ALIKE)
def test_verdicts_combine_in_any_order_and_grouping_and_saying_it_twice_adds_nothing(
    one: Verdict, two: Verdict, three: Verdict
) -> None:
    def both(left: Verdict, right: Verdict) -> Verdict:
        return strictest([left, right], RANK)

    assert exactly(both(one, two)) == exactly(both(two, one))
    assert exactly(both(both(one, two), three)) == exactly(both(one, both(two, three)))
    assert exactly(both(one, one)) == exactly(one)
    assert exactly(both(one, ALLOWED)) == exactly(one)
    assert exactly(both(both(one, two), three)) == exactly(strictest([one, two, three], RANK))


@settings(deadline=None)
@given(VERDICTS, VERDICTS)
def test_judging_in_two_parts_comes_to_the_same(one: list[Verdict], other: list[Verdict]) -> None:
    parts = [strictest(one, RANK), strictest(other, RANK)]
    assert exactly(strictest(parts, RANK)) == exactly(strictest([*one, *other], RANK))


def test_without_a_guard_it_is_allowed() -> None:
    assert strictest([], RANK) == ALLOWED


def test_deny_beats_hold_beats_the_latest_deferral_beats_allow() -> None:
    ladder = [ALLOWED, defer(NOW, "cap"), defer(NOW + timedelta(hours=1), "cap"), hold("no_links"), deny("stale")]
    for top in range(1, len(ladder) + 1):
        for order in permutations(ladder[:top]):
            assert strictest(order, RANK) == ladder[top - 1]


def test_of_two_denials_the_more_telling_reason_is_told() -> None:
    assert strictest([deny("no_address"), deny("deceased"), deny("no_consent")], RANK).reason == "deceased"
    assert strictest([deny("stale"), deny("shop.unpaid")], RANK).reason == "stale"


def test_of_two_denials_for_one_reason_the_same_is_told_in_any_order() -> None:
    two = [deny("left", status=status) for status in ("moved", "transferred")]
    assert strictest(two, RANK) == strictest(reversed(two), RANK)


def test_a_deferral_names_an_instant() -> None:
    with pytest.raises(ValueError, match="until when"):
        Verdict(Ruling.DEFER, "quiet_hours")
    with pytest.raises(ValueError, match="tzinfo"):
        defer(datetime(2026, 11, 23, 9, 0), "quiet_hours")  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize("made", [deny("left", status="moved"), hold("left", status="moved")], ids=["deny", "hold"])
def test_a_verdict_carries_what_its_words_need(made: Verdict) -> None:
    assert (made.reason, made.detail, made.until) == ("left", {"status": "moved"}, None)
