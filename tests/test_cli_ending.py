"""Ctrl-C and SIGTERM while a channel does not answer: it is said what is waited for, and a second one ends at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from importable import clinic_of
from situations import NOW

from crmkit import CRM, Campaign
from crmkit.cli import main
from crmkit.cli.ending import waited_for
from crmkit.delivery.carrier import Underway

CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
MODULE = """
import time
from datetime import datetime, timezone
from pathlib import Path
from crmkit import CRM, FixedClock, Medium, Practice
from crmkit.plugins import CrmkitSpec, Outcome, PluginInfo, Receipt, hookimpl

HERE = Path(__file__).parent

class Slow:
    name, medium, calls = "slow", Medium.EMAIL, 0

    def send(self, messages):
        self.calls += 1
        if self.calls == 2:
            (HERE / "hanging").touch()
            while not (HERE / "answer").exists():
                time.sleep(0.02)
        return [Receipt(one.key, Outcome.SENT) for one in messages]

class Slowly(CrmkitSpec):
    info = PluginInfo("slow")

    @hookimpl
    def crmkit_channels(self, ctx):
        return [Slow()]

def make(practice=""):
    bright = Practice(id="bright-eyes", name="Bright Eyes", country="AU", timezone="Australia/Sydney", locale="en_AU",
                      currency="AUD", email="hello@brighteyes.example", public_url="https://brighteyes.example/crm",
                      keys=["a key for tests"])
    clock = FixedClock(datetime(2026, 11, 22, 23, tzinfo=timezone.utc))
    return CRM(bright, f"sqlite:///{HERE}/crm.db", plugins=["csv", Slowly()], settings={"csv": {"folder": "exports"}},
               clock=clock, root=HERE)
"""


@pytest.fixture
def hanging(
    tmp_path: Path, exports: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Any]]:
    """Start `crmkit send --yes` and return it as soon as its channel, given its second window, does not answer."""
    name = clinic_of(MODULE, CARD, tmp_path, exports, monkeypatch)
    started: list[Any] = []

    def start(*more: str) -> Any:
        command = [sys.executable, "-m", "crmkit", "send", "--yes", "--factory", f"{name}:make", *more]
        environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
        with (tmp_path / "stderr").open("w") as told:
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=told, text=True)
        started.append(process)
        soon((tmp_path / "hanging").exists)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def soon(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not true() and time.monotonic() < until:
        time.sleep(0.05)
    assert true()


def states(folder: Path) -> Counter[str]:
    engine = sa.create_engine(f"sqlite:///{folder}/crm.db", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        return Counter(connection.scalars(sa.text("SELECT state FROM crmkit_touch")))


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("more", "kind", "code", "last"),
    [
        ((), signal.SIGINT, 130, "Ended before all was taken up: the rest is still due."),
        (("--watch",), signal.SIGTERM, 0, "2026-11-23 10:00:00  11 sent"),
        ((), signal.SIGHUP, 130, "Ended before all was taken up: the rest is still due."),
    ],
)
def test_who_asks_for_an_end_is_told_what_is_waited_for_and_leaves_nothing_in_doubt(
    hanging: Any, tmp_path: Path, more: tuple[str, ...], kind: signal.Signals, code: int, last: str
) -> None:
    if signal.getsignal(kind) is signal.SIG_IGN:
        pytest.skip(f"{kind.name} is ignored here, as by nohup, and so by every program that is started")
    process = hanging(*more)
    process.send_signal(kind)
    told = "Ending: nothing more is taken up. Waiting for slow to answer to 10 messages, for 15 minutes at most.\n"
    soon(lambda: told in (tmp_path / "stderr").read_text())
    if kind is signal.SIGHUP:
        # The shell says it, and the system says it too.
        process.send_signal(kind)
    (tmp_path / "answer").touch()
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out.splitlines()[-1]) == (code, last)
    assert states(tmp_path) == {"sent": 11, "ready": 29}


def test_who_asks_twice_waits_no_more_and_what_is_on_its_way_stays_so(hanging: Any, tmp_path: Path) -> None:
    process = hanging()
    process.send_signal(signal.SIGINT)
    soon(lambda: "Waiting for slow" in (tmp_path / "stderr").read_text())
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    told = (tmp_path / "stderr").read_text()
    assert "Ended at once. What was on its way may have left" in told
    assert "Traceback" not in told
    assert states(tmp_path) == {"sent": 1, "sending": 10, "ready": 29}
    factory = f"{next(tmp_path.glob('clinic_*.py')).stem}:make"
    with CRM.made_by(factory) as crm:
        crm.cancel(by="Kim")
    for more in ([], ["--yes"]):
        told = CliRunner().invoke(main, ["send", *more, "--factory", factory]).stdout
        assert "a sender holds 10 touches. If it has ended, they are free in" in told


@pytest.mark.parametrize(
    ("seconds", "told"), [(7, "for 7 seconds at most"), (500, "for 9 minutes at most"), (None, "for as long as that")]
)
def test_it_is_said_for_how_long_at_most(seconds: int | None, told: str) -> None:
    until = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert told in waited_for([Underway(("email",), 12, NOW, until)], NOW)
