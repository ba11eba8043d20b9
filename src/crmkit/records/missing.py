"""Appointments that a complete reading lacks: somebody deleted them in the practice software."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from crmkit.records.intake import Intake
from crmkit.records.tables import RecordTables

#: If that many are missing, and half of all, it is the export that is not whole.
_MANY = 6


def missing_bookings(
    connection: sa.Connection, tables: RecordTables, intake: Intake, today: date
) -> tuple[list[str], str]:
    """Return the ids of booked visits, from today on, that a complete reading has not told, and a doubt, or none.

    Only those: whatever else an export leaves out, such as visits of former years or a patient's no, may well be true
    still. Without a single visit, or with one that cannot be read at all, nothing is known of any.

    Args:
        connection: A transaction that reads what is there.
        tables: The canonical tables.
        intake: What has been read, to its end.
        today: In the practice's calendar.
    """
    unread = [one.row for one in intake.rejections if one.row.kind == "visit"]
    blurred = any(not fault.field for one in intake.rejections if one.row.kind == "visit" for fault in one.faults)
    told = {id_ for kind, id_ in intake.seen if kind == "visit"} | {row.id.strip() for row in unread}
    if blurred or not told:
        return [], ""
    visit = tables.visit.now
    practice, source = intake.scope
    mine = (visit.c.practice == practice, visit.c.source == source)
    ahead = sa.select(visit.c.id).where(*mine, visit.c.status == "booked", visit.c.day >= today)
    there = [*connection.scalars(ahead)]
    gone = [id_ for id_ in there if id_ not in told]
    if len(gone) >= _MANY and 2 * len(gone) >= len(there):
        return [], f"{len(gone)} of {len(there)} coming appointments are missing, and were kept"
    return gone, ""
