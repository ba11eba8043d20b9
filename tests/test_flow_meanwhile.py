"""While a plan is made, which may take long, others write: they wait for nobody, and the plan hears of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from situations import consent, patient

from crmkit import CRM, Campaign, State
from crmkit.ledger.ledger import Ledger
from crmkit.people.medium import Medium, Purpose
from crmkit.plugins import ALLOWED, CrmkitSpec, PluginInfo, hookimpl

TODAY = "on 2026-11-23"
CAMPAIGNS = [
    Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule=TODAY),
    Campaign("back", objective="reactivate", message="reactivation", segment="everybody", schedule=TODAY),
]
#: Less than a transaction waits for another one before it gives up.
SOON = 10


class Asked(CrmkitSpec):
    """A guard that lets everything leave, and counts what it is asked about."""

    info = PluginInfo("asked")
    name = "asked"

    def __init__(self):
        self.about = []

    @hookimpl
    def crmkit_guards(self, ctx):
        del ctx
        return [self]

    def judge(self, candidates, now):
        del now
        self.about += [one.patient.id for one in candidates]
        return [ALLOWED] * len(candidates)


@pytest.fixture
def guard():
    return Asked()


@pytest.fixture
def opened(exports, open_crm, guard):
    exports("patients", [patient("P1"), patient("P2", household="H2", email="two@x.example")])
    exports("consents", [consent("P1"), consent("P2")])
    crm = open_crm(plugins=["csv", "folder", guard])
    crm.sync()
    for campaign in CAMPAIGNS:
        crm.add(campaign)
    return crm


def no(crm):
    return crm.opt_out("P1", Purpose.MARKETING, Medium.EMAIL, evidence="telephone")


def marketing(touches):
    return {touch.patient: touch.state for touch in touches if touch.campaign == "back"}


def test_another_process_writes_while_a_plan_judges_and_the_plan_hears_of_it(opened, open_crm):
    other, said = open_crm(), []
    with ThreadPoolExecutor(1) as pool:
        plan = opened.plan(progress=lambda _: said.append(pool.submit(no, other).result(timeout=SOON)))
    assert said[0], "it was written at once"
    assert marketing(plan.touches) == {"P1": State.DENIED, "P2": State.READY}
    assert marketing(opened.plan(dry=True).touches) == {"P1": State.DENIED, "P2": State.READY}


def test_so_does_another_thread_with_the_same_crm(opened):
    with ThreadPoolExecutor(1) as pool:
        plan = opened.plan(progress=lambda _: pool.submit(no, opened).result(timeout=SOON))
    assert marketing(plan.touches) == {"P1": State.DENIED, "P2": State.READY}


def test_so_it_is_on_postgresql_and_the_trail_still_verifies(opened, practice, clock, tmp_path, postgres):
    given = {"plugins": ["csv", "folder"], "settings": {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}}
    with (
        CRM(practice, postgres, clock=clock, root=tmp_path, audit_key="k" * 32, **given) as crm,
        ThreadPoolExecutor(1) as pool,
    ):
        crm.sync()
        for campaign in CAMPAIGNS:
            crm.add(campaign)
        crm.plan(progress=lambda _: pool.submit(no, crm).result(timeout=SOON))
        assert marketing(crm.plan().touches) == {"P1": State.DENIED, "P2": State.READY}
        found = crm.audit()
        assert found.faults == ()
        assert found.chains == 1
        assert found.links > len(CAMPAIGNS)


@pytest.mark.parametrize("before", [False, True], ids=["claims", "gives back"])
def test_what_a_sender_claims_or_gives_back_amid_the_look_of_a_plan_on_postgresql_stays_as_it_is(
    opened, practice, clock, tmp_path, postgres, monkeypatch, before
):
    given = {"plugins": ["csv", "folder"], "settings": {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}}
    with CRM(practice, postgres, clock=clock, root=tmp_path, **given) as crm:
        crm.sync()
        for campaign in CAMPAIGNS:
            crm.add(campaign)
        crm.plan()
        claims, seal, decided = crm._stages.dispatch.claims, crm._stages.seal, Ledger.decided

        def claim():
            with seal.begin() as connection:
                assert claims.claim(connection, "another", clock.now(), 100)

        def give_back():
            with seal.begin() as connection:
                assert claims.recover(connection, clock.now() + timedelta(minutes=6))

        def asked(*about):
            found = decided(*about)
            while ways:
                ways.pop()()
            return found

        if before:
            claim()
        ways = [give_back if before else claim]
        monkeypatch.setattr(Ledger, "decided", asked)
        crm.plan()
        with crm._store.read() as connection:
            states = {touch.state for touch in crm._stages.ledger.touches(connection) if touch.campaign == "back"}
        assert states == {State.READY if before else State.CLAIMED}


def test_it_tells_of_each_campaign_once_though_it_judges_twice(opened, open_crm, guard):
    other, told = open_crm(), []

    def progress(campaign):
        if not told:
            no(other)
        told.append(campaign)

    opened.plan(progress=progress)
    assert told == ["back", "card"]
    assert guard.about.count("P2") == 2 * len(CAMPAIGNS)


def test_where_nobody_writes_it_judges_once(opened, guard):
    plan = opened.plan()
    assert plan.changed == len(guard.about) == len(CAMPAIGNS) * 2
    assert opened.plan().changed == 0


def test_two_plans_at_once_plan_each_message_once(opened, open_crm):
    other, plans = open_crm(plugins=["csv", "folder", Asked()]), []

    def progress(_):
        if not plans:
            plans.append(other.plan())

    plans.append(opened.plan(progress=progress))
    assert [plan.changed for plan in plans] == [len(CAMPAIGNS) * 2, 0]
    assert plans[0].touches == plans[1].touches
    assert all(len(opened.history(touch.key)) == 1 for touch in plans[0].touches)


class Forgotten(dict):
    """What one thread has just noted, and another one forgets, since a day began or a plugin's field has failed."""

    def __setitem__(self, name, value):
        super().__setitem__(name, value)
        self.clear()


def test_a_thread_sends_though_another_one_forgets_what_was_made_of_the_segments(opened):
    opened.plan()
    object.__setattr__(opened._stages.planner.members, "_selects", Forgotten())
    assert opened.send().sent == 2


def test_a_plan_that_fails_while_it_judges_leaves_nothing_behind(opened):
    def failing(campaign):
        if campaign == "card":
            raise RuntimeError

    with pytest.raises(RuntimeError):
        opened.plan(progress=failing)
    assert opened.feed() == []
    assert opened.plan().changed == len(CAMPAIGNS) * 2
