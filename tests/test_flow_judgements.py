"""One patient at a time through the whole way: who gets the card, who does not, and what reason is told."""

from __future__ import annotations

import email
import email.policy
from datetime import date, timedelta
from pathlib import Path

import attrs
import pytest
from permuted import Bringing, Taking, winter
from recording_channel import Recorder
from situations import consent, patient

from crmkit import Campaign, State, Window
from crmkit.errors import ConfigError, NotFound
from crmkit.ledger.learnt import address_digest, suppress
from crmkit.people.medium import Medium, Purpose
from crmkit.plugins import Limits, keyed

NEWS = Campaign("news", objective="inform", message="newsletter", segment="everybody", schedule="on 2026-11-23")
BIRTHDAY = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")

SITUATIONS = {
    "all is well": ({}, True, State.READY, "ready"),
    "has died": ({"deceased_on": "2026-10-01"}, True, State.DENIED, "deceased"),
    "has moved away": ({"status": "moved"}, True, State.DENIED, "left"),
    "never was a patient": ({"status": "non-patient"}, True, State.DENIED, "left"),
    "was never asked": ({}, False, State.DENIED, "no_consent"),
    "has no address": ({"email": ""}, True, State.DENIED, "no_address"),
    "has an address that cannot be": ({"email": "mia(at)stone"}, True, State.DENIED, "bad_address"),
    "is a child without guardian": ({"born": "2019-11-23"}, True, State.DENIED, "minor_without_guardian"),
    "has no first name": ({"given": ""}, True, State.HELD, "field_missing"),
    "is written in capitals": ({"given": "MARGARET"}, True, State.HELD, "doubtful_name"),
}


