"""Bounces: who is named is found, what is the address's fault is told from what is not, and no mail can do harm."""

from __future__ import annotations

import base64
import json
import logging
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bounded import run_bounded
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.builtin.mail.bounces import BounceParser
from crmkit.builtin.mail.fault import is_about_address
from crmkit.builtin.mail.incoming import MOST_BYTES
from crmkit.builtin.mail.replies import ReplyParser
from crmkit.delivery.events.event import Event, EventKind, Payload
from crmkit.errors import CrmkitError, SourceError
from crmkit.people.medium import Medium, Purpose

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEY = "acee0661dca0cc9062eb88c1d7b554a4"
MIA = "mia@home.example"
REAL = Path(__file__).parents[2] / "shared" / "data" / "bounces-flufl"

#: Where the real mails are read otherwise than flufl.bounce reads them: who is named is the same, and the
#: verdict is milder, because the words are about something else than the address.
QUOTA, ELSE = "the mailbox is full", "the reason is another than the address"
OTHERWISE = {
    "dsn_01.txt": QUOTA,
    "hotpop_01.txt": QUOTA,
    "newmailru_01.txt": QUOTA,
    "postfix_04.txt": QUOTA,
    "qmail_06.txt": QUOTA,
    "simple_01.txt": QUOTA,
    "simple_07.txt": QUOTA,
    "simple_09.txt": QUOTA,
    "simple_38.txt": QUOTA,
    "yahoo_02.txt": QUOTA,
    "yahoo_04.txt": QUOTA,
    "dsn_02.txt": f"{ELSE}: 4.4.7, the time to try has run out",
    "dsn_03.txt": f"{ELSE}: the message was too large",
    "dsn_04.txt": f"{ELSE}: 5.0.0, a file could not be opened",
    "dsn_09.txt": f"{ELSE}: 5.0.0, the server does not relay",
    "sendmail_01.txt": f"{ELSE}: too many hops, a loop between servers",
    "simple_42.txt": f"{ELSE}: 5.7.1, taken for spam",
    "simple_44.txt": f"{ELSE}: 4.4.4, a server that says to try later",
    "yahoo_01.txt": f"{ELSE}: 4.4.1, no connection",
}


def payload(text: str | bytes) -> Payload:
    return Payload(text.encode() if isinstance(text, str) else text, received_at=NOW)


def parse(text: str | bytes) -> list[Event]:
    return list(BounceParser().parse(payload(text)))


def report(
    *groups: str, about: str = "", returned: str = f"Message-ID: <{KEY}@brighteyes.example>", notice: str = ""
) -> str:
    fields = "\n\n".join([f"Reporting-MTA: dns; mx.home.example\n{about}".strip(), *groups])
    return f"""From: Mail Delivery System <MAILER-DAEMON@mx.home.example>
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Date: Mon, 23 Nov 2026 08:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

{notice}
--b
Content-Type: message/delivery-status

{fields}

--b
Content-Type: text/rfc822-headers

From: Bright Eyes <hello@brighteyes.example>
{returned}

--b--
"""


def failed(status: str = "5.1.1", more: str = "") -> str:
    return f"Final-Recipient: rfc822; {MIA}\nAction: failed\nStatus: {status}\n{more}".strip()


@pytest.mark.skipif(not REAL.is_dir(), reason="the public mails are not here")
def test_real_bounces_name_whom_flufl_names_and_judge_as_it_does_but_where_said() -> None:
    expected = json.loads((REAL / "expected_by_flufl.bounce-6.0.0.json").read_text())
    assert len(expected) == 117
    differ = {}
    for name, verdict in expected.items():
        events = parse((REAL / "data" / name).read_bytes())
        assert {event.kind for event in events} <= {EventKind.BOUNCED, EventKind.DELAYED}, name
        permanent = {event.address for event in events if event.permanent}
        temporary = {event.address for event in events} - permanent
        if (permanent, temporary) != (set(verdict["permanent"]), set(verdict["temporary"])):
            differ[name] = OTHERWISE.get(name, "nobody said why")
            assert (temporary, permanent) == ({*verdict["permanent"], *verdict["temporary"]}, set()), name
    print(*(f"{name}: {reason}" for name, reason in sorted(differ.items())), sep="\n")
    assert differ == OTHERWISE


