"""What every field must keep that segments may ask."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from crmkit.errors import SegmentError
from crmkit.practice import Practice
from crmkit.records.source import Row
from crmkit.segments.field import Field, field_of
from crmkit.segments.fit import fit
from crmkit.segments.kind import Kind as Values
from crmkit.segments.moment import Span, Unit
from crmkit.segments.tree import Operator, Rule
from crmkit.testing.law import Kind, law
from crmkit.testing.samples import PRACTICE
from crmkit.testing.scratch import Scratch, scratch
from crmkit.testing.strategies.rows import histories_as_rows
from crmkit.testing.trial import Broken, Trial

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CLOCK = re.compile(r"current_(date|time|timestamp)|localtime|\bnow\(|getdate|'now'|\bsysdate|julianday\(\)|random")
_WINDOW = Span(24, Unit.MONTH)
_OTHER = attrs.evolve(PRACTICE, id="other-practice")
_NONE = (Operator.EMPTY, Operator.NOT_EMPTY)
#: An operand for each operator that every kind of value reads in its own way; the first that it takes is used.
_OPERANDS: Mapping[Operator, tuple[Any, ...]] = {
    Operator.BETWEEN: ((1, 9), ("2020-01-01", "2026-01-01")),
    Operator.IN: (("active", "en"), ("gold",)),
    Operator.NOT_IN: (("active", "en"), ("gold",)),
    Operator.IN_LAST: ("6 months",),
    Operator.IN_NEXT: ("6 months",),
    Operator.IN_MONTH: ("november",),
}
_ANY = (3, "2024-05-01", "en", "active", "vip")


def practice(trial: Trial[Field]) -> Scratch:
    """Return the records of a made-up practice, the same for all fields of one example."""
    return trial.shared("records", lambda: scratch(trial.draw(histories_as_rows())))


def windows(field: Field) -> tuple[Span | None, ...]:
    """Return the windows with which a field may be asked."""
    return (None, _WINDOW) if field.windowed else (None,)


@law(
    Kind.FIELD,
    "It has a name that a segment can hold, a kind of value and a line of help, and it is not about consent.",
    mend='Field("insurer_paid", MONEY, "what the insurer paid", value): consent is for guards to judge.',
    examples=1,
)
def declares(trial: Trial[Field]) -> None:
    field = trial.thing
    trial.expect(isinstance(field, Field), f"a {type(field).__name__} where a Field is wanted")
    trial.expect(_NAME.fullmatch(field.name), f"the name {field.name!r}")
    trial.expect(isinstance(field.kind, Values), f"the kind {field.kind!r}")
    trial.expect(field.help.strip() and "\n" not in field.help, "no line of help")
    try:
        field_of(field.name, {})
    except SegmentError as told:
        trial.expect("consent" not in told.problem, "a field about consent")
    again = trial.again()
    trial.expect((again.name, again.kind.name) == (field.name, field.kind.name), "another field when opened again")


@law(
    Kind.FIELD,
    "It answers for every patient, whatever the records lack: one value, or none where it is unknown.",
    mend="Correlate to scope.patient and take one value (min, max, sum) in a scalar subquery; NULL means unknown.",
    examples=5,
)
def answers(trial: Trial[Field]) -> None:
    records = practice(trial)
    for window in windows(trial.thing):
        records.values(trial.thing, window)
        rows = records.most_rows(trial.thing, window)
        trial.expect(rows <= 1, f"{rows} rows where one value is wanted: databases choose differently, or refuse")


@law(
    Kind.FIELD,
    "The same records give the same values.",
    mend="Take no chance and no order of rows into the query: min and max have one answer, LIMIT 1 has not.",
    examples=5,
)
def same_twice(trial: Trial[Field]) -> None:
    records, again = practice(trial), trial.again()
    for window in windows(trial.thing):
        first = records.values(trial.thing, window)
        trial.expect(records.values(trial.thing, window) == first, "other values when asked again")
        trial.expect(records.values(again, window) == first, "other values when opened again")


@law(
    Kind.FIELD,
    "A patient's value depends on that patient's rows alone.",
    mend="Put scope.of_patient(table) into the WHERE of every subquery.",
    safety=True,
    examples=5,
)
def own_patient(trial: Trial[Field]) -> None:
    alone, together = trial.shared("both", lambda: _both(trial, PRACTICE))
    for window in windows(trial.thing):
        before, after = alone.values(trial.thing, window), together.values(trial.thing, window)
        trial.expect(before.items() <= after.items(), "other values after a new patient's rows came in")


@law(
    Kind.FIELD,
    "A patient's value does not depend on the rows of another practice in the same database.",
    mend="Put scope.of_patient(table) into the WHERE of every subquery: the practice is part of every key.",
    safety=True,
    examples=5,
)
def own_practice(trial: Trial[Field]) -> None:
    alone, together = trial.shared("both", lambda: _both(trial, _OTHER))
    for window in windows(trial.thing):
        before, after = alone.values(trial.thing, window), together.values(trial.thing, window)
        trial.expect(before == after, "other values after another practice's rows came in")


@contextmanager
def _both(trial: Trial[Field], other: Practice) -> Iterator[tuple[Scratch, Scratch]]:
    """Open the same records twice: as they are, and with further rows; another practice's are of the same ids."""
    rows: tuple[Row, ...] = trial.draw(histories_as_rows())
    ids = [row.id for row in rows if row.kind == "patient"] if other is _OTHER else ["S"]
    with scratch(rows) as alone, scratch(rows) as together:
        together.put([row for id_ in ids for row in _strangers(id_)], other)
        yield alone, together


