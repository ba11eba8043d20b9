"""Many practices in one process: what they have in common is made once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from crmkit import CRM
from crmkit.demo.sample import sample
from crmkit.errors import ConfigError

# In a process of its own, for the tests themselves declare all tables but once.
PROGRAM = """
import sqlalchemy as sa
from crmkit import CRM, Campaign, Practice

ready = {}
engine = sa.create_engine("sqlite:///host.db").execution_options(compiled_cache=ready)
card = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
given = {"name": "N", "country": "AU", "timezone": "Australia/Sydney", "locale": "en_AU", "currency": "AUD"}
crms = []
for name in ("north", "south"):
    crm = CRM(Practice(id=name, email="hello@n.example", **given), engine)
    crms.append(crm)
    crm.add(card)
    crm.plan()
    crm.status()
    crm.feed()
    print(len(ready))
"""


def test_the_second_practice_on_an_engine_finds_all_statements_ready(tmp_path: Path) -> None:
    # Else each would push the others' out of the engine's cache, and compile its own at every call.
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120)
    first, second = map(int, done.stdout.split())
    assert first > 10
    assert second - first < 5


def test_practices_from_files_share_the_connections_of_one_engine(postgres_ready: str, tmp_path: Path) -> None:
    # A hundred files with an address each, kept open, held a connection each: the server took no more, from anybody.
    engine = sa.create_engine(postgres_ready)
    with ExitStack() as stack:
        crms = []
        for number in range(3):
            home = shutil.copytree(sample(), tmp_path / f"p{number}")
            file = home / "crm.toml"
            file.write_text(file.read_text("utf-8").replace('"bright-eyes"', f'"p{number}"'), "utf-8")
            crms.append(stack.enter_context(CRM.from_file(file, database=engine)))
        for crm in crms:
            crm.sync()
            assert crm.status().last_sync
        connected = sa.text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        with engine.connect() as connection:
            assert connection.scalar(connected) <= 2, "as many as worked at once, and this one"
        assert not [*tmp_path.glob("*/practice.db")]
        assert [crm.origin for crm in crms] == [None] * 3, "a worker would open the address in the file"
    engine.dispose()
    with pytest.raises(ConfigError, match="database"):
        CRM.from_file(file, database=postgres_ready)  # type: ignore[arg-type]
