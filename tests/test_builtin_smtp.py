"""The e-mail channel against a server that misbehaves in every phase: each message gets exactly the verdict it must."""

from __future__ import annotations

import base64
import errno
import os
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smtp_server import DROP, LATE, SILENT, ScriptedServer
from test_messages_mime import message

from crmkit.builtin.email import EmailChannel
from crmkit.builtin.smtp import conversation
from crmkit.builtin.smtp.advice import refusal
from crmkit.builtin.smtp.queue_id import queue_id
from crmkit.builtin.smtp.server import EmailSettings
from crmkit.builtin.smtp.session import Session
from crmkit.builtin.smtp.socket_timeout import time_out
from crmkit.delivery.channel import Outcome
from crmkit.errors import CrmkitError
from crmkit.messages.mime import to_bytes
from crmkit.people.medium import Medium
from crmkit.plugins.calls import Calls
from crmkit.plugins.failure import Phase
from crmkit.plugins.owned import OwnedChannel
from crmkit.plugins.time_limits import TimeLimits

SENT, REFUSED, RETRY, UNKNOWN = Outcome.SENT, Outcome.REFUSED, Outcome.RETRY, Outcome.UNKNOWN
APP_PASSWORD = "not let in with this password: ask the provider for an app password, or to allow SMTP AUTH"
BOTH = pytest.mark.parametrize("offers", [("PIPELINING",), ()], ids=["pipelining", "one by one"])
SINK = Path(__file__).with_name("smtp_sink.py")


def messages(number):
    return [letter(one) for one in range(number)]


def letter(one, **parts):
    return message(key=f"k{one}", to=f"p{one}@home.example", message_id=f"<k{one}@brighteyes.example>", **parts)


def channel(server, **more):
    # A busy machine may take its time over any answer that is to come.
    timeouts = {"timeout": 1, "end_timeout": 1} if any(SILENT in acts for acts in server.script.values()) else {}
    given = {"host": "127.0.0.1", "port": server.port, "security": "none", "timeout": 30} | timeouts | more
    return EmailChannel(EmailSettings(**given))


def hand_over(server, number=3, **more):
    """Send some messages; return their outcomes and their evidence in order."""
    mail = channel(server, **more)
    receipts = {one.key: one for one in mail.send(messages(number))}
    mail.close()
    assert len(receipts) == number
    in_order = [receipts[f"k{one}"] for one in range(number)]
    assert not any("@" in one.evidence or "@" in one.reference for one in in_order), "no address in the ledger"
    return [one.outcome for one in in_order], [one.evidence for one in in_order]


@BOTH
def test_what_the_server_takes_is_sent_word_for_word_and_under_its_queue_id(offers):
    with ScriptedServer(offers=offers) as server:
        mail = channel(server)
        receipts = mail.send(messages(5))
        mail.close()
    assert [(one.key, one.outcome, one.reference) for one in receipts] == [(f"k{n}", SENT, "Q7A4") for n in range(5)]
    assert server.accepted == [(f"p{n}@home.example", to_bytes(one)) for n, one in enumerate(messages(5))]
    assert server.wrote_ahead is bool(offers)
    assert server.nonsense == []


@BOTH
def test_a_message_of_dots_and_without_a_last_line_end_arrives_whole(offers):
    text = ".\n..\n.x\n\n. \nend"
    with ScriptedServer(offers=offers) as server:
        mail = channel(server)
        mail.send([letter(0, text=text, html=""), letter(1)])
        mail.close()
    assert server.accepted[0][1] == to_bytes(letter(0, text=text, html="")) + b"\r\n"
    assert len(server.accepted) == 2


