"""Many workers: shares of the households, factories by name, and a sender that watches until told to end."""

from __future__ import annotations

import errno
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from importable import clinic_of
from recording_channel import Recorder
from situations import consent, patient

from crmkit import CRM, Campaign, FixedClock, Origin, State, SystemClock, run_day
from crmkit.builtin.folder import FolderChannel
from crmkit.cli import main
from crmkit.cli.options import Given
from crmkit.cli.watch import watched
from crmkit.delivery.channel import Outcome, Receipt
from crmkit.delivery.record import Record
from crmkit.errors import ConfigError, GoneBack, InTheWay, OtherRevision, StoreError, Unreachable
from crmkit.ledger.share import Share
from crmkit.people.medium import Medium
from crmkit.plugins.time_limits import TimeLimits
from crmkit.store.store import Store

CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
MODULE = """
from datetime import datetime, timezone
from pathlib import Path
from crmkit import CRM, FixedClock, Practice

HERE = Path(__file__).parent

def make(practice=""):
    if (HERE / "fails once").exists():
        (HERE / "fails once").unlink()
        raise RuntimeError("Mia Stone")
    bright = Practice(id="bright-eyes", name="Bright Eyes", country="AU", timezone="Australia/Sydney", locale="en_AU",
                      currency="AUD", email="hello@brighteyes.example", public_url="https://brighteyes.example/crm",
                      keys=["a key for tests"])
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    clock = FixedClock(datetime(2026, 11, 22, 23, tzinfo=timezone.utc))
    return CRM(bright, f"sqlite:///{HERE}/crm.db", plugins=["csv", "folder"], settings=settings, clock=clock, root=HERE)

def nothing():
    return "no CRM"

def failing():
    raise RuntimeError("Mia Stone")

def wanting(practice):
    return make(practice)
"""


