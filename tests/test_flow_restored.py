"""A backup is restored while senders run: they notice, and send nothing a second time; a page tells what to do."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from datetime import timedelta

import pytest
from click.testing import CliRunner
from documents import text
from test_flow_delivery import BIRTHDAY, people

from crmkit.cli import main
from crmkit.cli.options import Given
from crmkit.cli.watch import watched
from crmkit.demo.sample import TODAY, sample
from crmkit.errors import OtherRevision, StoreError

PAGE = "docs/how-to/restore-a-backup.md"


def copied(source, target):
    """Copy a database as SQLite does it, into the file that is there."""
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


@pytest.fixture
def watching(open_crm, exports, tmp_path):
    """Return a CRM that has sent all that was due, since a backup was taken."""
    people(exports, 20)
    crm = open_crm()
    crm.sync()
    crm.add(BIRTHDAY)
    crm.plan()
    copied(tmp_path / "crm.db", tmp_path / "backup.db")
    assert crm.send().sent
    return crm


def test_a_sender_notices_that_the_database_has_forgotten_what_it_sent(watching, tmp_path, outbox):
    (tmp_path / "outbox").rename(tmp_path / "sent")
    (tmp_path / "outbox").mkdir()
    copied(tmp_path / "backup.db", tmp_path / "crm.db")
    for _ in range(2):
        with pytest.raises(StoreError, match=r"has forgotten what was written to it: .* page Restore a backup"):
            watching.send()
    assert outbox() == []


def test_one_that_watches_says_that_it_sends_nothing_more(watching, tmp_path, monkeypatch, capsys):
    copied(tmp_path / "backup.db", tmp_path / "crm.db")
    monkeypatch.setattr("crmkit.cli.watch.wait_unless", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    watched(Given(), watching, timedelta(seconds=60))
    told = capsys.readouterr()
    assert told.out.splitlines()[1:] == ["This process sends nothing more."]
    assert "has forgotten" in told.err


def test_one_that_watches_ends_when_the_database_was_upgraded(watching, tmp_path):
    with closing(sqlite3.connect(tmp_path / "crm.db")) as raw:
        raw.execute("UPDATE crmkit_version SET version_num = '9999'")
        raw.commit()
    # Whatever starts it anew starts the new version.
    with pytest.raises(OtherRevision, match=r"is of revision 9999 now, .* start this process anew, with the version"):
        watched(Given(), watching, timedelta(seconds=60))
    for call in (watching.plan, watching.sync, lambda: watching.stop(by="Kim")):
        with pytest.raises(OtherRevision):
            call()


@pytest.mark.parametrize("what", ["replaced", "removed"])
def test_a_sender_does_not_go_on_in_a_file_that_has_no_name_any_more(watching, what, tmp_path, open_crm):
    os.remove(tmp_path / "crm.db")
    if what == "replaced":
        shutil.copy(tmp_path / "backup.db", tmp_path / "crm.db")
    for call in (watching.send, watching.plan, watching.sync):
        with pytest.raises(StoreError, match=rf"crm\.db: the database's file was {what} while it was in use"):
            call()
    assert sorted(path.name for path in tmp_path.glob("crm.db")) == (["crm.db"] if what == "replaced" else [])


@pytest.mark.skipif(sys.platform == "win32", reason="rights are told otherwise there")
def test_the_copy_that_the_page_takes_is_read_by_nobody_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("practice.db")) as made:
        made.execute("CREATE TABLE person (name TEXT)")
    (code,) = re.findall(r"^```python\n(.*?)^```", text(PAGE), re.MULTILINE | re.DOTALL)
    exec(code, {})  # noqa: S102 - the page's own lines
    assert os.stat("backup.db").st_mode & 0o077 == 0
    with closing(sqlite3.connect("backup.db")) as copy:
        assert copy.execute("SELECT count(*) FROM person").fetchone() == (0,)


def test_what_was_sent_since_is_called_off_as_the_page_says(tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(sample(), tmp_path / "practice"))
    run = [f"{line} --at {TODAY}T10:00+11:00" for line in re.findall(r"^crmkit (.*)$", text(PAGE), re.MULTILINE)]

    def crmkit(command):
        done = CliRunner().invoke(main, command.split())
        assert done.exit_code == 0, (command, done.output)

    for command in ("sync", "plan"):
        crmkit(f"{command} --at {TODAY}T09:00+11:00")
    copied("practice.db", "backup.db")
    crmkit(f"send --yes --at {TODAY}T09:00+11:00")
    sent = {*os.listdir("outbox")}
    shutil.copy("backup.db", "practice.db")
    for name in sent:
        os.remove(f"outbox/{name}")
    for command in run:
        crmkit(command)
    crmkit(f"send --yes --at {TODAY}T10:00+11:00")
    assert sent
    assert os.listdir("outbox") == []