@pytest.mark.no_cover
@BOTH
@pytest.mark.parametrize(
    ("script", "outcomes", "evidence"),
    [
        ({"RCPT": ["550 5.1.1 <p0@home.example> unknown"]}, [REFUSED, SENT, SENT], "recipient: 550 5.1.1"),
        ({"RCPT": ["451 later"]}, [RETRY, SENT, SENT], "recipient: 451"),
        (
            # What Postfix says at its port 587 to somebody who has not logged in.
            {"RCPT": ["554 5.7.1 <p0@home.example>: Recipient address rejected: Access denied"]},
            [RETRY, SENT, SENT],
            "recipient: 554 5.7.1: its rules do not allow it: look at user and password, or ask the provider",
        ),
        (
            # Exim names no status.
            {"RCPT": ["550 rejected because 192.0.2.1 is in a black list at zen.example"]},
            [RETRY, SENT, SENT],
            "recipient: 550: its rules do not allow it: look at user and password, or ask the provider",
        ),
        ({"RCPT": ["552 mailbox is full"]}, [REFUSED, SENT, SENT], "recipient: 552: the mailbox is full"),
        ({"RCPT": ["452 4.2.2 Over quota"]}, [RETRY, SENT, SENT], "recipient: 452 4.2.2: the mailbox is full"),
        ({"RCPT": ["554 5.7.1 <p0@home.example>: Relay access denied"]}, [RETRY, SENT, SENT], "recipient: 554 5.7.1"),
        ({"RCPT": ["530 log in"]}, [RETRY, SENT, SENT], "recipient: 530"),
        ({"RCPT": ["550-5.1.1 a\r\n550-5.1.1 b\r\n550 5.1.1 c"]}, [REFUSED, SENT, SENT], "recipient: 550 5.1.1"),
        ({"RCPT": ["421 closing"]}, [RETRY, SENT, SENT], "recipient: 421"),
        ({"RCPT": [DROP]}, [RETRY, SENT, SENT], "recipient: "),
        ({"RCPT": ["550 relay not permitted"] * 3}, [RETRY, RETRY, RETRY], "recipient: 550: it does not send for us"),
        ({"RCPT": [SILENT]}, [RETRY, SENT, SENT], "recipient: no answer in time"),
        ({"RCPT": ["hello?"]}, [RETRY, SENT, SENT], "recipient: not a reply"),
        ({"RCPT": ["354 what"]}, [RETRY, SENT, SENT], "recipient: not an answer"),
        ({"MAIL": ["451 later"]}, [RETRY, SENT, SENT], "sender: 451"),
        ({"MAIL": ["550 not you"]}, [RETRY, RETRY, RETRY], "sender: 550"),
        ({"MAIL": [DROP]}, [SENT, SENT, SENT], "250"),
        ({"MAIL": ["421 busy"]}, [SENT, SENT, SENT], "250"),
        ({"MAIL": ["421 busy", "421 busy"]}, [RETRY, RETRY, RETRY], "421"),
        ({"DATA": ["554 no"]}, [REFUSED, SENT, SENT], "data: 554"),
        ({"DATA": ["451 no"]}, [RETRY, SENT, SENT], "data: 451"),
        ({"DATA": ["250 what"]}, [RETRY, SENT, SENT], "data: not an answer"),
        ({"DATA": [DROP]}, [RETRY, SENT, SENT], "data: "),
        ({"DATA": ["421 closing"]}, [RETRY, SENT, SENT], "data: 421"),
        ({"end": ["554 5.6.0 spam"]}, [REFUSED, SENT, SENT], "end: 554 5.6.0"),
        ({"end": ["550 5.7.1 spam"]}, [REFUSED, SENT, SENT], "end: 550 5.7.1"),
        ({"end": ["550 5.7.26 no DMARC"] * 3}, [RETRY, RETRY, RETRY], "end: 550 5.7.26: the receiver cannot see"),
        ({"end": ["550 5.7.708 traffic not accepted"]}, [RETRY, SENT, SENT], "end: 550 5.7.708"),
        ({"end": ["452 full"]}, [RETRY, SENT, SENT], "end: 452"),
        (
            {"end": ["550-5.7.30 no DKIM\r\n550 5.7.30 see"] * 3},
            [RETRY] * 3,
            "end: 550 5.7.30: the receiver cannot see",
        ),
        ({"end": ["550 5.7.40 no DMARC"] * 3}, [RETRY] * 3, "end: 550 5.7.40: the receiver cannot see"),
        ({"end": ["421 4.7.26 unproven"]}, [RETRY, SENT, SENT], "end: 421 4.7.26: the receiver cannot see"),
        ({"end": ["421 closing"]}, [RETRY, SENT, SENT], "end: 421"),
        ({"end": [DROP]}, [UNKNOWN, SENT, SENT], "end: "),
        ({"end": [SILENT]}, [UNKNOWN, SENT, SENT], "end: no answer in time"),
        ({"end": ["thanks!"]}, [UNKNOWN, SENT, SENT], "end: not a reply"),
        ({"end": ["354 what"]}, [UNKNOWN, SENT, SENT], "end: not an answer"),
        ({"end": [DROP, DROP]}, [UNKNOWN, UNKNOWN, RETRY], "end: "),
        ({"body": [DROP]}, [UNKNOWN, SENT, SENT], ""),
    ],
)
def test_in_each_phase_a_failure_means_what_it_must(offers, script, outcomes, evidence):
    with ScriptedServer(script, offers=offers) as server:
        seen, told = hand_over(server)
    assert seen == outcomes
    assert evidence in told[0]
    assert len(server.accepted) == seen.count(SENT)
    assert server.nonsense == [], "no body was ever said as a command"


@pytest.mark.parametrize(
    ("script", "evidence"),
    [
        ({"banner": ["554 not you"]}, "connect: 554"),
        ({"banner": ["421 busy"]}, "connect: 421"),
        ({"banner": [DROP]}, "connect: "),
        ({"banner": [SILENT]}, "connect: "),
        ({"banner": ["hello?"]}, "connect: "),
        ({"EHLO": [DROP]}, "ehlo: "),
        ({"EHLO": ["421 busy"]}, "ehlo: "),
        ({"AUTH": ["535 5.7.8 wrong"]}, "login: 535, not let in: look at user and password"),
        ({"AUTH": ["535 5.7.139 Authentication unsuccessful, basic authentication is disabled."]}, APP_PASSWORD),
        ({"AUTH": ["550 5.7.30 Basic authentication is not supported for Client Submission."]}, APP_PASSWORD),
        ({"AUTH": ["534-5.7.9 Application-specific password required.\r\n534 5.7.9 see"]}, APP_PASSWORD),
        (
            {"AUTH": ["535 5.7.139 Authentication unsuccessful, the user credentials were incorrect."]},
            "login: 535, not",
        ),
        ({"AUTH": ["454 later"]}, "login: 454"),
        ({"AUTH": [DROP]}, "login: the server hung up: look at user and password"),
    ],
)
def test_a_server_that_does_not_let_us_in_burns_no_patient_and_is_asked_once(script, evidence):
    with ScriptedServer(script, offers=("PIPELINING", "AUTH PLAIN")) as server:
        seen, told = hand_over(server, user="desk", password="secret")
    assert seen == [RETRY] * 3
    assert all(evidence in one for one in told)
    assert (server.sessions, server.finished) == (1, [])


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (b"2.0.0 Ok: queued as 4ABCDEF\r\n", "4ABCDEF"),
        (b"OK id=1rABCD-0001Xy-2k\r\n", "1rABCD-0001Xy-2k"),
        (b"2.6.0 <k@x.example> [InternalId=12345678901] Queued mail for delivery", "12345678901"),
        (b"2.0.0 OK  1700000000 a1-20020a05600c4e41si1234567wmq.123 - gsmtp", "a1-20020a05600c4e41si1234567wmq.123"),
        (b"2.0.0 3AN9CDEF012345 Message accepted for delivery", "3AN9CDEF012345"),
        (b"Ok 0102018c1f2e3d4c-1a2b3c4d-1234-5678-9abc-def012345678-000000\r\n",
         "0102018c1f2e3d4c-1a2b3c4d-1234-5678-9abc-def012345678-000000"),
        (b"2.1.0 <mia@home.example> Ok id <mia@home.example>", ""),
        (b"mia@home.example message accepted for delivery", ""),
        (b"Great success", ""),
    ],
)  # fmt: skip
def test_the_servers_own_name_for_a_message_is_kept_and_no_address(said, name):
    assert queue_id(said) == name


