"""Answers to a person's questions about one patient: what would go out, and why or why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from crmkit.campaigns.broken import Broken
from crmkit.campaigns.judge import Judged
from crmkit.campaigns.plan import explain
from crmkit.campaigns.reasons import in_words
from crmkit.clock import day_start
from crmkit.crm.stages import Stages
from crmkit.errors import CrmkitError, MissingField, NotFound
from crmkit.ledger.forget import when_forgotten
from crmkit.ledger.state import State
from crmkit.ledger.touch import Touch
from crmkit.messages.message import Message
from crmkit.messages.mime import to_bytes
from crmkit.people.medium import Medium, Purpose
from crmkit.store.store import Connection


@attrs.frozen
class Preview:
    """What a patient would receive of one campaign.

    Attributes:
        touch: The touch, judged now.
        why: Its state and reason in words.
        message: The message as `send` would hand it over at this instant; None if it cannot be written.
    """

    touch: Touch
    why: str
    message: Message | None = attrs.field(repr=False)

    @property
    def goes(self) -> bool:
        """Tell whether it would leave when it is due."""
        return self.touch.state is State.READY

    @property
    def raw(self) -> bytes:
        """The bytes that a channel for e-mail hands over; empty without a message or for other media."""
        mail = self.message is not None and self.message.medium is Medium.EMAIL
        return to_bytes(self.message) if mail and self.message else b""


@attrs.frozen
class Answer:
    """Where one campaign stands with one patient.

    Attributes:
        campaign: The campaign's id.
        occasion: The occasion, empty if there is none now.
        state: The touch's state, None if there is no touch.
        words: State and reason in words.
        due: When it may leave, None if there is no touch.
        history: What happened to the touch so far, oldest first, in words and in the practice's time.
        key: The touch's key, with which the Message-ID of its mail begins; empty if there is no touch.
        purpose: Why one may write, None if there is no touch.
        medium: By which way, None if there is no touch.
        recipient: Who reads it: the patient's own id, or the guardian's; empty if there is no touch.
    """

    campaign: str
    occasion: str
    state: State | None
    words: str
    due: datetime | None = None
    history: tuple[str, ...] = ()
    key: str = ""
    purpose: Purpose | None = None
    medium: Medium | None = None
    recipient: str = ""


def preview(stages: Stages, connection: Connection, patient: str, through: date, now: datetime) -> list[Preview]:
    """Return what a patient is due, each rendered if it can be.

    Raises:
        NotFound: If there is no such patient.
    """
    _must_exist(stages, connection, patient)
    judged = stages.planner.of_patient(connection, patient, through, now)
    broken = stages.planner.broken(connection)
    kept = _kept_back(stages, connection, broken, _written(stages, connection, patient), now)
    end = day_start(through + timedelta(days=1), stages.planner.practice.zone)
    waiting = [Preview(touch, explain(touch), None) for touch in kept if touch.due < end]
    found = [*(_preview(stages, one, now) for one in judged), *waiting]
    return sorted(found, key=lambda one: one.touch.due)


def why(stages: Stages, connection: Connection, patient: str, through: date, now: datetime) -> list[Answer]:
    """Return where each campaign stands with a patient, judged now, the ledger's touches with their history.

    Raises:
        NotFound: If there is no such patient and never was.
    """
    written = _written(stages, connection, patient)
    if not written:
        _must_exist(stages, connection, patient)
    due = _due(stages, connection, patient, through, now, written)
    # A name may have been mended, or a no have been said, since the last plan; what has left stays as it is.
    judged = {touch.key: touch for touch in due if touch.state.is_judgement}
    broken = stages.planner.broken(connection)
    judged |= {touch.key: touch for touch in _kept_back(stages, connection, broken, written, now)}
    past = stages.ledger.histories(connection, [touch.key for touch in written])
    zone = stages.planner.practice.zone
    answers = [
        _answer(judged.get(touch.key, touch), [_line(event, zone) for event in past[touch.key]]) for touch in written
    ]
    told = {(touch.campaign, touch.occasion) for touch in written}
    answers += [_answer(touch) for touch in due if (touch.campaign, touch.occasion) not in told]
    # What was said of an earlier occasion does not tell why there is none now.
    covered = {touch.campaign for touch in (*written, *due) if touch.stale > now}
    there = stages.history.patients(connection, [patient])
    for campaign in sorted(broken.keys() - covered):
        told_of = f"the campaign cannot be planned: {broken[campaign].problem.problem}"
        answers.append(Answer(campaign, "", None, told_of))
    for version in stages.programme.versions(connection):
        if version.campaign.id not in covered and version.campaign.id not in broken:
            failing = stages.planner.members.failing(connection, version.campaign, patient, now)
            words = f"not in the segment: fails {'; '.join(failing)}" if failing else f"no occasion due until {through}"
            words = words if there else "the patient is not in the records any more"
            answers.append(Answer(version.campaign.id, "", None, words))
    return answers


def _kept_back(
    stages: Stages, connection: Connection, broken: Mapping[str, Broken], written: Sequence[Touch], now: datetime
) -> list[Touch]:
    """Return those of a patient's touches that wait for a campaign to be mended, as they stand now."""
    again = stages.planner.judged_again(connection, written)
    mine = [touch for touch in written if touch.campaign in broken and touch.key in again and touch.stale > now]
    return [broken[touch.campaign].keep_back(touch, now) for touch in mine]


