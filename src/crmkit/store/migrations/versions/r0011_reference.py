"""An index that leads from what a provider calls a message to the message, and what waits for that name."""

from __future__ import annotations

from crmkit.store.migrations.change import Change, texts

revision = "0011"
down_revision = "0010"


def upgrade(change: Change) -> None:
    """Add them."""
    change.index("attempt", "reference", ["practice", "reference"], where="reference != ''")
    change.add("heard", *texts("reference named wishes", default=""))
