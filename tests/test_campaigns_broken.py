"""A campaign that rests on what has gone with its plugin waits alone: all others are planned, shown and sent."""

from __future__ import annotations

import logging
import pickle
from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from permuted import Bringing
from situations import consent, patient

import crmkit.cli.options as options
from crmkit import Campaign, State
from crmkit.cli.app import main
from crmkit.people.medium import Medium, Purpose
from crmkit.plugins import COUNT, Field, MessageType

BIRTHDAY = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
ON_THE_DAY = {"objective": "thank", "schedule": "on 2026-11-23"}
SHOWS = Field("no_shows", COUNT, "visits that were missed", lambda scope, _: sa.literal(0), known=True)


@pytest.fixture
def before(exports, open_crm, tmp_path):
    """A programme of three, planned while the plugin `acme` was there; return a CRM with it."""
    exports("patients", [patient(f"P{n}", household=f"H{n}", email=f"p{n}@x.example") for n in range(6)])
    exports("consents", [consent(f"P{n}") for n in range(6)])
    folder = tmp_path / "shipped"
    letter = folder / "hello/email/en"
    letter.mkdir(parents=True)
    for name in ("subject.txt", "body.txt"):
        (letter / name).write_text("Hello from {{ practice.name }}", encoding="utf-8")
    hello = MessageType("hello", Purpose.MARKETING, "hi", (), (Medium.EMAIL,), 3, folder, personal=False)
    acme = Bringing("acme", fields=[SHOWS], message_types=[hello])
    crm = open_crm(plugins=["csv", "folder", acme], caps=[])
    crm.sync()
    crm.add(BIRTHDAY)
    crm.add(Campaign("hello", message="acme.hello", segment="everybody", **ON_THE_DAY))
    crm.add(Campaign("back", message="reactivation", segment="acme.no_shows < 2", **ON_THE_DAY))
    assert Counter(touch.campaign for touch in crm.plan().ready()) == {"card": 6, "hello": 6, "back": 6}
    assert crm.broken() == {}
    return crm


ADMIT = "To mend: admit the plugin acme, which would bring it; known are: "
TYPE = f"campaign hello: the message type acme.hello is unknown. {ADMIT}"
FIELD = f"campaign back: segment, column 1: the field acme.no_shows is unknown. {ADMIT}"


@pytest.mark.no_cover
def test_all_others_are_planned_shown_and_sent_and_what_is_broken_is_named(before, open_crm, outbox, caplog):
    caplog.set_level(logging.WARNING, "crmkit.crm")
    crm = open_crm(caps=[])
    plan = crm.plan()
    assert {touch.campaign: touch.state for touch in plan.touches} == {
        "card": State.READY,
        "hello": State.HELD,
        "back": State.HELD,
    }
    assert [*plan.broken] == ["back", "hello"]
    assert plan.broken["hello"].startswith(TYPE)
    assert plan.broken["back"].startswith(FIELD)
    assert [record.getMessage() for record in caplog.records] == [
        f"bright-eyes: plan: a campaign was left out: {problem}" for problem in plan.broken.values()
    ]
    assert crm.broken() == crm.status().broken == pickle.loads(pickle.dumps(plan)).broken == plan.broken  # noqa: S301
    assert crm.rehearse(2).broken == plan.broken
    assert crm.send().counts() == {State.SENT: 6}
    assert len(outbox()) == 6
    before.plan()
    assert before.send().sent == 12, "what was held is judged anew as soon as the plugin is back"


@pytest.mark.no_cover
def test_of_one_patient_all_else_is_told_before_a_plan_and_after_it(before, open_crm):
    crm = open_crm(caps=[])
    for _ in range(2):
        told = {one.campaign: one.words for one in crm.why("P1")}
        assert told == {
            "card": "ready to go",
            "hello": "held: no plugin brings the message type acme.hello",
            "back": "held: no plugin brings what the segment asks: the field acme.no_shows is unknown",
        }
        shown = {one.touch.campaign: (one.goes, one.message is not None) for one in crm.preview("P1")}
        assert shown == {"card": (True, True), "hello": (False, False), "back": (False, False)}
        crm.plan()


