"""Somebody who may write to the database and has no key: what he changes, deletes or adds, the audit trail tells.

Every column of every table of the ledger is tried, so that a new one is sealed, or stands here with the reason why not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from situations import NOW, consent, patient

from crmkit import CRM, Campaign, FixedClock, Practice
from crmkit.campaigns import programme
from crmkit.crm import reading
from crmkit.ledger import learnt
from crmkit.ledger.channel_turns import reserve
from crmkit.ledger.heard import Heard, hear, rate
from crmkit.ledger.learnt import suppress
from crmkit.ledger.payloads import Kept, keep
from crmkit.ledger.trail.seal import Seal
from crmkit.ledger.trail.verify import verify
from crmkit.people.medium import Medium, Purpose
from crmkit.records.build import digest
from crmkit.store.types import Instant

pytestmark = pytest.mark.no_cover

FOLDER = {"folder": {"path": "outbox"}}
KEY, WHO, HOUR = "a key of the host", "bright-eyes", timedelta(hours=1)
CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
NOT_GIVEN = {"practice", "source", "digest", "stamp", "known_at"}
OLD = NOW - timedelta(days=400)

#: Not told, and why: it steers what comes, is computed anew, or is no evidence of what was sent, to whom and when.
UNTOLD = {
    # The key follows from what is told; type, purpose and medium from the campaign; the rest steers the sending.
    "touch": {
        *("key", "message", "purpose", "medium", "detail", "due", "stale", "priority", "arm", "household"),
        *("carried_by", "cost", "owner", "lease", "changed_at", "sent_at"),
    },
    # Whether it was sent is told by the history; these are the words with which a channel answered.
    "attempt": {"outcome", "reference", "evidence", "answered_at", "account"},
    # The order in which a host is told, how fast a channel is handed messages, and what is kept for a month only.
    "entry": {"*"},
    "pace": {"*"},
    "payload": {"*"},
    # Whoever is forgotten takes ratings away, so a noted head does not count them.
    "rating": {"+ before the trail"},
}


@pytest.fixture(params=["sqlite", "postgresql"])
def crm(
    request: pytest.FixtureRequest,
    practice: Practice,
    clock: FixedClock,
    tmp_path: Path,
    exports: Callable[..., None],
) -> Any:
    url = f"sqlite:///{tmp_path}/crm.db" if request.param == "sqlite" else request.getfixturevalue("postgres_ready")
    exports("patients", [patient(f"P{n}", household=f"H{n}", email=f"p{n}@x.example") for n in range(4)])
    exports("consents", [consent(f"P{n}") for n in range(4)])
    more: dict[str, Any] = {
        "settings": {"csv": {"folder": "exports"}, **FOLDER},
        "clock": clock,
        "root": tmp_path,
        "audit_key": KEY,
    }
    with CRM(practice, url, plugins=["csv", "folder"], **more) as opened:
        opened.sync()
        yield opened


def live_through_all(crm: CRM) -> None:
    """Fill every table of the ledger."""
    crm.add(CARD)
    crm.plan()
    crm.send()
    crm.clock.move(HOUR)
    crm.opt_out("P1", Purpose.MARKETING, Medium.EMAIL, evidence="by telephone")
    tables, seal, now = crm._stages.tables, crm._stages.seal, crm.clock.now()
    with seal.begin() as connection:
        suppress(connection, seal, Medium.EMAIL, "0" * 32, "bounced", now)
        came = Heard("acme.hook", "e-1", "rated", Medium.EMAIL, now)
        hear(connection, seal, came, now)
        rate(connection, seal, came, "P2", 9)
        keep(connection, tables, WHO, Kept("0" * 32, "acme.hook", now, b"x"), now + HOUR)
        reserve(connection, tables, WHO, "folder.email", HOUR, now)
    crm.clock.move(HOUR)
    crm.stop("card", by="Kim")
    crm.stop(by="Kim")
    crm.resume(by="Kim")
    crm.forget("P1", by="Kim")
    crm.clock.move(HOUR)


def test_whatever_is_changed_deleted_or_added_is_told(crm: CRM) -> None:
    live_through_all(crm)
    noted = crm.head()
    assert noted
    crm.clock.move(HOUR)
    untold: dict[str, set[str]] = {}

    def is_told(connection: sa.Connection) -> bool:
        return bool(verify(connection, crm._stages.seal, noted.at, noted.digest).faults)

    with crm._store.begin() as connection, connection.begin_nested() as undone:
        lift_triggers(connection)
        assert not is_told(connection)
        for name, table in ledger_tables(crm).items():
            order = [*table.primary_key.columns]
            row = connection.execute(sa.select(table).where(*ordinary(table)).order_by(*order)).all()[-1]._asdict()
            for what, statement in attempts_on(table, row).items():
                with connection.begin_nested() as one:
                    connection.execute(statement)
                    if not is_told(connection):
                        untold.setdefault(name, set()).add(what)
                    one.rollback()
        undone.rollback()
    whole = {name: {"*"} if "-" in found and "+" in found else found for name, found in untold.items()}
    assert whole == UNTOLD


def ledger_tables(crm: CRM) -> dict[str, sa.Table]:
    tables = crm._stages.tables
    parts = [(part, field.name) for part in (tables, tables.learnt) for field in attrs.fields(type(part))]
    return {name: getattr(part, name) for part, name in parts if name != "learnt"}


def ordinary(table: sa.Table) -> list[sa.ColumnElement[bool]]:
    """Return which rows are worth an attack: of touches and steps, what was sent."""
    if "state" in table.c:
        return [table.c.state == "sent"]
    # The link that keeps when a head was noted is told by another test.
    return [table.c.writer != "noted"] if table.name.endswith("audit") else []


def attempts_on(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    """Return the statements that change each column of a row, delete the row, and add another."""
    this = [column == row[column.name] for column in table.primary_key.columns]
    changes = {column.name: sa.update(table).where(*this).values({column: other(column, row)}) for column in table.c}
    last = [*table.primary_key.columns][-1]
    new = {**row, last.name: other(last, row)}
    # Where else two rows may not be alike.
    new |= {name: other(table.c[name], row) for name in ("key", "message") if name in row and "moves" in row}
    new |= {"position": 1000} if "position" in row else {}
    found = {**changes, "-": sa.delete(table).where(*this), "+": sa.insert(table).values(new)}
    if "link" in row and "writer" in row:
        beside = {**new, "writer": "", "link": 0}
        found["+ unsealed"] = sa.insert(table).values(beside)
        found["+ before the trail"] = sa.insert(table).values({**beside, "at": OLD})
    return found


def other(column: sa.Column[Any], row: dict[str, Any]) -> Any:
    """Return another value that the column takes."""
    value, kind = row[column.name], column.type
    words = {"state": "denied", "was": "denied", "purpose": "care", "medium": "post"}
    if column.name in words:
        return words[column.name]
    if isinstance(kind, sa.Text):
        return f"{value}x"
    if isinstance(kind, sa.Boolean):
        return not value
    if isinstance(kind, sa.JSON):
        return {"x": 1}
    if isinstance(kind, sa.LargeBinary):
        return b"forged"
    return (value or NOW) + HOUR if isinstance(kind, Instant) else (value or 0) + 7


def lift_triggers(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ALTER TABLE crmkit_touch DISABLE TRIGGER USER")
        return
    for name in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all():
        connection.exec_driver_sql(f"DROP TRIGGER {name}")


@pytest.fixture
def before() -> Iterator[pytest.MonkeyPatch]:
    """Let neither decisions nor hand-overs be sealed, until it is undone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Seal, "handed", lambda *_: None)
        for module in (learnt, programme, reading):
            patch.setattr(module, "decide", lambda *_: None)
        yield patch