def test_a_report_gives_recipient_key_time_and_status() -> None:
    text = report(failed("5.1.1 (bad mailbox)"))
    [event] = parse(text)
    assert event == Event(
        id=payload(text).event_id(1),
        kind=EventKind.BOUNCED,
        medium=Medium.EMAIL,
        at=datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
        key=KEY,
        address=MIA,
        permanent=True,
        status="5.1.1",
        evidence="report: bounced",
    )
    assert ReplyParser().parse(payload(text)) == ()


def test_the_envelope_id_goes_before_what_was_returned() -> None:
    other = "0" * 32
    [event] = parse(report(failed(), about=f"Original-Envelope-Id: {other}"))
    assert event.key == other
    [event] = parse(report(failed(), about="Original-Envelope-Id: QQ314159"))
    assert event.key == KEY
    [event] = parse(report(failed(), returned=""))
    assert event.key == ""


def test_the_address_that_was_written_to_goes_before_the_one_it_was_forwarded_to() -> None:
    forwarded = "Final-Recipient: rfc822; m@elsewhere.example\nAction: failed\nStatus: 5.1.1"
    [event] = parse(report(f"Original-Recipient: rfc822;mia+2Bnews@home.example\n{forwarded}"))
    assert event.address == "mia+news@home.example"


def test_each_recipient_of_a_report_has_an_event_of_its_own_and_only_one() -> None:
    other = "Final-Recipient: rfc822; leo@home.example\nAction: delayed\nStatus: 4.4.1"
    text = report(failed(), failed(), other)
    first, second = parse(text)
    assert (first.kind, first.address) == (EventKind.BOUNCED, MIA)
    assert (second.kind, second.address, second.status) == (EventKind.DELAYED, "leo@home.example", "4.4.1")
    assert (first.id, second.id) == (payload(text).event_id(1), payload(text).event_id(2))


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("failed", EventKind.BOUNCED),
        ("Failed (bad address)", EventKind.BOUNCED),
        ("error", EventKind.BOUNCED),
        ("delayed", EventKind.DELAYED),
        ("delivered", EventKind.DELIVERED),
        ("expanded", EventKind.DELIVERED),
    ],
)
def test_each_action_has_its_kind(action: str, kind: EventKind) -> None:
    [event] = parse(report(f"Final-Recipient: rfc822; {MIA}\nAction: {action}\nStatus: 2.0.0"))
    assert event.kind is kind


def test_opensmtpd_gives_up_with_the_words_of_a_delay() -> None:
    group = f"Final-Recipient: rfc822; {MIA}\nAction: delayed\nStatus: 4.4.7"
    assert [event.kind for event in parse(report(group))] == [EventKind.DELAYED]
    [event] = parse(report(group, notice=f"{MIA}: Envelope expired"))
    assert (event.kind, event.permanent) == (EventKind.BOUNCED, False)


def test_relayed_is_no_proof_of_delivery() -> None:
    assert parse(report(f"Final-Recipient: rfc822; {MIA}\nAction: relayed\nStatus: 2.0.0")) == []


