"""Is all well? What a monitor asks, and what whoever is woken by it settles."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from situations import consent, patient

from crmkit import CRM, Campaign, FixedClock, Medium, State, SystemClock
from crmkit.builtin.folder import FolderChannel
from crmkit.cli import main
from crmkit.cli.options import Given
from crmkit.cli.status import to_look_at
from crmkit.cli.watch import watched
from crmkit.delivery.channel import Outcome, Receipt
from crmkit.delivery.order import Dispatched
from crmkit.demo.sample import sample
from crmkit.errors import StoreError

CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
NOT_LET_IN = "login: 535, not let in: look at user and password"


class Fast(SystemClock):
    """An hour ahead."""

    def now(self) -> datetime:
        return super().now() + timedelta(hours=1)


@pytest.fixture
def crm(exports: Any, open_crm: Any, monkeypatch: pytest.MonkeyPatch) -> CRM:
    """A practice with three cards that are due."""
    rows = [patient(f"P{one}", household=f"H{one}", email=f"p{one}@x.example") for one in range(3)]
    exports("patients", rows)
    exports("consents", [consent(row["id"]) for row in rows])
    crm: CRM = open_crm()
    monkeypatch.setattr(Given, "crm", lambda _: crm)
    monkeypatch.setattr(crm, "close", lambda: None)
    crm.sync()
    crm.add(CARD)
    crm.plan()
    return crm


def run(*args: str, code: int = 0, given: str = "") -> Result:
    result = CliRunner().invoke(main, args, input=given)
    assert result.exit_code == code, result.output
    return result


def told(*args: str, code: int = 0, given: str = "") -> Any:
    return json.loads(run(*args, "--json", code=code, given=given).stdout)


def answering(monkeypatch: pytest.MonkeyPatch, outcome: Outcome, words: str = "") -> None:
    monkeypatch.setattr(
        FolderChannel, "send", lambda _, messages: [Receipt(one.key, outcome, "", words) for one in messages]
    )


def test_what_is_due_and_taken_up_by_nobody_wakes_somebody(crm: CRM, clock: FixedClock) -> None:
    fresh = told("status")
    assert (fresh["well"], fresh["due"], fresh["last_sent"]) == (True, 3, None)
    assert fresh["due_since"] == fresh["at"], "planned at this moment, whenever it was due"
    clock.move(timedelta(hours=2))
    late = told("status", code=3)
    assert (late["well"], late["look"]) == (False, ["late"])
    assert "3 touches could leave" in run("status", code=3).stdout
    assert told("status", "--late", "180")["well"]
    crm.stop("card", by="Kim")
    stopped = told("status")
    assert (stopped["due"], [one["by"] for one in stopped["stopped"]]) == (0, ["Kim"])
    crm.resume("card", by="Kim")
    crm.send()
    sent = told("status")
    assert (sent["due"], sent["last_sent"]) == (0, sent["at"])
    assert "All is well." in run("status").stdout
    clock.move(timedelta(days=4))
    assert told("status", code=3)["look"] == ["old"], "nobody syncs and plans any more"
    assert told("status", "--old", "200")["well"]


def test_a_channel_that_takes_nothing_is_told_by_send_by_the_log_and_in_the_end_by_the_status(
    crm: CRM, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answering(monkeypatch, Outcome.RETRY, NOT_LET_IN)
    with caplog.at_level(logging.INFO, "crmkit.crm"):
        run("send", "--yes", code=3)
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [("WARNING", "bright-eyes: send: 3 retry")]
    for asked in (run("send"), run("send", "--yes")):
        assert "waits for another try: 3 messages, the first at 2026-11-23 10:15" in asked.stdout
        assert NOT_LET_IN in asked.stdout
    assert NOT_LET_IN in run("status").stdout
    for minutes in (15, 30):
        clock.move(timedelta(minutes=minutes))
        crm.send()
    found = told("status", code=3)
    assert (found["look"], found["retry"], found["tries"], found["due"]) == (["not_taken"], 3, 3, 0)
    assert f"3 messages not taken after up to 3 tries: {NOT_LET_IN}." in run("status", code=3).stdout


def test_what_was_mended_is_tried_at_once(crm: CRM, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as down:
        answering(down, Outcome.RETRY, NOT_LET_IN)
        for _ in range(4):
            crm.send()
            clock.move(timedelta(hours=1))
    assert told("send", "--yes")["counts"] == {}
    assert "crmkit send --yes --again tries them now" in run("send").stdout
    assert "add --yes" in run("send", "--again", code=1).stderr
    assert told("send", "--yes", "--again", "--only-to", "P1")["counts"] == {"sent": 1}
    assert told("send", "--yes", "--again")["counts"] == {"sent": 2}
    assert told("send", "--yes", "--again")["counts"] == {}, "nothing is sent twice"


@pytest.mark.no_cover
def test_what_a_dead_sender_left_behind_is_late_too(
    crm: CRM, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def dies(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(FolderChannel, "send", dies)
    with pytest.raises(KeyboardInterrupt):
        crm.send()
    crm.cancel(by="Kim")
    assert told("status")["in_hand"] == 1
    clock.move(timedelta(hours=2))
    found = told("status", code=3)
    assert (found["look"], found["left_behind"]) == (["late"], 1)
    with caplog.at_level(logging.INFO, "crmkit.crm"):
        assert "1 message may or may not have left" in run("send", "--yes", code=3).stdout, "the next one finds out"
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("WARNING", "bright-eyes: send: 1 in doubt, which a sender had on its way when it ended")
    ]
    assert told("send", "--yes")["in_doubt"] == 1


def test_many_in_doubt_are_counted_and_settled_by_what_the_mail_log_names(
    crm: CRM, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, Outcome.UNKNOWN, "end: no answer in time")
    run("send", "--yes", code=3)
    assert told("status", code=3)["look"] == ["unknown"]
    first, second, third = told("unknowns", code=3)["unknowns"]
    monkeypatch.setattr("crmkit.cli.unknowns._SHOWN", 2)
    shown = run("unknowns", code=3).stdout
    assert third["key"] not in shown
    assert "and 1 more: --all lists them" in shown
    assert shown.count("end: no answer in") == 3, "and how many there are of which kind"
    assert third["key"] in run("unknowns", "--all", code=3).stdout
    log = (
        f"cleanup: message-id={first['message_id']}\ncleanup: message-id=<{'0' * 32}@other.example>\n{second['key']}\n"
    )
    settling = ("unknowns", "--settle", "-", "--by", "Kim", "--as")
    assert told(*settling, "sent", given=log) == {"named": 3, "settled": 2, "left": 1}
    assert "1 message settled as again; 0 named are not in doubt." in run(*settling, "again", given=third["key"]).stdout
    assert [one.state for name in range(3) for one in crm.why(f"P{name}")].count(State.SENT) == 2
    assert "no key of a message was piped in" in run(*settling, "sent", code=1, given="nothing").stderr


@pytest.mark.no_cover
def test_a_process_that_watches_gives_a_sign_of_life_and_speaks_json_line_by_line(
    crm: CRM, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    end = clock.now() + timedelta(hours=3, minutes=5)

    def waited(*_: Any) -> None:
        clock.move(timedelta(minutes=10))
        if clock.now() > end:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("crmkit.crm.sending.wait_unless", waited)
    assert watched(Given(as_json=True), crm, timedelta(minutes=10)) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["in_doubt"] for line in lines} == {0}
    assert [line["counts"] for line in lines] == [{"sent": 3}, {}, {}, {}]


def test_a_process_that_watches_tells_that_the_database_is_back(
    crm: CRM, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds: list[bool] = []

    status = crm.status

    def away() -> Any:
        if len(rounds) < 3:
            raise StoreError("the database does not answer")
        return status()

    def watch(told: Callable[[Any], None], **_: Any) -> None:
        rounds.append(True)
        told(Dispatched())
        if len(rounds) < 3:
            raise StoreError("the database does not answer")
        told(Dispatched())
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(crm, "watch", watch)
    monkeypatch.setattr(crm, "status", away)
    assert watched(Given(as_json=True), crm, timedelta(minutes=10)) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [set(line) for line in lines] == [{"error"}, {"error"}, {"at", "counts", "in_doubt"}]


def test_the_status_is_the_same_on_postgresql(
    postgres: str, exports: Callable[..., None], practice: Any, clock: FixedClock, tmp_path: Any
) -> None:
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    with CRM(
        practice, postgres, plugins=["csv", "folder"], settings=settings, clock=clock, root=tmp_path,
        channels={Medium.EMAIL: "folder"},
    ) as crm:  # fmt: skip
        assert crm.status().last_sync is None
        crm.sync()
        crm.add(CARD)
        crm.plan()
        clock.move(timedelta(hours=2))
        assert (crm.status().due, crm.status().late(timedelta(hours=1))) == (1, True)
        crm.send()
        found = crm.status()
        assert (found.due, found.last_sent, found.last_sync) == (0, clock.now(), clock.now() - timedelta(hours=2))
        assert (found.ahead, found.wrong_clock) == (None, False), "a clock of one's own is meant to be another"
    with CRM(practice, postgres, plugins=["csv", "folder"], settings=settings, clock=Fast(), root=tmp_path) as crm:
        late = to_look_at(crm.status(), practice, timedelta(days=9999), timedelta(days=9999))
        assert [code for code, _ in late] == ["clock"]
        assert "This machine's clock is 3,600 seconds ahead of the database's" in late[0][1]


@pytest.mark.no_cover
def test_who_only_asks_does_not_wait_for_one_who_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shutil.copytree(sample(), tmp_path / "practice"))
    at = ("--at", "2026-11-23T10:00+11:00")
    run("sync", *at)
    with closing(sqlite3.connect("practice.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        for asked in ("status", "unknowns", "why P000015", "plan --dry", "send"):
            run(*asked.split(), *at)
        assert time.monotonic() - began < 15, "one alone waits for longer, and then gives up"
