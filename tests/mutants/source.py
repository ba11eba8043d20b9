"""Sources that each break one law."""

from __future__ import annotations

import json
from contextlib import suppress

import attrs

from crmkit.errors import SourceError
from crmkit.plugins import Batch, Fault, Row
from mutants.lines import Asked, Lines


class ShoutsItsName(Lines):
    name = "All Lines"


class InventsAKind(Lines):
    def row(self, said, line):
        kind = {"visit": "appointment"}.get(said["kind"], said["kind"])
        return attrs.evolve(super().row(said, line), kind=kind)


class InventsAField(Lines):
    def fields(self, fields):
        return {**fields, "emial": ""}


class YieldsNumbers(Lines):
    def row(self, said, line):
        return attrs.evolve(super().row(said, line), id=line)


class HasNoPlace(Lines):
    def row(self, said, line):
        return attrs.evolve(super().row(said, line), file="", line=0)


class CountsFromZero(Lines):
    def row(self, said, line):
        return attrs.evolve(super().row(said, line), line=line - 1)


class NumbersAnew(Lines):
    """Its ids are counted over all readings."""

    count = 0

    def row(self, said, line):
        self.count += 1
        return attrs.evolve(super().row(said, line), id=f"row-{self.count}")


class UsesItUp(Lines):
    def text(self):
        text = super().text()
        (self.folder / "rows.jsonl").write_text("", encoding="utf-8")
        return text


class ReadsOnePage(Lines):
    def changed(self, since):
        return super().changed(since)[:2]


class PassesOver(Lines):
    """Leaves out what it cannot read."""

    def changed(self, since):
        return [(line, said) for line, said in super().changed(since) if not self.faults(said)]


class SaysItTwice(Lines):
    def order(self, rows):
        return super().order([*rows, *rows])


class Tidies(Lines):
    def fields(self, fields):
        return {name: text.title() if name == "preferred" else text for name, text in fields.items()}


class Completes(Lines):
    def fields(self, fields):
        return {**fields, "preferred": fields.get("preferred") or fields.get("given", "")}


class Guesses(Lines):
    """Puts a day where it finds none."""

    def fields(self, fields):
        born = "1980-03-02" if self.faults({"fields": fields}) else fields.get("born", "")
        return {**fields, "born": born} if "born" in fields else fields

    def faults(self, said):
        return super().faults(said) if said["fields"].get("born") != "1980-03-02" else ()

    def row(self, said, line):
        return attrs.evolve(super().row(said, line), faults=())


class Blanks(Guesses):
    def fields(self, fields):
        return {**fields, "born": ""} if "born" in fields and self.faults({"fields": fields}) else fields


class PatientsLast(Lines):
    def order(self, rows):
        return sorted(rows, key=lambda row: row.kind == "patient")


class Rewinds(Lines):
    """Gives the first change as the cursor of a later reading."""

    def cursor(self, changes, since):
        return "0" if since else super().cursor(changes, since)


class InventsMore(Lines):
    def read(self, since):
        yield from super().read(since)
        if since:
            yield Batch((Row("patient", f"again-{since}", {"given": "Mia"}, "rows.jsonl", 1),), since, self.complete)


class ReadsTheClock(Lines):
    """Takes the cursor from the clock, in a unit in which changes are counted."""

    def cursor(self, changes, since):
        return str(int(self.clock.now().timestamp()))

    def number(self, since):
        return int(since or 0)

    def changed(self, since):
        return [(line, said) for line, said in self.lines() if said["change"] > since]


class NeverLooksAgain(Lines):
    def read(self, since):
        if since is None:
            yield from super().read(since)


class CallsAPartWhole(Lines):
    complete = True


class IsOfTwoMinds(Lines):
    def read(self, since):
        yield from super().read(since)
        yield Batch((), self.cursor([], since), complete=True)


class TakesAnyCursor(Lines):
    def number(self, since):
        return int(since) if since and since.isdecimal() else 10**6 if since else 0

    def changed(self, since):
        return [(line, said) for line, said in self.lines() if said["change"] > since]


class OneBigBatch(Lines):
    def read(self, since):
        batches = list(super().read(since))
        yield Batch(tuple(row for batch in batches for row in batch.rows), batches[-1].cursor, self.complete)


class StaysSilent(Lines):
    def text(self):
        try:
            return super().text()
        except OSError:
            return ""


class LetsItThrough(Lines):
    def lines(self):
        return [(number, json.loads(line)) for number, line in enumerate(self.text().splitlines(), 1)]


class LogsTheRow(Lines):
    def row(self, said, line):
        self.log.debug("read %s", said)
        return super().row(said, line)


class QuotesTheValue(Lines):
    def faults(self, said):
        return tuple(Fault(one.field, f"{one.reason} ({said['fields']['family']})") for one in super().faults(said))


class KeepsTheLast(Lines):
    last = ""

    def row(self, said, line):
        self.last = said
        return super().row(said, line)

    def __repr__(self):
        return f"Lines({self.last})"


class FetchesHalf(Asked):
    """Calls visits whole, and leaves them out."""

    def fetch(self, ids):
        for batch in super().fetch(ids):
            yield attrs.evolve(batch, rows=tuple(row for row in batch.rows if row.kind != "visit"))


class FetchesOtherwise(Asked):
    def fetch(self, ids):
        for batch in super().fetch(ids):
            rows = [attrs.evolve(row, fields={**row.fields, "city": ""}) for row in batch.rows]
            yield attrs.evolve(batch, rows=tuple(rows))


class FetchesFromMemory(Asked):
    kept = None

    def lines(self):
        self.kept = self.kept or super().lines()
        return self.kept


class StumblesOverStrangers(Asked):
    def fetch(self, ids):
        known = {said["id"] for _, said in self.lines()}
        if set(ids) - known:
            raise KeyError("who is that?")
        yield from super().fetch(ids)


class InventsStrangers(Asked):
    def fetch(self, ids):
        yield Batch(tuple(Row("patient", one, {"given": "Mia"}, "rows.jsonl", 1) for one in ids))


class KeepsQuiet(Asked):
    def fetch(self, ids):
        with suppress(SourceError):
            yield from super().fetch(ids)


MUTANTS = {
    "source.declares": (ShoutsItsName,),
    "source.canonical": (InventsAKind, InventsAField, YieldsNumbers),
    "source.tells_the_place": (HasNoPlace, CountsFromZero),
    "source.same_twice": (NumbersAnew, UsesItUp),
    "source.every_row_once": (ReadsOnePage, PassesOver, SaysItTwice),
    "source.as_found": (Tidies, Completes),
    "source.no_guessing": (Guesses, Blanks, PassesOver),
    "source.patients_first": (PatientsLast,),
    "source.cursor_goes_forward": (Rewinds, InventsMore),
    "source.nothing_lost": (ReadsTheClock, NeverLooksAgain),
    "source.complete_is_whole": (CallsAPartWhole, IsOfTwoMinds),
    "source.strange_cursor": (TakesAnyCursor,),
    "source.bounded_batches": (OneBigBatch,),
    "source.failure_is_told": (StaysSilent, LetsItThrough),
    "source.no_patient_told": (LogsTheRow, QuotesTheValue, KeepsTheLast),
    "source.fetch_agrees": (FetchesHalf, FetchesOtherwise),
    "source.fetch_is_fresh": (FetchesFromMemory,),
    "source.fetch_of_strangers": (StumblesOverStrangers, InventsStrangers),
    "source.fetch_failure_is_told": (KeepsQuiet, FetchesFromMemory),
}
