"""A patient asks what is known: all that is kept is told, and nothing of anybody else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from events_desk import Desk, answer
from situations import consent, patient

from crmkit import CRM, FixedClock, Medium, Purpose
from crmkit.cli import main
from crmkit.cli.options import Given
from crmkit.errors import NotFound, PluginError
from crmkit.ledger.columns import sealed
from crmkit.plugins import EventKind

#: What there is of Zephyrine, who asks; each of these words occurs nowhere else, and so do those of Oswald.
ZEPHYRINE = {"given": "Zephyrine", "family": "Quillfeather", "email": "zeph@quillfeather.example"}
OSWALD = {"given": "Oswald", "family": "Hollyhock", "email": "oswald@hollyhock.example", "household": "H2"}
OLD = {**ZEPHYRINE, "family": "Marmaladesmith"}
CHILD = {"born": "2016-11-23", "guardian": "P1", "email": "", "given": "Minna", "household": "H1"}
#: Of these tables no row is about one patient.
OF_NOBODY = {"campaign", "pace", "source", "stop", "decision", "audit", "version"}
#: And these say nothing but in which order, and by which digests, rows stood that are told.
ORDER = {"entry", "blanked"}
#: What serves the audit alone, and what is the same in every row.
DIGESTS = {"practice", "digest", "stamp", *(column.name for column in sealed())}


@pytest.fixture
def desk(open_crm: Callable[..., CRM], exports: Callable[..., None], clock: FixedClock) -> Desk:
    """A practice that knows Zephyrine (P1) in every way, and Oswald (P2), and her child (P3)."""
    rows: dict[str, list[dict[str, str]]] = {
        "visits": [{"id": "V", "day": "2026-01-05", "status": "completed", "kind": "check-up"}],
        "invoices": [{"id": "I", "visit": "V", "day": "2026-01-05", "amount": "120"}],
        "payments": [{"id": "Y", "invoice": "I", "day": "2026-01-05", "amount": "120"}],
        "recalls": [{"id": "R", "type": "check-up", "due": "2027-01-05", "status": "open"}],
        "feedback": [{"id": "F", "day": "2026-01-06", "score": "9", "comment": "kind"}],
        "referrals": [{"id": "E", "referrer": "P2", "day": "2026-01-05"}],
    }
    for name, some in rows.items():
        exports(name, [{**one, "id": f"{one['id']}{whom}", "patient": whom} for one in some for whom in ("P1", "P2")])
    desk = Desk(open_crm, exports, clock, people=people(OLD))
    change(exports, desk, rows)
    return desk


def people(zephyrine: dict[str, str]) -> list[dict[str, str]]:
    return [patient("P1", **zephyrine), patient("P2", **OSWALD), patient("P3", **CHILD)]


def change(exports: Callable[..., None], desk: Desk, rows: dict[str, list[dict[str, str]]]) -> None:
    """Let a past come to be in every table, and something come back."""
    crm = desk.crm
    desk.clock.move(timedelta(minutes=1))
    exports("patients", people({**ZEPHYRINE, "email": "zephyrine@old.example"}))
    exports("consents", [consent("P1", wording="another wording"), consent("P2")])
    later = {"day": "2026-01-07", "due": "2027-01-07"}
    for name, some in rows.items():
        moved = [{**one, **{column: later[column] for column in later if column in one}} for one in some]
        exports(name, [{**one, "id": f"{one['id']}{whom}", "patient": whom} for one in moved for whom in ("P1", "P2")])
    crm.sync()
    exports("patients", people(ZEPHYRINE))
    bad = [{"id": f"V{whom}", "patient": whom, "day": "soon", "status": "completed"} for whom in ("P1", "P2")]
    exports(
        "visits", [*bad, {"id": "V9", "patient": "", "day": "2026-01-05", "status": "", "kind": ZEPHYRINE["email"]}]
    )
    crm.sync()
    crm.plan()
    desk.send()
    crm.opt_out("P1", Purpose.CARE, Medium.SMS, evidence="Zephyrine rang")
    crm.opt_out("P2", Purpose.CARE, Medium.SMS, evidence="Hollyhock rang")
    crm.receive("email.replies", answer(desk.key(), "Thank you\n\nLarkspur", sender=ZEPHYRINE["email"]))
    crm.receive("email.replies", answer(desk.key("P2"), "Thank you\n\nOswald", sender=OSWALD["email"]))
    for whom, someone in (("P1", ZEPHYRINE), ("P2", OSWALD)):
        desk.tell(EventKind.RATED, whom, rating=9)
        desk.tell(EventKind.BOUNCED, whom, address=someone["email"], status="5.1.1", permanent=True)
    desk.told.fails = ValueError("it is no number")
    with pytest.raises(PluginError):
        crm.receive("told", f"{ZEPHYRINE['email']} and {OSWALD['email']}".encode())


def dump(crm: CRM, word: str) -> set[str]:
    """Return the names of the tables in which a word stands."""
    with crm._store.read() as connection:
        return {
            table.name.removeprefix("crmkit_")
            for table in crm._store.metadata.sorted_tables
            for row in connection.execute(sa.select(table))
            if word.lower() in str(row).lower()
        }


def test_it_has_rows_of_every_table_in_which_something_is_about_a_patient(desk: Desk) -> None:
    crm, found = desk.crm, desk.crm.disclose("P1")
    tables = {table.name.removeprefix("crmkit_"): table for table in crm._store.metadata.tables.values()}
    expected = tables.keys() - OF_NOBODY - ORDER - {"forgotten"}
    assert found.rows.keys() == expected | {"named"}
    for name in expected - {"payload", "rejected"}:
        columns = {column.name for column in tables[name].columns} - DIGESTS
        assert all(row.keys() == columns for row in found.rows[name]), name
    # Who was erased is asked for by the id, and that is all that is left to tell.
    crm.forget("P1", by="Kim")
    after = crm.disclose("P1").rows
    assert {"forgotten", "touch", "event", "attempt", "learnt_consent", "suppression", "heard"} <= after.keys()
    assert after.keys().isdisjoint(expected - {"touch", "event", "attempt", "learnt_consent", "suppression", "heard"})


def test_it_tells_whatever_is_known_of_the_person_and_nothing_of_others(desk: Desk) -> None:
    found = desk.crm.disclose("P1")
    told = json.dumps(found.rows, default=str)
    for word in ("Marmaladesmith", "zephyrine@old.example", "Larkspur", "Zephyrine rang", "another wording", "soon"):
        assert word in told, word
        assert {name for name, rows in found.rows.items() if word.lower() in str(rows).lower()} == dump(desk.crm, word)
    assert "Zephyrine" not in repr(found), "it shows in no traceback and no log"
    assert [name for name in ("Oswald", "Hollyhock", "Minna") if name in told] == []
    assert {row.get("patient", row.get("id")) for row in found.rows["patient"]} == {"P1"}
    assert [dict(row) for row in found.rows["named"]] == [{"patient": "P3", "as": "guardian"}]
    # What may speak of others too is told, and not shown: it is for the desk to look at.
    unread = {row["row_id"]: row for row in found.rows["rejected"]}
    assert unread["VP1"]["row"]["day"] == "soon"
    assert (unread["V9"]["line"], "row" in unread["V9"]) == (4, False), "a family shares an address"
    without = [row["id"] for row in found.rows["payload"] if "body" not in row]
    assert list(found.withheld) == without
    assert without, "what names two people cannot be handed to one of them"


def test_messages_for_a_child_that_came_to_the_guardian_are_told_to_the_guardian(
    open_crm: Callable[..., CRM], exports: Callable[..., None], clock: FixedClock
) -> None:
    desk = Desk(open_crm, exports, clock, people=[patient("P1", born="1980-03-02"), patient("P3", **CHILD)])
    assert desk.crm.send().sent == 1
    found = desk.crm.disclose("P1")
    assert {(row["patient"], row["recipient"]) for row in found.rows["attempt"]} == {("P3", "P1")}
    assert {row["patient"] for row in found.rows["event"]} == {"P3"}


def test_no_statement_holds_a_value_so_that_a_servers_log_can_be_kept_free_of_patients(
    desk: Desk, exports: Callable[..., None]
) -> None:
    said: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        said.append(statement)

    crm = desk.crm
    sa.event.listen(crm._store.engine, "before_cursor_execute", note)
    exports("patients", people({**ZEPHYRINE, "family": "Quillfeather-Larkspur"}))
    crm.sync()
    crm.plan()
    crm.send()
    crm.why("P1")
    crm.opt_out("P1", Purpose.MARKETING, Medium.POST, evidence="Zephyrine wrote")
    crm.unsuppress(Medium.EMAIL, ZEPHYRINE["email"], by="Kim")
    crm.disclose("P1")
    crm.forget("P1", by="Kim")
    told = "\n".join(said).lower()
    assert "insert into crmkit_patient" in told
    assert [word for word in ("zephyrine", "quillfeather", "larkspur", "minna", "'p1'") if word in told] == []


def test_whoever_is_not_known_is_told_as_such(desk: Desk) -> None:
    with pytest.raises(NotFound, match="there is no patient P9"):
        desk.crm.disclose("P9")


def test_the_desk_reads_it_or_hands_it_over_as_one_document(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Given, "crm", lambda _: desk.crm)
    monkeypatch.setattr(desk.crm, "close", lambda: None)

    def run(*args: str) -> Any:
        done = CliRunner().invoke(main, ["disclose", "P1", *args])
        assert done.exit_code == 0, done.output
        return done.stdout

    out = run()
    assert "Who you are to us (patient)\n" in out
    assert "Who you are to us, before that (patient_was)\n" in out
    assert re.search(r"^  family +Quillfeather$", out, re.MULTILINE)
    assert "arrived may speak of other people too" in out
    document = json.loads(run("--json"))
    assert document["patient"] == "P1"
    assert document["rows"]["invoice"][0]["amount"] == "120.00"
    assert document["rows"]["consent"][0]["known_at"].endswith("+11:00"), "times are the practice's"
