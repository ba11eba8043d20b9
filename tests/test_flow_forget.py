"""Forgetting a patient: nothing that names the person remains, and the person is not written to again."""

from __future__ import annotations

import sqlite3
from base64 import encodebytes
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from events_desk import Desk, answer
from recording_channel import Recorder
from situations import consent, patient

from crmkit import CRM, Campaign, FixedClock, Practice, State
from crmkit.errors import ConfigError, NotFound, PluginError
from crmkit.ledger.forget import Forgotten
from crmkit.people.medium import Medium, Purpose
from crmkit.plugins import ALLOWED, Batch, CrmkitSpec, EventKind, Outcome, PluginInfo, Receipt, Row, hold, hookimpl
from crmkit.store import scrub

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
KEY = "a key of the host"
#: What there is of Zephyrine, who asks to be forgotten. Each of these words occurs nowhere else.
ZEPHYRINE = {
    "given": "Zephyrine",
    "family": "Quillfeather",
    "email": "zeph@quillfeather.example",
    "mobile": "0491 570 006",
    "address1": "12 Larkspur Lane",
    "city": "Newtown",
    "attributes.hobby": "falconry",
}
WORDS = (
    *("Zephyrine", "Quillfeather", "quillfeather.example", "570 006", "91570006"),
    *("Larkspur", "falconry", "marmalade"),
)
OLD = {**ZEPHYRINE, "family": "Marmaladesmith", "email": "marmalade@old.example"}


class Gossip(CrmkitSpec):
    """A guard and a channel that say more than they should: a patient's name stands in verdict and evidence."""

    info = PluginInfo("gossip")
    name = "gossip"
    medium = Medium.EMAIL

    def __init__(self) -> None:
        self.holds = True

    @hookimpl
    def crmkit_guards(self, ctx: Any) -> list[Any]:
        del ctx
        return [self]

    def judge(self, candidates: Sequence[Any], now: Any) -> list[Any]:
        del now
        return [hold("not_now", by=one.patient.name.family) if self.holds else ALLOWED for one in candidates]

    @hookimpl
    def crmkit_channels(self, ctx: Any) -> list[Any]:
        del ctx
        return [self]

    def send(self, messages: Sequence[Any]) -> list[Receipt]:
        return [Receipt(one.key, Outcome.REFUSED, evidence=f"no such user {one.to}") for one in messages]


def rows(**zephyrine: str) -> list[dict[str, str]]:
    return [patient("P1", **{**ZEPHYRINE, **zephyrine}), patient("P2", household="H2", email="two@x.example")]


@pytest.fixture
def full(exports: Callable[..., None], open_crm: Callable[..., CRM], clock: FixedClock) -> Callable[..., CRM]:
    """Open a CRM that knows Zephyrine (P1) in every way, and another patient (P2)."""
    exports("consents", [consent("P1", wording="marmalade", evidence="Quillfeather"), consent("P2")])
    exports("contacts", [{"id": "C1", "patient": "P1", "medium": "email", "value": "zeph@quillfeather.example"}])
    exports(
        "visits",
        [
            {"id": "V1", "patient": "P1", "day": "2026-01-05", "status": "completed", "kind": "marmalade"},
            {"id": "V2", "patient": " P1 ", "day": "soon", "status": "completed", "kind": "Quillfeather"},
            {"id": "V3", "patient": "P2", "day": "later", "status": "completed"},
        ],
    )
    exports("feedback", [{"id": "F1", "patient": "P1", "day": "2026-01-06", "score": "9", "comment": "Larkspur"}])
    exports("invoices", [{"id": "I1", "patient": "P1", "visit": "V1", "day": "2026-01-05", "amount": "120"}])

    def opened(**more: Any) -> CRM:
        crm = open_crm(**more)
        for family in (OLD, ZEPHYRINE):
            exports("patients", rows(**family))
            crm.sync()
            clock.move(timedelta(minutes=1))
        crm.add(CARD)
        crm.opt_out("P1", Purpose.CARE, Medium.SMS, evidence="Zephyrine rang")
        crm.opt_in("P1", Purpose.FEEDBACK, Medium.EMAIL, wording="marmalade", evidence="Quillfeather's form")
        return crm

    return opened


def dump(crm: CRM) -> str:
    with crm._store.read() as connection:
        return "\n".join(
            f"{table.name} {row}"
            for table in crm._store.metadata.sorted_tables
            for row in connection.execute(sa.select(table))
        )


