"""Two senders on one database, either of which may die at any moment: nobody gets anything twice, no touch is lost.

The same machine runs on SQLite and on PostgreSQL, with channels of every guarantee. That it can fail is shown by a
sender that notes its intents only after the hand-over.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from senders import GUARANTEES, Inline, Senders

from crmkit import State
from crmkit.delivery import dispatch
from crmkit.delivery.channel import BLIND

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

USUAL = settings(
    max_examples=15,
    stateful_step_count=15,
    deadline=None,
    # A failure is told as it was found: making it smaller would take minutes.
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def inline(monkeypatch):
    monkeypatch.setattr(dispatch, "Carrier", Inline)


def on_sqlite(folder):
    return f"sqlite:///{folder}/crm.db"


@contextmanager
def walking(guarantee, **more):
    """Open a machine for a walk that is written down; at its end the dust settles."""
    senders = Senders(on_sqlite, **more)
    senders.open(guarantee, dispatch.CLAIM)
    try:
        yield senders
    finally:
        senders.teardown()


def test_senders_on_sqlite():
    run_state_machine_as_test(lambda: Senders(on_sqlite), settings=USUAL)


def test_senders_on_postgresql(postgres_server):
    run_state_machine_as_test(lambda: Senders(lambda _: postgres_server.ready()), settings=USUAL)


def test_a_sender_that_notes_its_intents_afterwards_is_found_out():
    # It ends with the first walk that finds it, the same one in each run.
    many = settings(USUAL, max_examples=2000, derandomize=True)
    with pytest.raises(AssertionError, match="an occasion twice"):
        run_state_machine_as_test(lambda: Senders(on_sqlite, mutant=True), settings=many)


@pytest.mark.parametrize("guarantee", GUARANTEES, ids=("blind", "keyed", "queryable", "both"))
def test_who_dies_right_after_a_hand_over_has_made_the_only_one(guarantee):
    with walking(guarantee) as senders:
        senders.sends_with_trouble(0, ["death after"])
        assert len(senders.provider.arrived) == 1
    assert set(Counter(senders.provider.arrived).values()) == {1}
    assert len(senders.provider.arrived) > 1, "what was only claimed goes out"


def test_that_walk_alone_finds_out_who_notes_intents_afterwards():
    with pytest.raises(AssertionError, match="an occasion twice"), walking(BLIND, mutant=True) as senders:
        senders.sends_with_trouble(0, ["death after"])


def test_a_death_at_every_fifth_statement_of_a_sending_leaves_one_window_in_doubt_at_most():
    with walking(BLIND) as senders:
        senders.send(0, None)
    messages, at, survived = len(senders.provider.arrived), 0, False
    while not survived:
        with walking(BLIND) as senders:
            first = senders.senders[0]
            senders.dies(0, at, [])
            survived = senders.senders[0] is first
        in_doubt = {key for key, touch in senders.known.items() if touch.state is State.UNKNOWN}
        assert len(set(senders.provider.arrived) | in_doubt) == messages, f"lost by a death at statement {at}"
        assert len(in_doubt) <= 10, at
        at += 5
    assert at > 30, "the last ones died before the end"
