"""What happened in three years: visits, missed appointments, recalls, bookings, and those who silently stay away."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import attrs

from crmkit.clock import add_months
from crmkit.demo.chance import Chance
from crmkit.demo.hours import SYDNEY, Diary, next_open, slots, staff
from crmkit.demo.households import Person
from crmkit.demo.people import window_start

EYE_TEST = "eye test"
LENS_CHECK = "contact lens check"
COLLECTION = "spectacle collection"
ADJUSTMENT = "adjustment"
#: Days from the due date to the visit: few come early, most within weeks, some many months late.
DELAYS = ((18, (-35, 0)), (42, (1, 45)), (25, (46, 150)), (15, (151, 420)))


@attrs.define(eq=False, repr=False)
class Visit:
    """One appointment or call at the practice.

    Attributes:
        collection: For an eye test at which spectacles were ordered, the visit at which they are fetched.
        id: Given when all visits are known, in the order of time.
    """

    patient: str
    at: datetime
    status: str
    kind: str
    practitioner: str
    collection: Visit | None = None
    id: str = ""


@attrs.frozen(eq=False, repr=False)
class Recall:
    """When a patient is due for the next eye test, and what has become of it."""

    patient: str
    type: str
    interval: int
    due: date
    status: str


@attrs.define(eq=False, repr=False)
class History:
    """The visits and recalls of all patients, each in the order of time."""

    visits: list[Visit] = attrs.field(factory=list)
    recalls: list[Recall] = attrs.field(factory=list)


def make_history(seed: str, people: list[Person], today: date) -> History:
    """Return what happened to these patients in the three years before today, and what is booked from today on."""
    history, diary = History(), Diary(staff(len(people)))
    for person in people:
        chance = Chance(seed, "history", person.id)
        _live(_Life(person, today, chance, diary, history, chance.below(len(diary.practitioners))))
    history.visits.sort(key=lambda visit: (visit.at, visit.patient, visit.kind))
    history.recalls.sort(key=lambda recall: (recall.due, recall.patient))
    for number, visit in enumerate(history.visits, start=1):
        visit.id = f"V{number:07d}"
    return history


@attrs.frozen(eq=False, repr=False)
class _Life:
    """One patient's course through the three years; `usual` is the number of the practitioner they mostly see."""

    person: Person
    today: date
    chance: Chance
    diary: Diary
    history: History
    usual: int

    @property
    def end(self) -> date:
        """The day from which nothing more is attended."""
        gone = self.person.status_date if self.person.status != "prospective" else None
        return min(gone or self.today, self.today)

    def attends(self, day: date) -> bool:
        """Tell whether the patient is still there on a day, which may lie ahead."""
        return self.end == self.today or day < self.end

    @property
    def leaving(self) -> float:
        """The share of patients who silently stay away after a visit."""
        return 0.1 if self.person.guardian else 0.13


def _live(life: _Life) -> None:
    if life.person.status == "non-patient":
        return
    if life.person.status == "prospective":
        if life.chance.share(0.6):
            _appointment(life, life.today + timedelta(days=life.chance.between(1, 25)), EYE_TEST)
        return
    new = life.person.joined >= window_start(life.today)
    last = _welcome(life) if new else _resume(life)
    leaving = 0.24 if new else life.leaving
    while last is not None:
        last = _next(life, last, _return_day(life, add_months(last, life.person.interval), leaving))
        leaving = life.leaving
    _leftover(life)


def _welcome(life: _Life) -> date | None:
    """Return the day of a new patient's first eye test, or None where it is still to come."""
    visit = _eye_test(life, life.person.joined)
    return visit.at.date() if visit.status == "completed" else None


def _resume(life: _Life) -> date | None:
    """Return the day of an older patient's first eye test within the three years, or None for who stays away.

    The three years begin at any point between the last eye test and the next one.
    """
    person, start = life.person, window_start(life.today)
    if life.chance.share(0.16):
        return _lapsed(life, start)
    gap = person.interval * 30.44 + _delay(life.chance)
    last = max(person.joined, start - timedelta(days=1 + int(life.chance.fraction() * gap)))
    return _next(life, last, max(start, last + timedelta(days=int(gap))))


def _lapsed(life: _Life, start: date) -> date | None:
    """Return the day on which a patient who had stayed away comes back by themselves, mostly None."""
    ago = timedelta(days=int(life.person.interval * 30.44) + life.chance.between(60, 700))
    last = max(life.person.joined, start - ago)
    back = start + timedelta(days=life.chance.below(1080))
    late = max(back, add_months(last, life.person.interval + 9))
    return _next(life, last, late if life.chance.share(0.35) else None)


