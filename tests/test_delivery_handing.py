"""What a channel answers at the hand-over is believed as far as it fits: no server condemns everybody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from recording_channel import Recorder
from situations import consent, patient

from crmkit import CRM, Campaign, State
from crmkit.delivery.channel import Outcome, Receipt
from crmkit.delivery.handing import Belief
from crmkit.people.medium import Medium

RETURN = Campaign(
    "return", objective="reactivate", message="reactivation", segment="everybody", schedule="on 2026-11-23"
)


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
        (["n" * 9], True),
        (["n" * 10], False),
        (["n", "n" * 9], False),
        (["sn" * 50], True),
        (["s" * 100, "n" * 9], True),
        (["s" * 100, "n" * 20], False),
        (["r" * 100, "n" * 9], True),
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


@pytest.fixture
def due(exports: Callable[..., None], open_crm: Callable[..., CRM]) -> Callable[[Recorder], CRM]:
    """Open a CRM in which forty patients are due through a given channel."""

    def opened(recorder: Recorder) -> CRM:
        people = [patient(f"P{n:02}", household=f"H{n}", email=f"p{n}@x.example") for n in range(40)]
        exports("patients", people)
        exports("consents", [consent(one["id"]) for one in people])
        crm = open_crm(plugins=["csv", "folder", recorder], channels={Medium.EMAIL: "recorder"})
        crm.sync()
        crm.add(RETURN)
        crm.plan()
        return crm

    return opened


def test_a_server_without_its_list_of_users_costs_nobody_the_message(due: Any, clock: Any) -> None:
    recorder = Recorder()
    recorder.fate = ["nobody"] * 40
    crm = due(recorder)
    touches = crm.send().touches
    states = [touch.state for touch in touches]
    assert 0 < states.count(State.REFUSED) < 10
    waits = next(touch for touch in touches if touch.state is State.RETRY)
    assert "look at the mail server" in crm.why(waits.patient)[0].words
    with crm._store.read() as connection:
        stopped = connection.scalar(sa.text("SELECT count(*) FROM crmkit_suppression"))
    assert stopped == states.count(State.REFUSED)
    clock.set(clock.now() + timedelta(hours=1))
    assert crm.send().sent == 40 - stopped
