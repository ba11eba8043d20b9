"""What people decide: stop, go on, call off, settle what is in doubt; and the trail that shows tampering."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from situations import consent, patient

from crmkit import Campaign
from crmkit.errors import ConfigError, NotFound
from crmkit.ledger.doubt import Settled
from crmkit.ledger.state import State
from crmkit.people.medium import Medium, Purpose
from crmkit.plugins import CrmkitSpec, Outcome, PluginInfo, Receipt, hookimpl

BIRTHDAY = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")


class Silent(CrmkitSpec):
    """A channel that takes a message and gives no answer, unless told to."""

    info = PluginInfo("silent")
    name = "silent"
    medium = Medium.EMAIL

    def __init__(self):
        self.handed, self.answers = [], False

    @hookimpl
    def crmkit_channels(self, ctx):
        del ctx
        return [self]

    def send(self, messages):
        self.handed += messages
        return [Receipt(one.key, Outcome.SENT) for one in messages] if self.answers else []


@pytest.fixture
def two(exports, open_crm):
    exports("patients", [patient("P1"), patient("P2", household="H2", email="two@x.example")])
    exports("consents", [consent("P1"), consent("P2")])

    def opened(**more):
        crm = open_crm(**more)
        crm.sync()
        crm.add(BIRTHDAY)
        crm.plan()
        return crm

    return opened


def states(crm):
    return {touch.patient: (touch.state, touch.reason) for touch in crm.plan(dry=True).touches}


@pytest.mark.parametrize("campaign", ["", "card"])
def test_what_is_stopped_does_not_leave_and_goes_on_when_it_may(two, outbox, campaign):
    crm = two()
    assert crm.stop(campaign, by="Kim")
    assert not crm.stop(campaign, by="Kim"), "it stood already"
    assert crm.send().sent == 0
    assert outbox() == []
    assert {reason for _, reason in states(crm).values()} == {"paused" if campaign else "stopped"}
    assert [(one.campaign, one.by) for one in crm.stopped()] == [(campaign, "Kim")]
    assert crm.resume(campaign)
    assert not crm.resume(campaign)
    assert crm.stopped() == []
    assert crm.send().sent == 2


@pytest.mark.parametrize("campaign", ["", "card"])
def test_what_a_plan_held_while_all_was_stopped_needs_no_other_plan_to_go_on(two, campaign):
    crm = two()
    crm.stop("card", by="Kim")
    crm.stop(campaign, by="Kim")
    crm.plan()
    crm.resume(campaign, by="Lee")
    crm.resume("card", by="Lee")
    assert crm.send().sent == 2
    assert "Lee" in {event.actor for event in crm.feed()}


@pytest.mark.parametrize("planned", [False, True])
def test_a_programme_that_went_on_after_weeks_fires_nothing_late(two, clock, outbox, planned):
    crm = two()
    crm.stop(by="Kim")
    if planned:
        crm.plan()
    clock.move(timedelta(days=20))
    crm.resume()
    crm.send()
    assert outbox() == []
    assert {event.state for event in crm.feed()} >= {State.EXPIRED}


def test_what_was_called_off_is_not_planned_again(two, outbox):
    crm = two()
    assert crm.cancel("card", by="Kim") == 2
    crm.plan()
    assert crm.send().sent == 0
    last = [event for event in crm.feed() if event.state is State.CANCELLED]
    assert {(event.reason, event.actor) for event in last} == {("cancelled", "Kim")}


def test_a_campaign_that_there_is_not_cannot_be_stopped(two):
    with pytest.raises(NotFound, match="cards"):
        two().stop("cards", by="Kim")


def test_what_nobody_decided_or_nobody_can_mean_is_refused(two):
    crm = two()
    for decide in (crm.stop, crm.cancel, lambda by: crm.settle("key", Settled.SENT, by=by)):
        with pytest.raises(ConfigError, match="nobody is named"):
            decide(by=" ")
    with pytest.raises(NotFound, match="did you mean card"):
        crm.cancel("cards", by="Kim")
    with pytest.raises(ConfigError, match="did you mean not_sent"):
        crm.settle("key", "not-sent", by="Kim")
    crm.retire("card")
    assert crm.cancel("card", by="Kim") == 2, "of a campaign that went, too"


def test_what_is_in_doubt_is_shown_with_its_evidence_and_never_repeated_by_itself(two, clock):
    channel = Silent()
    crm = two(plugins=["csv", "folder", channel], channels={Medium.EMAIL: "silent"})
    crm.send()
    clock.move(timedelta(hours=1))
    crm.plan()
    crm.send()
    assert len(channel.handed) == 2
    assert [(one.channel, one.evidence) for one in crm.unknowns()] == [("silent", "no receipt")] * 2
    assert {one.message_id for one in crm.unknowns()} == {one.message_id for one in channel.handed}


@pytest.mark.parametrize(
    ("said", "state", "handed"),
    [(Settled.SENT, State.SENT, 2), (Settled.NOT_SENT, State.CANCELLED, 2), (Settled.AGAIN, State.SENT, 3)],
)
def test_a_person_settles_what_is_in_doubt(two, said, state, handed):
    channel = Silent()
    crm = two(plugins=["csv", "folder", channel], channels={Medium.EMAIL: "silent"})
    crm.send()
    one, other = crm.unknowns()
    crm.settle(one.touch.key, said, by="Kim")
    channel.answers = True
    crm.plan()
    crm.send()
    assert len(channel.handed) == handed
    told = crm.history(one.touch.key)
    assert told[-1]["state"] == state.value
    assert "Kim" in [step["actor"] for step in told]
    assert [left.touch.key for left in crm.unknowns()] == [other.touch.key]
    with pytest.raises(NotFound, match="in doubt"):
        crm.settle(one.touch.key, said, by="Kim")


def test_the_trail_fits_over_several_writers_and_what_was_changed_does_not(two):
    crm = two(audit_key="a key of the host")
    other = two(audit_key="a key of the host")
    crm.send()
    other.opt_out("P1", Purpose.MARKETING, Medium.EMAIL)
    found = crm.audit()
    assert found.faults == ()
    assert (found.chains, found.unsealed) == (2, 0)
    assert found.head == other.audit().head
    noted = found.head, crm.clock.now()
    crm.clock.move(timedelta(days=1))
    crm.opt_out("P2", Purpose.MARKETING, Medium.EMAIL)
    assert crm.audit().head != noted[0]
    assert crm.audit(until=noted[1]).head == noted[0], "what was noted then can still be shown"
    assert two(audit_key="another key").audit().faults


TAMPERING = (
    "UPDATE crmkit_event SET actor = 'nobody' WHERE state = 'sent'",
    "UPDATE crmkit_event SET detail = '{}' WHERE state = 'sending'",
    "DELETE FROM crmkit_event WHERE state = 'claimed'",
    "DELETE FROM crmkit_learnt_consent",
    "UPDATE crmkit_learnt_consent SET given = 1",
    "INSERT INTO crmkit_event"
    " SELECT practice, campaign, occasion, patient, 99, at, was, state, reason, detail, actor, writer, link"
    " FROM crmkit_event WHERE state = 'sent'",
    "INSERT INTO crmkit_event"
    " SELECT practice, campaign, occasion, patient, 99, at, was, state, reason, detail, actor, writer, link + 50"
    " FROM crmkit_event WHERE state = 'sent'",
    "UPDATE crmkit_audit SET rows = rows + 1 WHERE number = 2",
    "UPDATE crmkit_audit SET link = 'x' WHERE number = 1",
    "DELETE FROM crmkit_audit WHERE number = 1",
    "DELETE FROM crmkit_audit WHERE number = (SELECT max(number) FROM crmkit_audit)",
    "UPDATE crmkit_touch SET state = 'delivered'",
)


@pytest.mark.parametrize("statement", TAMPERING)
def test_tampering_is_found(two, statement):
    crm = two(audit_key="a key of the host")
    crm.send()
    crm.opt_out("P1", Purpose.MARKETING, Medium.EMAIL)
    assert crm.audit().faults == ()
    with crm._store.begin() as connection:
        assert connection.execute(sa.text(statement)).rowcount
    assert crm.audit().faults


def test_without_a_key_there_is_no_trail_and_it_says_so(two):
    crm = two()
    with pytest.raises(ConfigError, match="audit key"):
        crm.audit()


def test_the_key_never_enters_the_database_nor_a_repr(two, tmp_path):
    crm = two(audit_key="a key of the host")
    crm.send()
    crm.close()
    assert all(b"a key of the host" not in path.read_bytes() for path in tmp_path.glob("crm.db*"))
    assert "a key of the host" not in repr(crm._stages.seal) + repr(crm._opened.options)
