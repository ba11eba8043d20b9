"""Many practices in one process: what they have in common is made once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
