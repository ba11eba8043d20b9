"""A good metric, and metrics that each break one law."""

from __future__ import annotations

import random
from decimal import Decimal
from itertools import pairwise

import attrs

from crmkit.metrics.measure import Figure, ratio, total
from mutants.making import plugin_of


@attrs.frozen
class Sums:
    """How much was spent, by how many patients, and who was left out."""

    spend: Decimal = Decimal(0)
    patients: int = 0
    left_out: int = 0

    def __add__(self, other):
        return Sums(self.spend + other.spend, self.patients + other.patients, self.left_out + other.left_out)


class Spend:
    """What an active patient spent on average. A good metric."""

    name = "spend"
    version = 1
    unit = "money"
    help = "What was invoiced to the active patients, divided by their number."

    def __init__(self, ctx=None):
        self.log = ctx.log

    def start(self):
        return Sums()

    def add(self, state, rows):
        for row in rows:
            state = state + self.one(row)
        return state

    def one(self, row):
        return Sums(row.spend, 1) if row.active_at_end else Sums(left_out=1)

    def value(self, state):
        return ratio(state.spend, state.patients, {"not_active": state.left_out})


class ShoutsItsName(Spend):
    name = "Spend!"


class HasNoHelp(Spend):
    help = ""


class CountsBatches(Spend):
    """Counts how often it is called, not how many patients there are."""

    def add(self, state, rows):
        return attrs.evolve(super().add(state, rows), patients=state.patients + 1)


class AddsWrongly(Spend):
    class Kept(Sums):
        def __add__(self, other):
            return AddsWrongly.Kept(other.spend, self.patients + other.patients, self.left_out + other.left_out)

    def start(self):
        return AddsWrongly.Kept()

    def add(self, state, rows):
        made = super().add(Sums(), rows)
        return AddsWrongly.Kept(
            state.spend + made.spend, state.patients + made.patients, state.left_out + made.left_out
        )


class LooksBack(Spend):
    """Counts who spends more than the one before."""

    def add(self, state, rows):
        more = sum(one.spend < other.spend for one, other in pairwise(rows))
        return state + Sums(Decimal(more), len(rows))


class RollsDice(Spend):
    def one(self, row):
        return super().one(row) if random.random() < 0.5 else Sums()


class Remembers(Spend):
    def __init__(self, ctx=None):
        super().__init__(ctx)
        self.seen = set()

    def one(self, row):
        known = row.patient in self.seen
        self.seen.add(row.patient)
        return Sums(left_out=1) if known else super().one(row)


class ChangesItsState(Spend):
    def start(self):
        return {"spend": Decimal(0), "patients": 0}

    def add(self, state, rows):
        for row in rows:
            state["spend"] += row.spend
            state["patients"] += 1
        return state

    def value(self, state):
        return ratio(state["spend"], state["patients"])


class DividesByNothing(Spend):
    def value(self, state):
        return total(state.spend / state.patients)


class CallsNothingZero(Spend):
    def value(self, state):
        made = super().value(state)
        return made if made.value is not None else Figure(Decimal(0), Decimal(0), Decimal(0))


class Rounds(Spend):
    def value(self, state):
        made = super().value(state)
        return made if made.value is None else attrs.evolve(made, value=made.value.quantize(Decimal(1)))


class SaysPercent(Spend):
    def value(self, state):
        made = super().value(state)
        return made if made.value is None else attrs.evolve(made, value=made.value * 100)


class GivesNoReason(Spend):
    def value(self, state):
        return attrs.evolve(super().value(state), note="")


class Floats(Spend):
    def value(self, state):
        made = super().value(state)
        return attrs.evolve(made, numerator=float(made.numerator))


class NamesWhoIsLeftOut(Spend):
    def add(self, state, rows):
        self.last = rows[-1].patient if rows else "nobody"
        return super().add(state, rows)

    def value(self, state):
        return ratio(state.spend, state.patients, {self.last: 1})


class LogsThePatient(Spend):
    def one(self, row):
        self.log.info("adding %s", row.patient)
        return super().one(row)


class ExcludesInShares(Spend):
    def value(self, state):
        return ratio(state.spend, state.patients, {"not_active": Decimal(state.left_out)})


def plugin(metric=Spend):
    """Return a plugin with one metric."""
    return plugin_of("metric", metric)


MUTANTS = {
    "metric.declares": (ShoutsItsName, HasNoHelp),
    "metric.any_split": (CountsBatches, AddsWrongly),
    "metric.any_order": (LooksBack,),
    "metric.same_twice": (RollsDice, Remembers),
    "metric.keeps_states": (ChangesItsState,),
    "metric.empty_panel": (DividesByNothing, CallsNothingZero),
    "metric.adds_up": (Rounds, SaysPercent, GivesNoReason),
    "metric.exact": (Floats,),
    "metric.no_patient_told": (NamesWhoIsLeftOut, LogsThePatient),
    "metric.core_takes_it": (ExcludesInShares,),
}
