"""What the kit itself learns: consent, addresses that fail, and what a person stopped. No sync writes here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from crmkit.ledger.audit import Seal
from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.touch import digest
from crmkit.people.consent import Consent
from crmkit.people.medium import Medium


def address_digest(practice: str, medium: Medium, value: str) -> str:
    """Return the digest under which an address is counted and suppressed; empty for no address.

    An e-mail address is compared without regard to case, as mailboxes are in practice.
    """
    return digest(practice, medium.value, value.casefold()) if value else ""


def learn_consent(connection: sa.Connection, tables: LedgerTables, practice: str, consent: Consent, seal: Seal) -> bool:
    """Write a statement that reached the kit; False if the same statement is there already."""
    same = {
        "practice": practice,
        "patient": consent.patient,
        "purpose": consent.purpose.value,
        "medium": consent.medium.value,
        "at": consent.at,
    }
    said = {"given": consent.given, "wording": consent.wording, "evidence": consent.evidence}
    return written_once(connection, tables.learnt.consent, same, {**said, **seal.columns()})


def suppress(
    connection: sa.Connection,
    tables: LedgerTables,
    practice: str,
    medium: Medium,
    address: str,
    reason: str,
    now: datetime,
    seal: Seal,
) -> bool:
    """Stop using an address, given by its digest; False if it was stopped before."""
    same = {"practice": practice, "medium": medium.value, "address": address}
    return written_once(connection, tables.learnt.suppression, same, {"at": now, "reason": reason, **seal.columns()})


def written_once(connection: sa.Connection, table: sa.Table, same: dict[str, Any], more: dict[str, Any]) -> bool:
    """Write a row unless there is one of the same key; tell whether it was written."""
    where = [table.c[name] == value for name, value in same.items()]
    if connection.scalar(sa.select(sa.literal(1)).select_from(table).where(*where)) is not None:
        return False
    connection.execute(sa.insert(table).values(**same, **more))
    return True


def stops(connection: sa.Connection, tables: LedgerTables, practice: str) -> frozenset[str]:
    """Return the campaigns that a person has paused; an empty text stands for all."""
    table = tables.learnt.stop
    return frozenset(connection.scalars(sa.select(table.c.campaign).where(table.c.practice == practice)))


def stop(
    connection: sa.Connection,
    tables: LedgerTables,
    practice: str,
    campaign: str,
    actor: str,
    now: datetime,
) -> bool:
    """Pause a campaign, or everything for an empty text; False if it was paused before."""
    same = {"practice": practice, "campaign": campaign}
    return written_once(connection, tables.learnt.stop, same, {"at": now, "actor": actor})


def resume(connection: sa.Connection, tables: LedgerTables, practice: str, campaigns: Sequence[str]) -> bool:
    """Let paused campaigns go on; False if none of them was paused."""
    table = tables.learnt.stop
    done = connection.execute(sa.delete(table).where(table.c.practice == practice, table.c.campaign.in_(campaigns)))
    return bool(done.rowcount)
