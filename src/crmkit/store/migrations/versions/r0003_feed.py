"""Which transitions were written together, by which the feed tells each once; an index that SQLite can use."""

from __future__ import annotations

from crmkit.store.migrations.change import Change, big, document, instant, text

revision = "0003"
down_revision = "0002"

#: What was written before is entered by a thousand, in the order of its time.
_BEFORE = """
    INSERT INTO {s}{p}entry (practice, id, at, position, moves)
    SELECT practice, place + 1, max(at), place + 1, TOLD
    FROM (
        SELECT event.practice, event.at, event.number, touch.key,
               (row_number() OVER (PARTITION BY event.practice ORDER BY event.at, touch.key, event.number) - 1)
               / 1000 AS place
        FROM {s}{p}event AS event
        JOIN {s}{p}touch AS touch
        ON touch.practice = event.practice AND touch.campaign = event.campaign
        AND touch.occasion = event.occasion AND touch.patient = event.patient
        ORDER BY event.practice, event.at, touch.key, event.number
    ) AS moved
    GROUP BY practice, place
"""
_SQLITE = _BEFORE.replace("TOLD", "json_group_array(json_array(key, number))")
_POSTGRESQL = _BEFORE.replace("TOLD", "json_agg(json_build_array(key, number) ORDER BY at, key, number)")


def upgrade(change: Change) -> None:
    """Add them."""
    change.create(
        "entry",
        text("practice"),
        big("id"),
        instant("at"),
        big("position", empty=True),
        document("moves"),
        key=("practice", "id"),
        rowid=False,
    )
    change.index("entry", "position", ["practice", "position"], unique=True)
    change.run(sqlite=[_SQLITE], postgresql=[_POSTGRESQL])
    change.drop_index("heard", "waits")
    change.index("heard", "waits", ["practice"], where="waits", sqlite_where="waits = 1")
