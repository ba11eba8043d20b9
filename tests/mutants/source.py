"""A good source that reads what changed from a file of lines, and sources that each break one law."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from pathlib import Path

import attrs

from crmkit.errors import SourceError
from crmkit.plugins import Batch, Fault, Row
from crmkit.testing.exports import ExportFolder
from mutants.making import plugin_of


@attrs.frozen
class LinesSettings:
    """Where the software writes."""

    folder: str = ""


class Lines:
    """Reads one JSON value a line, each with the number of its change; the cursor is the last number. A good source."""

    name = "lines"
    complete = False

    def __init__(self, ctx):
        self.folder, self.log, self.clock = Path(ctx.settings.folder), ctx.log, ctx.clock

    def read(self, since):
        found = self.changed(self.number(since))
        rows = [self.row(said, line) for line, said in found]
        cursor = self.cursor([said["change"] for _, said in found], since)
        for at in range(0, max(len(rows), 1), 1000):
            yield Batch(tuple(self.order(rows)[at : at + 1000]), cursor, self.complete)

    def number(self, since):
        if since is None or since.isdecimal():
            return min(int(since or 0), 10**9)
        raise SourceError("the cursor is none of this source's", where=self.name, mend="sync from the beginning")

    def cursor(self, changes, since):
        return str(max(changes, default=self.number(since)))

    def changed(self, since):
        there = [(line, said) for line, said in self.lines() if said["change"] > since]
        # A cursor beyond the end belongs to another file: all is read.
        return there if there or since <= self.last() else list(self.lines())

    def last(self):
        return max((said["change"] for _, said in self.lines()), default=0)

    def lines(self):
        try:
            written = self.text().splitlines()
        except OSError as problem:
            raise SourceError(f"cannot be read ({type(problem).__name__})", where="rows.jsonl") from None
        return [(number, json.loads(line)) for number, line in enumerate(written, 1)]

    def text(self):
        return (self.folder / "rows.jsonl").read_text(encoding="utf-8")

    def row(self, said, line):
        return Row(said["kind"], said["id"], self.fields(said["fields"]), "rows.jsonl", line, self.faults(said))

    def fields(self, fields):
        return dict(fields)

    def faults(self, said):
        try:
            date.fromisoformat(said["fields"].get("born") or "2000-01-01")
        except ValueError:
            return (Fault("born", "is no date: write YYYY-MM-DD"),)
        return ()

    def order(self, rows):
        return sorted(rows, key=lambda row: row.kind != "patient")


class Whole(Lines):
    """Reads everything each time, and says so. A good source as well."""

    name = "whole"
    complete = True

    def read(self, since):
        for batch in super().read(None):
            yield attrs.evolve(batch, cursor=None)


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


def write(folder, rows):
    """Write rows as the software does: what is new or changed gets the next number of a change."""
    file = folder / "rows.jsonl"
    known = {}
    with suppress(FileNotFoundError):
        known = {(said["kind"], said["id"]): said for said in map(json.loads, file.read_text("utf-8").splitlines())}
    last = max((said["change"] for said in known.values()), default=0)
    for row in rows:
        said = {"kind": row.kind, "id": row.id, "fields": dict(row.fields)}
        before = known.get((row.kind, row.id))
        if before is None or before["fields"] != said["fields"]:
            last += 1
            known[row.kind, row.id] = {**said, "change": last}
    file.write_text("".join(f"{json.dumps(said)}\n" for said in known.values()), encoding="utf-8")


def software():
    """Start the practice's software."""
    return ExportFolder(write, lambda folder: {"folder": str(folder)})


def plugin(source=Lines):
    """Return a plugin with one source."""
    return plugin_of("source", source, LinesSettings)


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
}