def test_a_server_that_wants_a_login_first_says_what_to_look_at():
    with ScriptedServer({"MAIL": ["530 5.7.0 Authentication required"]}) as server:
        seen, told = hand_over(server)
    assert seen == [RETRY] * 3
    assert set(told) == {
        "sender: 530 5.7.0: it wants a login or an encrypted line: look at user, password and security"
    }


def test_a_password_in_other_letters_is_told_in_utf_8():
    with ScriptedServer(offers=("AUTH LOGIN PLAIN",)) as server:
        seen, _ = hand_over(server, user="desk", password="pässwort")
    assert seen == [SENT] * 3
    [told] = [line for line in server.commands if line.startswith("AUTH PLAIN ")]
    assert base64.b64decode(told.split()[2]).decode() == "\0desk\0pässwort"
    with ScriptedServer({"AUTH": ["535 no"]}, offers=("AUTH PLAIN",)) as server:
        seen, told = hand_over(server, user="desk", password="pässwort")
    assert set(told) == {"login: 535, not let in: look at user and password"}
    with ScriptedServer(offers=("AUTH LOGIN",)) as server:
        seen, told = hand_over(server, user="desk", password="pässwort")
    assert (seen, server.finished) == ([RETRY] * 3, [])


def test_a_server_that_offers_no_starttls_gets_no_word_of_the_message_and_no_password():
    with ScriptedServer(offers=("AUTH PLAIN",)) as server:
        seen, told = hand_over(server, security="starttls", user="desk", password="secret")
    assert seen == [RETRY] * 3
    assert told[0] == "starttls: the server does not offer it: look at port and security"
    assert set(server.verbs()) == {"EHLO"}


def test_a_server_that_is_away_is_left_alone():
    with ScriptedServer() as server:
        pass
    seen, told = hand_over(server)
    assert seen == [RETRY] * 3
    assert set(told) == {"connect: nobody listens there: look at host and port"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("desk.brighteyes.example", "desk.brighteyes.example"),
        ("Praxis-Müller.fritz.box", "[127.0.0.1]"),
        ("PC_2.local", "[192.0.2.7]"),
        ("desk", "[192.0.2.7]"),
        (None, "[127.0.0.1]"),
    ],
)
def test_whatever_the_desks_computer_is_called_it_can_greet_the_server(monkeypatch, name, said):
    def own() -> str:
        return b"M\xdcLLER.fritz.box".decode() if name is None else name

    def address(of: str) -> str:
        return "192.0.2.7" if of.encode("ascii") else ""

    monkeypatch.setattr(socket, "getfqdn", own)
    monkeypatch.setattr(socket, "gethostname", own)
    monkeypatch.setattr(socket, "gethostbyname", address)
    with ScriptedServer() as server:
        assert hand_over(server, 1)[0] == [SENT]
    assert server.commands[0].lower() == f"ehlo {said}".lower()


@BOTH
def test_half_of_the_recipients_refused_touch_no_other(offers):
    refused = {f"p{one}@home.example": "550 5.1.1 unknown" for one in range(0, 10, 2)}
    with ScriptedServer(offers=offers, recipients=refused) as server:
        seen, _ = hand_over(server, 10)
    assert seen == [REFUSED, SENT] * 5
    assert [address for address, _ in server.accepted] == [f"p{one}@home.example" for one in range(1, 10, 2)]
    assert server.sessions == 1


@BOTH
@pytest.mark.parametrize(
    ("said", "nobody"),
    [
        ("550 5.1.1 <p1@home.example>: Recipient address rejected: User unknown in virtual mailbox table", True),
        ("550-5.1.1 The email account that you tried to reach does not exist.\r\n550 5.1.1 Try again", True),
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup", True),
        ("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", True),
        ("550 Unrouteable address", True),
        ("550 No such user here", True),
        ("550 5.1.1 <p1@home.example>: undeliverable address: host mx.example said: 550 Rejected by our policy", False),
        ("524 5.2.4 Mailing list expansion problem: <p1@home.example>", True),
        ("550 5.2.4 the list cannot be expanded", False),
        ("552 5.2.2 Mailbox full", False),
        ("550 5.7.1 User unknown to our spam filter", False),
        ("550 5.1.1 mailbox is full", False),
        ("550 Requested action not taken: mailbox unavailable", False),
        ("550 5.5.0 Requested action not taken: mailbox unavailable", True),
        ("550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents", False),
        ("450 4.1.1 User unknown", False),
    ],
)
def test_a_refusal_condemns_the_address_where_a_bounce_of_the_same_words_would(offers, said, nobody):
    with ScriptedServer(offers=offers, recipients={"p1@home.example": said}) as server:
        mail = channel(server)
        receipts = mail.send(messages(3))
        mail.close()
    assert {one.key for one in receipts if one.permanent} == ({"k1"} if nobody else set())


