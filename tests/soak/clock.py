"""Ask a great many times when a message may leave, and check each answer by an oracle of its own.

    python tests/soak/clock.py --pairs 1000000 --seed 1

The oracle reads the rules as data and looks at wall clocks; it shares nothing with the library but the data of the
time zones and of the public holidays. A third of the questions is asked close to a change of clocks, a sixth close
to a feast.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import re
import sys
import time
import tomllib
import zoneinfo
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import holidays

from crmkit.campaigns.openings import ON_ITS_WAY, Openings
from crmkit.hours.closed import Closed
from crmkit.hours.hours import Hours, Opening
from crmkit.hours.rule import known_rules
from crmkit.hours.week import Week
from crmkit.hours.where import Whereabouts
from crmkit.people.medium import Medium, Purpose

FIRST, LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
ZONES = tuple(sorted(zoneinfo.available_timezones() - {"Factory", "localtime", "posixrules"}))
COUNTRIES = ("AU", "CA", "CH", "CO", "DE", "ES", "FR", "GB", "IT", "JP", "KR", "NZ", "RE", "US", "US", "US", "XX", "ZA")
REGIONS = {"US": ("", "CT", "FL", "IL", "LA", "TX", "WA"), "AU": ("", "NSW", "WA"), "DE": ("", "BY")}
WEEKS = (
    "",
    "",
    "Mon-Fri 08:00-18:00",
    "Mon-Fri 09:00-10:00",
    "Tue, Thu 00:00-24:00, Sat 02:00-03:00",
    "Sun 01:30-02:30",
)
QUIET = ("", "", "12-24..01-02", "02-29, 2026-03-29, 2026-04-05", "2025-10-20..2025-11-09", "public holidays, 12-24")
MINUTE = timedelta(minutes=1)
FEASTS = tuple(
    datetime(year, *day, tzinfo=UTC)
    for year in range(2020, 2030)
    for day in ((1, 2), (4, 25), (5, 1), (7, 14), (12, 26))
)


@attrs.frozen
class Question:
    """One thing to ask."""

    practice: int
    to: Whereabouts
    purpose: Purpose
    medium: Medium
    at: datetime
    until: datetime


@attrs.frozen
class Setting:
    """A practice, in the words of the oracle."""

    zone: str
    country: str
    region: str
    week: str
    quiet: str


@cache
def rules() -> list[dict[str, Any]]:
    """Return the rules as their file says."""
    return tomllib.loads((files("crmkit.hours") / "rules.toml").read_text(encoding="utf-8"))["rule"]


@cache
def table(week: str) -> dict[int, list[tuple[str, str]]]:
    """Return the hours of a line of text as HH:MM texts by weekday."""
    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    hours: dict[int, list[tuple[str, str]]] = {number: [] for number in range(7)}
    waiting: list[int] = []
    for piece in week.split(", "):
        for first, last in re.findall(r"([A-Z][a-z]{2})(?:-([A-Z][a-z]{2}))?", piece):
            waiting += range(days.index(first), days.index(last or first) + 1)
        times = re.findall(r"(\d\d:\d\d)-(\d\d:\d\d)", piece)
        if times:
            for number in waiting:
                hours[number] += times
            waiting = []
    return hours


def within(week: str, wall: datetime) -> bool:
    """Tell whether a wall clock shows open hours, comparing HH:MM as texts."""
    shown = wall.strftime("%H:%M")
    return not week or any(start <= shown < end for start, end in table(week)[wall.weekday()])


@cache
def public(country: str, region: str, year: int) -> frozenset[date]:
    known = holidays.list_supported_countries()
    if country not in known:
        return frozenset()
    subdivision = region if region in known[country] else None
    return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year))


def quiet(days: str, day: date) -> bool:
    """Tell whether a date is in quiet days, comparing texts."""
    for piece in filter(None, days.replace("public holidays", "").split(", ")):
        first, _, last = piece.partition("..")
        last = last or first
        shown = day.isoformat()[-len(first) :]
        if first <= shown <= last or (last < first and (shown >= first or shown <= last)):
            return True
    return False


@lru_cache(maxsize=100_000)
def speaking(zone: str, country: str, region: str, purpose: str, medium: str, day: date) -> list[dict[str, Any]]:
    """Return the rules to keep in one zone of one country on one day."""
    own, general = [], []
    for rule in rules():
        if purpose not in rule["purposes"] or medium not in rule["media"] or rule.get("since", day) > day:
            continue
        if "*" in rule["countries"]:
            general.append(rule)
        elif country in rule["countries"]:
            wanted = rule.get("region")
            if not wanted or (region == wanted if region else zone in rule["zones"]):
                own.append(rule)
    return own or general


def is_open(practice: Setting, question: Question, at: datetime) -> bool:
    """The oracle: tell whether a message may leave at an instant, place by place and rule by rule."""
    wall = at.astimezone(ZoneInfo(practice.zone))
    if not within(practice.week, wall) or quiet(practice.quiet, wall.date()):
        return False
    free = public(practice.country, practice.region, wall.year) if "public holidays" in practice.quiet else ()
    if wall.date() in free:
        return False
    to = question.to
    away = {(z, c, "") for z in to.zones or (practice.zone,) for c in to.countries or (practice.country,)}
    home = (practice.zone, practice.country, practice.region)
    known = bool(to.zones or to.countries)
    places = (away if known else set()) | ({home} if to.home or not known else set())
    for zone, country, region in places:
        wall = at.astimezone(ZoneInfo(zone))
        for rule in speaking(zone, country, region, question.purpose, question.medium, wall.date()):
            where = rule.get("region") or region
            if rule.get("holidays") and wall.date() in public(country, where, wall.year):
                return False
            if not within(rule["week"], wall):
                return False
    return True


@cache
def changes(zone: str) -> tuple[datetime, ...]:
    """Return days within which a zone's clocks change; those that change back within three weeks are left out."""
    clock, weeks = ZoneInfo(zone), [FIRST + timedelta(weeks=3 * number) for number in range(174)]
    found = []
    for early, late in itertools.pairwise(weeks):
        before = early.astimezone(clock).utcoffset()
        if late.astimezone(clock).utcoffset() != before:
            days = [early + timedelta(days=number) for number in range(1, 22)]
            after = next(day for day in days if day.astimezone(clock).utcoffset() != before)
            found.append(after - timedelta(days=1))
    return tuple(found)


