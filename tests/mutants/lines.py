"""Good sources that read a file of lines, and the practice's software that writes it."""

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


class Asked(Lines):
    """Can be asked about single patients. A good source as well."""

    whole = frozenset({"patient", "visit", "consent"})

    def fetch(self, ids):
        mine = [(line, said) for line, said in self.lines() if self.of(said) in ids]
        yield Batch(tuple(self.row(said, line) for line, said in mine), whole=self.whole)

    def of(self, said):
        return said["fields"].get("patient", said["id"])


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