@BOTH
@pytest.mark.parametrize(
    ("said", "nobody"),
    [
        ("550 5.1.1 User unknown", True),
        ("550 no such user in our address book of spammers", False),
        ("550 5.7.1 content", False),
        ("552 5.2.2 mailbox full", False),
    ],
)
def test_a_server_that_looks_for_the_mailbox_only_at_the_end_condemns_it_by_its_code(offers, said, nobody):
    with ScriptedServer({"end": [said]}, offers=offers) as server:
        mail = channel(server)
        receipts = mail.send(messages(2))
        mail.close()
    assert {one.key for one in receipts if one.outcome is REFUSED} == {"k0"}
    assert {one.key for one in receipts if one.permanent} == ({"k0"} if nobody else set())


@BOTH
@pytest.mark.parametrize(
    "said",
    [
        # Postfix tells all of it only when it hears of a recipient.
        "550 5.1.0 <hello@brighteyes.example>: Sender address rejected: User unknown in virtual mailbox table",
        "550 5.1.7 <hello@brighteyes.example>: Sender address rejected: undeliverable address: 550 5.1.1 User unknown",
        "550 5.1.8 <hello@brighteyes.example>: Sender address rejected: Domain not found",
        "550-Verification failed for <hello@brighteyes.example>\r\n550-Response: 550 5.1.1 User unknown\r\n"
        "550 Sender verify failed",
        "550-Verification failed for <hello@brighteyes.example>\r\n"
        "550-Previous (cached) callout verification failure\r\n550 not from you",
    ],
)
def test_a_sender_whom_a_server_does_not_know_costs_no_patient_and_no_address(offers, said):
    with ScriptedServer({"RCPT": [said]}, offers=offers) as server:
        mail = channel(server)
        receipts = {one.key: one for one in mail.send(messages(2))}
        mail.close()
    assert [receipts[key].outcome for key in ("k0", "k1")] == [RETRY, SENT]
    assert not receipts["k0"].permanent
    assert receipts["k0"].evidence.endswith(
        ": it takes nothing from the practice's address: look at the practice's email"
    )


@pytest.mark.parametrize(
    "said",
    [
        "504 5.5.2 <practice-pc>: Helo command rejected: need fully-qualified hostname",
        "550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)",
        "550-SPF check failed: 192.0.2.1 is not allowed to send mail from\r\n550 brighteyes.example",
    ],
)
def test_what_a_server_holds_against_this_machine_costs_no_patient(said):
    with ScriptedServer({"RCPT": [said]}) as server:
        assert hand_over(server, 2)[0] == [RETRY, SENT]


def test_a_server_that_wants_the_data_of_a_message_without_recipient_gets_an_empty_one():
    refused = {"p1@home.example": "550 no"}
    with ScriptedServer(recipients=refused, lenient=True) as server:
        seen, _ = hand_over(server)
    assert seen == [SENT, REFUSED, SENT]
    assert server.finished == ["p0@home.example", "", "p2@home.example"]
    assert (server.nonsense, server.sessions) == ([], 1)


def test_a_server_that_goes_along_with_a_sender_it_refused_is_left_before_it_sends_an_empty_message():
    with ScriptedServer({"MAIL": ["451 later"]}, lenient=True) as server:
        seen, _ = hand_over(server)
    assert seen == [RETRY, SENT, SENT]
    assert server.finished == ["p1@home.example", "p2@home.example"]


def test_in_a_pipelined_session_only_the_message_without_a_reply_is_unknown():
    with ScriptedServer({"end": ["250 ok", "250 ok", DROP]}) as server:
        seen, _ = hand_over(server, 6)
    assert seen == [SENT, SENT, UNKNOWN, SENT, SENT, SENT]
    assert server.sessions == 2


def test_a_message_too_large_for_the_kernel_whose_end_was_never_written_is_tried_again():
    # The server hangs up amid a body that no buffer holds, so the final dot cannot have been written.
    with ScriptedServer({"body": [DROP]}, offers=("PIPELINING",)) as server:
        mail = channel(server)
        (receipt,) = mail.send([letter(0, html="<p>" + "word " * 5_000_000)])
        mail.close()
    assert (receipt.outcome, server.finished) == (RETRY, [])
    assert receipt.evidence.startswith("body: ")


def test_a_server_that_leaves_after_every_message_is_followed():
    with ScriptedServer({"MAIL": ["250 ok", "421 enough"] * 5}, offers=()) as server:
        seen, _ = hand_over(server, 4)
    assert seen == [SENT] * 4
    assert server.sessions == 4


@BOTH
def test_a_session_in_which_no_more_messages_may_be_sent_is_followed_by_another(offers):
    # OpenSMTPD takes a hundred in a session.
    said = [
        "250 ok",
        "250 ok",
        "452 4.5.3 Too many messages sent",
        "250 ok",
        "250 ok",
        "452 4.5.3 Too many messages sent",
    ]
    with ScriptedServer({"MAIL": said}, offers=offers) as server:
        seen, _ = hand_over(server, 5)
    assert (seen, server.sessions) == ([SENT] * 5, 3)
    assert len(server.accepted) == 5


