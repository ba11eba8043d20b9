"""What is said before the first sending of all: by then a wrong database can still be told from a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crmkit.crm.crm import CRM


def first_of_all(crm: CRM) -> str:
    """Return what a person ought to know while the ledger has never sent anything; empty if it has.

    A database, a prefix or a practice's id that is mistyped is an empty ledger, and looks like that of a new practice.
    """
    if crm.status().last_sent is not None:
        return ""
    return (
        f"Nothing was ever sent for practice {crm.practice.id} by this database:\n  {crm.place}\n"
        "What was sent by another one is not known here, and would leave once more."
    )