@pytest.fixture
def news(tmp_path):
    """Write what the newsletter says, and return the file."""
    path = tmp_path / "content" / "newsletter" / "2026-11-23.md"
    path.parent.mkdir(parents=True)
    path.write_text("# News\n\nHello.\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_situation_has_its_state_and_reason(situation, exports, open_crm, outbox):
    fields, agreed, state, reason = SITUATIONS[situation]
    exports("patients", [patient("P1", **fields)])
    exports("consents", [consent("P1")] if agreed else [])
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    (touch,) = crm.plan().touches
    assert (touch.state, touch.reason) == (state, reason)
    assert crm.send().sent == len(outbox()) == (1 if state is State.READY else 0)


def test_a_childs_card_goes_to_the_guardian(exports, open_crm, outbox):
    child = patient("C1", given="Leo", born="2019-11-23", guardian="P1", email="")
    exports("patients", [patient("P1", born="1985-01-01"), child])
    exports("consents", [consent("P1")])
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    (touch,) = crm.plan().touches
    assert (touch.patient, touch.recipient, touch.state) == ("C1", "P1", State.READY)
    crm.send()
    (message,) = (email.message_from_bytes(raw, policy=email.policy.default) for raw in outbox())
    assert message["To"].addresses[0].addr_spec == "mia@stone.example"
    assert "Leo" in message.get_body(("plain",)).get_content()


def test_a_guardians_no_holds_for_the_child(exports, open_crm):
    child = patient("C1", given="Leo", born="2019-11-23", guardian="P1", email="")
    exports("patients", [patient("P1", born="1985-01-01"), child])
    exports("consents", [consent("C1"), consent("P1", given="no", at="2025-06-01T09:00:00+10:00")])
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    assert [touch.reason for touch in crm.plan().touches] == ["opted_out"]


def test_the_card_of_an_eighteenth_birthday_is_shown_as_it_will_leave(exports, open_crm, clock, outbox):
    born = {"born": "2008-11-25", "guardian": "P1"}
    agreed, silent = patient("C1", given="Tess", email="tess@x.example", **born), patient("C2", given="Theo", **born)
    exports("patients", [patient("P1", born="1985-01-01"), agreed, silent])
    exports("consents", [consent("P1"), consent("C1")])
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    told = {touch.patient: (touch.recipient, touch.reason) for touch in crm.plan().touches}
    assert told == {"C1": ("C1", "ready"), "C2": ("C2", "no_consent")}, "the mother's yes ends on that day"
    shown = crm.preview("C1")[0].message
    assert (shown.to, shown.subject) == ("tess@x.example", "Happy birthday, Tess")
    clock.move(timedelta(days=2))
    assert crm.send().sent == 1
    (message,) = (email.message_from_bytes(raw, policy=email.policy.default) for raw in outbox())
    assert message["Subject"] == shown.subject


def test_who_is_named_as_the_own_guardian_has_none(exports, open_crm):
    own = {"born": "2016-11-23", "guardian": "C1"}
    exports("patients", [patient("C1", **own), patient("P1", guardian="P1"), patient("P2", born="", guardian="P2")])
    exports("consents", [consent(one) for one in ("C1", "P1", "P2")])
    crm = open_crm()
    crm.sync()
    crm.add(attrs.evolve(NEWS, message="reactivation"))
    told = {touch.patient: (touch.recipient, touch.reason) for touch in crm.plan().touches}
    assert told == {"C1": ("", "minor_without_guardian"), "P1": ("P1", "ready"), "P2": ("P2", "ready")}
    assert crm.holds("P1").wards == ()


def test_who_reads_is_told_by_age_and_guardian_and_somebody_must_have_agreed(exports, open_crm, tmp_path):
    born = {
        "C1": "2008-11-24",
        "C2": "2008-11-23",
        "C3": "",
        "C4": "2019-01-01",
        "P1": "1985-01-01",
        "P2": "1985-01-01",
    }
    wards = {"C1": "P1", "C2": "P1", "C3": "P1", "C4": "P2"}
    exports("patients", [patient(one, born=day, guardian=wards.get(one, "")) for one, day in born.items()])
    exports("consents", [consent(one) for one in ("C2", "P1")])
    winters = Bringing("acme", message_types=[winter(tmp_path / "acme", "Warm", personal=True)])
    crm = open_crm(plugins=["csv", "folder", winters], caps=[])
    crm.sync()
    crm.add(Campaign("warm", objective="inform", message="acme.winter", segment="everybody", schedule="on 2026-11-23"))
    told = {touch.patient: (touch.recipient, touch.reason) for touch in crm.plan().touches}
    assert told == {
        "C1": ("P1", "ready"),
        "C2": ("C2", "ready"),  # of age today
        "C3": ("P1", "ready"),
        "C4": ("P2", "no_consent"),
        "P1": ("P1", "ready"),
        "P2": ("P2", "no_consent"),
    }


def test_the_first_way_that_reaches_and_was_agreed_to_is_taken(exports, open_crm, tmp_path):
    mobile = {"mobile": "0491 570 156"}
    people = [
        patient("both", **mobile),
        patient("no-texts", **mobile),
        patient("no-number"),
        patient("silent", **mobile),
        patient("nowhere", email=""),
    ]
    exports("patients", people)
    agreed = [("both", "sms"), ("both", "email"), ("no-texts", "email"), ("no-number", "email"), ("nowhere", "sms")]
    exports("consents", [consent(one, medium=medium) for one, medium in agreed])
    texts = Bringing("texts", channels=[Taking("texts", Medium.SMS, Limits())])
    winters = Bringing("acme", message_types=[winter(tmp_path / "acme", "Warm", personal=True)])
    crm = open_crm(plugins=["csv", "folder", winters, texts], caps=[])
    crm.sync()
    warm = {"message": "acme.winter", "segment": "everybody", "schedule": "on 2026-11-23"}
    crm.add(Campaign("warm", objective="inform", media=("sms", "email"), **warm))
    assert {touch.patient: (touch.medium, touch.reason) for touch in crm.plan().touches} == {
        "both": ("sms", "hours"),  # the number may be in Perth, where it is seven
        "no-texts": ("email", "ready"),
        "no-number": ("email", "ready"),
        "silent": ("sms", "no_consent"),
        "nowhere": ("sms", "no_address"),
    }


def test_a_message_whose_channel_was_taken_out_waits_and_no_address_is_blamed(exports, open_crm, clock, tmp_path):
    clock.move(timedelta(hours=4))
    exports("patients", [patient("P1", mobile="0491 570 156"), patient("P2")])
    exports("consents", [consent("P1", medium="sms"), consent("P2", medium="sms")])
    winters = Bringing("acme", message_types=[winter(tmp_path / "acme", "Warm", personal=True)])
    texts = Bringing("texts", channels=[Taking("texts", Medium.SMS, Limits())])
    crm, without = (open_crm(plugins=["csv", "folder", winters, *more]) for more in ([texts], []))
    crm.sync()
    warm = {"message": "acme.winter", "segment": "everybody", "schedule": "on 2026-11-23"}
    crm.add(Campaign("warm", objective="inform", media=("sms",), **warm))
    assert {touch.patient: touch.reason for touch in crm.plan().touches} == {"P1": "ready", "P2": "no_address"}
    assert without.send().counts() == {State.HELD: 1}
    assert {touch.patient: touch.reason for touch in without.plan().touches} == {"P1": "no_channel", "P2": "no_address"}
    assert without.why("P1")[0].words == "held: no channel delivers sms"
    assert crm.plan().counts()["warm", State.READY] == 1


def test_a_campaign_that_is_paused_waits_until_it_is_not(exports, open_crm):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm()
    crm.sync()
    for paused, reason, sent in ((True, "paused", 0), (False, "ready", 1)):
        crm.add(attrs.evolve(BIRTHDAY, paused=paused))
        assert [touch.reason for touch in crm.plan().touches] == [reason]
        assert crm.send().sent == sent


def test_consent_given_tomorrow_revives_todays_denial(exports, open_crm, clock):
    exports("patients", [patient("P1")])
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    assert crm.plan().touches[0].state is State.DENIED
    crm.opt_in("P1", Purpose.MARKETING, Medium.EMAIL, wording="Yes, write to me", evidence="desk")
    assert crm.plan().touches[0].state is State.READY
    states = [line.split(" ")[2] for line in crm.why("P1")[0].history]
    assert states == ["denied:", "ready:"]


def test_an_occasion_that_went_stale_expires_instead_of_firing_late(exports, open_crm, clock, outbox):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    crm.plan()
    clock.set(clock.now().replace(day=29))
    assert [touch.state for touch in crm.send().touches] == [State.EXPIRED]
    assert outbox() == []


def test_a_corrected_birthday_brings_no_second_card_and_stops_nobody_elses(exports, open_crm, clock, outbox):
    agreed = [consent("sent"), consent("other")]
    exports("patients", [patient("sent"), patient("denied", household="H2"), patient("late", household="H3")])
    exports("consents", agreed)
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    crm.plan()
    assert crm.send().sent == 1
    clock.move(timedelta(days=14))  # too late for that birthday by now
    people = [patient(who, born="1980-12-09", household=who) for who in ("sent", "denied", "late", "other")]
    exports("patients", people)
    exports("consents", [*agreed, consent("denied")])
    crm.sync()
    plan = crm.plan()
    assert {touch.patient: touch.state for touch in plan.touches} == {
        "denied": State.READY,
        "late": State.DENIED,
        "other": State.READY,
    }
    assert crm.plan().changed == 0
    clock.move(timedelta(days=3))
    crm.send()
    assert len(outbox()) == 3


def test_a_campaign_that_is_moved_within_its_year_reaches_whom_it_has_not_reached(exports, open_crm, clock, outbox):
    exports("patients", [patient("sent"), patient("new", household="H2", email="new@x.example")])
    exports("consents", [consent("sent")])
    yearly = attrs.evolve(BIRTHDAY, message="reactivation", schedule="yearly on 23 November")
    crm = open_crm()
    crm.sync()
    crm.add(yearly)
    crm.plan()
    assert crm.send().sent == 1
    clock.move(timedelta(days=29))
    exports("consents", [consent("sent"), consent("new")])
    crm.sync()
    crm.add(attrs.evolve(yearly, schedule="yearly on 22 December"))
    assert [touch.patient for touch in crm.plan().ready()] == ["new"]
    assert crm.send().sent == 1
    assert len(outbox()) == 2


def test_what_changes_between_plan_and_send_is_seen(exports, open_crm, outbox):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    crm.plan()
    exports("patients", [patient("P1", deceased_on="2026-11-22")])
    crm.sync()
    assert [touch.reason for touch in crm.send().touches] == ["deceased"]
    assert outbox() == []


def test_who_books_between_plan_and_send_leaves_the_segment(exports, open_crm):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm()
    crm.sync()
    crm.add(
        Campaign(
            "card", objective="celebrate", message="birthday", segment="next_visit is empty", schedule="on birthday"
        )
    )
    crm.plan()
    exports("visits", [{"id": "v", "patient": "P1", "day": "2026-12-24", "status": "booked"}])
    crm.sync()
    (touch,) = crm.send().touches
    assert (touch.reason, touch.owner, touch.lease) == ("left_segment", "", None), "nobody holds it any more"


def test_without_links_marketing_is_held(exports, open_crm, practice):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm(practice=attrs.evolve(practice, public_url=""))
    crm.sync()
    crm.add(BIRTHDAY)
    assert [(touch.state, touch.reason) for touch in crm.plan().touches] == [(State.HELD, "no_links")]


def test_in_the_united_states_marketing_waits_for_the_postal_address_and_then_goes(exports, open_crm, practice):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    there = attrs.evolve(practice, country="US", address="", phone="")
    crm = open_crm(practice=there)
    crm.sync()
    crm.add(BIRTHDAY)
    (held,) = crm.plan().touches
    assert (held.state, held.reason, held.detail["field"]) == (State.HELD, "field_missing", "practice.address")
    crm.close()
    (ready,) = open_crm(practice=attrs.evolve(there, address="1 Main St, Springfield")).plan().touches
    assert ready.state is State.READY


def test_a_newsletter_waits_for_its_file_and_goes_when_it_is_there(exports, open_crm, tmp_path, outbox):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm(content="content")
    crm.sync()
    crm.add(NEWS)
    (touch,) = crm.plan().touches
    path = tmp_path / "content" / "newsletter" / "2026-11-23.md"
    assert (touch.state, touch.reason, touch.detail) == (State.HELD, "content_missing", {"path": str(path)})
    assert str(path) in crm.why("P1")[0].words
    path.parent.mkdir(parents=True)
    path.write_text("# News from us\n\nWe are open on Saturdays now.\n", encoding="utf-8")
    assert crm.plan().touches[0].state is State.READY
    assert crm.send().sent == len(outbox()) == 1


@pytest.mark.parametrize("text", [None, "No title"])
def test_a_file_in_a_folder_far_down_is_waited_for_like_any_other(text, exports, open_crm, tmp_path):
    content = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 9)
    (content / "newsletter").mkdir(parents=True)
    if text:
        (content / "newsletter" / "2026-11-23.md").write_text(text, encoding="utf-8")
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm(content=content)
    crm.sync()
    crm.add(Campaign("n", objective="inform", message="newsletter", segment="everybody", schedule="on 2026-11-23"))
    (touch,) = crm.plan().touches
    assert (touch.state, touch.reason) == (State.HELD, "content_missing")
    assert "/newsletter/2026-11-23.md" in touch.detail["path"]
    assert len(touch.detail["path"]) == 200
    assert crm.failures() == []