def test_what_is_from_before_decisions_and_hand_overs_were_sealed_fits_as_it_did(
    before: pytest.MonkeyPatch, crm: CRM
) -> None:
    for campaign in (CARD, attrs.evolve(CARD, id="gone")):
        crm.add(campaign)
    crm.retire("gone")
    crm.plan()
    crm.send()
    crm.stop("card", by="Kim")
    before.undo()
    with crm._store.begin() as connection:
        connection.exec_driver_sql("UPDATE crmkit_attempt SET version = 0, recipient = '', address = ''")
    crm.clock.move(HOUR)
    noted = crm.head()
    assert noted

    def faults() -> tuple[str, ...]:
        crm.clock.move(HOUR)
        return crm.audit(noted.at, noted=noted.digest).faults

    assert faults() == ()
    # What holds is sealed with the next decision, as it is found, and then it is not changed without being told.
    crm.add(CARD)
    assert faults() == ()
    for change in (
        "UPDATE crmkit_campaign SET definition = '{}' WHERE id = 'gone'",
        "UPDATE crmkit_campaign SET current = NOT current WHERE id = 'gone'",
        "DELETE FROM crmkit_campaign WHERE id = 'gone'",
        "DELETE FROM crmkit_stop",
    ):
        with crm._store.begin() as connection, connection.begin_nested() as undone:
            assert connection.exec_driver_sql(change).rowcount == 1, change
            assert verify(connection, crm._stages.seal, noted.at).faults, change
            undone.rollback()
    crm.resume("card", by="Lee")
    crm.add(attrs.evolve(CARD, id="gone"))
    crm.forget("P1", by="Kim")
    assert faults() == ()


def test_what_somebody_without_the_key_adds_or_stops_is_told(crm: CRM, tmp_path: Path) -> None:
    crm.add(CARD)
    crm.clock.move(HOUR)
    url = crm._store.engine.url.render_as_string(hide_password=False)
    with CRM(crm.practice, url, plugins=["folder"], clock=crm.clock, root=tmp_path, settings=FOLDER) as other:
        other.add(CARD)
        assert crm.audit().faults == (), "it is there already"
        other.stop(by="Kim")
    assert crm.audit().faults == (
        "1 rows of decision were written beside the trail, after it began",
        "the stop of all sending is not the one that was decided last",
    )