@pytest.mark.parametrize(
    ("status", "words", "permanent"),
    [
        ("5.1.1", "", True),
        ("5.1.2", "", True),
        ("5.1.10", "null MX", True),
        ("5.2.1", "mailbox disabled", True),
        ("5.4.4", "no such host", True),
        ("5.1.7", "bad sender address", False),
        ("5.1.8", "bad sender domain", False),
        ("5.2.2", "", False),
        ("5.2.3", "", False),
        ("5.3.4", "message too big", False),
        ("5.4.1", "Recipient address rejected: Access denied", True),
        ("5.4.1", "no answer from host", False),
        ("5.4.7", "expired", False),
        ("5.7.1", "blocked for spam", False),
        ("5.7.1", "user unknown to our blocklist", False),
        ("5.0.0", "550 User unknown", True),
        ("5.0.0", "550 no such user here", True),
        ("5.0.0", "550 Unrouteable address", True),
        (
            "5.1.7",
            "Sender address rejected: undeliverable address: host mx.example said: 550 5.1.1 User unknown",
            False,
        ),
        ("5.1.1", "undeliverable address: host mx.example[192.0.2.2] said: 550 5.1.1 no such user", True),
        ("5.1.1", "undeliverable address: host mx.example[192.0.2.2] said: 550 Unrouteable address", True),
        ("5.1.1", "undeliverable address: Host or domain name not found. Name service error for name=x.example", True),
        ("5.1.1", "undeliverable address: host mx.example[192.0.2.2] said: 550 Rejected by our policy", False),
        ("5.1.1", "undeliverable address: host mx.example[192.0.2.2] said: 550 5.7.1 refused", False),
        ("5.1.1", "undeliverable address: host mx.example[192.0.2.2] said: 550 in a black list at zen.example", False),
        ("4.1.1", "undeliverable address: host mx.example[192.0.2.2] said: 550 5.1.1 no such user", False),
        ("5.0.0", "554 rejected", False),
        ("5.1.0", "<hello@brighteyes.example>: Sender address rejected: User unknown in virtual mailbox table", False),
        (
            "5.0.0",
            "550-Verification failed for <hello@brighteyes.example> 550-No such user 550 Sender verify failed",
            False,
        ),
        ("5.0.0", "550 recipient rejected by policy, address not found on list", False),
        ("5.1.1", "552 mailbox is full", False),
        ("4.1.1", "user unknown", False),
        ("", "", False),
    ],
)
def test_only_a_verdict_about_the_address_is_permanent(status: str, words: str, permanent: bool) -> None:
    assert is_about_address(status, words) is permanent
    [event] = parse(report(failed(status, f"Diagnostic-Code: smtp; {words}" if words else "")))
    assert event.kind is EventKind.BOUNCED
    assert event.permanent is permanent


@pytest.mark.parametrize(
    ("status", "words", "permanent", "code"),
    [
        # Gmail: a busy mailbox has the code of one that is switched off.
        ("5.2.1", "550-5.2.1 The email account that you tried to reach is disabled. - gsmtp", True, "5.2.1"),
        ("5.2.1", "550-5.2.1 The user you are trying to contact is receiving mail at a rate that", False, "5.2.1"),
        ("5.7.26", "550-5.7.26 Your email has been blocked because the sender is unauthenticated", False, "5.7.26"),
        # Outlook.com.
        ("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", True, "5.5.0"),
        ("5.5.0", "550 5.5.0 Service refuse. Veuillez essayer plus tard. LPN007_510", False, "5.5.0"),
        ("5.7.515", "550 5.7.515 Access denied, sending domain brighteyes.example doesn't meet", False, "5.7.515"),
        ("5.0.0", "550 SC-001 Unfortunately, messages from 192.0.2.1 weren't sent.", False, "5.7.0"),
        # Yahoo and AOL.
        ("5.0.0", "554 delivery error: dd This user doesn't have a yahoo.com account", True, "5.0.0"),
        ("5.7.9", "554 5.7.9 Message not accepted for policy reasons.", False, "5.7.9"),
        # GMX and WEB.DE mean the sender's domain, as a receiver.
        ("5.0.0", "550-Requested action not taken: mailbox unavailable 550 invalid DNS MX or A/AAAA", False, "5.0.0"),
        (
            "5.0.0",
            "550-Requested action not taken: mailbox unavailable 550 Sender address is not allowed.",
            False,
            "5.1.8",
        ),
        ("5.0.0", "554-Transaction failed 554 Reject due to policy restrictions.", False, "5.7.0"),
        ("5.2.2", "552 Requested mail action aborted: exceeded storage allocation", False, "5.2.2"),
        # Mimecast and Proofpoint.
        ("5.0.0", "550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550", True, "5.0.0"),
        ("5.0.0", "550 Administrative prohibition - envelope blocked", False, "5.7.0"),
        ("5.0.0", "554 Email rejected due to security policies", False, "5.7.0"),
        ("5.0.0", "550 csi.mimecast.org Poor Reputation Sender.", False, "5.7.0"),
        ("5.7.0", "554 5.7.0 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", False, "5.7.0"),
        # Exim that asks back about the sender.
        ("", "550-Verification failed for <hello@brighteyes.example> 550 Sender verify failed", False, "5.1.8"),
    ],
)
def test_todays_big_providers_are_understood(status: str, words: str, permanent: bool, code: str) -> None:
    [event] = parse(report(failed(status, f"Diagnostic-Code: smtp; {words}")))
    assert (event.permanent, event.status) == (permanent, code)