def test_a_newsletter_that_may_not_be_read_holds_its_own_messages_alone(exports, open_crm, news, monkeypatch):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm(content="content", caps=())
    crm.sync()
    crm.add(NEWS)
    crm.add(BIRTHDAY)

    read = Path.read_text

    def refused(self, **more):
        if self == news:
            raise PermissionError(13, "Permission denied", str(self))
        return read(self, **more)

    # Whoever runs the tests may read everything, perhaps.
    monkeypatch.setattr(Path, "read_text", refused)
    told = {touch.campaign: (touch.reason, touch.detail) for touch in crm.plan().touches}
    assert told["card"] == ("ready", {})
    assert told["news"][0] == "content_missing"
    problem = (
        "2026-11-23.md, which cannot be used: cannot be read (PermissionError) (let the user who runs crmkit read it)"
    )
    assert told["news"][1]["path"].endswith(problem)


def test_a_template_that_compares_what_does_not_fit_holds_its_own_messages_alone(exports, open_crm, tmp_path, outbox):
    folder = tmp_path / "own" / "birthday" / "email" / "en"
    folder.mkdir(parents=True)
    (folder / "body.txt").write_text("{% if for_child < 'x' %}Dear{% endif %}", encoding="utf-8")
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm(templates="own", caps=())
    crm.sync()
    crm.add(BIRTHDAY)
    crm.add(
        Campaign("back", objective="reactivate", message="reactivation", segment="everybody", schedule="on 2026-11-23")
    )
    crm.plan()
    told = {touch.campaign: touch.reason for touch in crm.send().touches}
    assert told == {"card": "template_failed", "back": "sent"}
    assert len(outbox()) == 1
    assert any("does not fit (TypeError)" in one.why for one in crm.preview("P1"))
    told = {answer.campaign: answer.words for answer in crm.why("P1")}
    assert told["card"].startswith("held: the template could not be filled in"), "no sender takes it up by itself"
    assert crm.plan().ready(), "somebody may have mended it"


