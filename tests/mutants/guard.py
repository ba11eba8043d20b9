"""A good guard, and guards that each break one law."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from crmkit.plugins import ALLOWED, Ruling, Verdict, defer, deny
from crmkit.testing.samples import yes
from mutants.making import plugin_of

SYDNEY = ZoneInfo("Australia/Sydney")


class Blackout:
    """Defers what is due before nine in the morning; denies cards to tagged patients. A good guard."""

    name = "blackout"

    def __init__(self, ctx=None):
        self.log = ctx.log

    def judge(self, candidates, now):
        return [self.one(candidate, now) for candidate in candidates]

    def one(self, candidate, now):
        if "vip" in candidate.patient.tags:
            return deny("vip", patient=candidate.patient.id)
        here = now.astimezone(SYDNEY)
        if here.hour >= 9:
            return ALLOWED
        return defer(here.replace(hour=9, minute=0).astimezone(UTC), "too_early")


class ShoutsItsName(Blackout):
    name = "Black Out"


class JudgesOne(Blackout):
    def judge(self, candidates, now):
        return super().judge(candidates, now)[:1]


class JudgesInWords(Blackout):
    def judge(self, candidates, now):
        return [said.reason or "allowed" for said in super().judge(candidates, now)]


class Remembers(Blackout):
    """Denies whom it has seen before."""

    def __init__(self, ctx):
        super().__init__(ctx)
        self.seen = set()

    def one(self, candidate, now):
        known = candidate.patient.id in self.seen
        self.seen.add(candidate.patient.id)
        return deny("seen_before") if known else super().one(candidate, now)


class RollsDice(Blackout):
    def one(self, candidate, now):
        return deny("bad_luck") if random.random() < 0.5 else super().one(candidate, now)


class OneForEachBatch(Blackout):
    """Allows the first of a batch only."""

    def judge(self, candidates, now):
        first, *rest = super().judge(candidates, now) or [None]
        return [first, *(deny("enough") for _ in rest)] if first else []


class ReadsTheHourAsWritten(Blackout):
    def one(self, candidate, now):
        return deny("too_late") if now.hour >= 20 else super().one(candidate, now)


class LooksAtTheClock(Blackout):
    def one(self, candidate, now):
        return deny("stale") if datetime.now(UTC) < now - timedelta(days=30_000) else super().one(candidate, now)


class Forges(Blackout):
    """Writes the consent that is missing into the candidate."""

    def one(self, candidate, now):
        forged = yes(candidate.patient, candidate.purpose, candidate.medium)
        said = {**candidate.consents, (forged.patient, forged.purpose, forged.medium): forged}
        object.__setattr__(candidate, "consents", said)
        return super().one(candidate, now)


class SortsTheBatch(Blackout):
    def judge(self, candidates, now):
        if isinstance(candidates, list):
            candidates.clear()
            return []
        return super().judge(candidates, now)


class Outranks(Blackout):
    """Says something that is milder than an allowance."""

    def one(self, candidate, now):
        return Verdict(-1, "i_insist")


class DefersToNow(Blackout):
    def one(self, candidate, now):
        return defer(now, "wait")


class DefersToYesterday(Blackout):
    def one(self, candidate, now):
        return defer(now - timedelta(days=1), "wait")


class SaysNothing(Blackout):
    def one(self, candidate, now):
        return Verdict(Ruling.DENY)


class SaysItInASentence(Blackout):
    def one(self, candidate, now):
        return deny("We are closed.")


class ShowsThePatient(Blackout):
    def one(self, candidate, now):
        return deny("vip", patient=candidate.patient)


class NamesThePatient(Blackout):
    def one(self, candidate, now):
        return deny("vip", who=candidate.patient.name.display)


class LogsThePatient(Blackout):
    def one(self, candidate, now):
        self.log.info("judging %s", candidate.patient.name.family)
        return super().one(candidate, now)


class KeepsTheLast(Blackout):
    last = None

    def one(self, candidate, now):
        self.last = candidate.patient.name.display
        return super().one(candidate, now)

    def __repr__(self):
        return f"Blackout(last={self.last!r})"


class AddsAYear(Blackout):
    def one(self, candidate, now):
        return deny("far") if candidate.stale > now.replace(year=now.year + 1) else super().one(candidate, now)


class WritesCamelCase(Blackout):
    def one(self, candidate, now):
        return deny("closed", nextDay="2026-12-27")


class ExplainsAtLength(Blackout):
    def one(self, candidate, now):
        return deny("closed", why="We are closed. " * 20)


def plugin(guard=Blackout):
    """Return a plugin with one guard."""
    return plugin_of("guard", guard)


MUTANTS = {
    "guard.declares": (ShoutsItsName,),
    "guard.one_verdict": (JudgesOne, JudgesInWords),
    "guard.same_answer_twice": (Remembers, RollsDice),
    "guard.batches_do_not_matter": (OneForEachBatch, Remembers),
    "guard.any_zone": (ReadsTheHourAsWritten,),
    "guard.asks_nothing_else": (LooksAtTheClock, RollsDice),
    "guard.changes_nothing": (Forges, SortsTheBatch),
    "guard.loosens_nothing": (Forges, Outranks),
    "guard.defers_forward": (DefersToNow, DefersToYesterday),
    "guard.says_why": (SaysNothing, SaysItInASentence, ShowsThePatient),
    "guard.no_patient_in_verdicts": (NamesThePatient,),
    "guard.no_patient_in_logs": (LogsThePatient, KeepsTheLast),
    "guard.difficult_days": (AddsAYear,),
    "guard.core_takes_it": (WritesCamelCase, ExplainsAtLength),
}
