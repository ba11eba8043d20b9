"""The tables of what the kit learnt, of what a person has stopped, and of the audit trail."""

from __future__ import annotations

from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.columns import key, optional, sealed
from crmkit.store.store import Store
from crmkit.store.types import Instant


@attrs.frozen(eq=False)
class LearntTables:
    """What no sync writes.

    Attributes:
        consent: Statements that reached the kit itself.
        suppression: Addresses that are not used any more.
        stop: What a person has paused.
        audit: The links of the audit trail.
    """

    consent: sa.Table
    suppression: sa.Table
    stop: sa.Table
    audit: sa.Table

    def sealed(self) -> tuple[sa.Table, ...]:
        """Return the tables whose rows the audit trail covers beside the events."""
        return self.consent, self.suppression


def declare_learnt(store: Store) -> LearntTables:
    """Declare the tables in the store's metadata and return them."""
    return LearntTables(
        consent=_table(
            store,
            "learnt_consent",
            ("practice", "patient", "purpose", "medium", "at"),
            key("patient"),
            key("purpose"),
            key("medium"),
            _at(),
            sa.Column("given", sa.Boolean, nullable=False),
            optional("wording"),
            optional("evidence"),
            *sealed(),
        ),
        suppression=_table(
            store,
            "suppression",
            ("practice", "medium", "address"),
            key("medium"),
            key("address"),
            _at(),
            key("reason"),
            *sealed(),
        ),
        stop=_table(store, "stop", ("practice", "campaign"), key("campaign"), _at(), key("actor")),
        audit=_audit(store),
    )


def _audit(store: Store) -> sa.Table:
    return _table(
        store,
        "audit",
        ("practice", "writer", "number"),
        key("writer"),
        sa.Column("number", sa.Integer, nullable=False),
        _at(),
        sa.Column("rows", sa.Integer, nullable=False),
        key("digest"),
        key("link"),
    )


def _at() -> sa.Column[Any]:
    return sa.Column("at", Instant, nullable=False)


def _table(store: Store, name: str, primary: tuple[str, ...], *columns: sa.Column[Any]) -> sa.Table:
    return sa.Table(
        store.name(name),
        store.metadata,
        key("practice"),
        *columns,
        sa.PrimaryKeyConstraint(*primary),
        sqlite_with_rowid=False,
        prefixes=store.prefixes,
    )
