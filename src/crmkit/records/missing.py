"""What a complete reading lacks: an appointment or recall to come was deleted, and of a patient nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import attrs
import sqlalchemy as sa

from crmkit.people.patient import Status
from crmkit.records.intake import Intake

#: If that many are missing, and half of all, it is the export that is not whole.
_MANY = 6
#: What lies ahead, by kind: its states, the column with its day, and what a person calls it.
_AHEAD = {
    "visit": (("booked",), "day", "appointments"),
    "recall": (("open", "booked"), "due", "recalls"),
}


@attrs.frozen
class Missing:
    """What a complete reading lacks of one kind.

    Attributes:
        kind: The kind.
        ids: The rows, none if they are in doubt.
        doubt: Why they are kept all the same; empty if they are not.
    """

    kind: str
    ids: tuple[str, ...] = ()
    doubt: str = ""


def missing_ahead(connection: sa.Connection, intake: Intake, today: date) -> Iterator[Missing]:
    """Yield what of today or later a complete reading has not told, though the source had told it before.

    Only that: whatever else an export leaves out, such as visits of former years or a patient's no, may well be true
    still. Without a single row of the kind, or with one that cannot be read at all, nothing is known of any.

    Args:
        connection: A transaction that reads what is there.
        intake: What has been read, to its end.
        today: In the practice's calendar.
    """
    for kind, (_, _, called) in _AHEAD.items():
        told = _told(intake, kind)
        if not told:
            continue
        there = _there(connection, kind, intake, today)
        gone = tuple(id_ for id_ in there if id_ not in told)
        if len(gone) >= _MANY and 2 * len(gone) >= len(there):
            yield Missing(kind, doubt=f"{len(gone)} of {len(there)} {called} to come are missing, and were kept")
        elif gone:
            yield Missing(kind, gone)


def missing_patients(connection: sa.Connection, intake: Intake) -> int:
    """Return how many patients of the source a complete reading has not told, but for those who had left before.

    An export may leave out who has not come for years, and just those are to be won back. So nobody is taken away.
    """
    # Nothing is done about them: so it is told of an export that broke off amid a row, too.
    told, patient = _came(intake, "patient"), intake.records.tables.patient.now
    if not told or not any(source == intake.source and id_ not in told for id_, source in intake.owners.items()):
        return 0
    practice, source = intake.scope
    here = [status.value for status in Status if not status.gone]
    mine = (patient.c.practice == practice, patient.c.source == source, patient.c.status.in_(here))
    return sum(id_ not in told for id_ in connection.scalars(sa.select(patient.c.id).where(*mine)))


def _told(intake: Intake, kind: str) -> set[str]:
    """Return the ids of the rows that came, also of those that cannot be used; none if one cannot be read at all."""
    rejected = [one for one in intake.rejections if one.row.kind == kind]
    if any(not fault.field for one in rejected for fault in one.faults):
        return set()
    return _came(intake, kind)


def _came(intake: Intake, kind: str) -> set[str]:
    rejected = {one.row.id.strip() for one in intake.rejections if one.row.kind == kind}
    return {id_ for of, id_ in intake.seen if of == kind} | rejected


def _there(connection: sa.Connection, kind: str, intake: Intake, today: date) -> list[str]:
    (states, day, _), (practice, source) = _AHEAD[kind], intake.scope
    table = intake.records.tables.kind(kind).now
    mine = (table.c.practice == practice, table.c.source == source)
    return [*connection.scalars(sa.select(table.c.id).where(*mine, table.c.status.in_(states), table.c[day] >= today))]