def test_a_vague_status_gives_way_to_what_the_diagnosis_says() -> None:
    [event] = parse(report(failed("5.0.0", "Diagnostic-Code: smtp; 550 5.1.1 rejected")))
    assert (event.status, event.permanent) == ("5.1.1", True)


def test_a_date_after_the_arrival_is_not_believed() -> None:
    [event] = parse(report(failed(more="Last-Attempt-Date: Mon, 23 Nov 2026 07:00:00 -0000")))
    assert event.at == datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
    text = report(failed(more="Last-Attempt-Date: Fri, 1 Jan 2100 00:00:00 +0000"))
    [event] = parse(text)
    assert event.at == datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    [event] = parse(text.replace("23 Nov 2026 08", "23 Nov 2026 18"))
    assert event.at is None


NOTICE = f"""From: MAILER-DAEMON@mx.home.example
Subject: failure notice
Date: Mon, 23 Nov 2026 08:00:00 +0000

Hi. This is the qmail-send program at mx.home.example.
I'm afraid I wasn't able to deliver your message to the following addresses.

<{MIA}>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

From: Bright Eyes <hello@brighteyes.example>
Message-ID: <{KEY}@brighteyes.example>

Dear Mia
"""


def test_a_bounce_without_a_report_is_read_from_its_words() -> None:
    [event] = parse(NOTICE)
    assert (event.kind, event.address, event.key) == (EventKind.BOUNCED, MIA, KEY)
    assert (event.permanent, event.status, event.evidence) == (True, "5.1.1", "notice: bounced")
    [full] = parse(NOTICE.replace("no mailbox here by that name. (#5.1.1)", "the mailbox is full."))
    assert (full.permanent, full.status) == (False, "")


def test_of_an_address_beside_what_no_line_can_hold_the_address_alone_is_taken() -> None:
    assert [event.address for event in parse(NOTICE.replace(f"<{MIA}>", f"<(\x00){MIA}>"))] == [MIA]


@given(st.text(st.sampled_from('\x00\x0b\x1f\x7f()<> "@;.am'), max_size=12), st.integers(0, len(MIA)))
def test_whatever_stands_in_an_address_no_event_is_broken_by_it(odd: str, at: int) -> None:
    address = MIA[:at] + odd + MIA[at:]
    for mail in (NOTICE.replace(f"<{MIA}>", f"<{address}>"), report(failed().replace(MIA, address))):
        assert all(event.address.isprintable() for event in parse(mail))


def test_a_bounce_that_keeps_the_failed_messages_subject_is_known_by_what_stands_behind_it() -> None:
    from_nobody = NOTICE.replace("MAILER-DAEMON@mx.home.example", "internet@home.example")
    appended = from_nobody.replace("failure notice", "RE: Your eyes : non remis\n (delivery failed)")
    assert [event.address for event in parse(appended)] == [MIA]
    assert parse(appended.replace("Date:", "In-Reply-To: <a@b.example>\nDate:")) == []
    assert parse(from_nobody.replace("failure notice", "RE: Your eyes")) == []


