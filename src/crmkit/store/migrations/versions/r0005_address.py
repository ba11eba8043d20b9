"""An index that leads to the latest touches of an address, however many it had over the years."""

from __future__ import annotations

from crmkit.store.migrations.change import Change

revision = "0005"
down_revision = "0004"


def upgrade(change: Change) -> None:
    """Put it in the place of one that leads to all of them."""
    change.drop_index("touch", "address")
    change.index("touch", "address", ["practice", "address", "stale"])
