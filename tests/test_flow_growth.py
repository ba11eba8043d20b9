"""A ledger that grows for years is asked the same way as on the first day: by an index, never by reading all of it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from situations import consent, patient

from crmkit import CRM, Campaign
from crmkit.people.medium import Medium, Purpose

CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
#: Tables that get a row for every message, or more.
GROWING = ("touch", "event", "entry", "attempt", "heard", "audit", "learnt_consent")
#: How SQLite says that it reads all that a practice has in one of them. In the index `waits` there are hardly any rows.
#: With `ANY(...)` it does so in any table.
ALL_OF_IT = re.compile(rf"(SCAN|SEARCH) crmkit_({'|'.join(GROWING)})\b(?!.*\(practice=\? AND |.*_waits)")


@pytest.fixture
def asked() -> Iterator[dict[str, Any]]:
    """Every statement that a database is asked, with its last parameters."""
    statements: dict[str, Any] = {}

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: Any) -> None:
        if re.match("SELECT|UPDATE|DELETE|INSERT .* SELECT", statement, re.DOTALL):
            statements[statement] = parameters[0] if many else parameters

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield statements
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


def everyday(crm: CRM) -> None:
    """Do what a practice does on any day."""
    crm.sync()
    crm.add(CARD)
    plan = crm.plan()
    key, who = plan.ready()[0].key, plan.ready()[0].patient
    crm.preview(who)
    crm.why(who)
    crm.stop("card", by="Kim")
    crm.send()
    crm.resume("card")
    crm.plan()
    assert crm.send().sent
    crm.send()
    crm.plan(date(2026, 12, 5))
    crm.history(key)
    crm.unknowns()
    cursor = crm.feed(limit=5)[-1].cursor
    crm.feed(cursor, limit=5)
    crm.opt_out(who, Purpose.MARKETING, Medium.EMAIL)
    crm.plan(date(2026, 12, 5))
    crm.cancel("card", by="Kim")


def test_nothing_of_every_day_reads_the_whole_ledger(
    exports: Any, open_crm: Any, asked: dict[str, Any], tmp_path: Path
) -> None:
    exports("patients", [patient(f"P{n}", born=f"1980-11-{n + 10}", household=f"H{n}") for n in range(20)])
    exports("consents", [consent(f"P{n}") for n in range(21)])  # of the last one nobody knows the patient
    everyday(open_crm())
    culprits = []
    assert len(asked) > 50
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection:
        for statement, parameters in asked.items():
            way = [detail for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            culprits += [f"{detail}: {statement}" for detail in way if ALL_OF_IT.match(detail) or "(ANY(" in detail]
    assert culprits == []


def test_why_asks_once_for_what_a_patient_got_in_many_years(exports: Any, open_crm: Any, clock: Any) -> None:
    exports("patients", [patient("P1", born="1980-11-23")])
    exports("consents", [consent("P1")])
    crm, asked = open_crm(), list[str]()
    crm.sync()
    crm.add(CARD)
    sa.event.listen(crm._stages.store.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    costs = []
    for _ in range(4):
        crm.plan()
        crm.send()
        del asked[:]
        answers = crm.why("P1")
        costs.append(len([text for text in asked if "crmkit_event" in text]))
        clock.move(timedelta(days=365))
    assert costs == [1] * 4
    assert len(answers) == 4
    assert all(answer.history for answer in answers)
