"""What every source must keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import attrs

from crmkit.errors import CrmkitError, PluginError
from crmkit.plugins.owned.source import OwnedFetchingSource, owned_source
from crmkit.records.fields import FIELDS, unknown_field
from crmkit.records.source import Batch, Row, Source
from crmkit.testing.fakes import Fallible, Software, Trouble
from crmkit.testing.law import Kind, law
from crmkit.testing.strategies.rows import rows
from crmkit.testing.trial import Broken, NotRun, Trial

#: "A few thousand": more rows than this at once are too many to hold.
MOST_ROWS = 5_000


def put(trial: Trial[Source], *, odd: bool = False) -> tuple[Row, ...]:
    """Let the practice's software hold some rows, and return them; none where the fake cannot be written to."""
    if not isinstance(trial.home.fake, Software):
        return ()
    drawn: tuple[Row, ...] = trial.draw(rows(odd=odd))
    put_rows(trial, drawn)
    return drawn


def put_rows(trial: Trial[Source], drawn: tuple[Row, ...]) -> None:
    """Let the practice's software hold these rows."""
    try:
        trial.software.put(drawn)
    except NotImplementedError:
        raise NotRun("the fake cannot hold such rows") from None


def read(source: Source, since: str | None = None) -> tuple[list[Row], str | None]:
    """Return all rows of a source and the last cursor that it gave."""
    found, cursor = list[Row](), since
    for batch in source.read(since):
        found += batch.rows
        cursor = batch.cursor or cursor
    return found, cursor