def test_a_bounce_without_a_sender_is_read_to_the_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for sender in ("From:", "X-From: x"):
        [event] = parse(NOTICE.replace("From: MAILER-DAEMON@mx.home.example", sender))
        assert (event.address, event.permanent) == (MIA, True)
    assert caplog.records == []


def test_an_answer_without_a_word_is_no_error() -> None:
    [event] = ReplyParser().parse(payload(f"From: {MIA}\nIn-Reply-To: <{KEY}@brighteyes.example>\n\n"))
    assert (event.key, event.stop) == (KEY, None)


ANSWER = """From: Mia <mia@home.example>
Subject: Re: Your eyes

Please write to leo@home.example, zoe@home.example, or mia@work.example, thank you.
Your message could not be delivered to
leo@home.example
"""


def test_a_persons_mail_is_never_a_bounce_whatever_it_says() -> None:
    assert parse(ANSWER) == []
    assert parse(NOTICE.replace("MAILER-DAEMON@mx.home.example", MIA).replace("failure notice", "Re: hello")) == []


@pytest.mark.parametrize(
    "head",
    [
        "Subject: Automatic reply: Your eyes",
        "Subject: Abwesenheitsnotiz",
        "Subject: =?utf-8?Q?R=C3=A9ponse_automatique?=",
        "Subject: x\nX-Autoreply: yes",
        "Subject: x\nX-Autorespond: x",
        "Subject: x\nPrecedence: auto_reply",
    ],
)
def test_an_automatic_answer_is_never_a_bounce(head: str) -> None:
    assert parse(NOTICE.replace("Subject: failure notice", head)) == []
    assert parse(f"From: {MIA}\nAuto-Submitted: auto-replied\n" + NOTICE.split("\n", 1)[1]) == []


def complaint(kind: str, fields: str = f"Original-Rcpt-To: {MIA}", returned: str = KEY) -> str:
    return f"""From: feedback@home.example
Subject: Fw: Your eyes
Date: Mon, 23 Nov 2026 08:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

An e-mail abuse report: Your message to {MIA} was automatically rejected
--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Loop/1.0
Version: 1
{fields}

--b
Content-Type: message/rfc822

From: hello@brighteyes.example
Message-ID: <{returned}@brighteyes.example>

Dear Mia
--b--
"""


@pytest.mark.parametrize("kind", ["abuse", "Fraud", "virus", "other", "something-new"])
def test_a_complaint_names_touch_and_address(kind: str) -> None:
    [event] = parse(complaint(kind))
    assert (event.kind, event.key, event.address) == (EventKind.COMPLAINED, KEY, MIA)
    assert event.evidence == "feedback loop: complaint"


def test_a_complaint_needs_a_touch_or_an_address() -> None:
    [event] = parse(complaint("abuse", "Removal-Recipient: mia@home.example", "none"))
    assert (event.key, event.address) == ("", MIA)
    [event] = parse(complaint("abuse", "Source-IP: 192.0.2.1"))
    assert (event.key, event.address) == (KEY, "")
    assert parse(complaint("abuse", "Source-IP: 192.0.2.1", "none")) == []


def test_opting_out_by_a_feedback_loop_is_no_complaint_and_taking_back_is_nothing() -> None:
    [event] = parse(complaint("opt-out"))
    assert event.kind is EventKind.UNSUBSCRIBED
    assert event.stop
    assert event.stop.purposes == (Purpose.MARKETING, Purpose.FEEDBACK)
    assert parse(complaint("not-spam")) == []
    assert parse(complaint("auth-failure")) == []


def test_a_read_receipt_is_no_bounce() -> None:
    text = report(failed()).replace("delivery-status", "disposition-notification")
    assert parse(text.replace("Action: failed", "Disposition: manual-action/MDN-sent-manually; displayed")) == []


def test_an_empty_mail_is_an_error_that_says_so() -> None:
    with pytest.raises(SourceError, match="empty"):
        parse(b" \r\n")


