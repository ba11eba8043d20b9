"""What can be measured: a fold over the panel, in batches, in one pass for all metrics together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, Self, TypeVar

import attrs

from crmkit.errors import PluginError
from crmkit.metrics.measure import Figure, Measure
from crmkit.metrics.panel import PanelRow
from crmkit.metrics.window import Window


class Addable(Protocol):
    """A state that can be put together with another of its kind, in any order."""

    def __add__(self, other: Self, /) -> Self:
        """Return the state of both parts together."""
        ...


S = TypeVar("S", bound=Addable)


class Metric(Protocol[S]):
    """A named, versioned measure.

    For any two parts of the panel, `add(start(), a) + add(start(), b)` must equal `add(add(start(), a), b)`: the order
    of patients and the size of batches never matter. A change of meaning is a new version.

    It may also have an attribute `campaign`: the id of the campaign whose lot `PanelRow.arm` is to tell. Without it
    every arm is empty.
    """

    @property
    def name(self) -> str:
        """The full name, such as `core.retention`."""
        ...

    @property
    def version(self) -> int:
        """The version of the definition, from 1."""
        ...

    @property
    def unit(self) -> str:
        """`patients`, `visits`, `share`, `money` or a word of one's own."""
        ...

    @property
    def help(self) -> str:
        """What the figure means, in one or two sentences."""
        ...

    def start(self) -> S:
        """Return the state of an empty panel."""
        ...

    def add(self, state: S, rows: Sequence[PanelRow]) -> S:
        """Return the state with more patients in it; a state is never changed."""
        ...

    def value(self, state: S) -> Figure:
        """Return what the state amounts to."""
        ...


def campaign_of(metric: Metric[Any]) -> str:
    """Return the id of the campaign whose arms a metric wants to be told, empty if it wants none."""
    wanted = getattr(metric, "campaign", "")
    return wanted if isinstance(wanted, str) else ""


def measure(
    metrics: Sequence[Metric[Any]], batches: Iterable[Sequence[PanelRow]], window: Window, as_of: datetime
) -> dict[str, Measure]:
    """Return each metric's measure by name, in one pass over the panel.

    A metric that raises has no value and says so in its note; the others are not harmed.
    """
    folds = [_Fold(metric) for metric in metrics]
    for rows in batches:
        for fold in folds:
            fold.add(rows)
    return {fold.metric.name: fold.measure(window, as_of) for fold in folds}


@attrs.define
class _Fold:
    metric: Metric[Any]
    state: Any = None
    failure: str = ""

    def add(self, rows: Sequence[PanelRow]) -> None:
        if self.failure:
            return
        try:
            self.state = self.metric.add(self._begun(), rows)
        except Exception as problem:  # noqa: BLE001 - one faulty metric must not take the report with it
            self.failure = _told(problem)

    def measure(self, window: Window, as_of: datetime) -> Measure:
        made, metric = self._outcome(), self.metric
        return Measure(
            definition=f"{metric.name}@{metric.version}",
            unit=metric.unit,
            window=window,
            as_of=as_of,
            help=metric.help,
            **attrs.asdict(made, recurse=False),
        )

    def _outcome(self) -> Figure:
        try:
            made = Figure(None, Decimal(0), note=self.failure) if self.failure else self.metric.value(self._begun())
        except Exception as problem:  # noqa: BLE001 - one faulty metric must not take the report with it
            return Figure(None, Decimal(0), note=_told(problem))
        return made if isinstance(made, Figure) else Figure(None, Decimal(0), note="the metric gave no outcome")

    def _begun(self) -> Any:
        return self.metric.start() if self.state is None else self.state


def _told(problem: Exception) -> str:
    """Return why there is no figure; what the door says of a plugin quotes nobody."""
    why = problem.problem if isinstance(problem, PluginError) else type(problem).__name__
    return f"the metric failed ({why})"
