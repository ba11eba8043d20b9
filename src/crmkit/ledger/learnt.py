"""What the kit itself learns: consent, addresses that fail, and what a person stopped. No sync writes here."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress as suppressed
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.decided import Decided, Decision, decide
from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.touch import digest
from crmkit.ledger.trail.seal import Seal
from crmkit.people.consent import Consent
from crmkit.people.medium import Medium


def address_digest(practice: str, medium: Medium, value: str) -> str:
    """Return the digest under which an address is counted and suppressed; empty for no address.

    An e-mail address is compared without regard to case, as mailboxes are in practice.
    """
    return digest(practice, medium.value, value.casefold()) if value else ""


def learn_consent(connection: sa.Connection, seal: Seal, consent: Consent) -> bool:
    """Write a statement that reached the kit; False if the same statement is there already."""
    same = {
        "practice": seal.practice,
        "patient": consent.patient,
        "purpose": consent.purpose.value,
        "medium": consent.medium.value,
        "at": consent.at,
    }
    said = {"given": consent.given, "wording": consent.wording, "evidence": consent.evidence}
    return written_once(connection, seal.tables.learnt.consent, same, {**said, **seal.columns()})


def suppress(connection: sa.Connection, seal: Seal, medium: Medium, address: str, reason: str, now: datetime) -> bool:
    """Stop using an address, given by its digest; False if it is stopped already."""
    return _changed(connection, seal, medium, address, {"at": now, "reason": reason})


def use_again(connection: sa.Connection, seal: Seal, medium: Medium, address: str, actor: str, now: datetime) -> bool:
    """Let an address, given by its digest, be used again; False if it is not stopped."""
    return _changed(connection, seal, medium, address, {"at": now, "actor": actor})


def _changed(connection: sa.Connection, seal: Seal, medium: Medium, address: str, change: Mapping[str, Any]) -> bool:
    """Write that an address is stopped, if the change has a reason, or used again; False if it is so already."""
    table = seal.tables.learnt.suppression
    mine = (table.c.practice == seal.practice, table.c.medium == medium.value, table.c.address == address)
    query = sa.select(table.c.number, table.c.reason).where(*mine).order_by(table.c.number.desc()).limit(1)
    last = connection.execute(query).first()
    if bool(last and last.reason) == ("reason" in change):
        return False
    whose = {"practice": seal.practice, "medium": medium.value, "address": address}
    number = last.number + 1 if last else 1
    connection.execute(sa.insert(table).values(**whose, number=number, **change, **seal.columns()))
    return True


def suppressed_since(
    connection: sa.Connection, tables: LedgerTables, practice: str, since: datetime
) -> list[tuple[Medium, str, str]]:
    """Return the addresses that were stopped at an instant or after it and still are: medium, digest and reason.

    One from which a complaint came is left out, whatever it was stopped for first.
    """
    table, heard = tables.learnt.suppression, tables.learnt.heard
    complaints = sa.select(heard.c.address).where(heard.c.practice == practice, heard.c.kind == "complained")
    complained = set(connection.scalars(complaints))
    query = sa.select(table.c.medium, table.c.address, table.c.reason, table.c.at).where(table.c.practice == practice)
    last = {(row.medium, row.address): row for row in connection.execute(query.order_by(table.c.number))}
    stopped_then = [row for row in last.values() if row.reason and row.at >= since and row.address not in complained]
    return [(Medium(row.medium), row.address, row.reason) for row in stopped_then]


def written_once(connection: sa.Connection, table: sa.Table, same: dict[str, Any], more: dict[str, Any]) -> bool:
    """Write a row unless there is one of the same key; tell whether it was written."""
    where = [table.c[name] == value for name, value in same.items()]
    if connection.scalar(sa.select(sa.literal(1)).select_from(table).where(*where)) is not None:
        return False
    # Who writes the same at the same time is waited for here, and then was first.
    with suppressed(sa.exc.IntegrityError), connection.begin_nested():
        connection.execute(sa.insert(table).values(**same, **more))
        return True
    return False


@attrs.frozen
class Stop:
    """What a person has stopped.

    Attributes:
        campaign: The campaign's id; empty for all sending.
        at: Since when.
        by: Who decided it.
    """

    campaign: str
    at: datetime
    by: str


def stopped(connection: sa.Connection, tables: LedgerTables, practice: str) -> list[Stop]:
    """Return what is stopped just now: all sending first, then campaigns by id."""
    table = tables.learnt.stop
    query = sa.select(table.c.campaign, table.c.at, table.c.actor).where(table.c.practice == practice)
    return sorted((Stop(*row) for row in connection.execute(query)), key=lambda one: one.campaign)


def stop(connection: sa.Connection, seal: Seal, campaign: str, actor: str, now: datetime) -> bool:
    """Pause a campaign, or everything for an empty text; False if it was paused before."""
    same = {"practice": seal.practice, "campaign": campaign}
    # Before it is there, for whatever holds already may have to be sealed as it is found.
    decide(connection, seal)
    if not written_once(connection, seal.tables.learnt.stop, same, {"at": now, "actor": actor}):
        return False
    decide(connection, seal, Decision(Decided.STOPPED, campaign, now, actor))
    return True


def resume(connection: sa.Connection, seal: Seal, campaign: str, actor: str, now: datetime) -> bool:
    """Let a paused campaign go on, or everything for an empty text; False if it was not paused."""
    table = seal.tables.learnt.stop
    mine = (table.c.practice == seal.practice, table.c.campaign == campaign)
    decide(connection, seal)
    done = connection.execute(sa.delete(table).where(*mine))
    if done.rowcount:
        decide(connection, seal, Decision(Decided.RESUMED, campaign, now, actor))
    return bool(done.rowcount)