def test_nothing_new_is_planned_of_it_and_its_lack_is_told_of_who_has_no_touch(before, open_crm, exports):
    exports("patients", [patient(f"P{n}", household=f"H{n}", email=f"p{n}@x.example") for n in range(7)])
    crm = open_crm(caps=[])
    crm.sync()
    assert {touch.campaign for touch in crm.plan().of("P6")} == {"card"}
    told = {one.campaign: one.words for one in crm.why("P6") if one.state is None}
    assert told == {
        "hello": "the campaign cannot be planned: the message type acme.hello is unknown",
        "back": "the campaign cannot be planned: the field acme.no_shows is unknown",
    }


def test_what_became_too_late_meanwhile_expires_and_what_was_denied_stays_so(before, open_crm, clock):
    before.opt_out("P1", Purpose.MARKETING, Medium.EMAIL)
    before.plan()
    crm = open_crm(caps=[])
    states = Counter((touch.campaign, touch.state) for touch in crm.plan().touches)
    assert states["hello", State.DENIED] == 1
    assert states["hello", State.HELD] == 5
    clock.move(timedelta(days=90))
    gone = Counter((touch.campaign, touch.state) for touch in crm.plan().touches)
    assert gone["hello", State.EXPIRED] == gone["back", State.EXPIRED] == 5
    assert crm.send().counts() == {}


@pytest.mark.no_cover
def test_a_copy_that_another_touch_of_it_was_to_carry_does_not_pass_for_carried(before, open_crm, exports):
    exports("patients", [patient(f"P{n}") for n in range(6)])
    before.sync()
    assert before.plan().counts()["hello", State.CARRIED] == 5
    hello = [touch for touch in open_crm(caps=[]).plan().touches if touch.campaign == "hello"]
    assert [(touch.state, touch.carried_by) for touch in hello] == [(State.HELD, "")] * 6
    assert before.plan().counts()["hello", State.CARRIED] == 5


def test_the_commands_tell_it_and_ask_for_a_person(before, open_crm, monkeypatch):
    monkeypatch.setattr(options.Given, "crm", lambda _: open_crm(caps=[]))
    for command, code in (("plan", 3), ("status", 3), ("preview P1", 0), ("rehearse --days 2", 0)):
        done = CliRunner().invoke(main, command.split(), catch_exceptions=False)
        assert done.exit_code == code, command
        assert "the message type acme.hello is unknown" in done.stdout, command


@pytest.mark.parametrize("change", [{"quota": 3}, {"media": ["carrier-pigeon"]}])
def test_a_campaign_that_a_later_version_wrote_waits_for_it_and_passes_for_no_campaign_that_is_gone(before, change):
    """As in a deployment that rolls over the machines, or one that is taken back."""
    table = before._stages.tables.campaign
    mine = table.c.id == "hello"
    with before._store.begin() as connection:
        (written,) = connection.scalars(sa.select(table.c.definition).where(mine))
        connection.execute(sa.update(table).where(mine).values(definition={**written, **change}))
    assert [*before.broken()] == ["hello"]
    assert "run here too the version of crmkit that wrote it" in before.broken()["hello"]
    assert [campaign.id for campaign in before.programme()] == ["back", "card"]
    assert before.send(only_to=["P2"]).counts() == {State.SENT: 2, State.HELD: 1}
    counts = before.plan().counts()
    assert counts["hello", State.HELD] == 6
    assert {one.campaign: one.words for one in before.why("P1")}["hello"].startswith(
        "held: the campaign cannot be planned: "
    )
    assert before.stop("hello", by="Kim")
    assert before.resume("hello", by="Kim")
    with before._store.begin() as connection:
        connection.execute(sa.update(table).where(mine).values(definition=written))
    assert before.plan().counts()["hello", State.READY] == 6