BOMBS = {
    "one long line": b"From: MAILER-DAEMON@x.example\n\nYour message to:\nfailed addresses follow:\n"
    + b"a" * 3_000_000,
    "no end of addresses": b"From: MAILER-DAEMON@x.example\n\nfailed addresses follow:\n" + b"a@b.example " * 200_000,
    "angles": b"From: MAILER-DAEMON@x.example\n\nHi. This is the\n\n" + b"<" * 1_000_000,
    "base64 in one line": b"From: MAILER-DAEMON@x.example\nContent-Transfer-Encoding: base64\n\n" + b"PDw8" * 300_000,
    "parts": b'From: MAILER-DAEMON@x.example\nContent-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\n" * 200_000,
    "parts without a break": b'Content-Type: multipart/digest; boundary="b"\n\n' + b"--b\r\r" * 200_000,
    "nested": b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(20_000)),
    "messages in messages": b"Content-Type: message/rfc822\n\n" * 30_000,
    "groups": b"Content-Type: message/delivery-status\n\n" + b"Action: failed\n\n" * 60_000,
    "blank lines": b"Content-Type: message/delivery-status\n\n" + b"\n" * 900_000,
    "headers": b"From: MAILER-DAEMON@x.example\n" + b"X-Failed-Recipients: a@b.example\n" * 30_000,
    "a header without end": b"From: " + b"(" * 900_000 + b"\n\nHi",
    "a folded header": b"References: <a@b.example>\n" + b" <a@b.example>\n" * 60_000 + b"\nstop",
    "quotes": b"From: a@b.example\nSubject: " + b'"=?utf-8?q?' * 90_000 + b"\n\nstop",
    "parameters": b"From: a@b.example\nContent-Type: text/plain" + b"; \n\t" * 250_000 + b"\n\nstop",
    "parameters in base64": b"From: MAILER-DAEMON@x.example\nContent-Type: message/global-delivery-status\n"
    + b"Content-Transfer-Encoding: base64\n\n"
    + base64.encodebytes(b"Content-Type: multipart/x" + b";" * 700_000 + b"\nAction: failed\n\n"),
    "tags": b"From: a@b.example\nContent-Type: text/html\n\n" + b"<script <" * 100_000,
}


READ_BOTH = """
import sys
from contextlib import suppress
from datetime import UTC, datetime

from crmkit.builtin.mail.bounces import BounceParser
from crmkit.builtin.mail.replies import ReplyParser
from crmkit.delivery.events.event import Payload
from crmkit.errors import CrmkitError

payload = Payload(sys.stdin.buffer.read(), received_at=datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
for parser in (BounceParser(), ReplyParser()):
    with suppress(CrmkitError):
        parser.parse(payload)
print(len(payload.body))
"""


@pytest.mark.parametrize("bomb", BOMBS)
def test_no_mail_takes_long_or_breaks_the_reader(bomb: str) -> None:
    assert run_bounded(READ_BOTH, BOMBS[bomb]) == f"{len(BOMBS[bomb])}\n"


def test_of_a_mail_that_is_too_long_the_beginning_is_read() -> None:
    [event] = parse(report(failed()).replace("--b--", "x" * MOST_BYTES))
    assert (event.address, event.key) == (MIA, KEY)


SEEDS = [report(failed()).encode(), NOTICE.encode(), complaint("abuse").encode(), ANSWER.encode()]
if REAL.is_dir():
    SEEDS += [path.read_bytes() for path in sorted((REAL / "data").glob("*.txt"))]
PIECES = [
    b"\n",
    b"\n\n",
    b"--b",
    b"\x00",
    b"\xff\xfe",
    b"=?utf-8?b?",
    b"Content-Type: ",
    b"<",
    b">",
    b'"',
    b";",
    b"@",
    b":",
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    mail = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 8))):
        start = draw(st.integers(0, len(mail)))
        length = draw(st.integers(0, 40))
        mail[start : start + length] = draw(st.sampled_from(PIECES) | st.binary(max_size=12))
    return bytes(mail)


