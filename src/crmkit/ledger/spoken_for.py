"""For whom else a patient's messages speak: one copy goes to an address that several patients share."""

from __future__ import annotations

import sqlalchemy as sa

from crmkit.ledger.ledger import Ledger
from crmkit.ledger.touch import Touch
from crmkit.people.medium import Medium, Purpose


def spoken_for(
    connection: sa.Connection, ledger: Ledger, patient: str, purpose: Purpose, medium: Medium
) -> frozenset[str]:
    """Return the other patients whose last message of a purpose by a medium was a copy that went to this one.

    Whoever got a copy of their own since then has an address of their own, and is not among them.
    """
    table = ledger.tables.touch
    same = table.c.purpose == purpose.value, table.c.medium == medium.value
    copies = ledger.touches(connection, table.c.patient == patient, table.c.sent_at.is_not(None), *same)
    keys = {copy.key for copy in copies}
    addresses = sorted({copy.address for copy in copies if copy.address})
    there = ledger.touches(connection, table.c.address.in_(addresses), table.c.carried_by != "", *same)
    others = {touch.patient for touch in there if touch.carried_by in keys} - {patient}
    return frozenset(other for other in others if _last(connection, ledger, other, same).carried_by in keys)


def _last(connection: sa.Connection, ledger: Ledger, patient: str, same: tuple[sa.ColumnElement[bool], ...]) -> Touch:
    table = ledger.tables.touch
    reached = sa.or_(table.c.sent_at.is_not(None), table.c.carried_by != "")
    return max(
        ledger.touches(connection, table.c.patient == patient, reached, *same), key=lambda one: (one.due, one.key)
    )