def left(text: str | bytes) -> list[str]:
    return [word for word in WORDS if (word.encode() if isinstance(text, bytes) else word).lower() in text.lower()]


def test_no_word_of_the_person_is_in_any_table_any_more_and_all_others_stay(
    full: Callable[..., CRM], exports: Callable[..., None]
) -> None:
    gossip = Gossip()
    crm = full(plugins=["csv", "folder", gossip], channels={Medium.EMAIL: "folder"})
    crm.plan()
    exports("patients", rows(**ZEPHYRINE, born="Quillfeather"))
    crm.sync()
    before = dump(crm)
    assert left(before) == list(WORDS), "the test would show nothing"
    done = crm.forget("P1", by="Kim")
    assert left(dump(crm)) == []
    kinds = {"patient": 1, "contact": 4, "consent": 1, "visit": 1, "invoice": 1, "feedback": 1}
    assert done.erased == {"rejected": 2, "patient_was": 1, "contact_was": 1, **kinds}
    assert done.blanked == {"learnt_consent": 2, "event": 1}
    assert (done.cancelled, done.traces) == (1, "")
    others = [line for line in before.splitlines() if "'P2'" in line]
    assert [line for line in others if line not in dump(crm)] == []


def test_nor_does_what_a_channel_said_remain(full: Callable[..., CRM]) -> None:
    gossip = Gossip()
    gossip.holds = False
    crm = full(plugins=["csv", "folder", gossip], channels={Medium.EMAIL: "gossip"}, audit_key=KEY)
    crm.plan()
    assert {touch.state for touch in crm.send().touches} == {State.REFUSED}
    assert crm.forget("P1", by="Kim").blanked == {"learnt_consent": 2, "attempt": 1, "event": 1, "touch": 1}
    assert left(dump(crm)) == []
    assert crm.audit().faults == ()


def test_no_byte_of_the_person_is_in_the_files_any_more(
    full: Callable[..., CRM], tmp_path: Path, clock: FixedClock
) -> None:
    crm = full(audit_key=KEY)
    crm.plan()
    crm.send()
    files = [tmp_path / f"crm.db{end}" for end in ("", "-wal")]
    assert left(b"".join(file.read_bytes() for file in files)) == list(WORDS)
    assert crm.forget("P1", by="Kim").traces == ""
    assert {file.name: left(file.read_bytes()) for file in files if file.exists()} == {"crm.db": [], "crm.db-wal": []}
    clock.move(timedelta(days=1))
    crm.plan()
    crm.close()
    assert left((tmp_path / "crm.db").read_bytes()) == []


def test_while_somebody_reads_the_file_traces_may_remain_and_the_next_time_they_go(
    full: Callable[..., CRM], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrub, "PATIENCE", 0.05)
    crm = full()
    with closing(sqlite3.connect(tmp_path / "crm.db")) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM crmkit_patient").fetchone()
        assert "another program" in crm.forget("P1", by="Kim").traces
    again = crm.forget("P1", by="Kim")
    assert again == Forgotten("P1", {}, {}, 0)
    assert left(b"".join(file.read_bytes() for file in tmp_path.glob("crm.db*"))) == []


def test_without_room_to_write_the_file_anew_nobody_else_is_blamed(
    full: Callable[..., CRM], monkeypatch: pytest.MonkeyPatch
) -> None:
    crm = full()
    with monkeypatch.context() as still:
        still.setattr(scrub, "_COPY", "SELECT * FROM no_room")
        told = crm.forget("P1", by="Kim").traces
    assert "another program" not in told
    assert "make room, then try again" in told
    assert crm.forget("P1", by="Kim").traces == ""


def test_ids_and_keys_stay_so_that_nothing_is_sent_twice_and_the_trail_still_fits(
    full: Callable[..., CRM], outbox: Callable[[], list[bytes]], exports: Callable[..., None], clock: FixedClock
) -> None:
    crm = full(audit_key=KEY)
    crm.plan()
    crm.send()
    assert len(outbox()) == 2
    before = [event.key for event in crm.feed()]
    noted = crm.head()
    clock.move(timedelta(seconds=1))
    crm.forget("P1", by="Kim")
    found = crm.audit()
    assert (found.faults, found.unsealed) == ((), 0)
    assert noted
    assert crm.audit(noted.at, noted=noted.digest).faults == (), "a head that was noted before still fits"
    assert [event.key for event in crm.feed()] == before
    exports("patients", rows(**ZEPHYRINE))
    crm.sync()
    crm.plan()
    crm.send()
    assert len(outbox()) == 2
    assert [one.words for one in crm.why("P1") if one.state] == ["sent: sent through the channel folder"]


