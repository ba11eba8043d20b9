"""What every source must keep that is asked only for what has changed."""

from __future__ import annotations

import attrs

from crmkit.errors import CrmkitError
from crmkit.records.source import Row, Source
from crmkit.testing.fakes import Software
from crmkit.testing.law import Kind, law
from crmkit.testing.laws.source import put, put_rows, read, said
from crmkit.testing.samples import name_of
from crmkit.testing.trial import Trial


@law(
    Kind.SOURCE,
    "Behind its last cursor lies nothing that was not read before, while nothing changes.",
    mend="Let a cursor stand for what has been read; that of a second reading must not lie before the first.",
)
def cursor_goes_forward(trial: Trial[Source]) -> None:
    put(trial)
    found, cursor = read(trial.thing)
    later, further = read(trial.again(), cursor)
    trial.expect(said(later) <= said(found), "rows behind the cursor that were not there before")
    last, _ = read(trial.again(), further)
    trial.expect(said(last) <= said(later), "more rows behind a later cursor than behind an earlier one")


@law(
    Kind.SOURCE,
    "What changes after a reading lies behind its cursor: nothing is lost.",
    mend="Take the cursor from the rows that were read (a sequence, the newest change), never from the clock.",
    safety=True,
    wants=(Software,),
)
def nothing_lost(trial: Trial[Source]) -> None:
    held = put(trial)
    _, cursor = read(trial.thing)
    fields = {**held[0].fields, "preferred": name_of(1).given + "-Marie"}
    new = Row("patient", "P999999", {"given": "Nova", "family": name_of(5).family})
    put_rows(trial, (attrs.evolve(held[0], fields=fields), new))
    found = {(row.kind, row.id): row for row in read(trial.again(), cursor)[0]}
    changed = found.get((held[0].kind, held[0].id))
    trial.expect(changed and changed.fields.get("preferred") == fields["preferred"], "a change that is not read")
    trial.expect((new.kind, new.id) in found, "a new patient who is not read")


@law(
    Kind.SOURCE,
    "A reading that calls itself complete holds every row, whatever the cursor.",
    mend="Set complete=False where you yield only what changed: a booked visit that a complete reading lacks is gone.",
    safety=True,
)
def complete_is_whole(trial: Trial[Source]) -> None:
    put(trial)
    found, cursor = read(trial.thing)
    words, later = set[bool](), list[Row]()
    for batch in trial.again().read(cursor):
        words.add(batch.complete)
        later += batch.rows
    trial.expect(len(words) < 2, "some batches of one reading complete and some not")
    trial.expect(words != {True} or said(later) == said(found), "a complete reading with fewer rows than there are")


@law(
    Kind.SOURCE,
    "A cursor that it does not know gives everything, or an error that says so.",
    mend="Fall back to a whole reading, or raise SourceError, also where a cursor lies beyond all that there is: "
    "software that was restored from a backup counts from there again. A database may be years older than the plugin.",
)
def strange_cursor(trial: Trial[Source]) -> None:
    put(trial)
    everything = said(read(trial.thing)[0])
    for cursor in ("", "not a cursor of mine", "\x00", "9" * 40):
        try:
            found = said(read(trial.again(), cursor)[0])
        except CrmkitError:
            continue
        trial.expect(found == everything, f"fewer rows behind the cursor {cursor[:24]!r}")


LAWS = (cursor_goes_forward, nothing_lost, complete_is_whole, strange_cursor)
