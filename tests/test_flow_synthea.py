"""Data that nobody here wrote, through the mapping that the documents show."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from test_flow_delivery import mailbox  # noqa: F401 - a fixture

from crmkit import CRM, FixedClock, State

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "synthea-csv-ma115"
BLOCKS = re.findall(
    r"```toml\n(.*?)```", (ROOT / "docs/how-to/map-an-export.md").read_text(encoding="utf-8"), re.DOTALL
)
#: 1 December 2020, 10 in the morning in Boston: within the range of the data.
CLOCK = FixedClock(datetime(2020, 12, 1, 15, 0, tzinfo=UTC))

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs {DATA.name} beside the checkout")


def write(tmp_path, *, invented, extra=""):
    text = BLOCKS[0].replace('"synthea-csv-ma115"', f'"{DATA}"')
    if invented:
        line, section = BLOCKS[1].split("\n\n", 1)
        text = text.replace('file = "patients.csv"\n', f'file = "patients.csv"\n{line.splitlines()[1]}\n', 1)
        text += f"\n{section}"
    (tmp_path / "crm.toml").write_text(text + extra, encoding="utf-8")
    tomllib.loads(text + extra)
    return tmp_path / "crm.toml"


def test_it_syncs_and_the_second_sync_changes_nothing(tmp_path):
    with CRM.from_file(write(tmp_path, invented=False), clock=CLOCK) as crm:
        first, second = crm.sync(), crm.sync()
        reasons = {touch.reason for touch in crm.plan().touches}
        states = {touch.state for touch in crm.plan().touches}
    assert (first.kinds["patient"].added, first.kinds["visit"].added, first.total.rejected) == (115, 4402, 0)
    assert (second.total.added, second.total.changed) == (0, 0)
    assert states == {State.DENIED}
    assert reasons <= {"deceased", "no_consent", "no_address", "minor_without_guardian"}
    assert "no_consent" in reasons


def test_with_invented_addresses_the_plan_explains_every_patient(tmp_path):
    with CRM.from_file(write(tmp_path, invented=True), clock=CLOCK) as crm:
        crm.sync()
        plan = crm.plan(date(2020, 12, 7))
        sent = crm.send()
        findings = crm.findings()
        told = [answer.words for id_ in sorted({touch.patient for touch in plan.touches}) for answer in crm.why(id_)]
    assert {touch.state for touch in plan.touches} >= {State.READY, State.DENIED}
    assert all(told)
    assert sent.sent == len(list((tmp_path / "outbox").glob("*.eml"))) > 0
    dead = {touch.patient for touch in plan.touches if touch.reason == "deceased"}
    assert not dead & {touch.patient for touch in sent.touches}
    bridge = findings.bridge
    assert bridge.reconciles
    assert bridge.end == findings.measures["core.active_patients"].numerator > 50


def test_the_same_plan_reaches_a_real_mail_server(tmp_path, mailbox):  # noqa: F811 - the fixture
    extra = f'\n[settings.email]\nhost = "127.0.0.1"\nport = {mailbox.port}\nsecurity = "none"\n'
    path = write(tmp_path, invented=True, extra=extra)
    text = path.read_text(encoding="utf-8").replace('["csv", "folder"]', '["csv", "email"]')
    path.write_text(text.replace('[settings.folder]\npath = "outbox"\n', ""), encoding="utf-8")
    with CRM.from_file(path, clock=CLOCK) as crm:
        crm.sync()
        crm.plan()
        sent = crm.send()
    assert sent.sent == len(mailbox.taken) > 0
    assert all(recipients[0].endswith("@patients.example") for _, recipients, _ in mailbox.taken)