def test_a_forgotten_patient_does_not_come_back_with_the_next_sync(
    full: Callable[..., CRM], exports: Callable[..., None]
) -> None:
    crm = full()
    crm.forget("P1", by="Kim")
    exports("patients", [*rows(**ZEPHYRINE), patient("P3", household="H3", email="three@x.example")])
    summary = crm.sync()
    assert summary.forgotten == 7, "each row that is the patient's: one patient, a contact, a consent and so on"
    assert (summary.kinds["patient"].added, summary.kinds["patient"].rejected) == (1, 0)
    assert left(dump(crm)) == []
    assert [one.row_id for one in crm.rejected()] == ["V3"]
    assert "P1" not in {touch.patient for touch in crm.plan().touches}
    with pytest.raises(NotFound):
        crm.preview("P1")


def test_an_opt_out_survives_and_so_does_a_stopped_address(full: Callable[..., CRM]) -> None:
    crm = full()
    crm.forget("P1", by="Kim")
    with crm._store.read() as connection:
        said = crm._stages.history.consents(connection, ["P1"])
    assert {(purpose, one.given, one.evidence) for (_, purpose, _), one in said.items()} == {
        (Purpose.CARE, False, ""),
        (Purpose.FEEDBACK, True, ""),
    }
    assert crm.opt_out("P1", Purpose.SERVICE, Medium.EMAIL), "a link in an old message still works"


def test_what_waits_is_called_off_and_what_has_left_stays_as_it_is(
    full: Callable[..., CRM], outbox: Callable[[], list[bytes]]
) -> None:
    crm = full()
    crm.plan()
    crm.clock.move(timedelta(seconds=1))
    crm.forget("P1", by="Kim")
    assert [(one.state, one.words) for one in crm.why("P1") if one.state] == [
        (State.CANCELLED, "cancelled: the patient was erased on request")
    ]
    last = crm.feed()[-1]
    assert (last.patient, last.state, last.actor) == ("P1", State.CANCELLED, "Kim")
    crm.plan()
    assert [touch.patient for touch in crm.send().touches] == ["P2"]


def test_all_else_goes_on(full: Callable[..., CRM], tmp_path: Path) -> None:
    crm = full(audit_key=KEY)
    crm.plan()
    crm.send()
    crm.add(
        Campaign("news", objective="inform", message="newsletter", segment="status is active", schedule="on 2027-01-05")
    )
    crm.forget("P1", by="Kim")
    assert {touch.patient for touch in crm.plan(crm.practice.today(crm.clock.now()) + timedelta(days=60)).touches} == {
        "P2"
    }
    found = crm.findings()
    assert found.bridge.reconciles
    assert sum(one.count for one in found.touches if one.state.reached) == 2, "what was sent is still counted"
    page = crm.report(tmp_path / "report.html").read_text("utf-8")
    assert left(page) == []
    assert crm.rehearse(3).messages == 0


def test_a_child_whose_guardian_is_forgotten_has_nobody_to_write_to(
    open_crm: Callable[..., CRM], exports: Callable[..., None], outbox: Callable[[], list[bytes]]
) -> None:
    child = patient("P2", given="Kit", born="2018-11-23", guardian="P1", email="")
    exports("patients", [patient("P1", **ZEPHYRINE, born="1985-01-01"), child])
    exports("consents", [consent("P1"), consent("P2")])
    crm = open_crm()
    crm.sync()
    crm.add(CARD)
    assert [(touch.patient, touch.recipient) for touch in crm.plan().ready()] == [("P2", "P1")]
    crm.forget("P1", by="Kim")
    (gone,) = crm.send().touches
    assert (gone.patient, gone.state, gone.reason) == ("P2", State.DENIED, "minor_without_guardian")
    assert crm.holds("P2").guardian == "", "nobody reads for the child any more"
    assert outbox() == []


