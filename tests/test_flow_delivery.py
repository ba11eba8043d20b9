"""From the ledger to a real mail server: preview, rehearsal and real run say the same, and faults harm one message."""

from __future__ import annotations

import email
import email.policy
import socket
from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from greetings import shipped_in
from permuted import Bringing
from real_days import real_days
from situations import consent, patient

from crmkit import CRM, Campaign, FixedClock, State
from crmkit.delivery.channel import Outcome, Receipt
from crmkit.messages.mime import to_bytes
from crmkit.people.medium import Medium, Purpose
from crmkit.plugins import COUNT, CrmkitSpec, Field, MessageType, PluginInfo, hookimpl
from crmkit.store import sqlite_writer

BIRTHDAY = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")


class Mailbox:
    """What the server took, and what it is told to refuse."""

    def __init__(self):
        self.taken = []
        self.refused = {}

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        if b"Vanisha" in envelope.content:
            server.transport.abort()
            return "421 gone"
        self.taken.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        return "250 OK: queued as Q1"


@pytest.fixture
def mailbox():
    box = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        box.port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=box.port, ready_timeout=20)
    controller.start()
    yield box
    controller.stop()


def people(exports, number=3):
    rows = [
        patient(f"P{one}", born=f"19{60 + one}-11-{23 + one % 5}", household=f"H{one}", email=f"p{one}@x.example")
        for one in range(number)
    ]
    exports("patients", rows)
    exports("consents", [consent(row["id"]) for row in rows])


@pytest.fixture
def birthdays(exports):
    people(exports)


def test_a_limit_counts_over_several_claims_and_an_error_gives_all_back(exports, open_crm, outbox):
    rows = [patient(f"P{one}", born="1960-11-23", household=f"H{one}", email=f"p{one}@x.example") for one in range(12)]
    exports("patients", rows)
    exports("consents", [consent(row["id"]) for row in rows])
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    crm.plan()
    crm._stages.dispatch.claim = 2
    assert crm.send(limit=5).counts() == {State.SENT: 5}
    taken = []

    def interrupted(number):
        taken.append(number)
        if len(taken) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crm.send(progress=interrupted)
    with crm._store.read() as connection:
        states = Counter(touch.state for touch in crm._stages.ledger.touches(connection))
    assert states.keys() == {State.SENT, State.READY}
    assert crm.send().counts() == {State.SENT: states[State.READY]}
    assert len(list(outbox())) == 12


def test_ctrl_c_amid_a_statement_keeps_nobody_from_writing(birthdays, open_crm, outbox, monkeypatch):
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    crm.plan()
    dialect, begun = crm._store.engine.dialect, []
    execute = dialect.do_execute

    def interrupted(cursor, statement, *given):
        execute(cursor, statement, *given)
        # The first statement of a transaction that writes; the first of them looks after what a dead sender left.
        begun.extend(["version_num"] if "version_num" in statement else [])
        if len(begun) == 2:
            begun.append("pressed")
            raise KeyboardInterrupt

    monkeypatch.setattr(dialect, "do_execute", interrupted)
    monkeypatch.setattr(sqlite_writer, "PATIENCE", 0.5)
    # Whoever tells of the error still holds it.
    with pytest.raises(KeyboardInterrupt) as held:
        crm.send()
    assert crm.send().sent == len(list(outbox())) > 0
    assert held.type is KeyboardInterrupt


def test_what_the_server_gets_is_what_the_preview_showed(birthdays, open_crm, mailbox):
    crm = open_email(open_crm, mailbox)
    crm.plan()
    previewed = crm.preview("P0")[0].raw
    assert crm.send().counts() == {State.SENT: 1}
    ((sender, recipients, raw),) = mailbox.taken
    assert raw == previewed
    assert (sender, recipients) == ("hello@brighteyes.example", ["p0@x.example"])
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message.get_body(("html",)) is not None
    assert "1 High St, Newtown" in message.get_body(("plain",)).get_content()


def open_email(open_crm, mailbox):
    settings = {"email": {"host": "127.0.0.1", "port": mailbox.port, "security": "none"}, "folder": {"path": "outbox"}}
    crm = open_crm(plugins=["csv", "email", "folder"], settings=settings, channels={"email": "email"})
    crm.sync()
    crm.add(BIRTHDAY)
    return crm


