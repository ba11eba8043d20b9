"""What a source must keep that can be asked about single patients just before they are written to."""

from __future__ import annotations

import attrs

from crmkit.errors import CrmkitError
from crmkit.records.fields import FIELDS
from crmkit.records.source import Row, Source, fetches
from crmkit.testing.fakes import Fallible, Software, Trouble
from crmkit.testing.law import Kind, law
from crmkit.testing.laws.source import put, put_rows, read, said
from crmkit.testing.samples import name_of
from crmkit.testing.trial import Broken, NotRun, Trial


def fetched(source: Source, ids: list[str]) -> tuple[list[Row], frozenset[str]]:
    """Return what a source says of some patients, and the kinds of which that is all.

    Raises:
        NotRun: If it cannot be asked.
    """
    if not fetches(source):
        raise NotRun("the source cannot be asked about single patients")
    batches = list(source.fetch(ids))
    rows = [row for batch in batches for row in batch.rows]
    return rows, frozenset(kind for batch in batches for kind in batch.whole)


def _patients(rows: tuple[Row, ...]) -> list[str]:
    return [row.id for row in rows if row.kind == "patient"]


@law(
    Kind.SOURCE,
    "Asked about patients, it says of them what a reading says, and of the kinds that it calls whole all of it.",
    mend="Build the rows of fetch and read in one function; name a kind in Batch.whole only if none of its rows is "
    "left out.",
    safety=True,
    wants=(Software,),
)
def fetch_agrees(trial: Trial[Source]) -> None:
    held = put(trial)
    asked = _patients(held)[:2]
    rows, whole = fetched(trial.thing, asked)
    mine = [row for row in read(trial.thing)[0] if row.fields.get("patient", row.id) in asked]
    trial.expect(whole <= set(FIELDS), "whole of a kind that there is not")
    trial.expect(said(rows) <= said(mine), "rows that a reading does not have, or has otherwise")
    for kind in whole | {"patient"}:
        all_of_it = said([row for row in mine if row.kind == kind])
        trial.expect(said([row for row in rows if row.kind == kind]) == all_of_it, f"not every {kind} of the patients")


@law(
    Kind.SOURCE,
    "Asked about patients, it answers as things stand now, not as they stood at the last reading.",
    mend="Ask the software itself in fetch; keep no copy.",
    safety=True,
    wants=(Software,),
)
def fetch_is_fresh(trial: Trial[Source]) -> None:
    held = put(trial)
    read(trial.thing)
    fetched(trial.thing, [held[0].id])
    fields = {**held[0].fields, "preferred": f"{name_of(1).given}-Marie"}
    put_rows(trial, (attrs.evolve(held[0], fields=fields),))
    rows, _ = fetched(trial.thing, [held[0].id])
    now = [row.fields.get("preferred") for row in rows if row.kind == "patient"]
    trial.expect(now == [fields["preferred"]], "the patient as it was before")


@law(
    Kind.SOURCE,
    "Asked about nobody, or about somebody it does not know, it yields no rows of theirs and no error.",
    mend="Leave out whom you do not find: the core writes to nobody whose own row does not come.",
    wants=(Software,),
    examples=3,
)
def fetch_of_strangers(trial: Trial[Source]) -> None:
    put(trial)
    for ids in ([], ["nobody-7"], ["nobody-7", "'; --"]):
        rows, _ = fetched(trial.thing, ids)
        trial.expect(not [row for row in rows if row.id in ids or row.fields.get("patient") in ids], "a stranger's row")


@law(
    Kind.SOURCE,
    "Where it cannot be asked, it raises an error of crmkit: silence would say that nothing has changed.",
    mend="Raise SourceError in fetch as in read.",
    safety=True,
    wants=(Software, Fallible),
    examples=3,
)
def fetch_failure_is_told(trial: Trial[Source]) -> None:
    held = put(trial)
    source = trial.again()
    fetched(source, _patients(held))
    trial.fail(Trouble.UNREACHABLE)
    try:
        rows, _ = fetched(source, _patients(held))
    except CrmkitError:
        return
    raise Broken(f"{len(rows)} rows and no error")


LAWS = (fetch_agrees, fetch_is_fresh, fetch_of_strangers, fetch_failure_is_told)
