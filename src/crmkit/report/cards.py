"""The figures at the top of the page."""

from __future__ import annotations

from datetime import timedelta

import attrs

from crmkit.metrics.gather import Findings
from crmkit.metrics.measure import Measure
from crmkit.metrics.window import Window
from crmkit.report.figures import SMALLEST_GROUP, Figures
from crmkit.report.report import Report

_WEEKEND = timedelta(days=3)


@attrs.frozen
class Card:
    """One figure with the words around it."""

    label: str
    value: str
    detail: str


def cards(found: Findings, figures: Figures) -> tuple[Card, ...]:
    """Return the cards; a metric that was not measured has none."""
    start, last = figures.day(found.window.start), figures.day(found.window.last)
    sentences = {
        "core.active_patients": ("Active patients", f"seen in the 18 months up to {last}"),
        "core.retention": ("Stayed", f"of those active on {start}, not counting who died or moved"),
        "core.new_patients": ("New patients", "seen for the first time"),
        "core.reactivation": ("Came back", f"of those lapsed by {start}, asked or unasked"),
        "core.turnover": ("Turnover", "all invoices, paid or not, less credit notes"),
        "core.heard_from_nobody": ("Got no message", "of the active patients"),
    }
    return tuple(
        _card(label, detail, found.measures[name], figures)
        for name, (label, detail) in sentences.items()
        if name in found.measures
    )


def notes(report: Report, figures: Figures) -> tuple[str, ...]:
    """Return what a reader must know before believing the figures at the top, each in a sentence or two."""
    found = report.findings
    made = [_unread(report.rejected, figures), _foreign(found.basis.other_currency, figures), _begun(found, figures)]
    return tuple(note for note in [_stale(report, figures), *made, _invoiced(found, figures)] if note)


def _stale(report: Report, figures: Figures) -> str:
    """Return since when nothing new is known, where that is for more than a weekend."""
    read = report.findings.basis.read_on
    if read is None or read + _WEEKEND >= min(report.findings.window.end, report.today):
        return ""
    return f"The practice software was last read on {figures.day(read)}: what happened after that is missing."


def _unread(rows: int, figures: Figures) -> str:
    some = (
        "1 row of the data sources could not be read and is"
        if rows == 1
        else (f"{figures.number(rows)} rows of the data sources could not be read and are")
    )
    return f"{some} in none of these figures." if rows else ""


def _foreign(invoices: int, figures: Figures) -> str:
    some = "1 invoice is" if invoices == 1 else f"{figures.number(invoices)} invoices are"
    return f"{some} not in {figures.currency}, and in none of these amounts." if invoices else ""


def _invoiced(found: Findings, figures: Figures) -> str:
    since = found.basis.invoices_since
    if since is None or not found.basis.too_few_invoices_for(found.window):
        return ""
    began = figures.month(Window.month_of(since))
    return f"The invoices on record begin in {began}: turnover and spend are too low, for all before that is missing."


def _begun(found: Findings, figures: Figures) -> str:
    """Return what is wrong with figures for which the visits on record do not go back far enough."""
    since, active = found.basis.visits_since, found.basis.active_from
    if since is None or active is None or not found.basis.too_short_for(found.window):
        return ""
    told = (
        f"The visits on record begin in {figures.month(Window.month_of(since))}. If the practice is older, whoever was "
        "seen before that and comes back counts as new, and nobody who lapsed before that is among those who came back."
    )
    if not found.months or active <= found.months[0].window.end:
        return told
    until = figures.month(Window.month_of(active))
    return f"{told} Until {until} the active patients are then too few, and seem to grow."


def _card(label: str, detail: str, measure: Measure, figures: Figures) -> Card:
    if measure.value is None:
        return Card(label, figures.value(measure), measure.note)
    if measure.denominator is None:
        return Card(label, figures.value(measure), detail)
    if measure.denominator < SMALLEST_GROUP:
        return Card(label, figures.parts(measure), detail)
    return Card(label, figures.of_a_hundred(measure), f"{detail} ({figures.parts(measure)})")