def test_one_refused_recipient_touches_no_other(birthdays, open_crm, mailbox, clock):
    crm = open_email(open_crm, mailbox)
    clock.move(timedelta(days=2))
    crm.plan()
    mailbox.refused = {"p0@x.example": "550 no such user", "p1@x.example": "451 try later"}
    crm.send()
    states = {event.patient: event.state for event in crm.feed()}
    assert states == {"P0": State.REFUSED, "P1": State.RETRY, "P2": State.SENT}
    mailbox.refused = {}
    clock.move(timedelta(minutes=20))
    assert [touch.patient for touch in crm.send().touches] == ["P1"]
    assert [recipients for _, recipients, _ in mailbox.taken] == [["p2@x.example"], ["p1@x.example"]]


def test_a_server_that_vanishes_after_the_data_leaves_one_message_unknown(exports, open_crm, mailbox, clock):
    rows = [patient("P0", given="Vanisha", email="p0@x.example"), patient("P1", household="H2", email="p1@x.example")]
    exports("patients", rows)
    exports("consents", [consent(row["id"]) for row in rows])
    crm = open_email(open_crm, mailbox)
    crm.plan()
    crm.send()
    assert {event.patient: event.state for event in crm.feed()} == {"P0": State.UNKNOWN, "P1": State.SENT}
    clock.move(timedelta(days=1))
    crm.plan()
    assert crm.send().touches == (), "what may have left is never repeated by itself"


def test_a_server_that_is_away_is_tried_again(birthdays, open_crm, mailbox, clock):
    crm = open_email(open_crm, mailbox)
    crm.plan()
    settings = {"email": {"host": "127.0.0.1", "port": 9, "security": "none"}, "folder": {"path": "outbox"}}
    away = open_crm(plugins=["csv", "email", "folder"], settings=settings, channels={"email": "email"})
    assert away.send().counts() == {State.RETRY: 1}
    clock.move(timedelta(minutes=20))
    assert crm.send().counts() == {State.SENT: 1}


def test_a_rehearsal_equals_the_real_days_message_for_message(exports, open_crm, clock, tmp_path):
    people(exports, 40)
    path = tmp_path / "content" / "newsletter" / "2026.md"
    path.parent.mkdir(parents=True)
    path.write_text("# News\n\nHello.\n", encoding="utf-8")
    crm = open_crm(content="content")
    crm.sync()
    crm.add(BIRTHDAY)
    crm.add(
        Campaign(
            "news", objective="inform", message="newsletter", segment="everybody", schedule="yearly on 25 November"
        )
    )
    crm.add(
        Campaign(
            "back",
            objective="reactivate",
            message="reactivation",
            segment="last_visit is empty",
            schedule="yearly on 1 December",
            lot="0.3",
            priority=10,
        )
    )
    rehearsed = crm.rehearse(30)
    assert crm.feed() == [], "a rehearsal leaves no trace"
    delivered = real_days(crm, clock, tmp_path / "outbox", 30)
    expected = [{message.key: to_bytes(message) for message in day.messages} for day in rehearsed.days]
    assert delivered == expected
    assert rehearsed.messages == sum(map(len, delivered)) > 70
    assert set(rehearsed.by_campaign()) == {"card", "news", "back"}


def test_two_senders_on_one_database_share_the_work(exports, open_crm, clock, outbox):
    people(exports, 30)
    first, second = open_crm(), open_crm()
    first.sync()
    first.add(BIRTHDAY)
    clock.move(timedelta(days=1))
    first.plan()
    ready = first.send(dry=True).counts()[State.READY]
    assert first.send(limit=3).sent + second.send().sent == ready == len(outbox())


class Greeting(CrmkitSpec):
    """A plugin that only some of the processes have."""

    info = PluginInfo("acme")

    def __init__(self, folder):
        self.kind = MessageType("hello", Purpose.MARKETING, "hi", ("patient.given",), (Medium.EMAIL,), 3, folder)

    @hookimpl
    def crmkit_message_types(self, ctx):
        return [self.kind]


def test_what_a_sender_knows_no_message_type_for_is_held_and_all_else_leaves(exports, open_crm, tmp_path, outbox):
    people(exports, 20)
    one = open_crm(plugins=["csv", "folder", Greeting(shipped_in(tmp_path))], caps=[])
    one.sync()
    one.add(BIRTHDAY)
    one.add(Campaign("hello", objective="thank", message="acme.hello", segment="everybody", schedule="on 2026-11-23"))
    ready = Counter(touch.campaign for touch in one.plan().ready() if touch.due <= one.clock.now())
    sent = open_crm().send()
    assert sent.counts() == {State.SENT: ready["card"], State.HELD: ready["hello"]}
    assert {touch.reason for touch in sent.touches if touch.state is State.HELD} == {"no_message_type"}
    one.plan()
    assert one.send().sent == ready["hello"] > 0