def test_one_copy_of_a_newsletter_goes_to_a_shared_address(exports, open_crm, news, outbox, clock):
    family = [patient("P1"), patient("P2", given="Sam"), patient("C1", given="Leo", born="2019-01-01", guardian="P1")]
    exports("patients", family)
    exports("consents", [consent(one["id"]) for one in family])
    crm = open_crm(content="content")
    crm.sync()
    crm.add(NEWS)
    states = {touch.patient: (touch.state, touch.carried_by) for touch in crm.plan().touches}
    carrier = next(touch.key for touch in crm.plan().touches if touch.patient == "P1")
    assert states == {"P1": (State.READY, ""), "P2": (State.CARRIED, carrier), "C1": (State.CARRIED, carrier)}
    crm.send()
    assert len(outbox()) == 1
    # Once it has left, it was for all of them, whatever they say or become later.
    clock.move(timedelta(hours=1))
    crm.opt_out("P2", Purpose.MARKETING, Medium.EMAIL, evidence="by telephone")
    exports("patients", [*family[:2], {**family[2], "status": "moved"}])
    crm.sync()
    assert crm.plan().touches == ()
    assert {one.patient: one.state for one in crm.feed()} == {"P1": "sent", "P2": "carried", "C1": "carried"}
    (told,) = crm.why("P2")
    assert told.state is State.CARRIED
    assert "one copy goes to this address" in told.words
    found = crm.findings(Window(date(2026, 11, 1), date(2026, 12, 1))).touches
    assert {(one.state, one.count) for one in found} == {("sent", 1), ("carried", 2)}