@BOTH
def test_after_a_message_refused_at_its_end_the_server_is_told_to_forget_it(offers):
    # Postfix takes the next sender for a nested one else.
    with ScriptedServer({"end": ["554 5.7.1 content"]}, offers=offers) as server:
        mail = channel(server)
        outcomes = [[one.outcome for one in mail.send([letter(number)])] for number in range(2)]
        outcomes += [[one.outcome for one in mail.send(messages(4)[2:])]]
        mail.close()
    assert (outcomes, server.sessions) == ([[REFUSED], [SENT], [SENT, SENT]], 1)
    verbs = server.verbs()
    assert verbs[verbs.index("MAIL") + 3] == "RSET"


def test_what_is_written_ahead_of_a_refusal_at_the_end_is_said_anew_in_a_new_session():
    # Postfix takes the next sender for a nested one, and its recipient for one of the message before.
    refused = "554 5.7.1 content"
    said = {"end": ["250 ok", refused, "250 ok", refused], "MAIL": ["250 ok", "250 ok", "503 5.5.1 nested"]}
    with ScriptedServer(said) as server:
        seen, _ = hand_over(server, 6)
    assert (seen, server.sessions) == ([SENT, REFUSED, SENT, REFUSED, SENT, SENT], 2)
    assert [address for address, _ in server.accepted] == [letter(number).to for number in (0, 2, 4, 5)]
    # From the first refusal on the server is told to forget each message, which costs time.
    assert server.verbs().count("RSET") == 3


@BOTH
def test_a_server_that_takes_no_more_in_a_new_session_either_is_believed(offers):
    with ScriptedServer({"MAIL": ["250 ok", *["450 4.7.1 too much mail"] * 9]}, offers=offers) as server:
        seen, evidence = hand_over(server, 4)
    assert (seen, server.sessions) == ([SENT, RETRY, RETRY, RETRY], 2)
    assert set(evidence[1:]) == {"sender: 450 4.7.1"}


def test_a_server_that_always_hangs_up_is_not_hammered():
    with ScriptedServer({"RCPT": [DROP] * 50}) as server:
        seen, _ = hand_over(server, 50)
    assert seen == [RETRY] * 50
    assert server.sessions == 2


class Hours:
    """A clock on which each look takes some seconds."""

    def __init__(self, each):
        self.each, self.now = each, 0.0

    def __call__(self):
        self.now += self.each
        return self.now


@BOTH
def test_a_server_that_gets_slow_amid_a_call_has_the_rest_later_and_nothing_twice(offers, monkeypatch):
    monkeypatch.setattr(conversation, "elapsed", Hours(conversation.PATIENCE / 4))
    with ScriptedServer(offers=offers) as server:
        seen, evidence = hand_over(server, 10)
    number = seen.count(SENT)
    assert 1 <= number < 6
    assert seen == [SENT] * number + [RETRY] * (10 - number)
    assert evidence[number:] == ["slow: left for later"] * (10 - number)
    assert len(server.accepted) == number
    assert server.nonsense == []


@BOTH
def test_a_machine_that_slept_amid_a_call_hands_nothing_over_when_it_wakes_up(offers, monkeypatch):
    monkeypatch.setattr(conversation, "elapsed", Hours(3600))
    with ScriptedServer(offers=offers) as server:
        assert hand_over(server, 3)[0] == [RETRY] * 3
    assert server.finished == []


@BOTH
def test_a_server_that_says_more_than_it_was_asked_is_left_before_anything_leaves(offers):
    # What came too early was taken for the answer to the message, which then left twice.
    with ScriptedServer({"DATA": ["354 go\r\n450 4.7.1 later"]}, offers=offers) as server:
        assert hand_over(server, 2)[0] == [RETRY, SENT]
    assert len(server.finished) == len(server.accepted) == 1


@BOTH
def test_however_slow_a_server_is_each_call_brings_it_a_message(offers, monkeypatch):
    monkeypatch.setattr(conversation, "elapsed", Hours(conversation.PATIENCE * 0.9))
    with ScriptedServer(offers=offers) as server:
        seen, _ = hand_over(server, 3)
        assert seen == [SENT, RETRY, RETRY]
        assert hand_over(server, 1)[0] == [SENT]


@pytest.mark.parametrize(
    ("timeouts", "host", "given"),
    [({}, 900, 1_770), ({"timeout": 5, "end_timeout": 20}, 900, 900), ({}, 20_000, 20_000)],
)
def test_the_channel_is_given_the_time_that_its_own_time_outs_need(timeouts, host, given):
    limits = TimeLimits(channel=host)
    mail = EmailChannel(EmailSettings("mail.example", **timeouts))
    owned = OwnedChannel("email", mail, Calls("email", limits=limits.by_phase()))
    assert owned.calls.limits[Phase.SEND] == given
    unbounded = OwnedChannel("email", mail, Calls("email", limits=TimeLimits(channel=None).by_phase()))
    assert unbounded.calls.limits[Phase.SEND] is None


@BOTH
def test_the_answer_to_a_whole_message_is_waited_for_longer_than_any_other(offers):
    with ScriptedServer({"end": [LATE]}, offers=offers) as server:
        assert hand_over(server, 2, timeout=1)[0] == [SENT, SENT]
    with ScriptedServer({"RCPT": [LATE, LATE]}, offers=offers) as server:
        assert hand_over(server, 2, timeout=1)[0] == [RETRY, RETRY]