def test_what_asks_a_field_that_a_sender_does_not_know_is_held_and_all_else_leaves(exports, open_crm, outbox):
    people(exports, 20)
    shows = Field("no_shows", COUNT, "visits that were missed", lambda scope, _: sa.literal(0), known=True)
    one = open_crm(plugins=["csv", "folder", Bringing("acme", fields=[shows])], caps=[])
    one.sync()
    one.add(BIRTHDAY)
    back = {"objective": "reactivate", "message": "reactivation", "schedule": "on 2026-11-23"}
    one.add(Campaign("back", segment="acme.no_shows < 2", **back))
    ready = Counter(touch.campaign for touch in one.plan().ready() if touch.due <= one.clock.now())
    sent = open_crm(caps=[]).send()
    assert sent.counts() == {State.SENT: ready["card"], State.HELD: ready["back"]}
    assert {touch.reason for touch in sent.touches if touch.state is State.HELD} == {"no_field"}
    one.plan()
    assert one.send().sent == ready["back"] > 0


def test_a_crash_before_the_answer_leaves_it_unknown_and_what_was_only_claimed_goes_out(
    exports, open_crm, clock, outbox, monkeypatch
):
    people(exports, 10)
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    clock.move(timedelta(days=1))
    crm.plan()
    assert len(claimed(crm, clock, ["P0"])) == 1
    on_its_way(crm, clock, ["P1"])
    rest = crm.send().sent
    clock.move(timedelta(minutes=6))
    again = crm.send()
    assert [touch.patient for touch in again.touches] == ["P0"]
    assert "P1" not in {touch.patient for touch in crm.send().touches}
    assert {event.patient: event.state for event in crm.feed()}["P1"] is State.UNKNOWN
    assert len(outbox()) == rest + 1


def test_the_clock_of_a_rehearsal_moves_no_other(exports, open_crm, clock):
    people(exports, 2)
    crm = open_crm()
    crm.sync()
    before = clock.now()
    crm.rehearse(3)
    assert isinstance(crm.clock, FixedClock)
    assert clock.now() == before


def test_an_answer_that_comes_late_settles_what_had_been_given_up_as_unknown(exports, open_crm, clock):
    people(exports, 3)
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    clock.move(timedelta(days=1))
    crm.plan()
    handed = on_its_way(crm, clock)
    clock.move(timedelta(minutes=10))
    open_crm().send()
    patient_id = handed[0].touch.patient
    assert {event.patient: event.state for event in crm.feed()}[patient_id] is State.UNKNOWN
    receipts = {one.touch.key: Receipt(one.touch.key, Outcome.SENT, reference="Q7") for one in handed}
    with crm._store.begin() as connection:
        settled = crm._stages.dispatch.record.answers(connection, handed, receipts, clock.now())
    assert [touch.state for touch in settled] == [State.SENT]
    assert crm.send().touches == ()


def claimed(crm, clock, only_to=None):
    """Claim one touch as a sender does that dies thereafter."""
    with crm._store.begin() as connection:
        claims = crm._stages.dispatch.claims
        return claims.claim(connection, "slow", clock.now(), 1, only_to=only_to)


def on_its_way(crm, clock, only_to=None):
    """Write down the intent of one hand-over, as a sender does that dies before the answer."""
    dispatch = crm._stages.dispatch
    window = dispatch.preparation.window(claimed(crm, clock, only_to))
    with crm._store.begin() as connection:
        return dispatch.record.intend(connection, window, "slow", clock.now())


def test_on_the_hosts_own_engine_a_rehearsal_leaves_nothing_behind(exports, practice, clock, tmp_path, outbox):
    people(exports, 5)
    engine = sa.create_engine(f"sqlite:///{tmp_path}/host.db")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE appointment (id)")
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    with CRM(practice, engine, plugins=["csv", "folder"], settings=settings, clock=clock, root=tmp_path) as crm:
        crm.sync()
        crm.add(BIRTHDAY)
        crm.plan()
        (day,) = crm.rehearse(1).days
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT name FROM sqlite_temp_master").all() == []
        assert crm.send().sent == len(day.messages) == len(outbox()) == 1
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT * FROM appointment").all() == [], "the engine stays the host's"
    engine.dispose()
