"""What a channel answers at the hand-over is believed as far as it fits: no server condemns everybody."""

from __future__ import annotations

import pytest

from crmkit.delivery.channel import Outcome, Receipt
from crmkit.delivery.refused_addresses import Belief


def answers(told: str) -> list[Receipt]:
    """Return a receipt for each letter: s for sent, n for nobody, r for retry."""
    kinds = {
        "s": Receipt("k", Outcome.SENT),
        "n": Receipt("k", Outcome.REFUSED, evidence="550 5.1.1", permanent=True),
        "r": Receipt("k", Outcome.RETRY),
    }
    return [kinds[letter] for letter in told]


@pytest.mark.parametrize(
    ("windows", "believed"),
    [
        (["n"], True),
        (["n", "n"], True),
        (["n", "n", "n"], False),
        (["n" * 9], False),
        (["nnnnsnn"], True),
        (["n" * 10], False),
        (["n", "n" * 9], False),
        (["sn" * 50], True),
        (["s" * 100, "n" * 9], True),
        (["s" * 100, "n" * 20], False),
        (["r" * 100, "nn"], True),
        (["r" * 100, "n" * 9], False),
        (["n" * 20, "s" * 20, "n" * 5], True),
    ],
)
def test_a_server_that_says_of_most_that_nobody_is_there_is_not_believed(windows: list[str], believed: bool) -> None:
    belief = Belief()
    told = [belief.of(answers(window)) for window in windows][-1]
    said = [(one.outcome, one.permanent) for one in told if one.evidence]
    assert set(said) == {(Outcome.REFUSED, True) if believed else (Outcome.RETRY, False)}
    assert [one.outcome for one in told if not one.evidence] == [
        one.outcome for one in answers(windows[-1]) if not one.evidence
    ]