@BOTH
def test_the_connection_stays_open_between_calls_and_is_closed_with_a_goodbye(offers):
    with ScriptedServer(offers=offers) as server:
        mail = channel(server)
        assert [one.outcome for one in [*mail.send(messages(2)), *mail.send(messages(2))]] == [SENT] * 4
        assert server.sessions == 1
        mail.close()
        assert server.verbs()[-1] == "QUIT"
        assert mail.send(messages(1))[0].outcome is SENT
        mail.close()


@BOTH
def test_a_connection_that_the_server_closed_while_it_rested_costs_no_message(offers):
    with ScriptedServer(offers=offers) as server:
        mail = channel(server)
        mail.send(messages(1))
        server.hang_up()
        server.script["MAIL"] = [DROP]
        assert [one.outcome for one in mail.send(messages(3))] == [SENT] * 3, "and one real drop is still forgiven"
        server.script["MAIL"] = ["421 4.4.2 timeout"]
        assert [one.outcome for one in mail.send(messages(3))] == [SENT] * 3
        assert server.finished == ["p0@home.example", *[f"p{n}@home.example" for n in range(3)] * 2]
        mail.close()


def test_a_connection_that_rested_too_long_is_opened_anew(monkeypatch):
    with ScriptedServer() as server:
        mail = channel(server)
        mail.send(messages(1))
        monkeypatch.setattr(conversation, "_IDLE", -1.0)
        mail.send(messages(1))
        mail.close()
    assert server.sessions == 2
    assert server.verbs().count("QUIT") == 2


def test_threads_that_send_at_once_each_have_a_connection_of_their_own():
    with ScriptedServer() as server:
        mail, receipts = channel(server, timeout=10), []
        threads = [
            threading.Thread(target=lambda at=at: receipts.extend(mail.send([letter(n) for n in range(at, at + 20)])))
            for at in (0, 20, 40)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        mail.close()
    assert sorted(int(one.key[1:]) for one in receipts if one.outcome is SENT) == list(range(60))
    assert len(server.accepted) == 60
    assert server.sessions <= 3


def test_the_messages_of_one_call_may_be_shared_out_among_connections():
    with ScriptedServer() as server:
        seen, _ = hand_over(server, 7, connections=3, timeout=10)
    assert seen == [SENT] * 7
    assert 1 <= server.sessions <= 3
    assert sorted(address for address, _ in server.accepted) == [f"p{n}@home.example" for n in range(7)]


def test_where_the_machine_has_no_further_thread_the_messages_go_all_the_same(monkeypatch):
    started = []

    class Scarce(threading.Thread):
        def start(self):
            started.append(self)
            if len(started) == 2:
                raise RuntimeError("can't start new thread")
            super().start()

    monkeypatch.setattr("crmkit.builtin.email.Thread", Scarce)
    with ScriptedServer() as server:
        assert hand_over(server, 7, connections=3, timeout=10)[0] == [SENT] * 7


def test_what_fails_in_one_of_several_connections_is_raised_when_all_have_ended(monkeypatch):
    good = conversation.Conversation.send
    ended = []

    def send(self, mine):
        if mine[0].key == "k1":
            raise LookupError("k1")
        ended.append(mine[0].key)
        return good(self, mine)

    monkeypatch.setattr(conversation.Conversation, "send", send)
    with ScriptedServer() as server:
        mail = channel(server, connections=3)
        with pytest.raises(LookupError):
            mail.send(messages(3))
        mail.close()
    assert sorted(ended) == ["k0", "k2"]
    assert len(server.accepted) == 2


SILENCE = """
import socket, sys
sys.path[:0] = {paths!r}
from test_builtin_smtp import messages
from crmkit.builtin.email import EmailChannel
from crmkit.builtin.smtp.queue_id import queue_id
from crmkit.builtin.smtp.server import EmailSettings
from crmkit.plugins.calls import Calls
from crmkit.plugins.failure import Phase
from crmkit.plugins.owned import OwnedChannel
with socket.socket() as silent:
    silent.bind(("127.0.0.1", 0))
    silent.listen()
    port = silent.getsockname()[1]
    mail = EmailChannel(EmailSettings("127.0.0.1", port, "none", timeout=600, connections={connections}))
    owned = OwnedChannel("email", mail, Calls("email"))
    owned.calls.limits = {{Phase.SEND: 1.0}}
    print(*{{one.outcome for one in owned.send(messages(4))}})
"""


@pytest.mark.parametrize("connections", [1, 2])
def test_a_program_ends_though_a_mail_server_says_nothing(connections):
    program = SILENCE.format(paths=[str(Path(__file__).parent)], connections=connections)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["unknown"]), done.stderr


@BOTH
@pytest.mark.parametrize("phase", ["RCPT", "end"])
@pytest.mark.parametrize(
    "said",
    [
        "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
        "554 5.2.252 SendAsDenied; desk@brighteyes.example not allowed to send as hello@brighteyes.example",
        "550-5.4.5 Daily user sending limit exceeded.\r\n550 5.4.5 see - gsmtp",
        "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
        "554 Message rejected: Email address is not verified. The following identities failed the check",
        "554 Message rejected: Sending paused for this account.",
        "550 The from address does not match a verified Sender Identity.",
        "551 5.7.1 Not authorised to send from this header address",
        "550 5.7.0 From address is not one of your addresses",
    ],
)
def test_an_account_that_may_not_send_costs_no_patient_the_message(offers, phase, said):
    with ScriptedServer({phase: [said]}, offers=offers) as server:
        mail = channel(server)
        receipts = {one.key: one for one in mail.send(messages(2))}
        mail.close()
    assert [receipts[key].outcome for key in ("k0", "k1")] == [RETRY, SENT]
    assert "it does not let this account send it" in receipts["k0"].evidence
    assert not receipts["k0"].permanent


