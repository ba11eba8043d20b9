"""The fields that every practice has, as SQL over the canonical tables and the ledger.

Each subquery is confined to the practice and the patient at hand, in the order of the covering indexes, so that it is
answered from an index alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from crmkit.ledger.state import REACHED
from crmkit.people.patient import Status
from crmkit.segments.compare import Expression
from crmkit.segments.field import Field
from crmkit.segments.kind import AGE, COUNT, DATE, DAY_OF_YEAR, INSTANT, LABELS, LANGUAGE, MONEY, TEXT, word_of
from crmkit.segments.moment import Span, moved
from crmkit.segments.scope import Scope

Value = Callable[[Scope, Span | None], Expression]


def standard_fields() -> tuple[Field, ...]:
    """Return the fields that need no plugin."""
    status = word_of(*(status.value for status in Status))
    return (
        Field("age", AGE, "completed years of life", _column("born")),
        Field("born", DATE, "date of birth", _column("born")),
        Field("birthday", DAY_OF_YEAR, "day of the year; 29 February is kept on the 28th", _column("born_day")),
        Field("status", status, "what the person is to the practice", _column("status"), known=True),
        Field("language", LANGUAGE, "BCP 47; de covers de-CH", _text("language")),
        Field("postcode", TEXT, "as the source writes it", _text("postcode")),
        Field("city", TEXT, "as the source writes it", _text("city")),
        Field("tags", LABELS, "labels, in any case", _column("tags")),
        Field("first_visit", DATE, "day of the first completed visit", _first_visit),
        Field("last_visit", DATE, "day of the last completed visit", _last_visit),
        Field("next_visit", DATE, "day of the next booked visit, today included", _next_visit),
        Field("visits", COUNT, "days with a completed visit", _visits, windowed=True, known=True),
        Field("spend", MONEY, "sum of the invoices", _spend, windowed=True, known=True),
        Field("recall_due", DATE, "earliest day on which an open recall is due", _recall_due),
        Field("last_contact", INSTANT, "day on which the last message left", _last_contact),
    )


def catalogue(fields: Iterable[Field]) -> Mapping[str, Field]:
    """Return fields by name, as segments are read with.

    >>> sorted(catalogue(standard_fields()))[:3]
    ['age', 'birthday', 'born']
    """
    return MappingProxyType({field.name: field for field in fields})


def _column(name: str) -> Value:
    def value(scope: Scope, _: Span | None) -> Expression:
        return scope.patient.c[name]

    return value


def _text(name: str) -> Value:
    def value(scope: Scope, _: Span | None) -> Expression:
        return sa.func.nullif(scope.patient.c[name], "", type_=sa.Text)

    return value


def _one(scope: Scope, select: sa.Select[Any]) -> Expression:
    return select.correlate(scope.patient).scalar_subquery()


def _completed(scope: Scope) -> sa.ColumnElement[bool]:
    visit, patient = scope.records.visit.now, scope.patient
    # A practice's software closes the open visits of the dead as completed, too.
    alive = sa.or_(
        patient.c.status != Status.DECEASED.value,
        patient.c.status_date.is_(None),
        visit.c.day <= patient.c.status_date,
    )
    return sa.and_(scope.of_patient(visit), visit.c.status == "completed", visit.c.day <= scope.today, alive)


def _first_visit(scope: Scope, _: Span | None) -> Expression:
    visit = scope.records.visit.now
    return _one(scope, sa.select(sa.func.min(visit.c.day)).where(_completed(scope)))


def _last_visit(scope: Scope, _: Span | None) -> Expression:
    visit = scope.records.visit.now
    return _one(scope, sa.select(sa.func.max(visit.c.day)).where(_completed(scope)))


def _next_visit(scope: Scope, _: Span | None) -> Expression:
    visit = scope.records.visit.now
    booked = sa.and_(scope.of_patient(visit), visit.c.status == "booked", visit.c.day >= scope.today)
    return _one(scope, sa.select(sa.func.min(visit.c.day)).where(booked))


def _visits(scope: Scope, window: Span | None) -> Expression:
    day = scope.records.visit.now.c.day
    counted = sa.select(sa.func.count(day.distinct())).where(_completed(scope), *_since(day, scope, window))
    return _one(scope, counted)


def _spend(scope: Scope, window: Span | None) -> Expression:
    invoice = scope.records.invoice.now
    total = sa.select(sa.func.sum(invoice.c.amount)).where(
        scope.of_patient(invoice), *_since(invoice.c.day, scope, window), invoice.c.day <= scope.today
    )
    return sa.func.coalesce(_one(scope, total), 0)


def _since(day: sa.ColumnElement[date], scope: Scope, window: Span | None) -> tuple[sa.ColumnElement[bool], ...]:
    return () if window is None else (day >= moved(scope.today, -window.count, window.unit),)


def _recall_due(scope: Scope, _: Span | None) -> Expression:
    recall = scope.records.recall.now
    still_open = sa.and_(scope.of_patient(recall), recall.c.status == "open")
    return _one(scope, sa.select(sa.func.min(recall.c.due)).where(still_open))


def _last_contact(scope: Scope, _: Span | None) -> Expression:
    touch = scope.ledger.touch
    left = sa.and_(scope.of_patient(touch), touch.c.state.in_([state.value for state in REACHED]))
    return _one(scope, sa.select(sa.func.max(touch.c.sent_at)).where(left))
