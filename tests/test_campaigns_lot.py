"""The lot: the same draw for everybody who makes it again, and a larger lot keeps all who were in a smaller one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.campaigns.lot import MESSAGED, WITHHELD, arm, bucket

SHARES = st.decimals(0, 1, places=4, allow_nan=False)


@pytest.mark.parametrize(
    ("salt", "unit", "drawn"),
    [
        ("holdout-v1", "P000001", 9908),
        ("holdout-v1", "P000002", 8016),
        ("holdout-v2", "P000001", 1623),
        ("holdout-v1", "household:42", 4426),
        ("holdout-v1", "Zoë", 1603),
    ],
)
def test_golden_draws(salt: str, unit: str, drawn: int) -> None:
    assert bucket(salt, unit) == drawn


@settings(deadline=None)
@given(st.text(), st.text())
def test_a_draw_lies_between_0_and_9999(salt: str, unit: str) -> None:
    assert 0 <= bucket(salt, unit) < 10_000


@settings(deadline=None)
@given(st.text(), SHARES, SHARES)
def test_a_larger_lot_keeps_all_who_were_withheld(household: str, one: Decimal, other: Decimal) -> None:
    smaller, larger = sorted([one, other])
    if arm("p", "c", household, smaller) == WITHHELD:
        assert arm("p", "c", household, larger) == WITHHELD


@settings(deadline=None)
@given(st.text())
def test_without_a_lot_there_is_no_arm_and_a_whole_lot_withholds_all(household: str) -> None:
    assert arm("p", "c", household, Decimal(0)) == ""
    assert arm("p", "c", household, Decimal(1)) == WITHHELD


@pytest.mark.parametrize("lot", [Decimal("0.1"), Decimal("0.2"), Decimal("0.5")])
def test_the_share_is_kept(lot: Decimal) -> None:
    arms = [arm("bright-eyes", "christmas-return", f"H{n}", lot) for n in range(20_000)]
    assert set(arms) == {MESSAGED, WITHHELD}
    assert abs(arms.count(WITHHELD) / 20_000 - float(lot)) < 0.012


def test_campaigns_and_practices_draw_independently() -> None:
    def withheld(practice: str, campaign: str) -> set[int]:
        return {n for n in range(10_000) if arm(practice, campaign, f"H{n}", Decimal("0.5")) == WITHHELD}

    base = withheld("bright-eyes", "birthday")
    assert base == withheld("bright-eyes", "birthday")
    for other in (withheld("bright-eyes", "newsletter"), withheld("far-sight", "birthday")):
        assert 0.47 < len(base & other) / len(base) < 0.53
