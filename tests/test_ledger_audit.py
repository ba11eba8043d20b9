"""The audit trail, on both databases: every change to what was written is told, and a cut end too."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from situations import NOW, consent, patient

from crmkit import CRM, Campaign, FixedClock, Practice
from crmkit.cli import main
from crmkit.errors import StoreError
from crmkit.ledger.heard import Heard, hear, rate
from crmkit.ledger.learnt import suppress
from crmkit.ledger.tables import declare_ledger
from crmkit.ledger.trail.digests import row_digest, rows_of_link
from crmkit.ledger.trail.head import Head
from crmkit.ledger.trail.seal import Seal
from crmkit.ledger.trail.verify import verify
from crmkit.people.medium import Medium, Purpose
from crmkit.store.store import open_store

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

KEY = "a key of the host"
CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
HOUR = timedelta(hours=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/crm.db"
    return str(request.getfixturevalue("postgres_ready"))


@pytest.fixture
def opened(
    database: str, practice: Practice, clock: FixedClock, tmp_path: Path, exports: Callable[..., None]
) -> Iterator[Callable[..., CRM]]:
    exports("patients", [patient("P1"), patient("P2", household="H2", email="two@x.example")])
    exports("consents", [consent("P1"), consent("P2")])
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    crms: list[CRM] = []

    def open_one(key: str = KEY) -> CRM:
        crm = CRM(
            practice,
            database,
            plugins=["csv", "folder"],
            settings=settings,
            clock=clock,
            root=tmp_path,
            audit_key=key,
        )
        crms.append(crm)
        return crm

    yield open_one
    for crm in crms:
        crm.close()


@pytest.fixture
def busy(opened: Callable[..., CRM], clock: FixedClock) -> CRM:
    """A CRM with all that can be sealed in its ledger, in two chains of several links."""
    crm, other = opened(), opened()
    crm.sync()
    crm.add(CARD)
    crm.plan()
    crm.send()
    clock.move(HOUR)
    other.opt_out("P1", Purpose.MARKETING, Medium.EMAIL, evidence="by telephone")
    seal = other._stages.seal
    with seal.begin() as connection:
        suppress(connection, seal, Medium.EMAIL, "0" * 32, "bounced", clock.now())
        came = Heard("acme.hook", "e-1", "rated", Medium.EMAIL, clock.now())
        hear(connection, seal, came, clock.now())
        rate(connection, seal, came, "P2", 9)
    clock.move(HOUR)
    other.opt_out("P2", Purpose.CARE, Medium.SMS)
    crm.forget("P1", by="Kim")
    clock.move(HOUR)
    assert crm.audit().faults == ()
    return crm


def test_all_fits_and_is_counted(busy: CRM, opened: Callable[..., CRM]) -> None:
    found = busy.audit()
    assert (found.faults, found.chains, found.unsealed) == ((), 2, 0)
    with busy._store.read() as connection:
        tables = busy._stages.tables
        sealed = {"event": tables.event, "attempt": tables.attempt, **tables.learnt.sealed()}
        counts = {
            name: connection.scalar(sa.select(sa.func.count()).select_from(table)) for name, table in sealed.items()
        }
        chains = tables.learnt.audit.c.writer != "noted"
        links = connection.scalar(sa.select(sa.func.count()).select_from(tables.learnt.audit).where(chains))
    assert all(counts.values()), counts
    assert (found.rows, found.links) == (sum(counts.values()), links)
    assert opened().audit() == found, "whoever has the key finds the same"


def test_another_key_fits_no_link(busy: CRM, opened: Callable[..., CRM]) -> None:
    faults = opened("another key").audit().faults
    told = [fault for fault in faults if "signature does not fit" in fault]
    assert len(told) == busy.audit().links + 1, "nor does the link that keeps when a head was noted"


SEALED = ("event", "learnt_consent", "suppression", "heard", "rating", "forgotten", "blanked", "decision")
CHANGES = (
    "event SET actor = 'nobody' WHERE state = 'sent'",
    "event SET state = 'denied' WHERE state = 'ready'",
    "event SET writer = 'x' WHERE state = 'sent'",
    "event SET link = 0 WHERE state = 'sent'",
    "event SET link = link + 1 WHERE state = 'sent'",
    "learnt_consent SET patient = 'P9' WHERE patient = 'P2'",
    "learnt_consent SET given = NOT given",
    "suppression SET reason = 'x'",
    "suppression SET address = 'x'",
    "heard SET did = 'moved'",
    "rating SET rating = 1",
    "forgotten SET actor = 'nobody'",
    "blanked SET was = now",
    "audit SET digest = 'x' WHERE number = 1",
    "audit SET link = 'x' WHERE number = 1",
    "audit SET rows = rows - 1 WHERE number = 1",
    "touch SET moves = moves - 1",
    "touch SET reason = 'stopped'",
)
DROP = {"sqlite": "DROP TRIGGER crmkit_touch_order", "postgresql": "DROP TRIGGER crmkit_touch_order ON crmkit_touch"}
EVENT = (
    "INSERT INTO crmkit_event"
    " SELECT practice, campaign, occasion, patient, 99, {at}, was, state, reason, detail, actor,"
)
SUPPRESSED = (
    "INSERT INTO crmkit_suppression SELECT practice, medium, 'x', 1, {at}, reason, actor, '', 0 FROM crmkit_suppression"
)
PLACES = ("writer, link", "writer, link + 50", "'nobody', 1", "'', 0")
#: Two rows change places; two links do, with all that they seal.
ROWS_SWAPPED = (
    "event SET link = -1 WHERE link = 3",
    "event SET link = 3 WHERE link = 4",
    "event SET link = 4 WHERE link = -1",
)
LINKS_SWAPPED = (
    "audit SET number = -1 WHERE number = 3",
    "audit SET number = 3 WHERE number = 4",
    "audit SET number = 4 WHERE number = -1",
)


def test_a_deleted_row_is_told(busy: CRM) -> None:
    for table in (*SEALED, "audit"):
        assert faults_of(busy, f"DELETE FROM crmkit_{table}"), table  # noqa: S608


def test_a_changed_row_is_told(busy: CRM) -> None:
    for change in CHANGES:
        assert faults_of(busy, f"UPDATE crmkit_{change}"), change


def test_a_touch_that_is_removed_or_put_back_to_where_it_stood_once_is_told(busy: CRM) -> None:
    (fault,) = faults_of(busy, "DELETE FROM crmkit_touch WHERE patient = 'P2'")
    assert fault == "patient P2, card, birthday 2026: its touch was removed"
    again = "UPDATE crmkit_touch SET moves = 1, state = 'ready', reason = 'ready' WHERE patient = 'P2'"
    (fault,) = faults_of(busy, DROP[busy._store.engine.dialect.name], again)
    assert fault.endswith("its history goes on after its state")


def test_a_commit_of_which_nobody_knows_whether_it_was_done_does_not_end_the_chain(busy: CRM) -> None:
    dialect = busy._store.engine.dialect
    commit = dialect.do_commit

    def lost(connection: Any, *, done: bool) -> None:
        dialect.do_commit = commit  # type: ignore[method-assign]
        (dialect.do_commit if done else dialect.do_rollback)(connection)
        raise dialect.loaded_dbapi.OperationalError("the server closed the connection")

    for done in (True, False):
        dialect.do_commit = partial(lost, done=done)  # type: ignore[method-assign]
        with pytest.raises(StoreError):
            busy.opt_out("P2", Purpose.FEEDBACK, Medium.EMAIL)
        busy.clock.move(HOUR)
        busy.opt_out("P2", Purpose.FEEDBACK, Medium.SMS)
    found = busy.audit()
    assert (found.faults, found.unsealed) == ((), 0)


def test_an_inserted_row_is_told(busy: CRM) -> None:
    for place in PLACES:
        insert = f"{EVENT.format(at=_now(busy))} {place} FROM crmkit_event WHERE state = 'sent'"
        assert faults_of(busy, insert), place


def test_an_inserted_row_that_is_dated_back_before_the_trail_is_told_by_the_head(busy: CRM) -> None:
    noted = busy.head()
    assert noted
    insert = SUPPRESSED.format(at=_now(busy, -1000))
    assert faults_of(busy, insert) == ()
    assert faults_of(busy, insert, noted=noted)


@pytest.mark.parametrize("changes", [ROWS_SWAPPED, LINKS_SWAPPED, LINKS_SWAPPED + ROWS_SWAPPED])
def test_a_changed_order_is_told(busy: CRM, changes: tuple[str, ...]) -> None:
    assert faults_of(busy, *(f"UPDATE crmkit_{change}" for change in changes))


def test_a_link_out_of_the_middle_is_told(busy: CRM) -> None:
    assert faults_of(busy, "DELETE FROM crmkit_audit WHERE number = 3", "DELETE FROM crmkit_event WHERE link = 3")


def test_a_cut_end_is_told_only_by_a_head_that_was_noted(busy: CRM) -> None:
    noted = busy.head()
    assert noted
    assert busy.audit(noted.at, noted=noted.digest).faults == ()
    busy.clock.move(HOUR)
    busy.opt_in("P2", Purpose.MARKETING, Medium.EMAIL, wording="yes", evidence="form")
    assert busy.audit(noted.at, noted=noted.digest).faults == (), "what came later changes nothing"
    # The last link of the other chain goes, with the no that it sealed: nothing names it any more.
    cut = (
        "DELETE FROM crmkit_learnt_consent WHERE patient = 'P2' AND purpose = 'care'",
        "DELETE FROM crmkit_audit WHERE number = 3 AND writer IN (SELECT writer FROM crmkit_suppression)",
    )
    assert faults_of(busy, *cut) == ()
    (fault,) = faults_of(busy, *cut, noted=noted)
    assert "cut off" in fault


def test_a_whole_chain_that_is_cut_is_told_by_the_head(busy: CRM) -> None:
    noted = busy.head()
    assert noted
    other = "writer IN (SELECT writer FROM crmkit_suppression)"
    tables = ("audit", "learnt_consent", "heard", "rating", "suppression")
    cut = [f"DELETE FROM crmkit_{table} WHERE {other}" for table in tables]  # noqa: S608
    blanked = "DELETE FROM crmkit_blanked WHERE of_writer IN (SELECT writer FROM crmkit_suppression)"
    assert any("cut off" in fault for fault in faults_of(busy, blanked, *cut, noted=noted))


def test_the_head_in_a_report_verifies(busy: CRM, tmp_path: Path) -> None:
    page = busy.report(tmp_path / "report.html").read_text("utf-8")
    (told,) = re.findall(r"crmkit audit --when (\S+) --noted ([0-9a-f]{64})", page)
    noted = busy.head()
    assert noted
    assert told == (f"{noted.at:%Y-%m-%dT%H:%M:%SZ}", noted.digest)
    busy.clock.move(HOUR)
    busy.opt_out("P2", Purpose.SERVICE, Medium.EMAIL)
    assert busy.audit(noted.at, noted=told[1]).faults == ()


def test_a_clock_that_is_set_back_after_a_head_was_noted_cuts_nothing_off(
    busy: CRM, opened: Callable[..., CRM], clock: FixedClock
) -> None:
    noted = busy.head()
    assert noted
    clock.move(-2 * HOUR)
    busy.opt_out("P2", Purpose.SERVICE, Medium.EMAIL)
    opened().opt_out("P2", Purpose.SERVICE, Medium.SMS)
    cut = "DELETE FROM crmkit_audit WHERE writer IN (SELECT writer FROM crmkit_suppression)"
    assert busy.audit(noted.at, noted=noted.digest).faults == ()
    assert any("cut off" in fault for fault in faults_of(busy, cut, noted=noted))
    # A head that is noted while the clock is behind covers what was written since.
    for _ in range(100):
        later = busy.head()
        assert later
        assert later.at >= noted.at
    assert later.digest != noted.digest
    clock.move(HOUR)
    busy.opt_out("P2", Purpose.FEEDBACK, Medium.SMS)
    for one in (noted, later):
        assert busy.audit(one.at, noted=one.digest).faults == ()
    last = "DELETE FROM crmkit_learnt_consent WHERE medium = 'sms' AND purpose = 'service'"
    chain = "DELETE FROM crmkit_audit WHERE rows = 1 AND writer NOT IN (SELECT writer FROM crmkit_learnt_consent)"
    assert any("cut off" in fault for fault in faults_of(busy, last, chain, noted=later))
    assert any("signature" in fault for fault in faults_of(busy, "UPDATE crmkit_audit SET link = 'x' WHERE rows = 0"))


def test_without_a_trail_the_report_says_nothing_of_one(opened: Callable[..., CRM], tmp_path: Path) -> None:
    crm = opened("")
    assert crm.head() is None
    assert "audit" not in crm.report(tmp_path / "report.html").read_text("utf-8").lower()


def test_a_trail_that_begins_later_says_how_much_it_does_not_cover(opened: Callable[..., CRM]) -> None:
    crm = opened("")
    crm.opt_out("P1", Purpose.CARE, Medium.SMS)
    crm.clock.move(HOUR)
    later = opened()
    later.opt_out("P2", Purpose.CARE, Medium.SMS)
    assert (later.audit().faults, later.audit().unsealed, later.audit().rows) == ((), 1, 1)
    crm.clock.move(HOUR)
    crm.opt_out("P1", Purpose.SERVICE, Medium.SMS)
    (fault,) = later.audit().faults
    assert "1 rows of learnt_consent were written beside the trail" in fault


def test_who_is_forgotten_takes_no_part_of_a_noted_head_away(opened: Callable[..., CRM], clock: FixedClock) -> None:
    crm = opened("")
    crm.sync()
    with crm._stages.seal.begin() as connection:
        came = Heard("acme.hook", "e-1", "rated", Medium.EMAIL, clock.now())
        rate(connection, crm._stages.seal, came, "P2", 9)
    later = opened()
    later.opt_out("P1", Purpose.CARE, Medium.SMS)
    clock.move(HOUR)
    noted = later.head()
    assert noted
    clock.move(HOUR)
    later.forget("P2", by="Kim")
    assert later.audit(noted.at, noted=noted.digest).faults == ()


def test_on_the_command_line_a_noted_head_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exports: Callable[..., None]
) -> None:
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    (tmp_path / "crm.toml").write_text(
        'audit_key = "a key of the host"\nplugins = ["csv", "folder"]\n[practice]\nid = "b"\nname = "B"\n'
        'country = "AU"\ntimezone = "Australia/Sydney"\nlocale = "en_AU"\ncurrency = "AUD"\n'
        'email = "hello@b.example"\npublic_url = "https://b.example"\nkeys = ["k"]\n'
        '[settings.csv]\nfolder = "exports"\n[campaigns.card]\nobjective = "celebrate"\nmessage = "birthday"\n'
        'segment = "everybody"\nschedule = "on birthday"\n'
    )
    monkeypatch.chdir(tmp_path)

    def run(*args: str, hour: int = 0) -> Any:
        return CliRunner().invoke(main, [*args, "--at", (NOW + hour * HOUR).isoformat()])

    assert [run(command).exit_code for command in ("sync", "plan")] == [0, 0]
    when, head = re.findall(r"Head up to (\S+): ([0-9a-f]{64})", run("audit", hour=1).stdout)[0]
    assert run("send", hour=2).exit_code == 0
    assert run("audit", "--when", when, "--noted", head, hour=3).exit_code == 0
    wrong = run("audit", "--when", when, "--noted", head[::-1], hour=3)
    assert (wrong.exit_code, "cut off" in wrong.stdout) == (3, True)
    assert run("audit", "--noted", head).exit_code == 2


def test_verifying_holds_one_link_and_not_the_ledger() -> None:
    store = open_store("sqlite://")
    tables = declare_ledger(store)
    store.create()
    seal = Seal(store, tables, "p", FixedClock(NOW), "w", b"k")
    peaks = []
    for size in (5, 50):
        for number in range(size):
            with seal.begin() as connection:
                for one in range(100):
                    suppress(connection, seal, Medium.EMAIL, f"{size}-{number}-{one}", "x" * 100, NOW)
        with store.read() as connection:
            tracemalloc.start()
            assert verify(connection, seal, NOW).faults == ()
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    store.close()
    assert peaks[1] < 2 * peaks[0], peaks


def test_a_link_is_sealed_without_reading_the_chain_before_it() -> None:
    store = open_store("sqlite://")
    tables = declare_ledger(store)
    store.create()
    asked: list[tuple[str, Any]] = []
    sa.event.listen(
        store.engine, "before_cursor_execute", lambda _, __, text, values, *___: asked.append((text, values))
    )
    with store.read() as connection:
        assert list(rows_of_link(connection, tables, "p", "w", 5)) == []
        for text, values in [one for one in asked if one[0].startswith("SELECT")]:
            (plan,) = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all()
            assert "_link (practice=? AND writer=? AND link>? AND link<?)" in plan[-1], text
    store.close()
    assert len(asked) > len(SEALED)


ROW = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.none() | st.text(max_size=3) | st.integers(), max_size=3)


@given(ROW, ROW)
def test_rows_that_say_something_else_have_other_digests(one: dict[str, Any], other: dict[str, Any]) -> None:
    told = [{name: value for name, value in row.items() if value not in (None, "")} for row in (one, other)]
    assert (row_digest("t", one) == row_digest("t", other)) == (told[0] == told[1])
    assert row_digest("t", one) != row_digest("u", one)


def test_there_is_no_head_without_a_link(opened: Callable[..., CRM]) -> None:
    crm = opened()
    assert crm.head() is None
    assert crm.audit().head == ""
    crm.opt_out("P1", Purpose.CARE, Medium.SMS)
    crm.clock.move(HOUR)
    assert isinstance(crm.head(), Head)


def test_an_instant_without_a_zone_is_refused_before_the_database_is_asked(busy: CRM) -> None:
    with pytest.raises(ValueError, match=r"^a datetime without a time zone"):
        busy.audit(busy.clock.now().replace(tzinfo=None))


def test_a_young_trail_shows_no_head_that_would_not_stand(
    opened: Callable[..., CRM], clock: FixedClock, tmp_path: Path
) -> None:
    crm = opened()
    clock.move(timedelta(milliseconds=300))
    crm.opt_out("P1", Purpose.CARE, Medium.SMS)
    clock.move(timedelta(milliseconds=300))
    found = crm.audit()
    assert "Audit trail: it is too young" in crm.report(tmp_path / "report.html").read_text("utf-8")
    clock.move(timedelta(milliseconds=300))
    crm.opt_out("P2", Purpose.CARE, Medium.SMS)
    clock.move(HOUR)
    # As it is printed, and handed in later: to the second.
    assert crm.audit(found.at.replace(microsecond=0), noted=found.head).faults == ()


def faults_of(crm: CRM, *statements: str, noted: Head | None = None) -> tuple[str, ...]:
    """Return what a verification tells after some statements, and undo them."""
    at, digest = (noted.at, noted.digest) if noted else (crm.clock.now(), "")
    with crm._store.begin() as connection, connection.begin_nested() as undone:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE crmkit_touch DISABLE TRIGGER USER")
        for statement in statements:
            assert connection.exec_driver_sql(statement).rowcount, statement
        found = verify(connection, crm._stages.seal, at, digest)
        undone.rollback()
    return found.faults


def _now(crm: CRM, hours: int = 0) -> str:
    at = crm.clock.now() + hours * HOUR
    if crm._store.engine.dialect.name == "sqlite":
        return f"'{at:%Y-%m-%d %H:%M:%S}.000000'"
    return f"'{at.isoformat()}'::timestamptz"


def test_a_chain_is_looked_for_only_in_the_tables_that_name_it(opened: Callable[..., CRM], clock: FixedClock) -> None:
    crm, asked = opened(), list[str]()
    seal = crm._stages.seal
    sa.event.listen(seal.store.engine, "before_cursor_execute", lambda *given_: asked.append(given_[2]))

    def statements(*writers: int) -> int:
        # As of so many processes, one after the other.
        for number in writers:
            one = Seal(seal.store, seal.tables, seal.practice, clock, f"writer-{number}", KEY.encode())
            with one.begin() as connection:
                suppress(connection, one, Medium.EMAIL, f"a{number}", "bounced", NOW)
        del asked[:]
        assert crm.audit().faults == ()
        return len([text for text in asked if text.startswith("SELECT")])

    few = statements(*range(5))
    assert statements(*range(5, 25)) - few == 20 * 2, "what the chain seals, and its links"
