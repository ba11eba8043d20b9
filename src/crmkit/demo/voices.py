"""What patients say about the practice: to the practice, and to their friends."""

from __future__ import annotations

from datetime import date, timedelta

import attrs

from crmkit.demo.chance import Chance
from crmkit.demo.consents import Statement
from crmkit.demo.history import EYE_TEST, Visit
from crmkit.demo.households import Person

#: Out of ten, how likely one is to recommend the practice, by how common the answer is.
SCORES = ((44, 10), (22, 9), (14, 8), (8, 7), (4, 6), (3, 5), (1, 4), (1.5, 3), (1, 2), (0.5, 1), (1, 0))
SCALE = 10
GLAD = (
    "Lovely staff, as always.", "Everything was explained so that I could follow it.", "Seen on time. Thank you!",
    "The kids felt at home straight away.", "Very happy with the new frames.", "They even fixed my old pair.",
    "Best coffee of any waiting room.", "Kind and patient with my mother.",
)  # fmt: skip
SO_SO = ("Good, but I waited twenty minutes.", "Fine. Parking is hard to find.", "Frames are a bit dear.")
CROSS = (
    "My glasses came a week late and nobody rang.", "Felt rushed.", "Could not get through on the phone.",
    "The new lenses still feel odd.",
)  # fmt: skip


@attrs.frozen(eq=False, repr=False)
class Answer:
    """One patient's answer to the question how the visit was."""

    patient: str
    day: date
    score: int
    comment: str


@attrs.frozen(eq=False, repr=False)
class Word:
    """A recommendation: who came, who sent them, and when they first came."""

    patient: str
    referrer: str
    day: date


def make_feedback(seed: str, visits: list[Visit], said: list[Statement], today: date) -> list[Answer]:
    """Return the answers of those who agreed to be asked, in the order of time."""
    willing = {one.patient for one in said if one.purpose == "feedback" and one.given}
    answers = [
        _answer(visit, Chance(seed, "feedback", visit.id))
        for visit in visits
        if visit.kind == EYE_TEST and visit.status == "completed" and visit.patient in willing
    ]
    given = [answer for answer in answers if answer is not None and answer.day < today]
    return sorted(given, key=lambda answer: (answer.day, answer.patient))


def _answer(visit: Visit, chance: Chance) -> Answer | None:
    if not chance.share(0.17):
        return None
    score = chance.weighted(SCORES)
    comments = GLAD if score > 8 else SO_SO if score > 6 else CROSS
    comment = chance.pick(comments) if chance.share(0.45) else ""
    return Answer(visit.patient, visit.at.date() + timedelta(days=chance.between(1, 6)), score, comment)


def make_referrals(people: list[Person]) -> list[Word]:
    """Return the recommendations that brought a patient, in the order of time."""
    came = [person for person in people if person.referrer and person.status not in ("prospective", "non-patient")]
    return [Word(person.id, person.referrer, person.joined) for person in came]