@BOTH
def test_bounces_may_go_to_a_mailbox_of_their_own_and_answers_still_to_the_practice(offers):
    with ScriptedServer(offers=offers) as server:
        assert hand_over(server, 2, bounces="Bounces@Müller.example")[0] == [SENT] * 2
    said = [line for line in server.commands if line.startswith("MAIL")]
    assert {line.split()[1] for line in said} == {"FROM:<Bounces@xn--mller-kva.example>"}
    assert all(b"<hello@brighteyes.example>" in body.partition(b"\r\nTo:")[0] for _, body in server.accepted)


def test_a_mailbox_for_bounces_that_is_none_is_told_with_its_place(open_crm):
    with pytest.raises(CrmkitError, match=r"settings\.email: bounces: not an e-mail address"):
        open_crm(plugins=["csv", "folder", "email"], settings={"email": {"host": "mx.example", "bounces": "bounces"}})


def test_reports_are_asked_for_where_the_server_offers_them():
    with ScriptedServer(offers=("PIPELINING", "DSN")) as server:
        hand_over(server, 1)
        hand_over(server, 1, dsn=False)
    assert "MAIL FROM:<hello@brighteyes.example> RET=HDRS ENVID=k0" in server.commands
    assert "RCPT TO:<p0@home.example> NOTIFY=FAILURE,DELAY" in server.commands
    assert "MAIL FROM:<hello@brighteyes.example>" in server.commands
    with ScriptedServer() as plain:
        hand_over(plain, 1)
    assert "RCPT TO:<p0@home.example>" in plain.commands


@BOTH
def test_of_what_the_server_says_a_little_is_kept_and_nothing_that_names_an_address(offers):
    script = {
        "RCPT": [f"250 2.1.5 <p{n}@home.example> ok" for n in range(40)],
        "end": [f"250 id={n:08}" for n in range(40)],
    }
    with ScriptedServer(script, offers=offers) as server:
        mail = channel(server)
        receipts = mail.send(messages(40))
        (conversation,) = mail._free
        kept = list(conversation._session._usual)
        mail.close()
    assert [(one.outcome, one.reference) for one in receipts] == [(SENT, f"{n:08}") for n in range(40)]
    assert kept
    assert len(kept) <= 16
    assert not any(b"@" in line for line in kept)


def test_a_message_larger_than_the_server_takes_is_refused_unsaid():
    with ScriptedServer(offers=("PIPELINING", "SIZE 3000")) as server:
        mail = channel(server)
        large, small = mail.send([letter(0, text="long " * 1000), letter(1)])
        mail.close()
    assert (large.outcome, small.outcome) == (REFUSED, SENT)
    assert large.evidence.startswith("size: ")
    assert f"MAIL FROM:<hello@brighteyes.example> SIZE={len(to_bytes(letter(1)))}" in server.commands
    assert server.verbs().count("MAIL") == 1


def test_what_cannot_be_written_as_mail_is_refused_and_harms_no_other():
    with ScriptedServer() as server:
        mail = channel(server)
        receipts = mail.send([letter(0), letter(1, medium=Medium.SMS), letter(2)])
        mail.close()
    assert {one.key: one.outcome for one in receipts} == {"k0": SENT, "k1": REFUSED, "k2": SENT}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate that signs itself, for localhost."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed, and nothing else here makes certificates")
    folder = tmp_path_factory.mktemp("certificate")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(
        command,
        check=True,
        capture_output=True,
    )
    return folder


