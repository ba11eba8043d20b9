"""By which a row that a sync wrote is told from one that somebody slipped in."""

from __future__ import annotations

from crmkit.store.migrations.change import Change, text

revision = "0010"
down_revision = "0009"


def upgrade(change: Change) -> None:
    """Add them. What is there is stamped by the next sync that has the audit key, as it is found."""
    for table in ("patient", "contact", "consent"):
        change.add(table, text("stamp", default=""))