@pytest.fixture
def clinic(tmp_path: Path, exports: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a module whose `make` opens a practice with 40 cards that are due."""
    return clinic_of(MODULE, CARD, tmp_path, exports, monkeypatch, in_household=2)


def with_one_card(exports: Any, open_crm: Any) -> CRM:
    """Return a practice with one card to send."""
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm()
    crm.sync()
    crm.add(CARD)
    crm.plan()
    return crm


@pytest.mark.no_cover
def test_a_channel_of_the_hosts_finds_what_the_host_has_set_for_its_own_thread(exports: Any, open_crm: Any) -> None:
    # Flask's current application, for instance, and what a logger adds to each line.
    request, found = ContextVar("request", default=""), []
    recorder = Recorder()
    recorder.between = lambda _: found.append(request.get())
    with_one_card(exports, open_crm)
    before = request.set("r-17")
    open_crm(plugins=["csv", "folder", recorder], channels={Medium.EMAIL: "recorder"}).send()
    request.reset(before)
    assert found == ["r-17"]


@pytest.mark.no_cover
@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
@pytest.mark.parametrize("shares", [2, 5])
def test_any_executor_shares_the_work_out_and_nobody_gets_two(
    clinic: str, pool: Any, shares: int, outbox: Callable[[], list[bytes]]
) -> None:
    with CRM.made_by(f"{clinic}:make") as crm, pool(2) as workers:
        seen: list[int] = []
        done = crm.send(executor=workers, shares=shares, progress=seen.append)
        assert (done.sent, len(outbox()), len(seen), sum(seen)) == (40, 40, shares, 40)
        assert crm.send().touches == ()


def test_whatever_a_crm_returns_can_travel_to_another_process_and_into_a_cache(exports: Any, open_crm: Any) -> None:
    with_one_card(exports, open_crm)
    crm = open_crm()
    found = [crm.findings(), crm.preview("P1"), crm.rehearse(days=2), crm.send(), crm.sync(), crm.status()]
    found += [crm.why("P1"), crm.holds("P1"), crm.feed(), crm.matched("everybody"), crm.programme(), crm.practice]
    found += [crm.forget("P1", by="Kim"), crm.rejected(), crm.unknowns(), list(crm.failures())]
    assert [pickle.loads(pickle.dumps(one)) for one in found] == found  # noqa: S301 - our own


@pytest.mark.no_cover
def test_one_crm_serves_many_threads_and_the_log_names_nobody(
    clinic: str, outbox: Callable[[], list[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "crmkit")
    with CRM.made_by(f"{clinic}:make") as crm, ThreadPoolExecutor(4) as threads:

        def day(_: int) -> int:
            crm.sync()
            assert pickle.loads(pickle.dumps(crm.plan())).through  # noqa: S301 - our own
            return crm.send().sent

        assert (sum(threads.map(day, range(4))), len(outbox())) == (40, 40)
    said = [record.getMessage() for record in caplog.records if record.name == "crmkit.crm"]
    assert said.count("bright-eyes: sync: 0 added, 0 changed, 0 rejected") == 4
    assert len([line for line in said if line.startswith("bright-eyes: plan until 2026-11-29: ")]) == 4
    assert any(line.startswith("bright-eyes: send: ") for line in said)
    assert not any(word in line for line in said for word in ("Stone", "Mia", "@"))


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_a_share_that_fails_keeps_no_other_from_being_done_and_told(
    clinic: str, pool: Any, outbox: Callable[[], list[bytes]], tmp_path: Path
) -> None:
    with CRM.made_by(f"{clinic}:make") as crm, pool(1) as workers:
        (tmp_path / "fails once").touch()
        seen: list[int] = []
        with pytest.raises(ConfigError, match="factory failed") as told:
            crm.send(executor=workers, shares=4, progress=seen.append)
        assert told.value.__notes__ == ["1 of 4 shares failed; the ledger tells what the others sent"]
        assert (len(seen), sum(seen)) == (3, len(outbox()))
        assert sum(seen) + crm.send(executor=workers, shares=4).sent == len(outbox()) == 40


def test_who_sends_at_the_very_end_of_a_program_is_told_so_and_the_program_ends(clinic: str, tmp_path: Path) -> None:
    program = f"""
from {clinic} import make

class Host:
    def __init__(self):
        self.crm = make()

    def __del__(self, tell=print):
        try:
            self.crm.send()
        except Exception as problem:
            tell(problem)

host = Host()
"""
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.startswith("send: the program is at its very end. To mend: send before it does"), done.stderr


@pytest.mark.no_cover
@pytest.mark.parametrize("shares", [0, 257])
def test_a_number_of_shares_that_cannot_be_is_refused(clinic: str, shares: int) -> None:
    crm, workers = CRM.made_by(f"{clinic}:make"), ThreadPoolExecutor(1)
    with crm, workers, pytest.raises(ConfigError, match=f"{shares} shares cannot be made"):
        crm.send(executor=workers, shares=shares)


def test_a_day_of_a_practice_is_one_call(clinic: str) -> None:
    assert run_day(Origin(f"{clinic}:make", "bright-eyes")) == {"sent": 40}
    assert run_day(Origin(f"{clinic}:make")) == {}


@given(st.integers(1, 256), st.text("0123456789abcdef", min_size=2, max_size=32))
def test_every_household_is_in_exactly_one_share(of: int, digest: str) -> None:
    assert sum(digest[:2] in Share(of, number).digits for number in range(of)) == 1


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("factory", "told"),
    [
        ("nowhere:make", "cannot be imported: there is no nowhere"),
        ("{clinic}:missing", "cannot be imported: there is no missing"),
        ("{clinic}:nothing", "returned no CRM"),
        ("{clinic}:failing", "failed (RuntimeError, {clinic}.py line 23)"),
        ("{clinic}:wanting", "takes other arguments: it is called with the practice if one is given"),
        ("make", "names no function"),
    ],
)
def test_a_factory_that_is_none_is_told(clinic: str, factory: str, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told.format(clinic=clinic))) as problem:
        CRM.made_by(factory.format(clinic=clinic))
    assert "Stone" not in str(problem.value)


def test_work_is_not_shared_out_by_a_crm_that_no_worker_could_build(open_crm: Any) -> None:
    with pytest.raises(ConfigError, match="how to build this CRM"), ThreadPoolExecutor(1) as pool:
        open_crm().send(executor=pool)


@pytest.mark.no_cover
def test_watching_sends_what_falls_due_and_ends_between_windows_when_asked(
    exports: Any, open_crm: Any, clock: Any
) -> None:
    rows = [
        patient(f"P{one}", born=f"1980-11-{23 + one}", household=f"H{one}", email=f"p{one}@x.example")
        for one in range(4)
    ]
    exports("patients", rows)
    exports("consents", [consent(row["id"]) for row in rows])
    crm = open_crm()
    crm.sync()
    crm.add(CARD)
    crm.plan()
    rounds: list[int] = []
    end = clock.now() + timedelta(days=3, hours=1)
    crm.watch(every=timedelta(hours=6), stopping=lambda: clock.now() > end, told=lambda done: rounds.append(done.sent))
    assert sum(rounds) == 4
    assert rounds[0] == 1, "one on each day"
    assert len(rounds) > 10


def test_a_clock_that_is_set_back_keeps_nobody_from_watching(open_crm: Any, clock: FixedClock) -> None:
    crm = open_crm()
    asked: list[int] = []

    def stopping() -> bool:
        if len(asked) == 5:
            clock.move(-timedelta(days=1))
        asked.append(1)
        return len(asked) > 100

    rounds: list[Any] = []
    crm.watch(every=timedelta(seconds=10), stopping=stopping, told=rounds.append)
    assert len(rounds) > 5


def test_a_thread_of_a_host_that_watches_outlives_whatever_the_database_says(
    open_crm: Any, exports: Callable[..., None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    crm = with_one_card(exports, open_crm)
    wrong: list[StoreError] = [
        Unreachable("the connection was lost"),
        StoreError("the database may only be read"),
        InTheWay("somebody else was faster"),
        StoreError("the disk is full"),
    ]
    send = crm.send

    def away(**more: Any) -> Any:
        if wrong:
            raise wrong.pop()
        return send(**more)

    monkeypatch.setattr(crm, "send", away)
    rounds: list[int] = []
    more = {"every": timedelta(seconds=10), "stopping": lambda: len(rounds) > 1}
    crm.watch(**more, told=lambda done: rounds.append(done.sent))
    assert rounds == [1, 0]
    goes_on = "bright-eyes: send: goes on when this has passed: "
    assert [one.getMessage() for one in caplog.records if one.levelname == "WARNING"] == [
        f"{goes_on}the disk is full.",
        f"{goes_on}somebody else was faster.",
        f"{goes_on}the database may only be read.",
        f"{goes_on}the connection was lost.",
    ]
    for ends in (GoneBack("a backup was restored"), OtherRevision("it was upgraded")):
        wrong.append(ends)
        rounds.clear()
        with pytest.raises(type(ends)):
            crm.watch(**more, told=lambda done: rounds.append(done.sent))


def test_what_was_answered_while_the_disk_was_full_is_written_down_by_who_watches(
    open_crm: Any, exports: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    crm = with_one_card(exports, open_crm)
    answers, full = Record.answers, [True, True, True, True]

    def refused(*args: Any) -> Any:
        if full and full.pop():
            raise StoreError("the disk is full", mend="make room")
        return answers(*args)

    monkeypatch.setattr(Record, "answers", refused)
    crm.watch(every=timedelta(seconds=10), stopping=lambda: not full and not crm.unwritten())
    assert [one.state for one in crm.why("P1")] == [State.SENT]
    assert crm.unknowns() == []


def test_who_watches_is_told_why_nothing_was_taken(
    open_crm: Any, exports: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    words = "login: 535, not let in: look at user and password"
    monkeypatch.setattr(
        FolderChannel, "send", lambda _, messages: [Receipt(one.key, Outcome.RETRY, "", words) for one in messages]
    )
    crm = open_crm()
    crm.sync()
    crm.add(CARD)
    crm.plan()
    done = crm.send()

    def once(told: Callable[[Any], None], **_: Any) -> None:
        told(done)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(crm, "watch", once)
    watched(Given(), crm, timedelta(seconds=60))
    assert f"  1 not taken by the channel folder for now ({words})" in capsys.readouterr().out


def test_a_full_disk_under_its_log_ends_nobody_who_watches(
    exports: Any, open_crm: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    crm = with_one_card(exports, open_crm)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("crmkit.cli.show.say", full)
    monkeypatch.setattr("crmkit.crm.sending.wait_unless", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    assert watched(Given(), crm, timedelta(seconds=60)) == 0
    assert [touch.state for touch in crm.why("P1")] == [State.SENT]
    assert "what was sent cannot be told (No space left on device); sending goes on" in capsys.readouterr().err


def test_what_a_folder_cannot_take_is_told_in_words(
    exports: Any, open_crm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm = with_one_card(exports, open_crm)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "P1.part")

    monkeypatch.setattr("crmkit.builtin.folder.os.replace", full)
    assert crm.send().counts() == {State.RETRY: 1}
    assert crm.why("P1")[0].words == "retry: not taken by the channel folder for now (no space left on device)"
    assert (tmp_path / "outbox").stat().st_mode & 0o007 == 0


def test_what_is_in_a_folder_that_everybody_may_look_into_is_read_by_nobody_else(
    exports: Any, open_crm: Any, tmp_path: Path
) -> None:
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox").chmod(0o777)
    before = os.umask(0)
    try:
        with_one_card(exports, open_crm).send()
    finally:
        os.umask(before)
    assert [file.stat().st_mode & 0o777 for file in (tmp_path / "outbox").iterdir()] == [0o660]


class Pulling(Recorder):
    """Pulls the database's plug as it takes its second window."""

    pulled = False

    def send(self, messages: Any) -> Any:
        self.pulled = self.pulled or bool(self.handed)
        return super().send(messages)


def pulled_from(exports: Any, open_crm: Any) -> tuple[CRM, Pulling]:
    """Return a practice with four cards to send, and its channel."""
    rows = [patient(f"P{one}", household=f"H{one}", email=f"p{one}@x.example") for one in range(4)]
    exports("patients", rows)
    exports("consents", [consent(row["id"]) for row in rows])
    channel = Pulling()
    crm = open_crm(plugins=["csv", "folder", channel], channels={Medium.EMAIL: "recorder"})
    crm.sync()
    crm.add(CARD)
    crm.plan()
    return crm, channel


@pytest.mark.parametrize("watching", [True, False])
def test_a_sending_that_the_database_ends_tells_what_has_left_before(
    watching: bool,
    exports: Any,
    open_crm: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    crm, channel = pulled_from(exports, open_crm)
    begin, back = Store.begin, list[bool]()

    @contextmanager
    def begun(store: Store) -> Iterator[Any]:
        if channel.pulled and not back:
            raise StoreError("the database does not answer")
        with begin(store) as connection:
            yield connection

    monkeypatch.setattr(Store, "begin", begun)
    if not watching:
        monkeypatch.setattr(Given, "crm", lambda _: crm)
        ended = CliRunner().invoke(main, ["send", "--yes"])
        assert (ended.exit_code, "does not answer" in ended.stderr) == (1, True)
        assert "sent          1\nEnded by an error before all was taken up: the rest is still due." in ended.stdout
        assert "came to could not be written down. They may have left" in ended.stdout
        return

    def waited(*_: Any) -> None:
        if back:
            os.kill(os.getpid(), signal.SIGTERM)
        back.append(True)

    monkeypatch.setattr("crmkit.cli.watch.wait_unless", waited)
    monkeypatch.setattr("crmkit.crm.sending.wait_unless", waited)
    assert watched(Given(), crm, timedelta(seconds=60)) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[1:] == [
        "2026-11-23 10:00:00  1 sent",
        "The rest is still due, and follows as soon as the database answers.",
        "2026-11-23 10:00:00  3 sent",
    ]
    assert "does not answer" in told.err


def test_one_sending_waits_for_a_database_that_is_away_for_a_moment_and_leaves_nothing_in_doubt(
    exports: Any, open_crm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm, channel = pulled_from(exports, open_crm)
    begin, refused = Store.begin, list[bool]()

    @contextmanager
    def begun(store: Store) -> Iterator[Any]:
        if channel.pulled and len(refused) < 5:
            refused.append(True)
            raise StoreError("the database does not answer")
        with begin(store) as connection:
            yield connection

    monkeypatch.setattr(Store, "begin", begun)
    monkeypatch.setattr(Given, "crm", lambda _: crm)
    monkeypatch.setattr(crm, "close", lambda: None)
    ended = CliRunner().invoke(main, ["send", "--yes"])
    handed = len(channel.handed)
    assert (ended.exit_code, f"sent          {handed}\n" in ended.stdout) == (1, True)
    assert "Waiting for the database, to write down what" in ended.stderr
    assert (crm.unknowns(), crm.unwritten(), crm.send().sent) == ([], 0, 4 - handed)


def test_who_waits_for_a_database_to_come_back_ends_at_a_signal_at_once(
    open_crm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm = open_crm(clock=SystemClock())

    def away(**_: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        raise StoreError("the database does not answer")

    monkeypatch.setattr(crm, "watch", away)
    began = time.monotonic()
    assert watched(Given(), crm, timedelta(seconds=60)) == 0
    assert time.monotonic() - began < 30


class Hanging(Recorder):
    """Hangs at the first message, until the test is over; the second one ends the process."""

    def __init__(self) -> None:
        super().__init__()
        self.over = threading.Event()

    def _take(self, message: Any) -> Any:
        if not self.handed:
            self.handed.append(message)
            self.over.wait(600)
        if len(self.handed) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return super()._take(message)


def test_a_watching_process_opens_the_practice_anew_after_a_plugin_hung(
    exports: Any, open_crm: Any, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [patient(f"P{one}", household=f"H{one}", email=f"p{one}@x.example") for one in range(3)]
    exports("patients", rows)
    exports("consents", [consent(row["id"]) for row in rows])
    hanging = Hanging()
    more = {"plugins": ["csv", "folder", hanging], "channels": {Medium.EMAIL: "recorder"}}
    opened: list[CRM] = []

    def another(_: Given) -> CRM:
        opened.append(open_crm(**more, time_limits=TimeLimits(channel=1.5)))
        return opened[-1]

    monkeypatch.setattr(Given, "crm", another)
    crm = Given().crm()
    crm.sync()
    crm.add(CARD)
    crm.plan()
    began = clock.now()
    assert watched(Given(), crm, timedelta(seconds=30)) == 0
    assert len(opened) == 2
    assert timedelta(minutes=15) <= clock.now() - began < timedelta(hours=1)
    with open_crm(**more) as last:
        found = Counter(event.state for event in {one.key: one for one in last.feed()}.values())
    hanging.over.set()
    assert found[State.UNKNOWN] == 1
    assert found[State.SENT] >= 1, "the other ends the process"


@pytest.mark.no_cover
def test_a_watching_process_ends_at_a_signal_with_nothing_in_doubt(clinic: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "crmkit", "send", "--yes", "--watch", "--every", "0.2"]
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    process = subprocess.Popen(
        [*command, "--factory", f"{clinic}:make"], env=environment, stdout=subprocess.PIPE, text=True
    )
    outbox = tmp_path / "outbox"
    # On a busy machine that takes as long as it takes: only one that has ended will never get there.
    while len(list(outbox.glob("*.eml"))) < 40 and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    assert "40 sent" in told
    with CRM.made_by(f"{clinic}:make") as crm:
        assert {event.state for event in {one.key: one for one in crm.feed()}.values()} == {State.SENT}
