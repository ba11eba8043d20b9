"""What holds for a patient just now: what was said, which addresses can be used, for whom else messages come."""

from __future__ import annotations

from datetime import date, datetime

import attrs

from crmkit.crm.stages import Stages
from crmkit.ledger.forget import when_forgotten
from crmkit.people.consent import Consent
from crmkit.people.contact import ContactPoint
from crmkit.people.medium import Medium
from crmkit.people.patient import Status
from crmkit.store.store import Connection


@attrs.frozen
class Way:
    """One address of a patient, without the address itself.

    Attributes:
        medium: By which way it leads to the patient.
        problem: Why it cannot be used, in words; empty if it can.
        others: Of an e-mail address, the other patients whose messages come to it: a family, or one person who is on
            record twice.
    """

    medium: Medium
    problem: str = ""
    others: tuple[str, ...] = ()


@attrs.frozen
class Holding:
    """What every campaign asks about a patient.

    Attributes:
        patient: The id.
        status: What the person is to the practice; None if no source speaks of such a patient any more.
        said: Every yes and no that holds, the latest first. Where nothing was said, one may write about care and
            service, and not for marketing or feedback.
        before: Every yes and no that does not hold any more, the latest first.
        ways: The addresses on record, in the order in which they are tried.
        guardian: Who gets the messages in this patient's place; empty if nobody does.
        guardian_said: Every yes and no of the guardian that holds, the latest first: it counts for what the guardian
            reads in this patient's place.
        wards: For whom else this patient gets messages.
        forgotten_at: When the patient was erased on request; None if that did not happen.
        forgotten_by: Who decided it.
    """

    patient: str
    status: Status | None = None
    said: tuple[Consent, ...] = ()
    before: tuple[Consent, ...] = ()
    ways: tuple[Way, ...] = ()
    guardian: str = ""
    guardian_said: tuple[Consent, ...] = ()
    wards: tuple[str, ...] = ()
    forgotten_at: datetime | None = None
    forgotten_by: str = ""


def holding(stages: Stages, connection: Connection, patient: str, now: datetime) -> Holding:
    """Return what holds for a patient, whom it need not know."""
    of_age = stages.planner.practice.of_age(now)
    person = stages.history.patients(connection, [patient]).get(patient)
    holds = set(stages.history.consents(connection, [patient]).values())
    said = stages.history.said(connection, patient)
    # Most software keeps the parents of those who have long grown up, and names of whom there is no row.
    young = person is not None and (person.born is None or person.born > of_age)
    named = [person.guardian] if person and young else []
    guardian = next(iter(stages.history.patients(connection, named)), "")
    heard = stages.history.consents(connection, [guardian] if guardian else [])
    erased = when_forgotten(connection, stages.tables, stages.history.practice, patient)
    return Holding(
        patient,
        status=person.status if person else None,
        said=tuple(one for one in said if one in holds),
        before=tuple(one for one in said if one not in holds),
        ways=tuple(_way(stages, connection, one, of_age) for one in person.contacts) if person else (),
        guardian=guardian,
        guardian_said=tuple(sorted(heard.values(), key=lambda one: one.at, reverse=True)),
        wards=tuple(stages.history.wards(connection, [patient], of_age)),
        forgotten_at=erased[0] if erased else None,
        forgotten_by=erased[1] if erased else "",
    )


def _way(stages: Stages, connection: Connection, point: ContactPoint, of_age: date) -> Way:
    # Telephones and doors are shared by many more.
    asks = point.value and point.medium is Medium.EMAIL
    there = stages.history.at_address(connection, point.medium, point.value, of_age) if asks else []
    return Way(point.medium, point.problem, tuple(one for one in there if one != point.owner))
