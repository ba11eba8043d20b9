"""For how many messages a channel's last turn was, so that turns of several sizes keep its limit."""

from __future__ import annotations

from crmkit.store.migrations.change import Change, number

revision = "0007"
down_revision = "0006"


def upgrade(change: Change) -> None:
    """Add it."""
    change.add("pace", number("messages", default="0"))
