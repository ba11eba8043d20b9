"""The canonical tables.

Each kind of row has a table with what holds now and a twin, `..._was`, with what held before: `known_at` says when a
version became known and, in the twin, `known_until` when the next one did. A report as of a past date reads both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.store.sqlite_statistics import expect
from crmkit.store.store import Store
from crmkit.store.types import Instant, Money

#: How many rows a practice has after ten years, and how many different values a column: so an index is judged
#: (`store/sqlite_statistics.py`).
_ROWS = {"patient": 20_000, "contact": 40_000, "consent": 40_000, "recall": 40_000, "referral": 5000, "feedback": 5000}
_MANY_ROWS = 400_000
#: Of whom and what the audit tells rows that no sync wrote (`stamp.py`).
_STAMPED = frozenset({"patient", "contact", "consent"})
_SELECTIVE = {"patient": 20_000, "born_day": 366, "status": 4, "day": 3000, "due": 1000}


def _patient() -> list[sa.Column[Any]]:
    columns: list[sa.Column[Any]] = [
        sa.Column(name, sa.Text, nullable=False, server_default="")
        for name in (
            *("prefix", "given", "preferred", "middle", "family", "suffix", "full_name"),
            *("language", "status_reason", "household", "guardian", "referrer"),
            *("address1", "address2", "city", "region", "postcode", "country"),
        )
    ]
    return [
        *columns,
        sa.Column("born", sa.Date),
        # Month and day as one number (229 for 29 February), so that an anniversary is an index look-up.
        sa.Column("born_day", sa.Integer),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("status_date", sa.Date),
        # Labels between bars ("|vip|glasses|"): one portable LIKE finds one.
        sa.Column("tags", sa.Text, nullable=False, server_default="|"),
        sa.Column("attributes", sa.JSON, nullable=False),
    ]


def _contact() -> list[sa.Column[Any]]:
    return [
        sa.Column("medium", sa.Text, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False, server_default="0"),
        sa.Column("typed", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False, server_default=""),
        sa.Column("problem", sa.Text, nullable=False, server_default=""),
        sa.Column("until", sa.Date),
    ]


def _consent() -> list[sa.Column[Any]]:
    return [
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("medium", sa.Text, nullable=False),
        sa.Column("given", sa.Boolean, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("wording", sa.Text, nullable=False, server_default=""),
        sa.Column("evidence", sa.Text, nullable=False, server_default=""),
    ]


def _visit() -> list[sa.Column[Any]]:
    return [
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("starts_at", Instant),
        sa.Column("kind", sa.Text, nullable=False, server_default=""),
        sa.Column("practitioner", sa.Text, nullable=False, server_default=""),
        sa.Column("location", sa.Text, nullable=False, server_default=""),
    ]


def _recall() -> list[sa.Column[Any]]:
    return [
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("interval_months", sa.Integer),
        sa.Column("due", sa.Date, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
    ]


def _money(of: str) -> list[sa.Column[Any]]:
    return [
        sa.Column(of, sa.Text, nullable=False, server_default=""),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("amount", Money, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
    ]


def _referral() -> list[sa.Column[Any]]:
    return [sa.Column("referrer", sa.Text, nullable=False), sa.Column("day", sa.Date, nullable=False)]


def _feedback() -> list[sa.Column[Any]]:
    return [
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("score", sa.Integer, nullable=False),
        sa.Column("scale", sa.Integer, nullable=False),
        sa.Column("comment", sa.Text, nullable=False, server_default=""),
    ]


@attrs.frozen(eq=False)
class Kind:
    """The two tables of one kind of row: what holds now, and what held before."""

    name: str
    now: sa.Table
    was: sa.Table


@attrs.frozen(eq=False)
class RecordTables:
    """The canonical tables of one store."""

    patient: Kind
    contact: Kind
    consent: Kind
    visit: Kind
    recall: Kind
    invoice: Kind
    payment: Kind
    referral: Kind
    feedback: Kind
    rejected: sa.Table
    source: sa.Table

    def kinds(self) -> Iterator[Kind]:
        """Yield the kinds in the order in which they must be applied: patients first."""
        for field in attrs.fields(RecordTables):
            found = getattr(self, field.name)
            if isinstance(found, Kind):
                yield found

    def kind(self, name: str) -> Kind:
        """Return one kind by its name; KeyError if there is none."""
        return {kind.name: kind for kind in self.kinds()}[name]


def declare_records(store: Store) -> RecordTables:
    """Declare the canonical tables in the store's metadata and return them."""
    patient = _kind(store, "patient", _patient(), of_patient=False)
    visit = _kind(store, "visit", _visit())
    invoice = _kind(store, "invoice", _money("visit"))
    recall = _kind(store, "recall", _recall())
    # Covering indexes: last visit, visits in a window and spend in a window are answered from the index alone.
    _index(visit, "practice", "patient", "status", "day")
    _index(visit, "practice", "status", "day", "patient")
    _index(invoice, "practice", "patient", "day", "amount")
    _index(recall, "practice", "patient", "status", "due")
    _index(patient, "practice", "born_day")
    return RecordTables(
        patient=patient,
        contact=_kind(store, "contact", _contact()),
        consent=_kind(store, "consent", _consent()),
        visit=visit,
        recall=recall,
        invoice=invoice,
        payment=_kind(store, "payment", _money("invoice")),
        referral=_kind(store, "referral", _referral()),
        feedback=_kind(store, "feedback", _feedback()),
        rejected=_rejected(store),
        source=_source(store),
    )


