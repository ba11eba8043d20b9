from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import reduce
from itertools import pairwise
from operator import add

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.metrics.bridge import Bridge
from crmkit.metrics.measure import Figure
from crmkit.metrics.metric import measure
from crmkit.metrics.panel import History, PanelRow, judge
from crmkit.metrics.ratio import Ratio, Tally
from crmkit.metrics.standard import standard_metrics
from crmkit.metrics.window import Window, whole_months
from crmkit.people.patient import Status

YEAR = Window.year(2025)
AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
DAYS = st.dates(date(2019, 1, 1), date(2026, 12, 31))


@st.composite
def rows(draw: st.DrawFn, window: Window = YEAR) -> PanelRow:
    visits = sorted(day for day in draw(st.lists(DAYS, max_size=4)) if day < window.end)
    before = [day for day in visits if day < window.start]
    history = History(
        patient=draw(st.uuids()).hex,
        status=draw(st.sampled_from([*Status])),
        status_date=draw(st.none() | DAYS),
        first_visit=visits[0] if visits else None,
        last_visit_before_start=before[-1] if before else None,
        last_visit_before_end=visits[-1] if visits else None,
        visits=len({day for day in visits if day >= window.start}),
        spend=draw(st.decimals(-100, 10_000, places=2)),
        contacts=draw(st.integers(0, 3)),
        contactable=draw(st.booleans()),
    )
    return judge(history, window)


PANELS = st.lists(rows(), max_size=30)


@given(PANELS, st.data())
def test_neither_the_order_of_patients_nor_the_size_of_batches_matters(
    panel: list[PanelRow], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(panel))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(panel)), max_size=4)))
    batches = [shuffled[start:end] for start, end in pairwise([0, *cuts, len(panel)])]
    assert measure(standard_metrics(), batches, YEAR, AS_OF) == measure(standard_metrics(), [panel], YEAR, AS_OF)


@given(PANELS, st.integers(0, 30))
def test_states_of_two_halves_add_up_to_the_state_of_the_whole(panel: list[PanelRow], cut: int) -> None:
    for metric in standard_metrics():
        halves = metric.add(metric.start(), panel[:cut]) + metric.add(metric.start(), panel[cut:])
        assert metric.value(halves) == metric.value(metric.add(metric.start(), panel))


@given(PANELS)
def test_the_bridge_always_reconciles_with_the_end_counted_on_its_own(panel: list[PanelRow]) -> None:
    bridge = Bridge.of(panel)
    assert bridge.reconciles
    assert bridge.end == sum(row.active_at_end for row in panel)
    assert bridge == reduce(add, (Bridge.of([row]) for row in panel), Bridge())
    retention = measure(standard_metrics(), [panel], YEAR, AS_OF)["core.retention"]
    assert retention.denominator == bridge.start - bridge.deceased - bridge.moved
    assert retention.numerator == bridge.start - bridge.left


@given(PANELS)
def test_who_heard_and_who_heard_from_nobody_are_all_active_patients(panel: list[PanelRow]) -> None:
    found = measure(standard_metrics(), [panel], YEAR, AS_OF)
    heard, unheard = found["core.contact_coverage"], found["core.heard_from_nobody"]
    assert heard.numerator + unheard.numerator == found["core.active_patients"].value
    assert found["core.unheard_without_address"].numerator <= unheard.numerator


def test_a_bridge_that_does_not_reconcile_says_so() -> None:
    assert not Bridge(start=10, new=1, end=10).reconciles


def test_a_metric_that_fails_harms_only_itself() -> None:
    def explode(row: PanelRow) -> int:
        raise ZeroDivisionError

    class Nonsense(Ratio):
        def value(self, state: Tally) -> Figure:
            return 7  # type: ignore[return-value]

    good = Ratio("vendor.all", "patients", "Everybody.", above=lambda _: 1)
    bad = Ratio("vendor.bad", "patients", "Nobody.", above=explode)
    odd = Nonsense("vendor.odd", "patients", "Seven.", above=lambda _: 1)
    found = measure((bad, good, odd), [[judge(History("x"), YEAR)]], YEAR, AS_OF)
    assert found["vendor.all"].value == 1
    assert found["vendor.bad"].value is None
    assert found["vendor.bad"].note == "the metric failed (ZeroDivisionError)"
    assert found["vendor.odd"].note == "the metric gave no outcome"


def test_a_metric_of_ones_own_needs_no_base_class() -> None:
    class Spenders:
        name, version, unit, help = "vendor.spenders", 3, "patients", "Patients who were invoiced something."

        def start(self) -> int:
            return 0

        def add(self, state: int, rows: Sequence[PanelRow]) -> int:
            return state + sum(row.spend > 0 for row in rows)

        def value(self, state: int) -> Figure:
            return Figure(Decimal(state), Decimal(state))

    row = judge(History("x", spend=Decimal(5)), YEAR)
    found = measure([Spenders()], [[row], [row]], YEAR, AS_OF)["vendor.spenders"]
    assert (found.definition, found.value) == ("vendor.spenders@3", 2)


def test_windows_are_half_open_and_count_calendar_months() -> None:
    assert Window.year_to(date(2024, 2, 29)) == Window(date(2023, 2, 28), date(2024, 2, 29))
    assert YEAR.holds(date(2025, 12, 31))
    assert not YEAR.holds(date(2026, 1, 1))
    assert not YEAR.holds(None)
    assert [month.start.month for month in whole_months(date(2026, 1, 1), 3)] == [10, 11, 12]
    with pytest.raises(ValueError, match="holds no day"):
        Window(date(2025, 1, 1), date(2025, 1, 1))
