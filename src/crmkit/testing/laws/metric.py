"""What every metric must keep."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from crmkit.errors import PluginError
from crmkit.metrics.measure import Figure
from crmkit.metrics.metric import Metric
from crmkit.metrics.panel import PanelRow
from crmkit.plugins.owned import OwnedMetric
from crmkit.testing.law import Kind, law
from crmkit.testing.strategies.panel import panel_rows
from crmkit.testing.trial import Trial


def folded(metric: Metric[Any], *batches: Sequence[PanelRow]) -> Figure:
    """Return what a metric makes of a panel that it is given in batches."""
    state = metric.start()
    for rows in batches:
        state = metric.add(state, tuple(rows))
    return metric.value(state)


@law(
    Kind.METRIC,
    "It has a name, a version, a unit and a sentence that says what it means, the same each time.",
    mend="Set name, version (from 1), unit and help; a change of meaning is a new version.",
    examples=1,
)
def declares(trial: Trial[Metric[Any]]) -> None:
    metric, again = trial.thing, trial.again()
    trial.expect_named()
    trial.expect(isinstance(metric.version, int) and metric.version >= 1, f"the version {metric.version!r}")
    trial.expect(metric.unit.strip() and metric.help.strip().endswith("."), "no unit, or no sentence as help")
    said = [(one.version, one.unit, one.help) for one in (metric, again)]
    trial.expect(said[0] == said[1], "one thing said when opened once, another when opened again")


@law(
    Kind.METRIC,
    "The size of batches makes no difference, and states add up.",
    mend="Keep sums and counts in the state, never averages, and let __add__ add them; divide in value().",
    safety=True,
)
def any_split(trial: Trial[Metric[Any]]) -> None:
    rows, metric = trial.draw(panel_rows(min_size=2)), trial.thing
    cut = trial.draw(st.integers(0, len(rows)))
    whole, first, rest = folded(metric, rows), rows[:cut], rows[cut:]
    trial.expect(folded(metric, first, rest) == whole, "another outcome in two batches than in one")
    added = metric.value(metric.add(metric.start(), first) + metric.add(metric.start(), rest))
    trial.expect(added == whole, "another outcome from two states added than from one")


@law(
    Kind.METRIC,
    "The order of patients makes no difference.",
    mend="Add up what is exact (int, Decimal); look at one row at a time, not at the one before.",
    safety=True,
)
def any_order(trial: Trial[Metric[Any]]) -> None:
    rows = trial.draw(panel_rows(min_size=2))
    other = trial.draw(st.permutations(rows))
    trial.expect(folded(trial.thing, rows) == folded(trial.thing, other), "another outcome in another order")


@law(
    Kind.METRIC,
    "The same panel gives the same outcome, and it asks neither clock nor chance, environment or network.",
    mend="Compute from the rows alone, and keep nothing beside the state.",
)
def same_twice(trial: Trial[Metric[Any]]) -> None:
    rows = trial.draw(panel_rows())
    with trial.asking_nothing():
        first = folded(trial.thing, rows)
    trial.expect(folded(trial.thing, rows) == first, "another outcome when folded again")
    trial.expect(folded(trial.again(), rows) == first, "another outcome when opened and folded again")


@law(
    Kind.METRIC,
    "A state is never changed: adding to it gives a new one.",
    mend="Make the state a frozen attrs class, and return a new one from add.",
)
def keeps_states(trial: Trial[Metric[Any]]) -> None:
    metric, rows = trial.thing, trial.draw(panel_rows(min_size=1))
    empty = metric.start()
    before = metric.value(empty)
    some = metric.add(empty, rows)
    value = metric.value(some)
    metric.add(some, rows)
    trial.expect(metric.value(empty) == before, "the empty state is another one after it was added to")
    trial.expect(metric.value(some) == value, "a state is another one after it was added to")
    trial.expect(metric.value(metric.start()) == before, "start() gives something else the second time")


@law(
    Kind.METRIC,
    "An empty panel has an outcome too.",
    mend="Return ratio(above, below) of crmkit.plugins: nothing divided by nothing is no value, not zero.",
    examples=1,
)
def empty_panel(trial: Trial[Metric[Any]]) -> None:
    for made in (folded(trial.thing), folded(trial.thing, ())):
        trial.expect(isinstance(made, Figure), f"a {type(made).__name__} where a Figure is wanted")
        trial.expect(made.value is None or made.denominator is None, "a quotient of nothing that has a value")


@law(
    Kind.METRIC,
    "An outcome adds up: its value is numerator by denominator, or the numerator alone, or none with a reason.",
    mend="Return total(...) or ratio(...) of crmkit.plugins, and round nothing: the page does.",
    safety=True,
)
def adds_up(trial: Trial[Metric[Any]]) -> None:
    made = folded(trial.thing, trial.draw(panel_rows()))
    trial.expect(isinstance(made, Figure), f"a {type(made).__name__} where a Figure is wanted")
    if made.value is None:
        trial.expect(made.note.strip(), "no value and no note that says why")
        return
    wanted = made.numerator / made.denominator if made.denominator else made.numerator
    trial.expect(made.denominator != 0, "a value although there is nothing to divide by")
    trial.expect(made.value == wanted, f"the value {made.value}, not {wanted}")


@law(
    Kind.METRIC,
    "Figures are exact: Decimals, and whole numbers of patients left out.",
    mend="Use Decimal for money and shares; a float cannot hold ten cents.",
)
def exact(trial: Trial[Metric[Any]]) -> None:
    made = folded(trial.thing, trial.draw(panel_rows()))
    figures = [made.value, made.numerator, made.denominator]
    strange = {type(one).__name__ for one in figures if not isinstance(one, (Decimal, type(None)))}
    trial.expect(not strange, f"a {', '.join(sorted(strange))} where a Decimal is wanted")
    trial.expect(all(type(one) is int and one > 0 for one in made.excluded.values()), "patients left out: no number")


@law(
    Kind.METRIC,
    "Neither notes, reasons, logs nor reprs tell a patient.",
    mend="Count by reason; a reason is a word such as not_active, never a patient's id.",
    safety=True,
)
def no_patient_told(trial: Trial[Metric[Any]]) -> None:
    rows = trial.draw(panel_rows(min_size=1))
    with trial.listening() as heard:
        made = folded(trial.thing, rows)
    told = f"{made.note} {' '.join(made.excluded)} {heard.text} {trial.thing!r}"
    trial.expect_discreet(told, *(row.patient for row in rows))


@law(
    Kind.METRIC,
    "The core takes its figures as they are.",
    mend="Return a Figure of finite Decimals, as ratio and total of crmkit.plugins make it, with a sentence as its "
    "note and whole numbers by reason as its exclusions.",
)
def core_takes_it(trial: Trial[Metric[Any]]) -> None:
    rows = trial.draw(panel_rows())
    owned = OwnedMetric(trial.home.plugin.info.name, trial.thing)
    with suppress(PluginError):
        owned.value(owned.add(owned.start(), rows))
    trial.expect_taken(owned.calls)


LAWS = (
    *(declares, any_split, any_order, same_twice, keeps_states, empty_panel, adds_up, exact, no_patient_told),
    core_takes_it,
)
