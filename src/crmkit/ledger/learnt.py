"""What the kit itself learns: consent given or withdrawn, and addresses that do not work. No sync writes here."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from crmkit.ledger.tables import LedgerTables
from crmkit.ledger.touch import digest
from crmkit.people.consent import Consent
from crmkit.people.medium import Medium


def address_digest(practice: str, medium: Medium, value: str) -> str:
    """Return the digest under which an address is counted and suppressed; empty for no address.

    An e-mail address is compared without regard to case, as mailboxes are in practice.
    """
    return digest(practice, medium.value, value.casefold()) if value else ""


def learn_consent(connection: sa.Connection, tables: LedgerTables, practice: str, consent: Consent) -> bool:
    """Write a statement that reached the kit; False if the same statement is there already."""
    table = tables.consent
    values = {
        "practice": practice,
        "patient": consent.patient,
        "purpose": consent.purpose.value,
        "medium": consent.medium.value,
        "at": consent.at,
    }
    same = [table.c[name] == value for name, value in values.items()]
    if connection.scalar(sa.select(table.c.given).where(*same)) is not None:
        return False
    said = {"given": consent.given, "wording": consent.wording, "evidence": consent.evidence}
    connection.execute(sa.insert(table).values(**values, **said))
    return True


def suppress(
    connection: sa.Connection,
    tables: LedgerTables,
    practice: str,
    medium: Medium,
    value: str,
    reason: str,
    now: datetime,
) -> bool:
    """Stop using an address; False if it was stopped before."""
    table = tables.suppression
    address = address_digest(practice, medium, value)
    same = (table.c.practice == practice, table.c.medium == medium.value, table.c.address == address)
    if connection.scalar(sa.select(table.c.reason).where(*same)) is not None:
        return False
    row = {"practice": practice, "medium": medium.value, "address": address, "at": now, "reason": reason}
    connection.execute(sa.insert(table).values(row))
    return True