def said(rows: list[Row]) -> Counter[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """Return what rows say, without where they stood and in no order; a blank field is as good as none."""
    return Counter(
        (row.kind, row.id, tuple(sorted((name, text) for name, text in row.fields.items() if text))) for row in rows
    )


@law(
    Kind.SOURCE,
    "It has a name, the same each time, under which its rows are kept.",
    mend='Make name a plain attribute such as "acme"; a new name would make all its rows new.',
    examples=1,
)
def declares(trial: Trial[Source]) -> None:
    trial.expect_named()


@law(
    Kind.SOURCE,
    "It yields batches of rows of known kinds, with known fields and texts as values.",
    mend="Yield Batch(rows); name fields as docs/how-to/map-an-export.md does, and turn every value into text.",
)
def canonical(trial: Trial[Source]) -> None:
    put(trial, odd=True)
    for batch in trial.thing.read(None):
        trial.expect(isinstance(batch, Batch), f"a {type(batch).__name__} where a Batch is wanted")
        for row in batch.rows:
            _check_row(trial, row)


def _check_row(trial: Trial[Source], row: Row) -> None:
    trial.expect(row.kind in FIELDS, f"a row of the kind {row.kind!r}")
    strange = [name for name in row.fields if unknown_field(row.kind, name) is not None]
    trial.expect(not strange, f"a {row.kind} with the field {strange[:1]}")
    values = [row.id, *row.fields.values()]
    trial.expect(all(isinstance(value, str) for value in values), f"a {row.kind} with a value that is no text")


@law(
    Kind.SOURCE,
    "Every row says where it stood, so that a person can find it.",
    mend="Give each Row the file (or table, or endpoint) and the number of its line there, counted from 1.",
)
def tells_the_place(trial: Trial[Source]) -> None:
    put(trial, odd=True)
    for row in read(trial.thing)[0]:
        trial.expect(row.file.strip() and row.line >= 1, f"a {row.kind} at file {row.file!r}, line {row.line}")


@law(
    Kind.SOURCE,
    "Read twice while nothing changes, it yields the same rows.",
    mend="Derive ids from what the software keeps, not from positions, clocks or chance; use nothing up.",
)
def same_twice(trial: Trial[Source]) -> None:
    put(trial)
    first, second, third = read(trial.thing)[0], read(trial.thing)[0], read(trial.again())[0]
    trial.expect(said(first) == said(second), "other rows when read again")
    trial.expect(said(first) == said(third), "other rows when opened and read again")


@law(
    Kind.SOURCE,
    "Every row that the software holds is yielded once.",
    mend="Read to the last page; yield a row that cannot be read too, with a Fault that says why.",
    wants=(Software,),
)
def every_row_once(trial: Trial[Source]) -> None:
    held = put(trial, odd=True)
    found = Counter((row.kind, row.id) for row in read(trial.thing)[0])
    wanted = Counter((row.kind, row.id) for row in held)
    trial.expect(found == wanted, f"too few or too many: {dict((wanted - found) + (found - wanted))}")


@law(
    Kind.SOURCE,
    "Values come as they were found: names are neither tidied nor completed.",
    mend="Hand on the text as the software keeps it; the core normalises addresses and numbers.",
    wants=(Software,),
)
def as_found(trial: Trial[Source]) -> None:
    held = put(trial)
    found = {(row.kind, row.id): row for row in read(trial.thing)[0]}
    for row in held:
        got = found.get((row.kind, row.id), attrs.evolve(row, fields={}))
        wrong = [name for name, text in row.fields.items() if got.fields.get(name, "") != text]
        trial.expect(not wrong, f"{', '.join(wrong)} of a {row.kind} other than it was put in")


@law(
    Kind.SOURCE,
    "What cannot be read is told, not guessed: a date that is none stays as found, or has a fault.",
    mend="Hand on the text as it is, or add Fault(field, why) to the row; never another date, never a blank.",
    safety=True,
    wants=(Software,),
)
def no_guessing(trial: Trial[Source]) -> None:
    held = put(trial, odd=True)
    found = {(row.kind, row.id): row for row in read(trial.thing)[0]}
    for row in held:
        got = found.get((row.kind, row.id))
        trial.expect(got is not None, f"a {row.kind} that is not there at all")
        if got is not None and not {"born", ""} & {fault.field for fault in got.faults}:
            same = got.fields.get("born", "") == row.fields.get("born", "")
            trial.expect(same, "a date of birth that nobody wrote, and no fault")


@law(
    Kind.SOURCE,
    "Patients come before what belongs to them.",
    mend="Read the patients first, whatever order the software has.",
)
def patients_first(trial: Trial[Source]) -> None:
    put(trial)
    kinds = [row.kind for row in read(trial.thing)[0]]
    first_other = next((at for at, kind in enumerate(kinds) if kind != "patient"), len(kinds))
    trial.expect("patient" not in kinds[first_other:], "a patient after a row that may belong to one")


@law(
    Kind.SOURCE,
    f"No batch holds more than {MOST_ROWS:,} rows, however many there are.",
    mend="Yield a batch for each page or each thousand rows, while reading.",
    wants=(Software,),
    examples=1,
)
def bounded_batches(trial: Trial[Source]) -> None:
    put_rows(trial, tuple(_patients(MOST_ROWS + 1)))
    sizes = [len(batch.rows) for batch in trial.thing.read(None)]
    trial.expect(sum(sizes) == MOST_ROWS + 1, f"{sum(sizes)} of {MOST_ROWS + 1} rows")
    trial.expect(max(sizes) <= MOST_ROWS, f"a batch of {max(sizes)} rows")


def _patients(number: int) -> Iterator[Row]:
    return (Row("patient", f"P{at:06d}", {"given": "Mia", "family": f"Stone {at}"}) for at in range(number))


@law(
    Kind.SOURCE,
    "Where it cannot be read, it raises an error of crmkit: it never yields less and stays silent.",
    mend="Raise SourceError(problem, where=..., mend=...); an empty complete reading would say that all are gone.",
    safety=True,
    wants=(Software, Fallible),
    examples=3,
)
def failure_is_told(trial: Trial[Source]) -> None:
    put(trial)
    trial.fail(Trouble.UNREACHABLE)
    try:
        found, _ = read(trial.again())
    except CrmkitError:
        return
    except Exception as problem:
        raise Broken(f"a {type(problem).__name__} where an error of crmkit is wanted") from problem
    raise Broken(f"{len(found)} rows and no error")


@law(
    Kind.SOURCE,
    "Neither logs nor errors, faults or reprs hold a name, an address or a number.",
    mend="Log ids and places; a fault says why, not what: Fault('born', 'is no date').",
    safety=True,
)
def no_patient_told(trial: Trial[Source]) -> None:
    held = put(trial, odd=True)
    with trial.listening() as heard:
        found = read(trial.thing)[0]
    told = [heard.text, repr(trial.thing), *(repr(row) for row in found)]
    told += [fault.reason for row in found for fault in row.faults]
    trial.expect_discreet("\n".join(told), *held, *found)


@law(
    Kind.SOURCE,
    "The core takes its batches as they are, read and fetched, and its errors too.",
    mend="Give Batch and Row themselves, each part of the type that it states: line=int(number), file=str(path), a "
    "cursor of text; raise SourceError itself, no class of your own.",
    examples=5,
)
def core_takes_it(trial: Trial[Source]) -> None:
    held = put(trial, odd=True)
    owned = owned_source(trial.home.plugin.info.name, trial.thing)
    ids = [row.id for row in held if row.kind == "patient"]
    asks: list[Callable[[], Iterator[Batch]]] = [lambda: owned.read(None)]
    if isinstance(owned, OwnedFetchingSource):
        asks.append(lambda: owned.fetch(ids))
    for ask in asks:
        with suppress(PluginError):
            list(ask())
        trial.expect_taken(owned.calls)
    with suppress(NotRun, CrmkitError):
        trial.fail(Trouble.UNREACHABLE)
        list(owned.read(None))
    trial.expect_taken(owned.calls)


LAWS = (
    *(declares, canonical, tells_the_place, same_twice, every_row_once, as_found, no_guessing, patients_first),
    *(bounded_batches, failure_is_told, no_patient_told, core_takes_it),
)