def test_a_no_of_the_practice_software_that_was_changed_into_a_yes_is_told(
    crm: CRM, exports: Callable[..., None]
) -> None:
    values = {
        "attributes.height:number": "1.80",
        "attributes.since:date": "2020-02-29",
        "tags": "Zoë; b",
        "language": "de",
    }
    exports("patients", [patient(f"P{n}", household=f"H{n}", email=f"p{n}@x.example", **values) for n in range(4)])
    exports("consents", [consent("P0", given="no"), *(consent(f"P{n}") for n in range(1, 4))])
    crm.clock.move(HOUR)
    crm.sync()
    assert crm.audit().faults == ()
    for change, told in {
        "UPDATE crmkit_consent SET given = NOT given WHERE patient = 'P0'": "patient P0: a consent",
        "UPDATE crmkit_patient SET status = 'active', given = 'Eve' WHERE id = 'P1'": "patient P1",
    }.items():
        with crm._store.begin() as connection:
            connection.exec_driver_sql(change)
        assert f"{told} is not what the source csv gave" in crm.audit().faults
    with crm._store.begin() as connection:
        connection.exec_driver_sql("UPDATE crmkit_consent SET digest = 'forged' WHERE patient = 'P0'")
        connection.exec_driver_sql("UPDATE crmkit_patient SET digest = 'forged' WHERE id = 'P1'")
    crm.clock.move(HOUR)
    crm.sync()
    assert crm.audit().faults == ()


def slip_in(crm: CRM, table: str, where: str, **values: str) -> None:
    """Add a row like another of the same table, beside crmkit, with the digest that it must have."""
    kind = crm._stages.records.tables.kind(table)
    with crm._store.begin() as connection:
        row = connection.execute(sa.select(kind.now).where(sa.text(where))).one()._asdict() | values
        given = {name: value for name, value in row.items() if name in kind.now.c and name not in NOT_GIVEN}
        connection.execute(sa.insert(kind.now).values({**row, "digest": digest(given)}))


def test_a_row_that_was_slipped_in_beside_those_of_the_source_is_told(
    crm: CRM, exports: Callable[..., None], tmp_path: Path
) -> None:
    crm.clock.move(HOUR)
    assert crm.audit().faults == ()
    slip_in(crm, "consent", "patient = 'P1'", id="P0-yes", patient="P0")
    slip_in(crm, "contact", "patient = 'P1' AND medium = 'email'", id="P0:other", patient="P0", value="eve@x.example")
    slip_in(crm, "patient", "id = 'P1'", id="P9")
    slipped = "was written by no sync that had the audit key"
    told = {f"patient P0: a consent {slipped}", f"patient P0: a contact point {slipped}", f"patient P9 {slipped}"}
    assert {*crm.audit().faults} == told
    # Neither a sync nor who clears all stamps makes them look like the others.
    with crm._store.begin() as connection:
        connection.exec_driver_sql("UPDATE crmkit_consent SET stamp = ''")
    crm.clock.move(HOUR)
    crm.sync()
    assert {*crm.audit().faults} == told
    # What the source says itself is no fault, whoever wrote it first.
    exports("consents", [consent(f"P{n}") for n in range(4)] + [{**consent("P0"), "id": "P0-yes"}])
    crm.clock.move(HOUR)
    crm.sync()
    with crm._store.begin() as connection:
        connection.exec_driver_sql("DELETE FROM crmkit_patient WHERE id = 'P9'")
        connection.exec_driver_sql("DELETE FROM crmkit_contact WHERE id = 'P0:other'")
    assert crm.audit().faults == ()


def test_what_was_read_before_there_was_a_key_is_stamped_as_it_is_found(
    practice: Practice, clock: FixedClock, tmp_path: Path, exports: Callable[..., None]
) -> None:
    exports("patients", [patient(f"P{n}") for n in range(3)])
    exports("consents", [consent(f"P{n}") for n in range(3)])
    more: dict[str, Any] = {"settings": {"csv": {"folder": "exports"}}, "clock": clock, "root": tmp_path}
    url = f"sqlite:///{tmp_path}/crm.db"
    with CRM(practice, url, plugins=["csv"], **more) as before:
        before.sync()
    exports("patients", [patient(f"P{n}") for n in range(2)])
    exports("consents", [consent(f"P{n}") for n in range(2)])
    with CRM(practice, url, plugins=["csv"], audit_key=KEY, **more) as crm:
        assert crm.audit().faults == ()
        clock.move(HOUR)
        crm.sync()
        clock.move(HOUR)
        assert crm.audit().faults == ()
        slip_in(crm, "consent", "patient = 'P2'", id="P0-yes", patient="P0")
        assert len(crm.audit().faults) == 1
