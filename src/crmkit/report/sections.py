"""The parts of the page, each with its plots and tables."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from markupsafe import Markup

from crmkit.metrics.measure import Measure
from crmkit.report.figures import Figures
from crmkit.report.report import Report
from crmkit.report.tables import (
    Table,
    bridge_table,
    cohort_table,
    cost_table,
    effect_table,
    fate_table,
    measure_table,
    month_table,
    reason_table,
)

_TITLES = {
    "core.active_patients": "Active patients",
    "core.new_patients": "New patients",
    "core.retention": "Stayed (retention)",
    "core.reactivation": "Came back (reactivation)",
    "core.turnover": "Turnover",
    "core.spend_per_visit": "Spend per visit",
    "core.spend_per_active_patient": "Spend per active patient",
    "core.contact_coverage": "A message reached them",
    "core.heard_from_nobody": "No message reached them",
    "core.unheard_without_address": "No message reached them, and no address on record",
}


@attrs.frozen
class Section:
    """One part of the page: a heading, plots, tables, and tables that lie folded."""

    id: str
    title: str
    text: str = ""
    plots: tuple[Markup, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: tuple[Table, ...] = ()


def sections(report: Report, figures: Figures, drawn: Mapping[str, Markup]) -> tuple[Section, ...]:
    """Return the page's sections in their order; `drawn` holds the plots by name, none where they cannot be drawn."""
    parts = _Parts(report, figures, drawn)
    made = (parts.patients(), parts.money(), parts.retention(), parts.messages(), parts.heard(), parts.others())
    return tuple(section for section in made if section is not None)


def title_of(measure: Measure) -> str:
    """Return how a measure is called on the page; one of a plugin keeps its name."""
    return _TITLES.get(measure.name, measure.name)


@attrs.frozen
class _Parts:
    report: Report
    figures: Figures
    drawn: Mapping[str, Markup]

    def patients(self) -> Section:
        found = self.report.findings
        return Section(
            "patients",
            "Patients",
            "Who was active when these months began, who came, who went, and who was active when they ended.",
            self._plots("bridge", "active", "new"),
            (
                bridge_table(found.bridge, found.window, self.figures),
                self._measures("Patients in figures", "core.active_patients", "core.new_patients"),
            ),
            (month_table(self.report.months, self.report.invoiced_months, self.figures),),
        )

    def money(self) -> Section:
        names = ("core.turnover", "core.spend_per_visit", "core.spend_per_active_patient")
        return Section("money", "Money", "", self._plots("turnover"), (self._measures("Money in figures", *names),))

    def retention(self) -> Section:
        return Section(
            "retention",
            "Retention",
            "Who was seen again. The rule of eighteen months is the same for all: a patient who is called in every "
            "second year counts as lapsed in between.",
            self._plots("cohorts"),
            (self._measures("Retention in figures", "core.retention", "core.reactivation"),),
            (cohort_table(self.report.findings.cohorts, self.figures),),
        )

    def messages(self) -> Section:
        touches, effects = self.report.findings.touches, self.report.findings.effects
        lots = (effect_table(effects, self.figures),) if effects else ()
        costs = (cost_table(self.report.findings.costs, self.figures),) if self.report.findings.costs else ()
        return Section(
            "messages",
            "Messages",
            "What went out and what did not. What the messages brought about can only be told from a campaign with a "
            "lot: by those whom the lot kept from getting one.",
            self._plots("touches", "messages"),
            (
                *lots,
                fate_table(touches, self.figures),
                reason_table(touches, self.report.reasons, self.figures),
                *costs,
            ),
        )

    def heard(self) -> Section:
        names = ("core.contact_coverage", "core.heard_from_nobody", "core.unheard_without_address")
        table = self._measures("Messages to active patients", *names)
        return Section("heard", "Who got a message", self._since(), self._plots("coverage"), (table,))

    def _since(self) -> str:
        """Return from when on messages are on record, where that is not for the whole window."""
        found, told = self.report.findings, "A talk, a call or a visit is no message."
        first = found.basis.first_message
        if first is None or first <= found.window.start:
            return told
        began = self.figures.day(first)
        return f"{told} The first message on record here left on {began}: what was sent before is not counted."

    def others(self) -> Section | None:
        names = [name for name in self.report.findings.measures if name not in _TITLES]
        table = self._measures("Figures of plugins", *names)
        return Section("other", "Other figures", tables=(table,)) if names else None

    def _plots(self, *names: str) -> tuple[Markup, ...]:
        return tuple(self.drawn[name] for name in names if name in self.drawn)

    def _measures(self, caption: str, *names: str) -> Table:
        measures = self.report.findings.measures
        chosen = [(title_of(measures[name]), measures[name]) for name in names if name in measures]
        return measure_table(caption, chosen, self.figures)
