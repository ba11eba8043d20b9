"""A patient's no that reached the kit itself: written once for one wish, and in force whatever a sync says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from crmkit.ledger.history import History
from crmkit.ledger.learnt import learn_consent
from crmkit.ledger.trail.seal import Seal
from crmkit.people.consent import Consent
from crmkit.people.medium import Medium, Purpose

#: Said again so soon, it is the same wish: a button is pressed twice, a mail provider repeats its call.
_SAME_WISH = timedelta(hours=1)


def refuse(
    connection: sa.Connection,
    history: History,
    seal: Seal,
    wishes: Sequence[tuple[str, Purpose]],
    medium: Medium,
    at: datetime,
    evidence: str,
) -> int:
    """Write down that patients said no to purposes by a medium; return how many of the wishes were new.

    Args:
        connection: A transaction that may write.
        history: What holds now.
        seal: Seals what is written.
        wishes: Patient and purpose of each.
        medium: By which way nobody may write any more.
        at: When it was said, in UTC.
        evidence: Where the proof lies.
    """
    standing = history.consents(connection, sorted({patient for patient, _ in wishes}))
    new = 0
    for patient, purpose in sorted(set(wishes)):
        if _same(standing.get((patient, purpose, medium)), at):
            continue
        said = Consent(patient, purpose, medium, False, at, "", evidence, learnt=True)
        new += learn_consent(connection, seal, said)
    return new


def _same(standing: Consent | None, at: datetime) -> bool:
    return standing is not None and standing.learnt and not standing.given and abs(at - standing.at) < _SAME_WISH
