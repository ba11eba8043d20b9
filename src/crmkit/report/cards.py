"""The figures at the top of the page."""

from __future__ import annotations

import attrs

from crmkit.metrics.gather import Findings
from crmkit.metrics.measure import Measure
from crmkit.report.figures import Figures


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
        "core.retention": ("Stayed", f"of the patients who were active on {start}"),
        "core.new_patients": ("New patients", "seen for the first time"),
        "core.reactivation": ("Came back", f"of the patients who had lapsed by {start}"),
        "core.turnover": ("Turnover", "all invoices, credit notes subtracted"),
        "core.heard_from_nobody": ("Heard from nobody", "of the active patients: no message reached them"),
    }
    return tuple(
        _card(label, detail, found.measures[name], figures)
        for name, (label, detail) in sentences.items()
        if name in found.measures
    )


def _card(label: str, detail: str, measure: Measure, figures: Figures) -> Card:
    if measure.value is None:
        return Card(label, figures.value(measure), measure.note)
    if measure.denominator is None:
        return Card(label, figures.value(measure), detail)
    return Card(label, figures.of_a_hundred(measure), f"{detail} ({figures.parts(measure)})")