def test_what_a_copy_that_may_have_left_was_to_tell_is_told_once(exports, open_crm, tmp_path, clock):
    exports("patients", [patient("P1"), patient("P2", given="Sam")])
    exports("consents", [consent("P1"), consent("P2")])
    path = tmp_path / "content" / "newsletter" / "2026-11-23.md"
    path.parent.mkdir(parents=True)
    path.write_text("# News\n\nHello.\n", encoding="utf-8")
    recorder = Recorder(guarantee=keyed(timedelta(days=1)))
    recorder.fate = ["silent"]
    crm = open_crm(plugins=["csv", "folder", recorder], channels={Medium.EMAIL: "recorder"}, content="content")
    crm.sync()
    crm.add(Campaign("news", objective="inform", message="newsletter", segment="everybody", schedule="on 2026-11-23"))
    crm.plan()
    assert crm.send().counts() == {State.RETRY: 1}
    assert crm.plan().touches == (), "it is repeated under its key, and nobody gets a copy of his own meanwhile"
    exports("patients", [patient("P1"), patient("P2", given="Sam"), patient("P3", given="Ida")])
    exports("consents", [consent(one) for one in ("P1", "P2", "P3")])
    crm.sync()
    [late] = crm.plan().touches
    assert (late.patient, late.state) == ("P3", State.CARRIED)
    crm.add(BIRTHDAY)
    cards = {touch.patient: touch.reason for touch in crm.plan().touches if touch.campaign == "card"}
    assert cards["P1"] == "too_much", "it counts, for it may have left"
    clock.move(timedelta(hours=1))
    crm.send()
    news = {one.patient: one.state for one in crm.feed() if one.campaign == "news"}
    assert news == {"P1": "sent", "P2": "carried", "P3": "carried"}


