"""What a source is and what it yields: rows as found, with the place where they stood."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol, TypeGuard

import attrs


@attrs.frozen
class Fault:
    """Why one field of a row cannot be used.

    Attributes:
        field: The canonical field's name, empty if the whole row is meant.
        reason: In words, with how to mend it, without the value itself.
    """

    field: str
    reason: str


def _frozen(fields: Mapping[str, str]) -> Mapping[str, str]:
    # What is no mapping is left for the adapter of the source to find.
    return MappingProxyType(fields) if type(fields) is dict else fields


@attrs.frozen
class Row:
    """One row of a source: canonical field names, values as found.

    Attributes:
        kind: The canonical kind: patient, contact, consent, visit, recall, invoice, payment, referral, feedback.
        id: The row's id in the source.
        fields: Canonical field name to the text that was found; blank means unknown.
        file: Where it stood: a file, a view, an endpoint.
        line: The line or row number there, from 1.
        faults: What the source itself could not read.
        called: Canonical field name to what the file calls it, such as the column's name, where that differs: a person
            who mends the row looks for it there.
    """

    kind: str
    id: str
    fields: Mapping[str, str] = attrs.field(repr=False, converter=_frozen)
    file: str = ""
    line: int = 0
    faults: tuple[Fault, ...] = ()
    called: Mapping[str, str] = attrs.field(default=MappingProxyType({}), repr=False, eq=False, converter=_frozen)


def patient_of(row: Row) -> str:
    """Return the id of the patient to whom a row belongs, empty where it names none."""
    return (row.id if row.kind == "patient" else row.fields.get("patient", "")).strip()


def _in_order(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(rows)


def _kinds(names: Iterable[str]) -> frozenset[str]:
    return frozenset(names)


@attrs.frozen
class Batch:
    """Some rows of one source.

    Attributes:
        rows: At most a few thousand rows, of any kinds; patients come before what belongs to them.
        cursor: What to hand in next time to read only what changed since; None if the source cannot tell.
        complete: True if the source yields all its rows each time, not only the changed ones. Then a booked visit
            or an open recall of today or later that does not come any more has been deleted. Whatever else was deleted,
            and all of it where only changes come, has to come as a change: a visit or a recall as `cancelled`, a
            consent as no, a patient by a status, an address with an `until`.
        whole: Of a `fetch` only: the kinds of which these are all the rows that the patients have. What the records
            hold of such a kind beyond them has gone. Of other kinds, silence says nothing.
    """

    rows: tuple[Row, ...] = attrs.field(repr=False, converter=_in_order)
    cursor: str | None = None
    complete: bool = True
    whole: frozenset[str] = attrs.field(default=(), converter=_kinds)


class Source(Protocol):
    """A plugin object that yields what the practice's software says."""

    @property
    def name(self) -> str:
        """The source's name, under which its rows are kept."""
        ...

    def read(self, since: str | None) -> Iterator[Batch]:
        """Yield batches of rows changed since a cursor (all rows if None).

        One reading is one thread from its beginning to its end, which is not the caller's, so that it can be given
        up. The caller's context variables are set in it. What belongs to a thread, such as a connection of Django, is
        its own: open it there, and give it back before the last batch ends.
        """
        ...


class FetchingSource(Source, Protocol):
    """A source that can be asked about single patients in the last second before they are written to."""

    def fetch(self, ids: Sequence[str]) -> Iterator[Batch]:
        """Yield the rows of these patients as they are now, of all kinds that the source has for them.

        It is asked about the patients of every window of messages, at most a few hundred, and about their guardians;
        it should answer within a second. Rows of other patients are passed over. A patient of this source whose own
        row does not come is not written to, and neither is anybody whom an error left unanswered.

        Args:
            ids: The patients' ids in the source.
        """
        ...


def fetches(source: Source) -> TypeGuard[FetchingSource]:
    """Tell whether a source answers the last-second question."""
    return callable(getattr(source, "fetch", None))
