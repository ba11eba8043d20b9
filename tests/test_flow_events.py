"""What comes back, on a real CRM: from a mail or a provider's call to the touch, the address and the wish."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import attrs
import pytest
import sqlalchemy as sa
from events_desk import BIRTHDAY, LATER, MIA, SECRET, Desk, answer, bounce
from recording_channel import Crash
from situations import NOW, consent, patient

from crmkit import CRM, Campaign, FixedClock, Medium, Policy, Purpose, State
from crmkit.builtin.webhook import HookParser
from crmkit.errors import NotFound
from crmkit.messages.links import Links
from crmkit.plugins import EventKind, Stop

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

NEWS = Campaign("news", objective="inform", message="newsletter", segment="everybody", schedule="on 2026-11-23")
MARKETING, FEEDBACK = Purpose.MARKETING, Purpose.FEEDBACK


@pytest.fixture
def open_desk(open_crm: Callable[..., CRM], exports: Callable[..., None], clock: FixedClock) -> Callable[..., Desk]:
    return lambda **more: Desk(open_crm, exports, clock, **more)


@pytest.fixture
def desk(open_desk: Callable[..., Desk]) -> Desk:
    return open_desk().send()


def test_a_bounce_mail_moves_the_touch_and_stops_the_address(desk: Desk) -> None:
    mail = bounce(desk.word(), "MIA@Stone.example")
    desk.clock.move(LATER)
    received = desk.crm.receive("email.bounces", mail)
    assert (received.applied, received.known) == (1, 0)
    assert desk.state() is State.BOUNCED
    last = desk.crm.history(desk.key())[-1]
    assert (last["reason"], last["actor"], last["detail"]["status"]) == ("bounced", "email.bounces", "5.1.1")
    assert desk.crm.why("P1")[0].words == "bounced: came back: nobody is at this address (5.1.1)"
    again = desk.crm.receive("email.bounces", mail)
    assert (again.applied, again.known) == (0, 1)
    assert desk.next_year() == {"P1": "bad_address", "P2": "ready"}
    planned = {touch.patient: touch for touch in desk.crm.plan().touches}
    assert planned["P1"].detail["problem"] == "messages to it come back (5.1.1)"
    assert desk.crm.send().sent == 1
    assert desk.crm.audit().faults == ()


BACK = Campaign("back", objective="reactivate", message="reactivation", segment="everybody", schedule="on 2026-11-23")


def test_what_comes_back_between_plan_and_hand_over_counts(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(caps=()).send()
    cards = {patient: desk.key(patient) for patient in ("P1", "P2")}
    desk.crm.add(BACK)
    assert {touch.reason for touch in desk.crm.plan().touches} == {"ready"}
    desk.tell(EventKind.BOUNCED, key=cards["P1"], permanent=True)
    desk.tell(EventKind.COMPLAINED, key=cards["P2"])
    reasons = {touch.patient: touch.reason for touch in desk.crm.send().touches}
    assert reasons == {"P1": "bad_address", "P2": "opted_out"}
    assert len(desk.channel.handed) == 2


def test_what_comes_back_in_the_middle_of_a_slow_sending_counts(open_desk: Callable[..., Desk]) -> None:
    people = [patient(f"P{number}", household=f"H{number}", email=f"p{number}@x.example") for number in range(1, 31)]
    desk = open_desk(people=people, caps=())
    desk.channel.clock, desk.channel.each = desk.clock, timedelta(seconds=1)
    desk.send()
    cards = {desk.patient(key): key for key in desk.channel.keys}
    desk.crm.add(BACK)
    desk.crm.plan()
    gone: list[str] = []

    def between(message: Any) -> None:
        gone.append(desk.patient(message.key))
        if len(gone) == 5:
            for one in people:
                desk.tell(EventKind.BOUNCED, key=cards[one["id"]], permanent=True)

    desk.channel.between = between
    touches = desk.crm.send().touches
    # Whatever is more than five seconds old is judged again; what was with the channel by then has left.
    assert len(gone) <= 12
    assert {touch.reason for touch in touches if touch.patient not in gone} == {"bad_address"}
    assert len(touches) == 30


def test_a_soft_bounce_fails_one_message_and_leaves_the_address(desk: Desk) -> None:
    desk.crm.receive("email.bounces", bounce(desk.word(), MIA, "5.2.2"))
    assert desk.state() is State.BOUNCED
    assert desk.crm.history(desk.key())[-1]["reason"] == "bounced_soft"
    assert desk.next_year() == {"P1": "ready", "P2": "ready"}


def test_soft_bounces_of_different_messages_stop_the_address_by_the_practices_policy(
    open_desk: Callable[..., Desk],
) -> None:
    desk = open_desk(policy=Policy(soft_bounces=2, soft_days=400)).send()
    first = desk.key()
    desk.tell(EventKind.BOUNCED)
    assert "suppressed" not in desk.tell(EventKind.BOUNCED), "one and the same message counts once"
    assert desk.next_year() == {"P1": "ready", "P2": "ready"}
    desk.crm.plan()
    desk.send()
    assert desk.key() != first
    assert "suppressed" in desk.tell(EventKind.BOUNCED)
    desk.clock.set(NOW.replace(year=2028))
    assert {touch.patient: touch.reason for touch in desk.crm.plan().touches} == {"P1": "bad_address", "P2": "ready"}


def test_a_spam_filter_that_keeps_the_practice_out_costs_no_patient_the_address(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(policy=Policy(soft_bounces=1)).send()
    words = "554 Email rejected due to security policies"
    refused = bounce(desk.word(), MIA, "5.0.0").replace(
        b"Status: 5.0.0", f"Status: 5.0.0\nDiagnostic-Code: smtp; {words}".encode()
    )
    [heard] = desk.crm.receive("email.bounces", refused).heard
    assert (heard.status, [*heard.did]) == ("5.7.0", ["moved"])
    assert desk.tell(EventKind.BOUNCED, "P2", status="5.7.26") == ["moved"]
    assert desk.next_year() == {"P1": "ready", "P2": "ready"}


@pytest.mark.parametrize(
    "mail",
    [
        {"subject": "Automatic reply: Happy birthday"},
        {"subject": "Abwesenheitsnotiz"},
        {"more": "Auto-Submitted: auto-replied\n"},
        {"more": "X-Autoreply: yes\n"},
        {"more": "Precedence: auto_reply\n", "text": "STOP"},
    ],
)
def test_out_of_office_changes_nothing_and_is_not_kept(desk: Desk, mail: dict[str, str]) -> None:
    raw = answer(desk.key(), **{"text": "I am away. My mailbox is full. Write to leo@stone.example.", **mail})
    for parser in ("email.bounces", "email.replies"):
        assert desk.crm.receive(parser, raw).heard == ()
    assert rows(desk, "payload") == []
    assert desk.state() is State.SENT
    assert desk.noes() == set()
    assert desk.next_year() == {"P1": "ready", "P2": "ready"}


def test_a_delay_is_noted_and_nothing_more(desk: Desk) -> None:
    assert desk.tell(EventKind.DELAYED, status="4.4.1") == []
    assert desk.state() is State.SENT
    assert desk.next_year()["P1"] == "ready"


def test_a_complaint_stops_the_address_and_is_a_no(desk: Desk) -> None:
    assert desk.tell(EventKind.COMPLAINED) == ["moved", "suppressed", "stopped"]
    assert desk.state() is State.COMPLAINED
    assert desk.noes() == {("P1", MARKETING, Medium.EMAIL), ("P1", FEEDBACK, Medium.EMAIL)}
    desk.crm.unsuppress(Medium.EMAIL, MIA, by="Kim")
    assert desk.next_year() == {"P1": "opted_out", "P2": "ready"}


def test_stop_in_an_answer_is_heeded_and_no_sync_undoes_it(desk: Desk, exports: Callable[..., None]) -> None:
    desk.clock.move(LATER)
    assert desk.crm.receive("email.replies", answer(desk.key(), "Stop, please")).applied == 1
    assert desk.noes() == {("P1", MARKETING, Medium.EMAIL), ("P1", FEEDBACK, Medium.EMAIL)}
    exports("consents", [consent("P1", at="2027-01-01T00:00:00+11:00", evidence=""), consent("P2")])
    desk.crm.sync()
    assert desk.next_year() == {"P1": "opted_out", "P2": "ready"}


def test_a_wish_ends_also_the_purpose_of_the_message_that_it_answers(desk: Desk) -> None:
    desk.tell(EventKind.REPLIED, stop=Stop((FEEDBACK,), "en"))
    assert desk.noes() == {("P1", MARKETING, Medium.EMAIL), ("P1", FEEDBACK, Medium.EMAIL)}


def test_who_unsubscribes_without_a_word_means_advertising(desk: Desk) -> None:
    desk.tell(EventKind.UNSUBSCRIBED)
    assert desk.noes() == {("P1", MARKETING, Medium.EMAIL), ("P1", FEEDBACK, Medium.EMAIL)}


def test_an_answer_is_for_a_person_to_read(desk: Desk) -> None:
    assert desk.crm.receive("email.replies", answer(desk.key(), "How kind of you!")).heard[0].did == ()
    assert desk.noes() == set()


def test_a_stop_from_another_address_is_believed_for_what_it_answers(desk: Desk) -> None:
    raw = answer(desk.key(), "unsubscribe", sender="mia@work.example")
    assert [str(did) for did in desk.crm.receive("email.replies", raw).heard[0].did] == ["other_address", "stopped"]
    assert {patient for patient, _, _ in desk.noes()} == {"P1"}


FAMILY = [
    patient("P1", email="Mia@stone.example"),
    patient("P2", household="H1", email="", born="2015-11-23", guardian="P1"),
    # Grown up, and still in the records with the mother as guardian.
    patient("P3", household="H3", email="p3@x.example", guardian="P1"),
]


# A key is not known where the database was restored from a backup that is older than the message.
@pytest.mark.parametrize("key", ["", "0" * 32], ids=["no key", "an unknown key"])
def test_a_stop_without_a_message_is_heeded_for_all_whose_address_it_is(
    open_desk: Callable[..., Desk], key: str
) -> None:
    desk = open_desk(people=FAMILY)
    desk.tell(EventKind.REPLIED, key=key, address="MIA@stone.example", stop=Stop((MARKETING,), "en"))
    assert desk.noes() == {("P1", MARKETING, Medium.EMAIL), ("P2", MARKETING, Medium.EMAIL)}


@pytest.fixture
def shared_copy(open_desk: Callable[..., Desk], tmp_path: Path) -> Desk:
    """Return a practice that has sent its news once to the address that P1 and P2 share."""
    path = tmp_path / "content" / "newsletter" / "2026-11-23.md"
    path.parent.mkdir(parents=True)
    path.write_text("# News\n\nHello.\n", encoding="utf-8")
    people = [patient("P1", born="1980-01-01"), patient("P2", given="Sam", born="1981-01-01"), FAMILY[2]]
    desk = open_desk(people=people, content="content")
    desk.crm.add(NEWS)
    desk.crm.plan()
    desk.send()
    return desk


def test_a_no_is_also_for_those_for_whom_the_same_copy_spoke(shared_copy: Desk) -> None:
    desk = shared_copy
    assert (desk.state(), desk.state("P2")) == (State.SENT, State.CARRIED)
    desk.tell(EventKind.UNSUBSCRIBED)
    assert {patient for patient, _, _ in desk.noes()} == {"P1", "P2"}


def test_the_link_of_a_copy_ends_the_next_one_for_all_for_whom_it_spoke(shared_copy: Desk) -> None:
    desk = shared_copy
    link = Links(desk.crm.practice).unsubscribe
    assert desk.crm.unsubscribe(link("P3", MARKETING, Medium.EMAIL).rsplit("/", 1)[1])
    assert {patient for patient, _, _ in desk.noes()} == {"P3"}
    assert desk.crm.unsubscribe(link("P1", MARKETING, Medium.EMAIL).rsplit("/", 1)[1])
    assert {patient for patient, _, _ in desk.noes()} == {"P1", "P2", "P3"}


def test_who_has_an_address_of_their_own_by_now_is_not_meant_by_the_link_of_an_old_copy(
    open_desk: Callable[..., Desk], exports: Callable[..., None], tmp_path: Path
) -> None:
    for day in ("2026-11-23", "2026-12-23"):
        path = tmp_path / "content" / "newsletter" / f"{day}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# News\n\nHello.\n", encoding="utf-8")
    mia, sam = patient("P1", born="1980-01-01"), patient("P2", given="Sam", born="1981-01-01")
    desk = open_desk(people=[mia, sam], content="content")
    desk.crm.add(NEWS)
    desk.crm.plan()
    desk.send()
    exports("patients", [mia, {**sam, "email": "sam@new.example", "household": "H2"}])
    desk.clock.move(timedelta(days=30))
    desk.crm.sync()
    desk.crm.add(attrs.evolve(NEWS, id="later", schedule="on 2026-12-23"))
    desk.crm.plan()
    desk.crm.send()
    link = Links(desk.crm.practice).unsubscribe("P1", MARKETING, Medium.EMAIL)
    assert desk.crm.unsubscribe(link.rsplit("/", 1)[1])
    assert {patient for patient, _, _ in desk.noes()} == {"P1"}


def test_an_address_alone_is_about_the_last_message_that_went_there(desk: Desk) -> None:
    assert desk.tell(EventKind.BOUNCED, key="", address=MIA, permanent=True) == ["moved", "suppressed"]
    assert desk.state() is State.BOUNCED
    assert desk.state("P2") is State.SENT


def test_whoever_knows_an_address_and_no_message_ends_nothing_that_is_sent_to_it(desk: Desk) -> None:
    complaint = f"""From: somebody@elsewhere.example