def settings(chance: random.Random, count: int) -> list[Setting]:
    """Draw practices."""
    drawn = []
    for _ in range(count):
        country = chance.choice(COUNTRIES)
        region = chance.choice(REGIONS.get(country, ("",)))
        drawn.append(Setting(chance.choice(ZONES), country, region, chance.choice(WEEKS), chance.choice(QUIET)))
    return drawn


def opened(practice: Setting) -> Hours:
    """Return the library's value for a practice."""
    return Hours(
        practice.zone,
        practice.country,
        practice.region,
        Week.parse(practice.week),
        Closed.parse(practice.quiet),
        _kit_rules(),
    )


_kit_rules = cache(known_rules)


def ask(chance: random.Random, practices: list[Setting]) -> Question:
    """Draw one question."""
    number = chance.randrange(len(practices))
    zones = tuple(chance.sample(ZONES, chance.choice((0, 1, 1, 1, 2, 3))))
    countries = tuple(dict.fromkeys(chance.choices(COUNTRIES, k=chance.choice((0, 1, 1, 2)))))
    kind = chance.random()
    near = changes(chance.choice((*zones, practices[number].zone))) if kind < 1 / 3 else FEASTS if kind < 1 / 2 else ()
    start, span = (chance.choice(near) - timedelta(days=1), 3 * 86400) if near else (FIRST, 3651 * 86400)
    at = start + timedelta(seconds=chance.randrange(span), microseconds=chance.choice((0, 0, 1, 999_999)))
    until = at + timedelta(hours=chance.choice((1, 12, 24 * 4, 24 * 14)))
    to = Whereabouts(zones, countries, chance.random() < 0.5)
    return Question(number, to, chance.choice(list(Purpose)), chance.choice(list(Medium)), at, until)


def faults(practice: Setting, question: Question, opening: Opening, chance: random.Random) -> Iterator[str]:
    """Yield what is wrong with an answer."""
    answer, end = opening.at, opening.at or question.until
    if answer is not None:
        if not question.at <= answer < question.until:
            yield "answered outside of the time asked for"
        if not is_open(practice, question, answer):
            yield "answered an instant that is not open"
    if answer == question.at:
        return
    before = [end - MINUTE, end - timedelta(microseconds=1), question.at]
    before += [question.at + chance.random() * (end - question.at) for _ in range(4)]
    if any(question.at <= moment < end and is_open(practice, question, moment) for moment in before):
        yield "an earlier instant was open"


def hasty(practice: Setting, question: Question, openings: Openings) -> Iterator[str]:
    """Yield what is wrong with the answer that leaves a message time to arrive, where it could leave at once."""
    about = (question.to, question.purpose, question.medium, question.at, question.until)
    answer, arrives = openings.next(*about).at, question.at + ON_ITS_WAY
    if answer is not None and not is_open(practice, question, answer):
        yield "deferred to an instant that is not open"
    if answer == question.at and arrives < question.until and not is_open(practice, question, arrives):
        yield "would arrive when it is shut"


def run(seed: int, count: int) -> tuple[Counter[str], list[str]]:
    """Ask and check so many times; return the counts and the first faults."""
    chance = random.Random(seed)
    practices = settings(chance, 40)
    hours = [opened(practice) for practice in practices]
    openings = [Openings(book) for book in hours]
    counts: Counter[str] = Counter()
    found: list[str] = []
    for _ in range(count):
        asked = ask(chance, practices)
        book = hours[asked.practice]
        opening = book.next_open(asked.to, asked.purpose, asked.medium, asked.at, asked.until)
        counts["never in time" if opening.at is None else opening.code or "open at once"] += 1
        practice = practices[asked.practice]
        wrong = list(faults(practice, asked, opening, chance))
        if opening.at == asked.at:
            wrong += hasty(practice, asked, openings[asked.practice])
        if book.open_at(asked.to, asked.purpose, asked.medium, asked.at) != is_open(practice, asked, asked.at):
            wrong.append("open_at disagrees")
        if wrong and len(found) < 3:
            found.append(f"{'; '.join(wrong)}: {practice} {asked} {opening}")
        counts["faults"] += bool(wrong)
    return counts, found


def main() -> int:
    """Run it on all cores and print the counts; return 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began, size = time.monotonic(), min(10_000, options.pairs)
    sizes = [size] * (options.pairs // size) + ([options.pairs % size] if options.pairs % size else [])
    counts: Counter[str] = Counter()
    found: list[str] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(run, options.seed * 1_000_003 + number, many) for number, many in enumerate(sizes)]
        for done, job in enumerate(as_completed(jobs), 1):
            more, wrong = job.result()
            counts += more
            found += wrong
            if sys.stdout.isatty():
                print(f"\r{done / len(jobs):4.0%}", end="", flush=True)
    if sys.stdout.isatty():
        print("\r", end="")
    for what, many in sorted(counts.items()):
        print(f"{what:>14} {many:>9}")
    for fault in found[:10]:
        print(fault)
    print(f"{options.pairs} questions, {counts['faults']} faults, {time.monotonic() - began:.0f} s")
    return 1 if counts["faults"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
