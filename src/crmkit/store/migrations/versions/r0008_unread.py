"""Whose row it is that could not be read, so that a sending finds out at once."""

from __future__ import annotations

from crmkit.store.migrations.change import Change, text

revision = "0008"
down_revision = "0007"


def upgrade(change: Change) -> None:
    """Add it, and fill it in for the rows that wait already."""
    change.add("rejected", text("patient", default=""))
    # The characters by which Python's strip() shortens what a source may have had around an id.
    change.run(
        sqlite=[
            """UPDATE {p}rejected SET patient = trim(
                CASE kind WHEN 'patient' THEN row_id ELSE coalesce(json_extract("row", '$.patient'), '') END,
                ' ' || char(9, 10, 11, 12, 13, 160))"""
        ],
        postgresql=[
            """UPDATE {s}{p}rejected SET patient = btrim(
                CASE kind WHEN 'patient' THEN row_id ELSE coalesce("row" ->> 'patient', '') END,
                E' \\t\\n\\x0B\\f\\r' || chr(160))"""
        ],
    )
    change.index("rejected", "patient", ["practice", "patient"])