@settings(max_examples=300)
@given(damaged())
def test_a_damaged_mail_gives_events_or_an_error_of_ours(mail: bytes) -> None:
    for parser in (BounceParser(), ReplyParser()):
        assert not told(parser, mail)


def told(parser: BounceParser | ReplyParser, mail: bytes) -> list[str]:
    """Return what an error or an event's shown parts say that holds an address."""
    try:
        events = parser.parse(payload(mail))
    except CrmkitError as problem:
        return [text for text in [str(problem)] if "@" in text]
    return [text for event in events for text in (event.evidence, repr(event)) if "@" in text]


@given(st.binary(max_size=3000))
def test_any_bytes_give_events_or_an_error_of_ours(mail: bytes) -> None:
    with suppress(CrmkitError):
        parse(mail)


def notice(subject: str, words: str, sender: str = "Mail Delivery System <MAILER-DAEMON@mx.home.example>") -> str:
    return f"From: {sender}\nTo: hello@brighteyes.example\nSubject: {subject}\n\n{words}\n"


EXCHANGE = "Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@home.example>"


@pytest.mark.parametrize("subject", ["Undeliverable: Hello", "Unzustellbar: Hallo", "Non remis : Bonjour", "Hello"])
def test_exchange_without_a_report_is_understood_by_its_code(subject: str) -> None:
    words = f"""Delivery has failed to these recipients or groups:

{MIA}<mailto:{MIA}>
The address could not be found.

Diagnostic information for administrators:
Generating server: AM0PR01.eurprd01.prod.exchangelabs.com
{MIA}
Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup'

Original message headers:
From: Bright Eyes <hello@brighteyes.example>
Message-ID: <{KEY}@brighteyes.example>"""
    [event] = parse(notice(subject, words, EXCHANGE))
    assert (event.address, event.key, event.permanent, event.status) == (MIA, KEY, True, "5.1.10")
    [event] = parse(notice(subject, words.replace("5.1.10", "5.2.2"), EXCHANGE))
    assert not event.permanent


@pytest.mark.parametrize(
    "words",
    [
        "THIS IS A WARNING ONLY. YOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\nYour message could not be delivered for"
        f" more than 4 hour(s).\n\n<{MIA}>: connect to home.example[192.0.2.1]:25: Connection timed out",
        f"Ihre Nachricht an {MIA} konnte noch nicht zugestellt werden. Die Zustellung verzögert sich.",
    ],
)
def test_a_warning_in_words_that_a_message_is_late_condemns_nobody(words: str) -> None:
    [event] = parse(notice("Delayed Mail (still being retried)", words))
    assert (event.kind, event.address, event.permanent) == (EventKind.DELAYED, MIA, False)


@pytest.mark.parametrize(
    "why",
    [
        "retry timeout exceeded",
        "all hosts for 'home.example' have been failing for a long time (and retry time not reached)",
        "host mx.home.example [192.0.2.7]: Connection refused",
    ],
)
def test_that_a_server_was_down_for_too_long_condemns_no_address(why: str) -> None:
    # As Exim wrote it before it knew reports.
    head = f"X-Failed-Recipients: {MIA}\nFrom: Mail Delivery System <Mailer-Daemon@mx.exim.example>\n"
    words = (
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
        "delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
    )
    subject = "Subject: Mail delivery failed: returning message to sender\n\n"
    [event] = parse(f"{head}{subject}{words}  {MIA}\n    {why}\n")
    assert (event.kind, event.address, event.permanent) == (EventKind.BOUNCED, MIA, False)
    [event] = parse(f"{head}{subject}{words}  {MIA}\n    Unrouteable address\n")
    assert event.permanent


def test_a_notice_of_an_unknown_form_that_names_several_or_gives_no_reason_is_none() -> None:
    assert parse(notice("Undeliverable", f"550 5.1.1 for {MIA} and ben@home.example")) == []
    assert parse(notice("Undeliverable", f"Something about {MIA}")) == []
    assert parse(notice("Undeliverable", "550 5.1.1 was said to hello@brighteyes.example")) == []
    [event] = parse(notice("Undeliverable", f"<{MIA}>: 554 Transaction failed; Reject due to policy restrictions"))
    assert not event.permanent


