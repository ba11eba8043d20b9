"""Forgetting a patient: what names the person goes, what keeps the person from being written to stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.errors import NotFound
from crmkit.ledger.address_search import unread_about
from crmkit.ledger.copies import gone_in_copies
from crmkit.ledger.learnt import written_once
from crmkit.ledger.ledger import Ledger
from crmkit.ledger.payloads import erase as erase_payloads
from crmkit.ledger.state import REVOCABLE, SPENT, State
from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.trail.blank import blank, remove
from crmkit.ledger.trail.seal import Seal
from crmkit.records.erase import addresses_of, erase
from crmkit.records.records import ForgottenAmong
from crmkit.records.tables import RecordTables

#: What the machine itself writes beside the state of a touch that is on its way or has left.
_MACHINE = frozenset({"channel", "by", "status"})
_ERASED = "erased on request"


@attrs.frozen
class Forgotten:
    """What was erased of a patient.

    Attributes:
        patient: The patient's id, which stays.
        erased: How many rows were deleted, by table.
        blanked: How many rows stay without their text, by table.
        cancelled: How many touches were called off.
        traces: What may still lie in the database's files, in words; empty if nothing does.
    """

    patient: str
    erased: Mapping[str, int]
    blanked: Mapping[str, int]
    cancelled: int
    traces: str = ""


def forget(
    connection: sa.Connection,
    records: RecordTables,
    ledger: Ledger,
    seal: Seal,
    patient: str,
    by: str,
    now: datetime,
) -> Forgotten:
    """Erase a patient, call off what has not been handed over, and remember the id.

    Args:
        connection: A transaction that may write, opened by `seal`, in which nobody else writes the records.
        records: The canonical tables.
        ledger: The touches.
        seal: The trail.
        patient: The patient's id.
        by: Who decided it.
        now: When.

    Raises:
        NotFound: If nothing is known of such a patient.
        ConfigError: If there is an audit trail and its key was not given.
    """
    same = {"practice": ledger.practice, "patient": patient}
    new = written_once(connection, ledger.tables.learnt.forgotten, same, {"at": now, "actor": by, **seal.columns()})
    touches = ledger.touches(connection, ledger.tables.touch.c.patient == patient)
    addresses = addresses_of(connection, records, ledger.practice, patient)
    erased = erase(connection, records, ledger.practice, patient)
    if new and not erased and not touches and not _said_something(connection, ledger.tables, same):
        raise NotFound(f"there is no patient {patient}", mend="give the id as it stands in the practice software")
    erased |= _erase_unread(connection, records.rejected, ledger.practice, addresses, erased.get("rejected", 0))
    past = gone_in_copies(connection, ledger.tables, ledger.practice, touches)
    open_ones = [touch for touch in touches if touch.state in REVOCABLE and touch.key not in past]
    cancelled = ledger.cancelled(connection, open_ones, now, by, "forgotten")
    erased |= _erase_answers(connection, seal, patient, [touch.key for touch in touches], addresses, now)
    blanked = _blank_all(connection, ledger.tables, seal, patient, now)
    return Forgotten(patient, _some(erased), _some(blanked), len(cancelled))


def when_forgotten(
    connection: sa.Connection, tables: LedgerTables, practice: str, patient: str
) -> tuple[datetime, str] | None:
    """Return when a patient was erased on request, and who decided it; None if that did not happen."""
    table = tables.learnt.forgotten
    mine = (table.c.practice == practice, table.c.patient == patient)
    found = connection.execute(sa.select(table.c.at, table.c.actor).where(*mine)).first()
    return (found.at, found.actor) if found else None


def forgotten_among(tables: LedgerTables, practice: str) -> ForgottenAmong:
    """Return what tells, inside a transaction, which of some patients were forgotten."""

    def tell(connection: sa.Connection, ids: Sequence[str]) -> frozenset[str]:
        table = tables.learnt.forgotten
        # They are few: all are read, however many ids are asked about.
        return frozenset(ids) & {*connection.scalars(sa.select(table.c.patient).where(table.c.practice == practice))}

    return tell


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in counts.items() if number}


def _erase_answers(
    connection: sa.Connection, seal: Seal, patient: str, keys: Sequence[str], addresses: Sequence[str], now: datetime
) -> dict[str, int]:
    """Delete what the patient answered: ratings, and whatever arrived as it arrived."""
    rating = seal.tables.learnt.rating
    mine = sa.and_(rating.c.practice == seal.practice, rating.c.patient == patient)
    return {
        "rating": remove(connection, seal, "rating", mine, now),
        # An answer from another address is about nobody's touch, but it quotes the key of the message.
        "payload": erase_payloads(connection, seal.tables, seal.practice, keys, [*addresses, *keys]),
    }


def _erase_unread(
    connection: sa.Connection, table: sa.Table, practice: str, addresses: Sequence[str], number: int
) -> dict[str, int]:
    """Delete what could not be read and says not whose it is, where it holds an address; count it with the others."""
    keys = [*table.primary_key]
    about = unread_about(connection, table, practice, addresses)
    found = [{f"of_{column.name}": row[column.name] for column in keys} for row in about]
    this = (column == sa.bindparam(f"of_{column.name}") for column in keys)
    if found:
        connection.execute(sa.delete(table).where(*this), found)
    return {"rejected": number + len(found)}


def _said_something(connection: sa.Connection, tables: LedgerTables, same: Mapping[str, str]) -> bool:
    table = tables.learnt.consent
    mine = (table.c.practice == same["practice"], table.c.patient == same["patient"])
    return connection.execute(sa.select(sa.literal(1)).select_from(table).where(*mine)).first() is not None


def _blank_all(
    connection: sa.Connection, tables: LedgerTables, seal: Seal, patient: str, now: datetime
) -> dict[str, int]:
    """Blank what may hold text: of a yes or a no its words and its proof, of a judgement what a guard said of it."""
    consent, event = tables.learnt.consent, tables.event
    said = sa.and_(consent.c.practice == seal.practice, consent.c.patient == patient)
    told = sa.and_(event.c.practice == seal.practice, event.c.patient == patient)
    return {
        "learnt_consent": blank(connection, seal, "learnt_consent", said, {"wording": "", "evidence": ""}, now),
        "event": blank(connection, seal, "event", told, {"detail": {}}, now, harmless=_of_the_machine),
        "touch": _blank_touches(connection, tables.touch, seal.practice, patient),
        "attempt": _blank_attempts(connection, tables.attempt, seal.practice, patient),
    }


def _of_the_machine(row: Mapping[str, Any]) -> bool:
    return State(row["state"]) in SPENT and set(row["detail"]) <= _MACHINE


def _blank_touches(connection: sa.Connection, table: sa.Table, practice: str, patient: str) -> int:
    columns = (table.c.key, table.c.state, table.c.detail)
    query = sa.select(*columns).where(table.c.practice == practice, table.c.patient == patient)
    found = [dict(row._mapping) for row in connection.execute(query)]
    keys = [{"of_key": row["key"]} for row in found if row["detail"] and not _of_the_machine(row)]
    update = sa.update(table).where(table.c.practice == practice, table.c.key == sa.bindparam("of_key"))
    if keys:
        connection.execute(update.values(detail={}), keys)
    return len(keys)


def _blank_attempts(connection: sa.Connection, table: sa.Table, practice: str, patient: str) -> int:
    mine = (table.c.practice == practice, table.c.patient == patient, table.c.evidence.not_in(["", _ERASED]))
    return connection.execute(sa.update(table).where(*mine).values(evidence=_ERASED)).rowcount