def test_who_is_forgotten_while_a_batch_is_on_its_way_is_not_written_to(
    open_crm: Callable[..., CRM], exports: Callable[..., None]
) -> None:
    people = [patient(f"P{one}", household=f"H{one}", email=f"p{one}@x.example") for one in range(40)]
    exports("patients", people)
    exports("consents", [consent(one["id"]) for one in people])
    recorder = Recorder()
    crm = open_crm(plugins=["csv", "folder", recorder], channels={Medium.EMAIL: "recorder"}, audit_key=KEY)
    crm.sync()
    crm.add(CARD)
    crm.plan()
    other = open_crm(audit_key=KEY)
    gone: set[str] = set()

    def forget_one_who_waits(message: Any) -> None:
        waiting = [one["email"] for one in people if one["email"] not in {m.to for m in recorder.handed}]
        if len(recorder.handed) % 5 == 0 and len(waiting) > 25:
            address = next(one for one in reversed(waiting) if one != message.to and one not in gone)
            gone.add(address)
            assert other.forget(address.partition("@")[0].upper(), by="Kim").cancelled == 1

    recorder.between = forget_one_who_waits
    crm.send()
    assert gone
    assert {message.to for message in recorder.handed} == {one["email"] for one in people} - gone
    assert crm.audit().faults == ()


def test_what_the_person_wrote_back_goes_too(
    open_crm: Callable[..., CRM], exports: Callable[..., None], clock: FixedClock
) -> None:
    people = [patient("P1", **ZEPHYRINE, household="H1"), patient("P2", household="H2", email="p2@x.example")]
    desk = Desk(open_crm, exports, clock, people=people).send()
    sender = ZEPHYRINE["email"]
    crm = desk.crm
    crm.receive("email.replies", answer(desk.key(), "STOP\n\nZephyrine", sender="somebody@x.example"))
    crm.receive("email.replies", answer("0" * 32, "Larkspur Lane is closed", sender=sender))
    crm.receive("email.replies", answer(desk.key("P2"), "Thank you", sender="p2@x.example"))
    desk.tell(EventKind.RATED, rating=9)
    desk.tell(EventKind.BOUNCED, address=sender, status="5.1.1", permanent=True)
    desk.told.fails = ValueError("it is no number")
    with pytest.raises(PluginError):
        crm.receive("told", f"about {desk.key()}, which cannot be read".encode())
    before, noes = len(payloads(crm)), desk.noes()
    assert ("P1", Purpose.MARKETING, Medium.EMAIL) in noes
    done = crm.forget("P1", by="Kim")
    assert (done.erased["rating"], done.erased["payload"]) == (1, before - 1)
    assert left(dump(crm)) == []
    assert [b"Thank you" in body for body in payloads(crm)] == [True]
    assert desk.noes() == noes, "the STOP holds"
    assert crm.audit().faults == ()
    assert desk.steps()[-2:] == ["sent", "bounced"]


@pytest.mark.parametrize(
    "written",
    [
        b"From=%2B61491570006&Body=stop",
        b"To=zeph%40quillfeather.example",
        b'{"msisdn": "61491570006"}',
        b'{"from": "zeph\\u0040quillfeather.example"}',
        b"From: 0491-570-006\n\nwho are you?",
        b"Subject: =?utf-8?B?bm8gPHplcGhAcXVpbGxmZWF0aGVyLmV4YW1wbGU+?=\n\nback",
        b"To: bounces+zeph=quillfeather.example@be.example\n\nback",
        b"Content-Transfer-Encoding: quoted-printable\n\nthe mailbox zeph@quill=\nfeather=2Eexample is full",
        b"Content-Transfer-Encoding: base64\r\n\r\n"
        + encodebytes("für zeph@quillfeather.example ist kein Platz mehr, wie es scheint".encode()),
    ],
)
def test_what_came_about_an_address_goes_however_the_address_is_written(
    written: bytes, open_crm: Callable[..., CRM], exports: Callable[..., None], clock: FixedClock
) -> None:
    desk = Desk(open_crm, exports, clock, people=[patient("P1", **ZEPHYRINE), patient("P2", email="p2@x.example")])
    desk.told.fails = ValueError("it is no number")
    for body in (written, b"From=%2B61491570157&To=p2%40x.example"):
        with pytest.raises(PluginError):
            desk.crm.receive("told", body)
    desk.crm.forget("P1", by="Kim")
    assert payloads(desk.crm) == [b"From=%2B61491570157&To=p2%40x.example"]


def payloads(crm: CRM) -> list[bytes]:
    table = crm._stages.tables.learnt.payload
    with crm._store.read() as connection:
        return list(connection.scalars(sa.select(table.c.body)))


