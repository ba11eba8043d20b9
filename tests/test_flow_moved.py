"""A practice moves to another database: all that is known goes along, and what was sent is not sent again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from test_flow_delivery import BIRTHDAY, people

from crmkit import CRM, Medium, Purpose
from crmkit.cli import main
from crmkit.crm.database import Database
from crmkit.errors import StoreError


@pytest.fixture
def opened(practice, clock, tmp_path, exports):
    """Return what opens the practice on a database."""
    people(exports, 20)
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    more = {"plugins": ["csv", "folder"], "settings": settings, "clock": clock, "root": tmp_path, "audit_key": "a key"}
    return lambda url, **where: CRM(practice, url, **more, **where)


@pytest.fixture
def used(opened, tmp_path):
    """Return the address of a database from which half of what is due was sent, and then all was stopped."""
    url = f"sqlite:///{tmp_path}/crm.db"
    with opened(url) as crm:
        crm.sync()
        crm.add(BIRTHDAY)
        crm.plan()
        crm.send(limit=2)
        crm.opt_out("P19", Purpose.MARKETING, Medium.EMAIL)
        crm.stop(by="Kim")
    return url


def copied(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["db", "copy", *arguments])


def is_empty(url: str) -> bool:
    engine = sa.create_engine(url)
    try:
        return sa.inspect(engine).get_table_names() == []
    finally:
        engine.dispose()


def known(crm):
    """Return what a practice knows of its past."""
    with crm._store.read() as connection:
        touches = crm._stages.ledger.touches(connection)
    trail = crm.audit()
    return sorted(touches, key=str), crm.feed(), (trail.faults, trail.links, trail.rows), crm.stopped()


def test_all_goes_along_to_another_kind_of_database_and_back(used, opened, postgres, tmp_path, outbox):
    back = f"sqlite:///{tmp_path}/back.db"
    there = ("--to", postgres, "--to-schema", "crm", "--to-prefix", "my_")
    assert copied("--database", used, *there).output.endswith("Let nothing send from the old database any more.\n")
    assert copied("--database", postgres, "--schema", "crm", "--prefix", "my_", "--to", back).exit_code == 0
    with opened(used) as old:
        before = known(old)
    assert len(outbox()) == 2
    for url, where in ((postgres, {"schema": "crm", "prefix": "my_"}), (back, {})):
        assert Database(url, **where).check().right
        with opened(url, **where) as crm:
            assert known(crm) == before
    with opened(postgres, schema="crm", prefix="my_") as crm:
        assert not crm.send().sent
        crm.resume(by="Kim")
        crm.sync()
        crm.plan()
        assert 0 < crm.send().sent == len(outbox()) - 2
        assert crm.audit().faults == ()
        assert len({*outbox()}) == len(outbox())


def test_a_database_in_use_and_one_that_is_not_empty_are_refused(used, postgres, tmp_path):
    Database(postgres).open().store.close()
    assert (
        "has tables of crmkit already. To mend: give an empty one"
        in copied("--database", used, "--to", postgres).output
    )
    empty = f"sqlite:///{tmp_path}/empty.db"
    with closing(sqlite3.connect(tmp_path / "crm.db")) as raw:
        until = (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%d %H:%M:%S.%f")
        raw.execute("UPDATE crmkit_touch SET state = 'claimed' WHERE state = 'ready'")
        raw.execute("UPDATE crmkit_touch SET state = 'sending', lease = ? WHERE state = 'claimed'", (until,))
        raw.commit()
    assert "are being handed over at this moment" in copied("--database", used, "--to", empty).output
    assert is_empty(empty)
    assert "there is nothing to copy" in copied("--database", f"sqlite:///{tmp_path}/no.db", "--to", empty).output
    assert not (tmp_path / "no.db").exists()


def test_of_a_copy_that_fails_nothing_remains(used, tmp_path, postgres):
    with closing(sqlite3.connect(tmp_path / "crm.db")) as raw:
        raw.execute("UPDATE crmkit_stop SET actor = 'K' || char(0)")
        raw.commit()
    with pytest.raises(StoreError):
        Database(used).copy(Database(postgres))
    assert is_empty(postgres)
