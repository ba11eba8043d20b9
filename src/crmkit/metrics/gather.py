"""All findings of one practice and window, from one look at the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import attrs

from crmkit.clock import utc
from crmkit.ledger.tables import LedgerTables
from crmkit.metrics.basis import Basis, basis
from crmkit.metrics.bridge import Bridge
from crmkit.metrics.cohort import Cohort, cohorts
from crmkit.metrics.cost import Cost, costs
from crmkit.metrics.effect import Effect, effects
from crmkit.metrics.known import known_at
from crmkit.metrics.measure import Measure, made_anew
from crmkit.metrics.metric import Metric, campaign_of, measure
from crmkit.metrics.panel import PanelRow, panel
from crmkit.metrics.series import Month, monthly
from crmkit.metrics.touches import MessageCount, TouchCount, messages_by_month, touch_counts
from crmkit.metrics.window import Window
from crmkit.practice import Practice
from crmkit.records.tables import RecordTables
from crmkit.store.store import Store

_MONTHS = 24
_QUARTERS = 9


def _by_name(measures: Mapping[str, Measure]) -> Mapping[str, Measure]:
    return MappingProxyType(dict(measures))


@attrs.frozen
class Findings:
    """What was found, as values: nothing in it names a patient.

    Attributes:
        window: The days that were looked at.
        as_of: Only what was known at this instant was used.
        measures: By the metric's name, in the order of the metrics.
        bridge: The active patients from the window's start to its end.
        months: Calendar months up to the window's end, the oldest first.
        cohorts: Calendar quarters of first visits, the oldest first.
        touches: What became of the window's touches.
        messages: Messages by month and campaign, over the same months as `months`.
        costs: What each campaign cost in the window, as far as the programme says.
        effects: What each campaign with a lot brought about, as far as its sixty days are over.
        basis: Since when there is anything on record, and what of it no figure can hold.
    """

    window: Window
    as_of: datetime = attrs.field(converter=utc)
    measures: Mapping[str, Measure] = attrs.field(converter=_by_name)
    bridge: Bridge = attrs.field(factory=Bridge)
    months: tuple[Month, ...] = ()
    cohorts: tuple[Cohort, ...] = ()
    touches: tuple[TouchCount, ...] = ()
    messages: tuple[MessageCount, ...] = ()
    costs: tuple[Cost, ...] = ()
    effects: tuple[Effect, ...] = ()
    basis: Basis = attrs.field(factory=Basis)

    def __reduce__(self) -> tuple[Any, ...]:
        return made_anew(self)


def gather(
    store: Store,
    records: RecordTables,
    ledger: LedgerTables,
    practice: Practice,
    metrics: Sequence[Metric[Any]],
    window: Window,
    as_of: datetime,
) -> Findings:
    """Return the findings of a window as they were known at an instant, read in one transaction."""
    with store.read() as connection:
        known = known_at(connection, records, ledger, practice, as_of)
        crossing = _Crossing(panel(connection, known, window))
        measures = measure([one for one in metrics if not campaign_of(one)], crossing, window, as_of)
        for campaign in sorted({campaign_of(one) for one in metrics} - {""}):
            # A pass of its own: whoever takes part in several campaigns has an arm in each.
            mine = [one for one in metrics if campaign_of(one) == campaign]
            told = panel(connection, known, window, campaign=campaign)
            measures |= measure(mine, told, window, as_of)
        measures = {one.name: measures[one.name] for one in metrics}
        ground = basis(connection, known, window.end)
        return Findings(
            window=window,
            as_of=as_of,
            measures=measures if ground.invoices_since else _without_money(measures),
            bridge=crossing.bridge,
            months=monthly(connection, known, window.end, _MONTHS),
            cohorts=cohorts(connection, known, window.end, _QUARTERS),
            touches=touch_counts(connection, known, window),
            messages=messages_by_month(connection, known, window.end, _MONTHS),
            costs=costs(connection, known, window),
            effects=effects(connection, known, window.end),
            basis=ground,
        )


def _without_money(measures: Mapping[str, Measure]) -> dict[str, Measure]:
    """Return the measures of a practice whose invoices nobody gives: its turnover is unknown, and not zero."""
    note = "no invoice is on record"
    return {
        name: attrs.evolve(one, value=None, note=note) if one.unit == "money" and one.value is not None else one
        for name, one in measures.items()
    }


@attrs.define
class _Crossing:
    """Batches on their way to the metrics, with the bridge over those that have passed."""

    batches: Iterator[tuple[PanelRow, ...]]
    bridge: Bridge = attrs.field(factory=Bridge)

    def __iter__(self) -> Iterator[tuple[PanelRow, ...]]:
        for rows in self.batches:
            self.bridge += Bridge.of(rows)
            yield rows
