"""Which account of the provider's an attempt was made with, so that no other one is asked about it."""

from __future__ import annotations

from crmkit.store.migrations.change import Change, text

revision = "0009"
down_revision = "0008"


def upgrade(change: Change) -> None:
    """Add it. Of what was handed over before it is not known: what of that is in doubt stays so."""
    change.add("attempt", text("account", default=""))
