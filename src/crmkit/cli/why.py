"""One patient: what holds, what was sent, what is to come, and why or why not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

import attrs
import click

from crmkit.cli import show
from crmkit.cli.options import DONE, Given, common, day_option
from crmkit.cli.preview import iso, local

if TYPE_CHECKING:
    from crmkit.crm.answers import Answer
    from crmkit.crm.holding import Holding
    from crmkit.people.consent import Consent
    from crmkit.practice import Practice

#: The order in which they are told, whatever order the database has.
_PURPOSES, _MEDIA = ("marketing", "feedback", "service", "care"), ("email", "sms", "post", "phone")
_UNSAID = (
    "where nothing was said: may be written to about appointments and care (service, care), not about news\n"
    "  or for an opinion (marketing, feedback)"
)


@click.command()
@click.argument("patient")
@day_option
@common()
def why(given: Given, patient: str, through: date | None) -> int:
    """Tell where each campaign stands with a patient, and why."""
    with given.crm() as crm:
        found, holds, practice = crm.why(patient, through), crm.holds(patient), crm.practice
    if given.as_json:
        told = [attrs.asdict(one) | {"due": iso(one.due, practice)} for one in found]
        show.say_json({"patient": patient, "answers": told, "holds": _document(holds, practice)})
        return DONE
    for one in found:
        _say_answer(one, practice, patient)
    if not found:
        show.say("There is no campaign.\n")
    _say_holds(holds, practice)
    return DONE


def _say_answer(one: Answer, practice: Practice, patient: str) -> None:
    show.say(f"{one.campaign}, {one.occasion}" if one.occasion else one.campaign)
    show.say(f"  {one.words}")
    if one.due:
        show.say(f"  due {local(one.due, practice)}")
    if one.purpose and one.medium:
        reader = "" if one.recipient in ("", patient) else f", to {one.recipient}, who reads for this patient"
        show.say(f"  {one.purpose.value} by {one.medium.value}{reader}")
    if one.state and not one.state.is_judgement:
        show.say(f"  key {one.key}")
    for line in one.history:
        show.say(f"  - {line}")
    show.say()


def _say_holds(holds: Holding, practice: Practice) -> None:
    show.say(f"What holds for {holds.patient}:")
    if holds.forgotten_at:
        show.say(f"  erased on request, by {holds.forgotten_by} at {local(holds.forgotten_at, practice)}")
    if holds.status is None:
        show.say("  not in the records any more")
        return
    gone = ": nothing is sent" if holds.status.value == "deceased" else ""
    show.say(f"  status {holds.status.value}{gone}")
    for line in said_in_words(holds.said, practice):
        show.say(f"  {line}")
    for line in said_in_words(holds.before, practice):
        show.say(f"  before that: {line}")
    show.say(f"  {_UNSAID}")
    _say_ways(holds)
    if holds.guardian:
        show.say(f"  guardian {holds.guardian}: reads messages for this patient as long as the patient is a minor")
        for line in said_in_words(holds.guardian_said, practice):
            show.say(f"  the guardian {line}")
    if holds.wards:
        show.say(f"  guardian of {', '.join(holds.wards)}: their messages come here, see crmkit why for each")


def _say_ways(holds: Holding) -> None:
    for way in holds.ways:
        show.say(f"  {way.medium.value}: {f'cannot be used: {way.problem}' if way.problem else 'can be used'}")
        if way.others:
            show.say(f"  messages for {', '.join(way.others)} come there too: a family, or one person twice")
    if not holds.ways:
        show.say("  no address on record")


def said_in_words(said: Iterable[Consent], practice: Practice) -> list[str]:
    """Return what was said, one line for what was said at once."""
    groups: dict[tuple[Any, ...], list[Consent]] = defaultdict(list)
    for one in said:
        groups[one.at, one.given, one.evidence, one.wording].append(one)
    return [_line(some, practice) for some in groups.values()]


def _line(some: list[Consent], practice: Practice) -> str:
    first = some[0]
    purposes = " and ".join(sorted({one.purpose.value for one in some}, key=_PURPOSES.index))
    media = ", ".join(sorted({one.medium.value for one in some}, key=_MEDIA.index))
    proof = first.evidence or ("crmkit" if first.learnt else "the practice software")
    words = f': "{first.wording}"' if first.wording else ""
    given = "yes" if first.given else "no"
    # A form has a date, and no hour: midnight is what became of it.
    at = local(first.at, practice).removesuffix(" 00:00")
    return f"said {given} to {purposes} by {media}, {at} ({proof}){words}"


def _document(holds: Holding, practice: Practice) -> dict[str, Any]:
    return {
        "status": holds.status,
        "said": [_statement(one, practice) for one in holds.said],
        "before": [_statement(one, practice) for one in holds.before],
        "addresses": [{"medium": one.medium.value, "problem": one.problem, "others": one.others} for one in holds.ways],
        "guardian": holds.guardian,
        "guardian_said": [_statement(one, practice) for one in holds.guardian_said],
        "wards": holds.wards,
        "forgotten_at": iso(holds.forgotten_at, practice),
        "forgotten_by": holds.forgotten_by,
    }


def _statement(one: Consent, practice: Practice) -> dict[str, Any]:
    return {
        "purpose": one.purpose.value,
        "medium": one.medium.value,
        "given": one.given,
        "at": iso(one.at, practice),
        "wording": one.wording,
        "evidence": one.evidence,
        "learnt": one.learnt,
    }