def _next(life: _Life, last: date, day: date | None) -> date | None:
    """Enter what lies between the last eye test and the next one, and return the day of that.

    Args:
        life: Whose.
        last: The day of the last eye test.
        day: The day meant for the next one, or None for who stays away.

    Returns:
        The day of the next eye test, or None where the course breaks off or reaches today.
    """
    due = add_months(last, life.person.interval)
    _lens_checks(life, last, min(day or last, life.end))
    if day is None or next_open(day) >= life.end:
        booked = day is not None and life.person.status == "active" and _booked(life, day)
        _recall(life, due, "booked" if booked else _open(life.person))
        return None
    _missed(life, day)
    visit = _eye_test(life, day)
    _recall(life, due, "done")
    return visit.at.date()


def _return_day(life: _Life, due: date, leaving: float) -> date | None:
    """Return the day on which the patient comes again: around the due date, long after it, or never."""
    chance = life.chance
    if chance.share(leaving):
        if chance.share(0.25):
            return due + timedelta(days=chance.between(300, 900))
        if chance.share(0.15):
            _missed(life, due, 1.0)
        return None
    return due + timedelta(days=_delay(chance))


def _delay(chance: Chance) -> int:
    return chance.between(*chance.weighted(DELAYS))


def _booked(life: _Life, day: date) -> bool:
    """Tell whether a visit meant for a day to come is booked already, and if so enter it."""
    if not (day < life.today + timedelta(days=100) and life.chance.share(0.8)):
        return False
    _appointment(life, max(day, life.today), EYE_TEST)
    return True


def _eye_test(life: _Life, day: date) -> Visit:
    """Return an eye test, with what often follows: new spectacles to fetch, a frame to adjust."""
    visit, chance = _appointment(life, day, EYE_TEST), life.chance
    wears = chance.share(0.24 if life.person.guardian else 0.47)
    adjusted = chance.share(0.07)
    fetched = next_open(visit.at.date() + timedelta(days=chance.between(6, 16)))
    adjustment = next_open(visit.at.date() + timedelta(days=chance.between(20, 200)))
    if visit.status == "completed" and wears and life.attends(fetched):
        visit.collection = _drop_in(life, fetched, COLLECTION)
    if visit.status == "completed" and adjusted and adjustment < life.end:
        _drop_in(life, adjustment, ADJUSTMENT)
    return visit


def _lens_checks(life: _Life, last: date, until: date) -> None:
    """Enter the half-yearly checks of those who wear contact lenses, up to a month before the next eye test."""
    if "contact-lenses" not in life.person.tags:
        return
    for months in range(6, 37, 6):
        check = add_months(last, months)
        comes = life.chance.share(0.65) and window_start(life.today) <= check
        if comes and next_open(check) < until - timedelta(days=30):
            _appointment(life, check, LENS_CHECK)


def _missed(life: _Life, day: date, share: float = 0.17) -> None:
    """Enter, in some cases, an appointment before the day that was cancelled or to which nobody came."""
    earlier = day - timedelta(days=life.chance.between(3, 24))
    status = life.chance.pick(("no-show", "no-show", "cancelled", "cancelled", "cancelled"))
    if not life.chance.share(share):
        return
    if window_start(life.today) <= earlier and next_open(earlier) < life.end:
        _appointment(life, earlier, EYE_TEST).status = status


def _leftover(life: _Life) -> None:
    """Leave, in some cases, a booking in the diary that nobody took out when the patient had died."""
    died = life.person.status_date if life.person.status == "deceased" else None
    if died and died > life.today - timedelta(days=400) and life.chance.share(0.5):
        _appointment(life, life.today + timedelta(days=life.chance.between(2, 70)), EYE_TEST)


def _appointment(life: _Life, day: date, kind: str) -> Visit:
    """Enter an appointment with a practitioner; from today on it is booked, before that it took place."""
    at, practitioner = life.diary.book(day, life.chance, life.usual)
    return _enter(life, at, kind, practitioner)


def _drop_in(life: _Life, day: date, kind: str) -> Visit:
    """Enter a visit, on an open day, to the dispensary: it needs no practitioner's time."""
    at: time = life.chance.pick(slots(day))
    return _enter(life, datetime.combine(day, at, tzinfo=SYDNEY), kind, "dispensary")


def _enter(life: _Life, at: datetime, kind: str, practitioner: str) -> Visit:
    status = "completed" if at.date() < life.today else "booked"
    visit = Visit(life.person.id, at, status, kind, practitioner)
    life.history.visits.append(visit)
    return visit


def _recall(life: _Life, due: date, status: str) -> None:
    person = life.person
    diabetic = "diabetes" in person.tags and person.interval == 12
    kind = f"child {EYE_TEST}" if person.guardian else f"diabetic {EYE_TEST}" if diabetic else EYE_TEST
    life.history.recalls.append(Recall(person.id, kind, person.interval, due, status))


def _open(person: Person) -> str:
    return "open" if person.status == "active" else "cancelled"
