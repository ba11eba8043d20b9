"""Rows of the practice's software, as a source would find them."""

from __future__ import annotations

from datetime import date

import attrs
from hypothesis import strategies as st

from crmkit.people.medium import Medium
from crmkit.records.source import Row
from crmkit.testing.samples import NAMES, address_of
from crmkit.testing.strategies.people import NUMBERS

#: What stands in date fields.
DATES = ("1980-11-23", "2024-02-29", "")
ODD_DATES = ("31/02/1980", "1980-13-01", "yesterday", "0000-00-00", "3.4.80")
TEXTS = ("", "Mia", "van der Berg", "O'Neill", "Þórdís", 'say "hi"', "a,b;c", "李")
# Made once, as those of people are.
_BORN = st.sampled_from(DATES)
_ODDLY_BORN = _BORN | st.sampled_from(ODD_DATES)
_DAYS = st.dates(date(2019, 1, 1), date(2027, 6, 1)).map(date.isoformat)


def rows(*, odd: bool = False) -> st.SearchStrategy[tuple[Row, ...]]:
    """Return a few patients and what belongs to them, patients first; odd ones have dates that are none."""
    return st.lists(NUMBERS, min_size=1, max_size=5, unique=True).flatmap(lambda numbers: _of(numbers, odd))


@st.composite
def _of(draw: st.DrawFn, numbers: list[int], odd: bool) -> tuple[Row, ...]:
    found = [_patient(draw, number, odd) for number in numbers]
    for number in numbers:
        found += [_visit(number, which) for which in range(draw(st.integers(0, 2)))]
        found += [_consent(draw, number)] if draw(st.booleans()) else []
    return tuple(sorted(found, key=lambda row: row.kind != "patient"))


def histories_as_rows() -> st.SearchStrategy[tuple[Row, ...]]:
    """Return some patients with rows of every kind that can be counted: visits, invoices, recalls, attributes."""
    return st.lists(NUMBERS, min_size=1, max_size=6, unique=True).flatmap(_histories)


@st.composite
def _histories(draw: st.DrawFn, numbers: list[int]) -> tuple[Row, ...]:
    found = [_patient(draw, number, odd=False) for number in numbers]
    extra = {"tags": "vip;Gold", "language": "de-CH", "postcode": "2042", "attributes.insurer": "Acme"}
    found = [attrs.evolve(row, fields={**row.fields, **extra}) if draw(st.booleans()) else row for row in found]
    for number in numbers:
        found += [_happened(draw, number, which) for which in range(draw(st.integers(0, 5)))]
    return tuple(found)


def _happened(draw: st.DrawFn, number: int, which: int) -> Row:
    kind = draw(st.sampled_from(("visit", "invoice", "recall")))
    day = draw(_DAYS)
    fields = {
        "visit": {"day": day, "status": draw(st.sampled_from(("completed", "booked", "cancelled", "no-show")))},
        "invoice": {"day": day, "amount": draw(st.sampled_from(("120.50", "0.10", "-35.00")))},
        "recall": {"due": day, "type": "check", "status": draw(st.sampled_from(("open", "done")))},
    }
    return Row(kind, f"{kind}-{number}-{which}", {"patient": f"P{number:06d}", **fields[kind]})


def _patient(draw: st.DrawFn, number: int, odd: bool) -> Row:
    given, family, _ = NAMES[number % len(NAMES)]
    fields = {
        "given": given,
        "family": family,
        "preferred": draw(st.sampled_from(TEXTS)),
        "born": draw(_ODDLY_BORN if odd else _BORN),
        "email": address_of(Medium.EMAIL, number),
        "mobile": address_of(Medium.SMS, number),
        "city": draw(st.sampled_from(TEXTS)),
    }
    return Row("patient", f"P{number:06d}", fields)


def _visit(number: int, which: int) -> Row:
    fields = {"patient": f"P{number:06d}", "day": f"2026-0{which + 1}-15", "status": "completed"}
    return Row("visit", f"V{number}-{which}", fields)


def _consent(draw: st.DrawFn, number: int) -> Row:
    fields = {
        "patient": f"P{number:06d}",
        "purpose": draw(st.sampled_from(("marketing", "service"))),
        "medium": "email",
        "given": draw(st.sampled_from(("yes", "no"))),
        "at": "2025-03-01T09:00:00+11:00",
        "evidence": "form 7",
    }
    return Row("consent", f"C{number}", fields)