def known(stages: Stages, connection: Connection, patient: str) -> bool:
    """Tell whether there is such a patient, or was."""
    return bool(stages.history.patients(connection, [patient]) or _written(stages, connection, patient))


def _written(stages: Stages, connection: Connection, patient: str) -> list[Touch]:
    return stages.ledger.touches(connection, stages.tables.touch.c.patient == patient)


def _due(
    stages: Stages, connection: Connection, patient: str, through: date, now: datetime, written: Sequence[Touch]
) -> list[Touch]:
    """Return what is due until a date, and what was planned beyond it, all judged now."""
    due = [one.touch for one in stages.planner.of_patient(connection, patient, through, now)]
    planned = {touch.key: touch for touch in written if touch.state.is_judgement and touch.stale > now}
    further = planned.keys() - {touch.key for touch in due}
    if not further:
        return due
    last = max(stages.planner.practice.today(planned[key].due) for key in further)
    beyond = stages.planner.of_patient(connection, patient, last, now) if last > through else ()
    return due + [one.touch for one in beyond if one.touch.key in further]


def _preview(stages: Stages, judged: Judged, now: datetime) -> Preview:
    words = explain(judged.touch)
    if judged.candidate.recipient is None or judged.candidate.contact is None:
        return Preview(judged.touch, words, None)
    try:
        return Preview(judged.touch, words, stages.renderer.render(judged.draft(), now))
    except MissingField as problem:
        # That is why it is held, and is said already.
        told = words if judged.touch.state is State.HELD else f"{words}; {problem.problem}"
        return Preview(judged.touch, told, None)
    except CrmkitError as problem:
        return Preview(judged.touch, f"{words}; {problem.problem}", None)


def _must_exist(stages: Stages, connection: Connection, patient: str) -> None:
    if patient in stages.history.patients(connection, [patient]):
        return
    if when_forgotten(connection, stages.tables, stages.history.practice, patient):
        raise NotFound(f"patient {patient} was erased on request: no message is written any more")
    raise unknown_patient(patient)


def unknown_patient(patient: str) -> NotFound:
    """Return what is said where a patient's id names nobody."""
    return NotFound(
        f"there is no patient {patient}",
        mend="give the id as it stands in the practice software, or look for its row in crmkit rejected",
    )


def _answer(touch: Touch, history: Iterable[str] = ()) -> Answer:
    ground = (touch.key, touch.purpose, touch.medium, touch.recipient)
    return Answer(touch.campaign, touch.occasion, touch.state, explain(touch), touch.due, tuple(history), *ground)


def _line(event: Mapping[str, Any], zone: ZoneInfo) -> str:
    at = event["at"].astimezone(zone)
    return f"{at:%Y-%m-%d %H:%M} {event['state']}: {in_words(event['reason'], event['detail'])} ({event['actor']})"
