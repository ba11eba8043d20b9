"""A metric under its owner's name; whoever folds it tells its failure instead of its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any, cast

import attrs

from crmkit.metrics.measure import Figure
from crmkit.metrics.metric import Metric
from crmkit.metrics.panel import PanelRow
from crmkit.plugins.calls import Calls, Fault, Nonsense
from crmkit.plugins.failure import Kind, Phase
from crmkit.plugins.owned.name import full_name
from crmkit.plugins.owned.shape import Shape, declared

METRIC = Shape("metric", {"version": int, "unit": str, "help": str}, ("start", "add", "value"))

_parts_of = attrgetter(*(field.name for field in attrs.fields(PanelRow)))
_MOST_EXCLUDED, _LONGEST = 100, 500


@attrs.frozen(eq=False)
class OwnedMetric:
    """A metric under its owner's name.

    Attributes:
        owner: The plugin that brought it.
        metric: The plugin's object.
        name: The full name.
        version: The version of the definition.
        unit: What the value counts.
        help: The definition in a sentence.
        campaign: The id of the campaign whose arms it wants to be told, empty if it wants none.
    """

    owner: str
    metric: Metric[Any] = attrs.field(repr=False)
    calls: Calls = attrs.field(repr=False)
    name: str = attrs.field(init=False)
    version: int = attrs.field(init=False)
    unit: str = attrs.field(init=False)
    help: str = attrs.field(
        init=False, repr=False, default=attrs.Factory(lambda self: self.metric.help, takes_self=True)
    )

    campaign: str = attrs.field(init=False)

    @campaign.default
    def _campaign(self) -> str:
        return cast("str", declared(self.metric, "campaign", str, ""))

    @calls.default
    def _calls(self) -> Calls:
        return Calls(self.owner, thing=full_name(self.owner, self.metric.name))

    @name.default
    def _name(self) -> str:
        return full_name(self.owner, self.metric.name)

    @version.default
    def _version(self) -> int:
        return self.metric.version

    @unit.default
    def _unit(self) -> str:
        return self.metric.unit

    def start(self) -> Any:
        """Return the metric's state before the first patient; PluginError if it fails."""
        return self._ask(self.metric.start)

    def add(self, state: Any, rows: Sequence[PanelRow]) -> Any:
        """Return the metric's state with more patients in it; PluginError if it fails."""
        batch = tuple(rows)
        return self._ask(lambda: self.metric.add(state, self._own(batch)))

    def value(self, state: Any) -> Figure:
        """Return what the state amounts to; PluginError if it fails or that is no outcome."""
        made: Figure = self._ask(lambda: _checked(self.metric.value(state)))
        return made

    def _own(self, batch: tuple[PanelRow, ...]) -> tuple[PanelRow, ...]:
        # Each metric is given rows of its own: what it does to them, no other metric sees.
        return tuple(PanelRow(*_parts_of(row)) for row in batch) if Phase.MEASURE in self.calls.limits else batch

    def _ask(self, function: Callable[[], Any]) -> Any:
        answer = self.calls.call(Phase.MEASURE, "measuring", function)
        if isinstance(answer, Fault):
            raise answer.as_error()
        return answer


def _checked(made: object) -> Figure:
    """Return an outcome that a report can print."""
    if type(made) is not Figure:
        raise Nonsense("gave something that is no outcome", Kind.WRONG_TYPE)
    figures = [one for one in (made.value, made.denominator) if one is not None]
    if not all(isinstance(one, Decimal) and one.is_finite() for one in (*figures, made.numerator)):
        raise Nonsense("gave an outcome whose figures are no finite Decimals", Kind.WRONG_TYPE)
    if type(made.note) is not str or len(made.note) > _LONGEST or len(made.excluded) > _MOST_EXCLUDED:
        raise Nonsense("gave an outcome whose note is no sentence, or with too many exclusions", Kind.WRONG_TYPE)
    if not _are_counts(made.excluded):
        raise Nonsense("gave an outcome whose exclusions are no counts by reason", Kind.WRONG_TYPE)
    return made


def _are_counts(excluded: Mapping[str, int]) -> bool:
    return all(type(reason) is str and type(count) is int for reason, count in excluded.items())