def _strangers(id_: str) -> list[Row]:
    """Return somebody with rows of every kind that a field could count."""
    of = {"patient": id_}
    return [
        Row("patient", id_, {"given": "Nova", "born": "1931-02-03", "language": "pt", "tags": "vip", "city": "Ruhla"}),
        *(Row("visit", f"{id_}-v{at}", {**of, "day": f"2026-0{at}-01", "status": "completed"}) for at in (1, 2, 3)),
        Row("visit", f"{id_}-b", {**of, "day": "2027-01-05", "status": "booked"}),
        Row("invoice", f"{id_}-i", {**of, "day": "2026-05-05", "amount": "7777.70"}),
        Row("recall", f"{id_}-r", {**of, "type": "check", "due": "2025-01-01", "status": "open"}),
    ]


@law(
    Kind.FIELD,
    "Every operator of its kind can be asked of it.",
    mend="Return an expression of the kind's type: a count for COUNT, a date for DATE, and so on.",
    examples=3,
)
def every_operator(trial: Trial[Field]) -> None:
    records = practice(trial)
    for operator in trial.thing.operators:
        rule = _rule(trial.thing, operator)
        if rule is not None:
            records.matches(trial.thing, rule)


def _rule(field: Field, operator: Operator) -> Rule | None:
    """Return a rule with an operand that the field's kind reads, None where none is known."""
    window = _WINDOW if field.windowed else None
    for operand in (None,) if operator in _NONE else _OPERANDS.get(operator, _ANY):
        try:
            return fit(Rule(field.name, operator, operand, window), {field.name: field})
        except SegmentError:
            continue
    return None


@law(
    Kind.FIELD,
    "Its values are of its kind.",
    mend="Use the kind that fits: COUNT for whole numbers, MONEY for amounts, DATE for days, TEXT for the rest.",
    examples=5,
)
def of_its_kind(trial: Trial[Field]) -> None:
    records = practice(trial)
    wanted = _TYPES.get(trial.thing.kind.name)
    for window in windows(trial.thing):
        for value in records.values(trial.thing, window).values():
            fits = value is None or wanted is None or type(value).__name__ in wanted
            trial.expect(fits, f"a {type(value).__name__} for the kind {trial.thing.kind.name}")


_TYPES: Mapping[str, tuple[str, ...]] = {
    "whole number": ("int",),
    "amount": ("Decimal", "int"),
    "age": ("date",),
    "date": ("date", "datetime"),
    "day of the year": ("int",),
    "language": ("str",),
    "text": ("str",),
    "word": ("str",),
    "labels": ("str",),
}


@law(
    Kind.FIELD,
    "A field that says it is always known is never empty.",
    mend="Wrap the value in coalesce(..., 0), or leave known out.",
    examples=5,
)
def keeps_known(trial: Trial[Field]) -> None:
    records = practice(trial)
    for window in windows(trial.thing) if trial.thing.known else ():
        empty = [id_ for id_, value in records.values(trial.thing, window).items() if value is None]
        trial.expect(not empty, f"no value for {len(empty)} patients")


@law(
    Kind.FIELD,
    "It counts from the scope's day, and asks no clock of the database.",
    mend="Compare with scope.today; the database's day is another one for half of the world.",
    examples=1,
)
def asks_no_clock(trial: Trial[Field]) -> None:
    scope = trial.shared("scope", scratch).scope()
    for window in windows(trial.thing):
        value = trial.thing.value(scope, window)
        for dialect in (sqlite.dialect(), postgresql.dialect()):  # type: ignore[no-untyped-call]
            found = _CLOCK.search(_sql(value, dialect))
            trial.expect(found is None, f"{found[0] if found else ''} in its SQL")


def _sql(value: Any, dialect: sa.Dialect) -> str:
    try:
        return str(sa.select(value).compile(dialect=dialect)).lower()
    except sa.exc.CompileError as problem:
        raise Broken(f"no SQL on {dialect.name} ({type(problem).__name__})") from problem


LAWS = (
    *(declares, answers, same_twice, own_patient, own_practice, every_operator, of_its_kind, keeps_known),
    asks_no_clock,
)