def test_why_tells_why_nothing_is_to_come_also_of_what_came_in_earlier_years(exports, open_crm, clock):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm()
    crm.sync()
    crm.add(attrs.evolve(BIRTHDAY, segment="status is active"))
    crm.plan()
    crm.send()
    assert [answer.state for answer in crm.why("P1")] == [State.SENT], "it is this year's"
    clock.move(timedelta(days=100))
    assert [answer.words for answer in crm.why("P1")][1:] == ["no occasion due until 2027-03-09"]
    clock.move(timedelta(days=265))
    exports("patients", [patient("P1", status="inactive")])
    crm.sync()
    before, now = crm.why("P1")
    assert (before.occasion, before.state) == ("birthday 2026", State.SENT)
    assert now.words == "not in the segment: fails status is active"


def test_a_no_shows_at_once_in_all_that_is_planned_and_what_comes_first_is_shown_first(exports, open_crm):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm()
    crm.sync()
    for name, day in (("later", "2027-02-01"), ("sooner", "2027-01-04")):
        crm.add(attrs.evolve(BIRTHDAY, id=name, message="reactivation", segment="everybody", schedule=f"on {day}"))
    crm.plan(date(2027, 3, 1))
    assert [one.touch.campaign for one in crm.preview("P1", date(2027, 3, 1))] == ["sooner", "later"]
    assert {one.words for one in crm.why("P1")} == {"ready to go"}
    crm.opt_out("P1", Purpose.MARKETING, Medium.EMAIL, evidence="told to Kim")
    assert {one.words for one in crm.why("P1")} == {"denied: has said no to marketing by email"}


def test_what_is_called_off_is_what_is_planned_and_not_what_was_said_or_decided_before(exports, open_crm, news, clock):
    family = [patient("P1"), patient("P2", given="Sam"), patient("P3", email="leo@home.example")]
    exports("patients", family)
    exports("consents", [consent("P1"), consent("P2")])
    crm = open_crm(content="content")
    crm.sync()
    crm.add(NEWS)
    crm.plan()

    def states():
        return {event.patient: event.state for event in crm.feed()}

    crm.send()
    assert states() == {"P1": State.SENT, "P2": State.CARRIED, "P3": State.DENIED}
    clock.move(timedelta(days=60))
    assert crm.cancel(by="Kim") == 0, "its occasion is over: nobody is denied it any more"
    clock.move(-timedelta(days=60))
    assert crm.cancel(by="Kim") == 1, "consent given tomorrow would let it go"
    assert states() == {"P1": State.SENT, "P2": State.CARRIED, "P3": State.CANCELLED}


def test_caps_go_by_priority_and_the_rest_is_deferred(exports, open_crm, clock):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    back = Campaign(
        "back",
        objective="reactivate",
        message="reactivation",
        segment="everybody",
        schedule="on 2026-11-23",
        priority=60,
    )
    crm.add(back)
    states = {touch.campaign: touch.state for touch in crm.plan().touches}
    assert states == {"card": State.READY, "back": State.DEFERRED}
    crm.send()
    clock.set(clock.now().replace(day=30))
    assert [touch.state for touch in crm.plan().touches] == [State.READY]