def secured(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    return context


@pytest.mark.parametrize(
    ("number", "told"),
    [(10, "has expired"), (62, "another name"), (64, "another name"), (18, "nobody that")],
)
def test_what_is_wrong_with_a_certificate_is_told(number, told):
    problem = ssl.SSLCertVerificationError()
    problem.verify_code = number
    assert told in refusal(problem)


@pytest.mark.parametrize(("code", "told"), [(421, "421"), (535, "535, not let in: look at user and password")])
def test_password_and_user_are_suspected_only_where_the_server_says_so(code, told):
    assert refusal(smtplib.SMTPConnectError(code, b"not now")) == told


def test_a_certificate_that_nobody_vouches_for_ends_it_before_the_password(certificate):
    with ScriptedServer(offers=("STARTTLS", "AUTH PLAIN"), context=secured(certificate)) as server:
        seen, told = hand_over(server, host="localhost", security="starttls", user="desk", password="secret")
    assert seen == [RETRY] * 3
    assert set(told) == {"starttls: the certificate is signed by nobody that this machine trusts"}
    assert set(server.verbs()) == {"EHLO", "STAR"}


def test_a_certificate_for_another_name_is_told_as_such(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    with ScriptedServer(offers=("STARTTLS",), context=secured(certificate)) as server:
        seen, told = hand_over(server, host="127.0.0.1", security="starttls")
    assert seen == [RETRY] * 3
    assert set(told) == {"starttls: the certificate is for another name: host must be the name that the provider gives"}


@pytest.mark.parametrize("offers", [("STARTTLS",), ("STARTTLS", "PIPELINING", "DSN")])
def test_behind_tls_it_works_and_what_was_slipped_in_before_counts_for_nothing(certificate, monkeypatch, offers):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    forged = b"250-forged.example\r\n250-PIPELINING\r\n250 SIZE 1\r\n"
    with ScriptedServer(offers=offers, context=secured(certificate), before_tls=forged) as server:
        seen, _ = hand_over(server, host="localhost", security="starttls", timeout=10)
    # What stands unencrypted where the handshake is due may break the handshake; it may never be believed.
    assert seen in ([SENT] * 3, [RETRY] * 3)
    with ScriptedServer(offers=offers, context=secured(certificate)) as server:
        seen, _ = hand_over(server, host="localhost", security="starttls", timeout=10)
    assert seen == [SENT] * 3
    assert server.wrote_ahead is ("PIPELINING" in offers)


class NeverBlocks(socket.socket):
    """A socket as gevent puts it in the place of Python's: it waits by other means."""

    def settimeout(self, seconds):
        super().settimeout(seconds)
        os.set_blocking(self.fileno(), False)


class OtherSpan(socket.socket):
    """A socket of a kernel that wants another form of time, as 32-bit ARM with 64-bit time does."""

    def setsockopt(self, level, option, value):
        if option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            raise OSError(errno.EINVAL, "Invalid argument")
        super().setsockopt(level, option, value)


@pytest.mark.parametrize("kind", [NeverBlocks, OtherSpan])
def test_where_the_kernel_cannot_wait_python_does(kind):
    with kind() as one:
        time_out(one, 7)
        assert one.gettimeout() == 7


def test_all_lines_of_the_answer_to_a_whole_message_are_waited_for_as_long():
    ours, theirs = socket.socketpair()
    settings = EmailSettings("mail.example", timeout=1, end_timeout=5)
    time_out(ours, settings.turn)
    session = Session(
        pipelined=True, dsn=False, sized=False, limit=0, server=smtplib.SMTP(), socket=ours, settings=settings
    )
    late = threading.Timer(1.3, theirs.sendall, [b"250 queued\r\n"])
    with ours, theirs:
        theirs.sendall(b"250-looked at\r\n")
        late.start()
        assert session.end().code == 250
        late.join()


def test_behind_tls_an_answer_that_never_comes_is_not_waited_for_for_ever(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    with ScriptedServer({"end": [SILENT]}, offers=("STARTTLS",), context=secured(certificate)) as server:
        seen, told = hand_over(server, 1, host="localhost", security="starttls")
    assert (seen, told) == ([UNKNOWN], ["end: no answer in time"])


FATES = {
    "MAIL": ["250 ok", "451 later", DROP, "421 bye"],
    "RCPT": ["250 ok", "550 5.1.1 no", "451 later", DROP, "421 bye", "what?"],
    "DATA": ["354 go", "554 no", "451 no", DROP, "250 what"],
    "end": ["250 ok", "554 no", "452 full", DROP, "421 bye", "what?"],
}


@settings(max_examples=60, deadline=None)
@given(
    script=st.fixed_dictionaries({phase: st.lists(st.sampled_from(acts), max_size=6) for phase, acts in FATES.items()}),
    offers=st.sampled_from([("PIPELINING",), ()]),
    lenient=st.booleans(),
)
def test_whatever_the_server_does_the_verdicts_agree_with_what_it_took(script, offers, lenient):
    with ScriptedServer(script, offers=offers, lenient=lenient) as server:
        seen, _ = hand_over(server, 6)
    # What goes to nobody is what ends a message without a recipient.
    taken = [address for address, _ in server.accepted if address]
    assert len(set(taken)) == len(taken), "nobody gets it twice"
    ended = [address for address in server.finished if address]
    for one, outcome in enumerate(seen):
        address = f"p{one}@home.example"
        assert ended.count(address) <= 1
        assert (address in taken) <= (outcome in (SENT, UNKNOWN))
        assert (outcome is SENT) <= (address in taken)
        assert (outcome is UNKNOWN) <= (address in ended)
    assert server.nonsense == []


def test_the_sink_of_the_benchmarks_notes_every_message_that_it_took(tmp_path):
    keep = tmp_path / "taken.tsv"
    command = [sys.executable, str(SINK), "--port", "0", "--keep", str(keep)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sink:
        port = int(sink.stdout.readline())
        mail = EmailChannel(EmailSettings("127.0.0.1", port, security="none", timeout=60))
        assert {one.outcome for one in mail.send(messages(200))} == {SENT}
        mail.close()
        sink.stdin.close()
        assert sink.wait(60) == 0
    lines = keep.read_text().splitlines()
    assert lines == [f"<k{n}@brighteyes.example>\tp{n}@home.example" for n in range(200)]


@pytest.mark.parametrize(
    ("host", "more", "refused"),
    [
        ("mail.example", {}, True),
        ("192.168.1.10", {}, True),
        ("localhost.example", {}, True),
        ("mail.example", {"security": "starttls"}, False),
        ("mail.example", {"password": ""}, False),
        ("localhost", {}, False),
        ("127.0.0.1", {}, False),
        ("::1", {}, False),
    ],
)
def test_a_password_leaves_this_machine_encrypted_only(open_crm, host, more, refused):
    given = {"host": host, "security": "none", "user": "desk", "password": "open sesame"} | more
    wanted = {"plugins": ["csv", "folder", "email"], "settings": {"email": given}, "channels": {Medium.EMAIL: "email"}}
    if refused:
        with pytest.raises(CrmkitError, match=r"settings\.email\.security: .*everybody.*\"starttls\"") as problem:
            open_crm(**wanted)
        assert "sesame" not in str(problem.value)
    else:
        open_crm(**wanted)
