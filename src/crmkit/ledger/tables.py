"""The ledger's tables: campaigns by version, touches and their history, attempts, and what the kit learnt."""

from __future__ import annotations

import attrs
import sqlalchemy as sa

from crmkit.ledger.state import SPENT
from crmkit.store.store import Store
from crmkit.store.types import Instant, Money


@attrs.frozen(eq=False)
class LedgerTables:
    """The ledger's tables of one store."""

    campaign: sa.Table
    touch: sa.Table
    event: sa.Table
    attempt: sa.Table
    consent: sa.Table
    suppression: sa.Table


def declare_ledger(store: Store) -> LedgerTables:
    """Declare the ledger's tables in the store's metadata and return them."""
    return LedgerTables(
        campaign=_campaign(store),
        touch=_touch(store),
        event=_event(store),
        attempt=_attempt(store),
        consent=_consent(store),
        suppression=_suppression(store),
    )


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _optional(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _campaign(store: Store) -> sa.Table:
    return sa.Table(
        store.name("campaign"),
        store.metadata,
        _key("practice"),
        _key("id"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("definition", sa.JSON, nullable=False),
        sa.Column("current", sa.Boolean, nullable=False),
        sa.Column("added_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("practice", "id", "version"),
        prefixes=store.prefixes,
    )


def _touch(store: Store) -> sa.Table:
    touch = sa.Table(
        store.name("touch"),
        store.metadata,
        _key("practice"),
        _key("campaign"),
        _key("occasion"),
        _key("patient"),
        _key("key"),
        sa.Column("version", sa.Integer, nullable=False),
        _key("message"),
        _key("purpose"),
        _key("medium"),
        _key("recipient"),
        # The address itself stays in the records; its digest is enough to count what one inbox gets.
        _optional("address"),
        _key("state"),
        _key("reason"),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("due", Instant, nullable=False),
        sa.Column("stale", Instant, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        _optional("arm"),
        _optional("household"),
        _optional("carried_by"),
        sa.Column("cost", Money),
        _optional("owner"),
        sa.Column("lease", Instant),
        sa.Column("changed_at", Instant, nullable=False),
        sa.Column("sent_at", Instant),
        # practice x patient x campaign x occasion: one touch, whatever plans run.
        sa.PrimaryKeyConstraint("practice", "campaign", "occasion", "patient"),
        sqlite_with_rowid=False,
        prefixes=store.prefixes,
    )
    _index(touch)
    return touch


def _index(touch: sa.Table) -> None:
    spent = touch.c.state.in_([state.value for state in SPENT])
    sa.Index(f"{touch.name}_key", touch.c.practice, touch.c.key, unique=True)
    # practice x patient x message type x occasion, from sending on: a renamed campaign sends no second card.
    sa.Index(
        f"{touch.name}_once",
        touch.c.practice,
        touch.c.patient,
        touch.c.message,
        touch.c.occasion,
        unique=True,
        sqlite_where=spent,
        postgresql_where=spent,
    )
    sa.Index(f"{touch.name}_state_due", touch.c.practice, touch.c.state, touch.c.due)
    sa.Index(f"{touch.name}_patient_sent", touch.c.practice, touch.c.patient, touch.c.sent_at)
    sa.Index(f"{touch.name}_sent", touch.c.practice, touch.c.sent_at)
    sa.Index(f"{touch.name}_fresh", touch.c.practice, touch.c.campaign, touch.c.stale)
    sa.Index(f"{touch.name}_message", touch.c.practice, touch.c.message, touch.c.occasion, touch.c.patient)


def _event(store: Store) -> sa.Table:
    return sa.Table(
        store.name("event"),
        store.metadata,
        _key("practice"),
        _key("key"),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", Instant, nullable=False),
        _optional("was"),
        _key("state"),
        _key("reason"),
        sa.Column("detail", sa.JSON, nullable=False),
        _key("actor"),
        sa.PrimaryKeyConstraint("practice", "key", "number"),
        sqlite_with_rowid=False,
        prefixes=store.prefixes,
    )


def _attempt(store: Store) -> sa.Table:
    return sa.Table(
        store.name("attempt"),
        store.metadata,
        _key("practice"),
        _key("key"),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", Instant, nullable=False),
        _key("channel"),
        _key("message_id"),
        _key("digest"),
        _optional("outcome"),
        _optional("reference"),
        _optional("evidence"),
        sa.Column("answered_at", Instant),
        sa.PrimaryKeyConstraint("practice", "key", "number"),
        sqlite_with_rowid=False,
        prefixes=store.prefixes,
    )


def _consent(store: Store) -> sa.Table:
    return sa.Table(
        store.name("learnt_consent"),
        store.metadata,
        _key("practice"),
        _key("patient"),
        _key("purpose"),
        _key("medium"),
        sa.Column("at", Instant, nullable=False),
        sa.Column("given", sa.Boolean, nullable=False),
        _optional("wording"),
        _optional("evidence"),
        sa.PrimaryKeyConstraint("practice", "patient", "purpose", "medium", "at"),
        sqlite_with_rowid=False,
        prefixes=store.prefixes,
    )


def _suppression(store: Store) -> sa.Table:
    return sa.Table(
        store.name("suppression"),
        store.metadata,
        _key("practice"),
        _key("medium"),
        _key("address"),
        sa.Column("at", Instant, nullable=False),
        _key("reason"),
        sa.PrimaryKeyConstraint("practice", "medium", "address"),
        sqlite_with_rowid=False,
        prefixes=store.prefixes,
    )