def test_a_lot_withholds_households_and_never_care(exports, open_crm):
    people = [patient(f"P{number}", household=f"H{number // 2}", email=f"p{number}@x.example") for number in range(200)]
    exports("patients", people)
    exports("consents", [consent(one["id"]) for one in people])
    crm = open_crm()
    crm.sync()
    crm.add(
        Campaign(
            "card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday", lot="0.3"
        )
    )
    touches = crm.plan().touches
    withheld = {touch.household for touch in touches if touch.state is State.WITHHELD}
    messaged = {touch.household for touch in touches if touch.state is State.READY}
    assert not withheld & messaged
    assert 15 <= len(withheld) <= 45
    assert crm.send().sent == len([touch for touch in touches if touch.state is State.READY])
    crm.add(Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday"))
    assert {touch.state for touch in crm.plan().touches} == {State.WITHHELD}, "the draw is fixed for this occasion"


def test_a_campaign_that_is_retired_stops_what_waits(exports, open_crm, outbox):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    crm.plan()
    crm.retire("card")
    assert [touch.reason for touch in crm.send().touches] == ["campaign_gone"]
    assert outbox() == []


def test_send_reaches_only_whom_it_is_told(exports, open_crm):
    exports("patients", [patient("P1"), patient("P2", email="two@x.example", household="H2")])
    exports("consents", [consent("P1"), consent("P2")])
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    crm.plan()
    assert [touch.patient for touch in crm.send(only_to=["P2"]).touches] == ["P2"]
    assert [touch.patient for touch in crm.send(dry=True).touches] == ["P1"]


def test_an_address_that_bounced_is_not_used_again(exports, open_crm, clock):
    exports("patients", [patient("P1"), patient("P2", household="H2", email="two@x.example")])
    exports("consents", [consent("P1"), consent("P2")])
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    seal, digested = crm._stages.seal, address_digest("bright-eyes", Medium.EMAIL, "Mia@stone.example")
    with seal.begin() as connection:
        address = (Medium.EMAIL, digested, "bounced", clock.now())
        assert suppress(connection, seal, *address)
        assert not suppress(connection, seal, *address)
    reasons = {touch.patient: (touch.reason, touch.detail.get("problem")) for touch in crm.plan().touches}
    assert reasons == {"P1": ("bad_address", "bounced"), "P2": ("ready", None)}


def test_an_unsubscribe_link_acts_and_no_sync_undoes_it(exports, open_crm, clock):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    link = dict(crm.plan().preview("P1")[0].message.headers)["List-Unsubscribe"]
    token = link.rsplit("/", 1)[1].rstrip(">")
    assert crm.unsubscribe(token)
    assert not crm.unsubscribe(token), "a second click at the same instant changes nothing"
    exports("consents", [consent("P1", at="2027-01-01T00:00:00+11:00", evidence="")])
    crm.sync()
    assert [touch.reason for touch in crm.plan().touches] == ["opted_out"]
    with pytest.raises(NotFound):
        crm.unsubscribe(token[:-1] + ("A" if token[-1] != "A" else "B"))


def test_a_host_follows_by_cursor(exports, open_crm):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    crm.plan()
    first = crm.feed()
    crm.send()
    later = crm.feed(first[-1].cursor)
    assert [event.state for event in later] == [State.CLAIMED, State.SENDING, State.SENT]
    assert crm.feed(later[-1].cursor) == []
    with pytest.raises(ConfigError, match="cursor"):
        crm.feed("yesterday")


def test_a_preview_says_what_has_left_already_and_what_another_copy_carries(exports, open_crm, news):
    family = [patient("P1"), patient("P2", given="Sam", born="1979-01-01")]
    exports("patients", family)
    exports("consents", [consent(one["id"]) for one in family])
    crm = open_crm(content="content")
    crm.sync()
    crm.add(NEWS)
    plan = crm.plan()
    assert [one.goes for one in plan.preview("P1")] == [True]
    assert [(one.goes, one.touch.state) for one in plan.preview("P2")] == [(False, State.CARRIED)]
    crm.send()
    assert [(one.goes, one.touch.state) for one in crm.preview("P1")] == [(False, State.SENT)]
    assert crm.preview("P1")[0].why == "sent: sent through the channel folder"


def test_a_preview_keeps_the_draw_of_the_lot(exports, open_crm):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    crm.plan()
    crm.add(attrs.evolve(BIRTHDAY, lot="0.9"))
    assert [touch.state for touch in crm.plan(dry=True).touches] == [one.touch.state for one in crm.preview("P1")]
