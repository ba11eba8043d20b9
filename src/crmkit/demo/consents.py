"""What patients allowed on the form at their first visit, what they refused, and what they took back later."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import attrs

from crmkit.demo.chance import Chance
from crmkit.demo.hours import SYDNEY, next_open, slots
from crmkit.demo.households import Person

NEWS = "I would like news and invitations from Bright Eyes Optometry by {medium}."
FEEDBACK = "Bright Eyes Optometry may ask me how my visit was, by e-mail."
TAKE_OFF = "Please take me off the list."
TEXTS = "No reminders by text message, please."
#: Each question of the form: purpose, medium, wording, the shares of yes and of no; the rest were never asked.
QUESTIONS = (
    ("marketing", "email", NEWS.format(medium="e-mail"), 0.85, 0.08),
    ("marketing", "sms", NEWS.format(medium="text message"), 0.38, 0.2),
    ("marketing", "post", NEWS.format(medium="post"), 0.16, 0.1),
    ("feedback", "email", FEEDBACK, 0.62, 0.12),
)
OPT_OUT = 0.06


@attrs.frozen(eq=False, repr=False)
class Statement:
    """A yes or no of one patient to one purpose by one medium."""

    patient: str
    purpose: str
    medium: str
    given: bool
    at: datetime
    wording: str
    evidence: str


def make_consents(seed: str, people: list[Person], today: date) -> list[Statement]:
    """Return all statements before today, in the order of time."""
    said: list[Statement] = []
    for person in people:
        if person.status not in ("prospective", "non-patient"):
            said += _form(person, today, Chance(seed, "consent", person.id))
    return sorted(said, key=lambda one: (one.at, one.patient))


def _form(person: Person, today: date, chance: Chance) -> list[Statement]:
    """Return what stands on a patient's form, and the later opt-outs."""
    at = _moment(next_open(person.joined), chance)
    if at.date() >= today:
        return []
    evidence = f"form F{person.number:06d}" + (", signed by guardian" if person.guardian else "")
    said: list[Statement] = []
    for purpose, medium, wording, yes, no in QUESTIONS:
        answer = chance.weighted(((yes, True), (no, False), (1 - yes - no, None)))
        if answer is not None and _has(person, medium):
            said.append(Statement(person.id, purpose, medium, answer, at, wording, evidence))
            if answer and purpose == "marketing" and chance.share(OPT_OUT):
                said += _opt_out(said[-1], today, chance)
    if person.mobile and chance.share(0.012):
        said.append(Statement(person.id, "service", "sms", False, at, TEXTS, evidence))
    return said


def _has(person: Person, medium: str) -> bool:
    return {"email": bool(person.email), "sms": bool(person.mobile)}.get(medium, True)


def _opt_out(yes: Statement, today: date, chance: Chance) -> list[Statement]:
    """Return the withdrawal of a yes some weeks to years later, or nothing where today is too near."""
    span = (today - yes.at.date()).days - 24
    if span < 1:
        return []
    day = yes.at.date() + timedelta(days=20 + chance.below(span))
    how = {"sms": "SMS reply STOP"}.get(yes.medium, chance.pick(("told reception", "letter or e-mail to the practice")))
    at = _moment(next_open(day), chance)
    if at.date() >= today:
        return []
    return [attrs.evolve(yes, given=False, at=at, wording=TAKE_OFF, evidence=f"{how}, {at.date().isoformat()}")]


def _moment(day: date, chance: Chance) -> datetime:
    """Return an instant on an open day at which somebody is at the reception desk."""
    start = datetime.combine(day, chance.pick(slots(day)), tzinfo=SYDNEY)
    return start + timedelta(minutes=chance.between(0, 25))
