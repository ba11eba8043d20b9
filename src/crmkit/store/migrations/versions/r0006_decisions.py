"""What was decided about the programme, for good; and on what ground each attempt was made."""

from __future__ import annotations

from crmkit.store.migrations.change import Change, instant, number, text, texts

revision = "0006"
down_revision = "0005"


def upgrade(change: Change) -> None:
    """Add them. What was decided before is written down with the next decision."""
    change.create(
        "decision",
        text("practice"),
        number("number"),
        instant("at"),
        *texts("what campaign"),
        number("version", default="0"),
        *texts("digest actor writer", default=""),
        number("link", default="0"),
        key=("practice", "number"),
        rowid=False,
    )
    change.index("decision", "link", ["practice", "writer", "link"], where="link > 0")
    change.add("attempt", number("version", default="0"), *texts("recipient address", default=""))