class Software(CrmkitSpec):
    """Practice software that still knows everybody."""

    info = PluginInfo("software")
    name = "software"

    @hookimpl
    def crmkit_sources(self, ctx: Any) -> list[Any]:
        del ctx
        return [self]

    def read(self, since: str | None) -> Iterator[Batch]:
        del since
        yield Batch((Row("patient", "P1", ZEPHYRINE),))

    def fetch(self, ids: Sequence[str]) -> Iterator[Batch]:
        del ids
        yield from self.read(None)


def test_nor_does_the_last_second_question_bring_a_forgotten_patient_back(
    practice: Practice, clock: FixedClock
) -> None:
    with CRM(practice, "sqlite://", plugins=[Software()], clock=clock) as crm:
        crm.sync()
        crm.forget("P1", by="Kim")
        assert crm._stages.truth.renew(["P1"], clock.now()) == frozenset()
        assert left(dump(crm)) == []


def test_nobody_is_forgotten_who_was_never_known_and_somebody_must_have_decided(full: Callable[..., CRM]) -> None:
    crm = full()
    before = dump(crm)
    with pytest.raises(NotFound, match="no patient P9"):
        crm.forget("P9", by="Kim")
    with pytest.raises(ConfigError, match="nobody is named"):
        crm.forget("P1", by=" ")
    assert dump(crm) == before


def test_who_is_known_only_from_rows_that_could_not_be_read_can_be_forgotten(
    open_crm: Callable[..., CRM], exports: Callable[..., None]
) -> None:
    exports("patients", [{**ZEPHYRINE, "id": "P1", "born": "soon"}])
    crm = open_crm()
    crm.sync()
    assert crm.forget("P1", by="Kim").erased == {"rejected": 1}
    assert left(dump(crm)) == []


def test_a_row_that_says_not_whose_it_is_goes_by_the_address_in_it(
    open_crm: Callable[..., CRM], exports: Callable[..., None]
) -> None:
    exports("patients", rows())
    mail = {"patient": "", "medium": "email", "value": "zeph@quillfeather.example"}
    exports(
        "contacts",
        [
            {"id": "C1", **mail},
            {"id": "C2", **mail, "value": "+61 491-570-006"},
            {"id": "C3", **mail, "value": "x@x.example"},
        ],
    )
    crm = open_crm()
    crm.sync()
    assert crm.forget("P1", by="Kim").erased["rejected"] == 2
    assert left(dump(crm)) == []
    assert [one.row_id for one in crm.rejected()] == ["C3"]


def test_without_the_key_of_the_trail_nothing_is_erased(full: Callable[..., CRM], open_crm: Callable[..., CRM]) -> None:
    full(audit_key=KEY)
    crm = open_crm()
    before = dump(crm)
    with pytest.raises(ConfigError, match="audit_key"):
        crm.forget("P1", by="Kim")
    assert dump(crm) == before


ABUSE = (
    "UPDATE crmkit_event SET detail = '{\"about\": \"somebody\"}' WHERE patient = 'P1' AND state = 'held'",
    "UPDATE crmkit_learnt_consent SET evidence = 'put back' WHERE patient = 'P1'",
    "UPDATE crmkit_learnt_consent SET given = 1 WHERE patient = 'P1'",
    "UPDATE crmkit_blanked SET was = now",
    "DELETE FROM crmkit_blanked",
    "DELETE FROM crmkit_forgotten",
    "UPDATE crmkit_forgotten SET patient = 'P2'",
    "INSERT INTO crmkit_blanked"
    " SELECT practice, of_writer, of_link, was || 'x', now, at, writer, link FROM crmkit_blanked",
    "INSERT INTO crmkit_blanked SELECT practice, of_writer, of_link, was || 'x', now, at, '', 0 FROM crmkit_blanked",
)


@pytest.mark.parametrize("statement", ABUSE)
def test_blanking_is_no_way_to_change_the_history_unseen(full: Callable[..., CRM], statement: str) -> None:
    crm = full(plugins=["csv", "folder", Gossip()], channels={Medium.EMAIL: "folder"}, audit_key=KEY)
    crm.plan()
    crm.forget("P1", by="Kim")
    assert crm.audit().faults == ()
    crm.clock.move(timedelta(days=1))
    noted = crm.head()
    assert noted
    with crm._store.begin() as connection:
        assert connection.execute(sa.text(statement.replace(":", "\\:"))).rowcount
    assert crm.audit(noted.at, noted=noted.digest).faults