def test_a_notice_in_another_language_that_returns_our_message_is_a_soft_bounce() -> None:
    words = f"Die Adresse {MIA} konnte nicht gefunden werden.\n\nMessage-ID: <{KEY}@brighteyes.example>"
    [event] = parse(notice("Unzustellbar: Hallo", words))
    assert (event.kind, event.address, event.key, event.permanent) == (EventKind.BOUNCED, MIA, KEY, False)


def test_a_report_in_base64_or_with_addresses_in_any_letters_is_read() -> None:
    fields = f"Reporting-MTA: dns; mx.home.example\n\n{failed()}"
    coded = base64.encodebytes(fields.encode()).decode()
    kind = "Content-Type: message/delivery-status\n"
    [event] = parse(report(failed()).replace(fields, coded).replace(kind, f"{kind}Content-Transfer-Encoding: base64\n"))
    assert (event.address, event.key, event.permanent) == (MIA, KEY, True)
    [event] = parse(report(failed()).replace(kind, kind.replace("delivery", "global-delivery")))
    assert (event.address, event.key, event.permanent) == (MIA, KEY, True)


def test_gmail_names_the_message_beside_the_report() -> None:
    about = f"X-Original-Message-ID: <{KEY}@brighteyes.example>"
    [event] = parse(report(failed(), about=about, returned=""))
    assert event.key == KEY


@pytest.mark.parametrize("kind", ["text/rfc822-headers", "message/rfc822"])
def test_a_relay_that_gives_each_mail_a_message_id_of_its_own_names_ours_by_what_stands_between_its_parts(
    kind: str,
) -> None:
    # Amazon's does.
    returned = f"""Message-ID: <0102018c1f2e3d4c-1a2b3c4d@relay.example>
Content-Type: multipart/alternative;
 boundary="=_{KEY}.{"0f" * 8}\""""
    [event] = parse(report(failed(), returned=returned).replace("text/rfc822-headers", kind))
    assert (event.key, event.proof, event.permanent) == (KEY, "0f" * 8, True)


def test_outlook_com_sends_the_message_back_as_a_complaint() -> None:
    text = f"""From: staff@hotmail.com
Subject: complaint about message from 192.0.2.1
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: message/rfc822

X-HmXmrOriginalRecipient: {MIA}
From: hello@brighteyes.example
Message-ID: <{KEY}@brighteyes.example>

Hello
--b--
"""
    [event] = parse(text)
    assert (event.kind, event.address, event.key) == (EventKind.COMPLAINED, MIA, KEY)
    assert parse(text.replace(KEY, "none-of-ours")) == []


def test_a_filter_of_the_reader_that_sends_a_message_back_does_not_say_that_nobody_is_there() -> None:
    # As Dovecot writes it for the command `reject` of Sieve.
    mail = f"""From: Postmaster <postmaster@home.example>
To: <hello@brighteyes.example>
Subject: Rejected: Happy birthday
Auto-Submitted: auto-replied (rejected)
Precedence: bulk
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary="21002/vm"

This is a MIME-encapsulated message

--21002/vm
Content-Type: text/plain; charset=utf-8

Your message to <{MIA}> was automatically rejected:
I do not want mail from this sender
--21002/vm
Content-Type: message/disposition-notification

Reporting-UA: vm; Dovecot Mail Delivery Agent
Final-Recipient: rfc822; {MIA}
Original-Message-ID: <{KEY}@brighteyes.example>
Disposition: automatic-action/MDN-sent-automatically; deleted

--21002/vm
Content-Type: message/rfc822

From: Bright Eyes <hello@brighteyes.example>
Subject: Happy birthday
Message-ID: <{KEY}@brighteyes.example>


--21002/vm--
"""
    [event] = parse(mail)
    assert (event.kind, event.key, event.address, event.permanent) == (EventKind.BOUNCED, KEY, MIA, False)