Subject: a complaint
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: x
Version: 1
Original-Rcpt-To: {MIA}

--b--
"""
    (heard,) = desk.crm.receive("email.bounces", complaint.encode()).heard
    assert "unproven" in heard.did
    assert desk.state() is State.SENT
    for forged, did in ((bounce("", MIA), ("moved",)), (bounce("x", MIA, "5.1.10"), ("stands",))):
        (heard,) = desk.crm.receive("email.bounces", forged).heard
        assert heard.did == did
    assert desk.state() is State.BOUNCED
    assert not rows(desk, "suppression")
    # That somebody at the address wants no more advertising is believed, as from whoever writes STOP.
    assert {(patient, purpose) for patient, purpose, _ in desk.noes()} == {("P1", MARKETING), ("P1", Purpose.FEEDBACK)}
    assert desk.crm.receive("email.bounces", bounce(desk.word(), MIA)).heard[0].did == ("stands", "suppressed")


def test_whoever_can_guess_a_key_ends_nothing_either(desk: Desk) -> None:
    for forged in (bounce(desk.key(), ""), bounce(f"{desk.key()}.{16 * '0'}", MIA)):
        assert "suppressed" not in desk.crm.receive("email.bounces", forged).heard[0].did
    assert desk.steps()[-1] == "bounced"
    assert not rows(desk, "suppression")


def test_an_address_that_several_messages_come_back_from_is_stopped_though_none_is_named(
    open_desk: Callable[..., Desk],
) -> None:
    desk = open_desk(policy=Policy(soft_bounces=2)).send()
    assert desk.crm.receive("email.bounces", bounce("", MIA)).heard[0].did == ("moved",)
    desk.crm.add(attrs.evolve(BIRTHDAY, id="again", message="core.reactivation", schedule="on 2026-12-14"))
    desk.clock.move(timedelta(days=21))
    desk.crm.plan()
    desk.crm.send()
    assert desk.state() is State.SENT
    assert desk.crm.receive("email.bounces", bounce("", MIA, "5.1.10")).heard[0].did == ("moved", "suppressed")


def test_a_mail_that_names_no_message_does_not_settle_what_is_in_doubt(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    desk.channel.fate = ["silent", "silent"]
    desk.send()
    assert desk.crm.receive("email.bounces", bounce("", MIA)).heard[0].did == ("unproven",)
    assert desk.state() is State.UNKNOWN


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"key": "0" * 32}, "no_touch"),
        ({"key": "", "address": "nobody@stone.example"}, "no_touch"),
        ({"key": "", "address": "no address at all"}, "no_touch"),
        ({"address": "p2@x.example"}, "other_address"),
        ({"address": "no address at all"}, "other_address"),
        ({"medium": Medium.SMS}, "other_medium"),
    ],
)
@pytest.mark.parametrize("kind", [EventKind.BOUNCED, EventKind.DELIVERED])
def test_what_does_not_fit_stays_evidence(desk: Desk, kind: EventKind, parts: dict[str, Any], why: str) -> None:
    permanent = {"permanent": True} if kind is EventKind.BOUNCED else {}
    assert desk.tell(kind, **permanent, **parts) == [why]
    assert (desk.state(), desk.state("P2")) == (State.SENT, State.SENT)
    assert desk.next_year() == {"P1": "ready", "P2": "ready"}
    assert [row.did for row in rows(desk, "heard")] == [why]


def test_a_message_that_never_left_cannot_come_back(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    assert desk.tell(EventKind.BOUNCED, permanent=True) == ["not_sent"]
    assert desk.state() is State.READY
    assert desk.send().state() is State.SENT


@pytest.mark.parametrize("kind", [EventKind.DELIVERED, EventKind.BOUNCED, EventKind.COMPLAINED])
def test_a_late_receipt_settles_what_was_in_doubt(open_desk: Callable[..., Desk], kind: EventKind) -> None:
    desk = open_desk()
    desk.channel.fate = ["silent", "silent"]
    desk.send()
    assert len(desk.crm.unknowns()) == 2
    assert "moved" in desk.tell(kind)
    assert desk.steps()[-3:] == ["unknown", "sent", kind.value]
    assert [one.touch.patient for one in desk.crm.unknowns()] == ["P2"]
    desk.clock.move(timedelta(days=1))
    assert desk.send().crm.audit().faults == ()
    assert len(desk.channel.handed) == 2


def test_what_came_back_is_not_tried_again(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    desk.channel.fate = ["retry", "retry"]
    desk.send()
    assert desk.state() is State.RETRY
    assert desk.tell(EventKind.DELIVERED) == ["moved"]
    desk.clock.move(timedelta(hours=2))
    desk.send()
    assert [message.to for message in desk.channel.handed] == ["p2@x.example"]


def test_what_is_heard_while_a_message_is_handed_over_is_told_as_soon_as_it_may_be(
    open_desk: Callable[..., Desk],
) -> None:
    desk, heard = open_desk(), []
    desk.channel.between = lambda message: heard.append(desk.tell(EventKind.DELIVERED, key=message.key))
    desk.send()
    assert heard == [["waits"], ["waits"]]
    assert (desk.state(), desk.state("P2")) == (State.DELIVERED, State.DELIVERED)
    assert [row.did for row in rows(desk, "heard")] == ["waits", "moved"] * 2
    assert desk.crm.audit().faults == ()


def test_what_is_heard_while_workers_send_is_told_at_their_end(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    # Workers in this process, with this very CRM: the channel and the parser are the test's own.
    desk.crm.origin = cast("Any", SimpleNamespace(open=lambda: nullcontext(desk.crm)))
    desk.channel.between = lambda message: desk.tell(EventKind.DELIVERED, key=message.key)
    with ThreadPoolExecutor(1) as workers:
        desk.crm.send(executor=workers)
    assert (desk.state(), desk.state("P2")) == (State.DELIVERED, State.DELIVERED)


def test_what_is_heard_of_a_message_whose_sender_dies_is_told_when_it_is_found(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(people=[patient("P1")])
    desk.channel.between = lambda _: desk.tell(EventKind.BOUNCED, permanent=True)
    desk.channel.fate = ["crash after"]
    with pytest.raises(Crash):
        desk.send()
    assert desk.state() is State.SENDING
    assert desk.next_year() == {"P1": "bad_address"}, "the address is stopped at once"
    desk.send()
    assert desk.steps()[-3:] == ["unknown", "sent", "bounced"]


def test_a_rating_is_kept_with_patient_and_message(desk: Desk) -> None:
    assert desk.tell(EventKind.RATED, rating=9) == ["rated"]
    assert [(row.patient, row.key, row.rating) for row in rows(desk, "rating")] == [("P1", desk.key(), 9)]
    assert desk.tell(EventKind.RATED, rating=1, address="p2@x.example") == ["other_address"]
    assert len(rows(desk, "rating")) == 1


def test_clicks_are_noted_only_where_the_practice_says_so(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk().send()
    desk.told.events.append(desk.event(EventKind.CLICKED))
    received = desk.crm.receive("told", b"0")
    assert (received.applied, received.known, rows(desk, "heard")) == (0, 1, [])
    tracking = open_desk(policy=Policy(clicks=True))
    tracking.told.events += desk.told.events
    assert tracking.crm.receive("told", b"0").applied == 1
    assert desk.state() is State.SENT


def test_an_address_refused_for_its_own_sake_at_the_hand_over_is_not_used_any_more(
    open_desk: Callable[..., Desk],
) -> None:
    desk = open_desk()
    desk.channel.fate = ["nobody", "refused"]
    reasons = {touch.reason: touch.patient for touch in desk.crm.send().touches}
    gone, stays = reasons["refused_address"], reasons["refused"]
    words = "refused: refused by the channel recorder: nobody is at this address (550 5.1.1)"
    assert desk.crm.why(gone)[0].words == words
    # A bounce of the same message, for the server sends one too, is known by then.
    assert desk.tell(EventKind.BOUNCED, gone, permanent=True) == ["stands"]
    assert desk.next_year() == {gone: "bad_address", stays: "ready"}
    planned = {touch.patient: touch for touch in desk.crm.plan().touches}
    problem = "nobody is there, says the channel recorder (550 5.1.1)"
    assert planned[gone].detail["problem"] == problem
    assert desk.crm.send().sent == 1
    assert [row.reason for row in rows(desk, "suppression")] == [problem]
    assert desk.crm.audit().faults == ()


def test_a_no_soon_after_a_yes_counts(desk: Desk) -> None:
    desk.crm.opt_in("P1", MARKETING, Medium.EMAIL, wording="Yes, write to me", evidence="desk")
    desk.clock.move(timedelta(minutes=10))
    desk.crm.receive("email.replies", answer(desk.key(), "Stop, please"))
    assert ("P1", MARKETING, Medium.EMAIL) in desk.noes()


@pytest.mark.parametrize(("days", "did"), [(89, ["moved", "suppressed"]), (91, ["no_touch"])])
def test_an_address_alone_leads_to_what_went_there_within_ninety_days(desk: Desk, days: int, did: list[str]) -> None:
    desk.clock.move(timedelta(days=days))
    assert desk.tell(EventKind.BOUNCED, key="", address=MIA, permanent=True) == did


def test_nothing_has_happened_later_than_now(desk: Desk) -> None:
    now = desk.clock.now()
    desk.told.events.append(desk.event(EventKind.DELIVERED, at=now + timedelta(days=400)))
    assert [one.at for one in desk.crm.receive("told", b"0").heard] == [now]


def test_what_a_server_said_of_everybody_is_taken_back_at_once_but_for_complaints(desk: Desk) -> None:
    before = desk.clock.now()
    for one, address in (("P1", MIA), ("P2", "p2@x.example")):
        desk.tell(EventKind.BOUNCED, key=desk.key(one), address=address, permanent=True)
    desk.tell(EventKind.COMPLAINED, key=desk.key("P2"), address="p2@x.example")
    assert desk.crm.unsuppress_since(before + timedelta(days=1), by="Kim") == 0, "stopped before"
    assert desk.crm.unsuppress_since(before, by="Kim") == 1, "whoever complained is not written to for that"
    assert desk.crm.unsuppress_since(before, by="Kim") == 0
    assert desk.crm.audit().faults == ()
    assert desk.next_year() == {"P1": "ready", "P2": "opted_out"}


def test_a_person_lets_an_address_be_used_again_and_nobody_else(desk: Desk) -> None:
    desk.tell(EventKind.BOUNCED, permanent=True)
    desk.tell(EventKind.DELIVERED)
    desk.crm.sync()
    assert desk.next_year()["P1"] == "bad_address"
    assert desk.crm.unsuppress(Medium.EMAIL, " MIA@Stone.example", by="Kim")
    assert not desk.crm.unsuppress(Medium.EMAIL, MIA, by="Kim"), "it is in use"
    assert [(bool(row.reason), row.actor) for row in rows(desk, "suppression")] == [(True, ""), (False, "Kim")]
    assert desk.next_year()["P1"] == "ready"
    desk.crm.plan()
    desk.send()
    assert "suppressed" in desk.tell(EventKind.BOUNCED, permanent=True), "it may fail again"
    assert [(row.number, row.actor) for row in rows(desk, "suppression")] == [(1, ""), (2, "Kim"), (3, "")]
    assert desk.crm.audit().faults == ()


def test_a_signed_call_is_applied_and_then_known_and_a_forged_one_leaves_no_trace(desk: Desk) -> None:
    told = [{"id": "e-1", "kind": "bounced", "medium": "email", "key": desk.key(), "permanent": True}]
    body = json.dumps({"events": told}).encode()
    headers = HookParser((SECRET,)).sign("m-1", desk.clock.now(), body)
    with pytest.raises(NotFound, match="not signed"):
        desk.crm.receive("hook", body, {**headers, "webhook-signature": "v1,AAAA"})
    assert (rows(desk, "payload"), rows(desk, "heard")) == ([], [])
    counts = [desk.crm.receive("hook", body, headers) for _ in range(2)]
    assert [(one.applied, one.known) for one in counts] == [(1, 0), (0, 1)]
    assert desk.state() is State.BOUNCED


def test_nobody_outside_reaches_a_parser_that_cannot_tell_who_calls(desk: Desk) -> None:
    for parser in ("email.bounces", "email.replies", "told"):
        with pytest.raises(NotFound, match="takes no calls"):
            desk.crm.receive(parser, bounce(desk.word(), MIA), {"host": "brighteyes.example"})
    assert desk.state() is State.SENT


def test_another_practice_on_the_same_database_is_not_told(
    desk: Desk, open_crm: Callable[..., CRM], practice: Any
) -> None:
    other = open_crm(
        practice=attrs.evolve(practice, id="dull-eyes"),
        plugins=["csv", "folder", "email"],
        settings={"email": {"host": "mx.example"}},
        channels={Medium.EMAIL: "folder"},
    )
    received = other.receive("email.bounces", bounce(desk.word(), MIA))
    assert [str(did) for did in received.heard[0].did] == ["no_touch"]
    assert desk.state() is State.SENT
    assert desk.next_year()["P1"] == "ready"


def test_no_row_holds_an_address_but_the_payload_that_expires(desk: Desk) -> None:
    desk.tell(EventKind.BOUNCED, id=f"<1.{MIA}>", address=MIA, permanent=True, evidence=f"no {MIA}")
    desk.crm.receive("email.replies", answer(desk.key(), "STOP"))
    for table in ("heard", "suppression", "learnt_consent", "event", "rating"):
        assert "stone.example" not in repr(rows(desk, table))
    assert b"mia@stone.example" in b"".join(row.body for row in rows(desk, "payload"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE crmkit_heard SET did = 'stands'",
        "DELETE FROM crmkit_heard",
        "UPDATE crmkit_suppression SET reason = ''",
        "DELETE FROM crmkit_suppression",
        "UPDATE crmkit_rating SET rating = 10",
    ],
)
def test_the_trail_covers_what_came_back(desk: Desk, statement: str) -> None:
    desk.tell(EventKind.BOUNCED, permanent=True)
    desk.tell(EventKind.RATED, rating=1)
    assert desk.crm.audit().faults == ()
    with desk.crm._store.begin() as connection:
        assert connection.execute(sa.text(statement)).rowcount
    assert desk.crm.audit().faults


def test_a_rehearsal_knows_what_is_stopped(desk: Desk) -> None:
    desk.tell(EventKind.BOUNCED, permanent=True)
    assert dict(desk.crm.rehearse(370).patients()) == {"P2": 1}


def rows(desk: Desk, table: str) -> list[Any]:
    with desk.crm._store.read() as connection:
        return list(connection.execute(sa.text(f"SELECT * FROM crmkit_{table}")))  # noqa: S608 - names of this page
