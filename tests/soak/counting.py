"""What became of every touch, asked of the database and of the mail server, and whether that is as promised."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
import sqlalchemy as sa
from crew import Job

from crmkit.campaigns.reasons import in_words

#: Where something is still to happen; all else is an end.
WAITING = ("ready", "deferred", "claimed", "sending", "retry")
_LEFT = ("sent", "unknown")
_WINDOW = 100
_COLUMNS = ("engine", "window", "kills", "clock moved", "touches", "sent", "unknown", "of these taken", "in windows")
_MORE = ("twice", "next year", "seconds")

Taken = Sequence[tuple[str, str]]


@attrs.frozen
class Counted:
    """What was found.

    Attributes:
        touches: By occasion and state, how many there are.
        taken: How many messages the mail server took.
        doubted: How many of those in doubt it took.
        windows: From how many windows those in doubt are.
        twice: How many messages were one too many.
        faults: What is not as promised, in words.
    """

    touches: Mapping[tuple[str, str], int]
    taken: int = 0
    doubted: int = 0
    windows: int = 0
    twice: int = 0
    faults: tuple[str, ...] = ()
    name: str = ""
    window: int = 0
    kills: int = 0
    moved: int = 0
    seconds: float = 0.0

    @staticmethod
    def heading() -> str:
        return "  ".join((*_COLUMNS, *_MORE))

    def __str__(self) -> str:
        first, *later = sorted({occasion for occasion, _ in self.touches})
        values = (
            *(self.name, self.window or "usual", self.kills, self.moved),
            sum(number for (occasion, _), number in self.touches.items() if occasion == first),
            *(self.touches.get((first, state), 0) for state in _LEFT),
            *(self.doubted, self.windows, self.twice),
            *([self.touches.get((later[0], "sent"), 0)] if later else ["-"]),
            f"{self.seconds:.0f}",
        )
        return "  ".join(f"{value:>{len(name)}}" for name, value in zip((*_COLUMNS, *_MORE), values, strict=True))


def waiting_until(job: Job) -> datetime | None:
    """Return the earliest instant at which something can happen to a touch that waits; None if none waits.

    What is held can be taken up when its lease is over, all else once it is due.
    """
    states = ", ".join(f"'{state}'" for state in WAITING)
    query = f"SELECT min(coalesce(lease, due)) FROM crmkit_touch WHERE state IN ({states})"  # noqa: S608 - our own words
    ((at,),) = _rows(job, query)
    if at is None:
        return None
    # SQLite has no type for instants: naive UTC as text.
    return at if isinstance(at, datetime) else datetime.fromisoformat(at).replace(tzinfo=UTC)


def count(job: Job, taken: Taken, kills: int, first_year: int) -> Counted:
    """Return all counts and what is not as promised.

    Args:
        job: The run.
        taken: What the mail server took, as Message-ID and recipient.
        kills: How many processes were killed.
        first_year: How many of the messages it took before the second year began.
    """
    touches = _rows(job, "SELECT patient, occasion, key, state, reason, detail FROM crmkit_touch")
    by_id = {key: (occasion, state) for _, occasion, key, state, _, _ in touches}
    windows = _windows(job)
    # A Message-ID begins with the touch's key; behind that it has a proof.
    taken = [(one.strip("<").partition(".")[0], to) for one, to in taken]
    twice = _twice(taken[:first_year]) + _twice(taken[first_year:])
    found = Counted(Counter((occasion, state) for _, occasion, _, state, _, _ in touches))
    doubted = sum(by_id[one][1] == "unknown" for one in {one for one, _ in taken} & set(by_id))
    faults = (
        *_left_over(found),
        *_without_words(touches),
        *_untrue(by_id, {one for one, _ in taken}),
        *_doubts(windows, kills, job.window or _WINDOW),
        *_next_year(found, job.patients),
        *([f"{twice} messages were one too many"] if twice else []),
        *_trail(job),
    )
    return attrs.evolve(
        found, taken=len(taken), doubted=doubted, windows=len(windows), twice=twice, kills=kills, faults=faults
    )


def _rows(job: Job, query: str) -> list[Any]:
    engine = sa.create_engine(job.database)
    try:
        with engine.connect() as connection:
            return list(connection.exec_driver_sql(query).all())
    finally:
        engine.dispose()


def _windows(job: Job) -> dict[tuple[str, int], int]:
    """Return the windows of what is in doubt, by who wrote the intent and in which transaction, with their sizes."""
    query = (
        "SELECT e.writer, e.link, count(*) FROM crmkit_event e JOIN crmkit_touch t ON t.practice = e.practice"
        " AND t.campaign = e.campaign AND t.occasion = e.occasion AND t.patient = e.patient"
        " WHERE t.state = 'unknown' AND e.state = 'sending' GROUP BY e.writer, e.link"
    )
    return {(writer, link): number for writer, link, number in _rows(job, query)}


def _twice(taken: Taken) -> int:
    """Return how many messages of one year were more than one for their key or for their reader."""
    keys, readers = Counter(key for key, _ in taken), Counter(reader for _, reader in taken)
    return max(len(taken) - len(keys), len(taken) - len(readers))


def _left_over(found: Counted) -> Iterator[str]:
    for (occasion, state), number in sorted(found.touches.items()):
        if state not in _LEFT:
            yield f"{number} touches of {occasion} are left {state}"


def _without_words(touches: Sequence[Any]) -> Iterator[str]:
    codes = Counter()
    for _, _, _, _, reason, detail in touches:
        words = in_words(reason, json.loads(detail) if isinstance(detail, str) else detail) if reason else ""
        codes[reason] += not words or "{" in words
    for reason, number in codes.items():
        if number:
            yield f"{number} touches have no reason in words ({reason!r})"


def _untrue(by_id: Mapping[str, tuple[str, str]], taken: set[str]) -> Iterator[str]:
    """Yield what the ledger says otherwise than the mail server."""
    strangers = taken - set(by_id)
    untold = sum(by_id[one][1] not in _LEFT for one in taken - strangers)
    never = sum(state == "sent" for one, (_, state) in by_id.items() if one not in taken)
    for number, what in ((len(strangers), "belong to no touch"), (untold, "are not on record as sent or unknown")):
        if number:
            yield f"{number} messages that the mail server took {what}"
    if never:
        yield f"{never} touches are sent, yet the mail server never took them"


def _doubts(windows: Mapping[tuple[str, int], int], kills: int, most: int) -> Iterator[str]:
    by_writer: dict[str, int] = defaultdict(int)
    for writer, _ in windows:
        by_writer[writer] += 1
    worst = max(by_writer.values(), default=0)
    if worst > 1:
        yield f"one process left {worst} windows in doubt"
    if len(windows) > kills:
        yield f"{len(windows)} windows are in doubt after {kills} kills"
    if max(windows.values(), default=0) > most:
        yield f"a window in doubt has {max(windows.values())} messages, and {most} are the most"


def _next_year(found: Counted, patients: int) -> Iterator[str]:
    _, *later = sorted({occasion for occasion, _ in found.touches})
    sent = found.touches.get((later[0], "sent"), 0) if later else 0
    if sent != patients:
        yield f"next year {sent} of {patients} cards went out"


def _trail(job: Job) -> Iterator[str]:
    with job.open() as crm:
        yield from crm.audit().faults[:5]