def _kind(store: Store, name: str, columns: list[sa.Column[Any]], *, of_patient: bool = True) -> Kind:
    owner: list[sa.Column[Any]] = [sa.Column("patient", sa.Text, nullable=False)] if of_patient else []
    key = ("practice", "source", "id") if of_patient else ("practice", "id")
    fields: list[sa.Column[Any]] = [*owner, *columns, sa.Column("digest", sa.Text, nullable=False)]
    if name in _STAMPED:
        fields.append(sa.Column("stamp", sa.Text, nullable=False, server_default=""))
    now = sa.Table(
        store.name(name),
        store.metadata,
        *(sa.Column(part, sa.Text, nullable=False) for part in ("practice", "source", "id")),
        *fields,
        sa.Column("known_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint(*key),
        sqlite_with_rowid=False,
    )
    was = sa.Table(
        store.name(f"{name}_was"),
        store.metadata,
        # What held before is no more believed, and bears no stamp.
        *(sa.Column(one.name, one.type, nullable=one.nullable) for one in now.columns if one.name != "stamp"),
        sa.Column("known_until", Instant, nullable=False),
        sa.Index(f"{store.name(name)}_was_key", *key),
    )
    rows = _ROWS.get(name, _MANY_ROWS)
    for table in (now, was):
        expect(table, rows, id=rows, **_SELECTIVE)
    kind = Kind(name, now, was)
    if of_patient and name not in ("visit", "invoice", "recall"):
        _index(kind, "practice", "patient")
    return kind


def _index(kind: Kind, *columns: str) -> None:
    sa.Index(f"{kind.now.name}_{'_'.join(columns[1:])}", *(kind.now.c[column] for column in columns))


def _rejected(store: Store) -> sa.Table:
    table = sa.Table(
        store.name("rejected"),
        store.metadata,
        sa.Column("practice", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("row_id", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        # The row as found. It may hold a patient's data, so it lies here alone and expires.
        sa.Column("row", sa.JSON, nullable=False),
        sa.Column("rejected_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        # To whom it belongs, as far as it says: that outlasts the row.
        sa.Column("patient", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("practice", "source", "file", "line", "kind", "row_id", "field"),
    )
    sa.Index(f"{table.name}_patient", table.c.practice, table.c.patient)
    expect(table, 100_000, source=2, file=5, line=50_000, kind=5, row_id=50_000, field=10, patient=50_000)
    return table


def _source(store: Store) -> sa.Table:
    return sa.Table(
        store.name("source"),
        store.metadata,
        sa.Column("practice", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("synced_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("practice", "source"),
    )
