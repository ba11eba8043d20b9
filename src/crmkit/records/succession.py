"""Sources that are not admitted any more: what they brought, and another that goes on with it."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from crmkit.people.patient import Status
from crmkit.records.tables import RecordTables


def left_by(
    connection: sa.Connection, tables: RecordTables, practice: str, sources: Collection[str], *, only_here: bool = False
) -> dict[str, int]:
    """Return how many patients belong to each source that is none of these.

    Args:
        connection: A transaction that reads.
        tables: The canonical tables.
        practice: The practice's id.
        sources: The sources that are admitted.
        only_here: Leave out who had left or died before.
    """
    patient = tables.patient.now
    here = [status.value for status in Status if not (only_here and status.gone)]
    mine = (patient.c.practice == practice, patient.c.source.not_in(list(sources)), patient.c.status.in_(here))
    counted = sa.select(patient.c.source, sa.func.count()).where(*mine).group_by(patient.c.source)
    return {row[0]: row[1] for row in connection.execute(counted.order_by(patient.c.source))}


def take_over(connection: sa.Connection, tables: RecordTables, practice: str, old: str, new: str) -> int:
    """Let a source go on with what another brought, and return how many patients there are.

    Of a row that both have under one id, that of the new source stays. Both cursors are forgotten, so that the next
    sync reads everything, and takes what was rejected for belonging to the other.

    Args:
        connection: A transaction that may write, in which nobody else writes the records.
        tables: The canonical tables.
        practice: The practice's id.
        old: The source that is not admitted any more.
        new: The source that goes on.
    """
    patients = 0
    for kind in tables.kinds():
        if kind is not tables.patient:
            now, other = kind.now, kind.now.alias("other")
            same = (other.c.practice == practice, other.c.source == new, other.c.id == now.c.id)
            twice = sa.exists(sa.select(1).select_from(other).where(*same).correlate(now))
            connection.execute(sa.delete(now).where(now.c.practice == practice, now.c.source == old, twice))
        for table in (kind.now, kind.was):
            mine = (table.c.practice == practice, table.c.source == old)
            done = connection.execute(sa.update(table).where(*mine).values(source=new))
            if table is tables.patient.now:
                patients = done.rowcount
    for table in (tables.source, tables.rejected):
        both = [old, new] if table is tables.source else [old]
        connection.execute(sa.delete(table).where(table.c.practice == practice, table.c.source.in_(both)))
    return patients
