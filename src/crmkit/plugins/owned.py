"""Wrappers with the same Protocols: they know the owner and keep its faults from doing harm to others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, cast

import attrs

from crmkit.campaigns.guard import Candidate, Guard
from crmkit.campaigns.verdict import Verdict, deny
from crmkit.delivery import channel as delivery
from crmkit.delivery.channel import Channel, Guarantee, Limits, Question, Receipt
from crmkit.delivery.event import Event, EventParser, Payload, verifies
from crmkit.errors import CrmkitError, PluginError
from crmkit.messages.message import Message
from crmkit.metrics.measure import Outcome
from crmkit.metrics.metric import Metric
from crmkit.metrics.panel import PanelRow
from crmkit.people.medium import Medium
from crmkit.records.source import Batch, FetchingSource, Source, fetches


@attrs.frozen
class OwnedSource:
    """A source under its owner's name; its failure is an error that names it and holds nothing of a patient."""

    owner: str
    source: Source = attrs.field(repr=False)

    @property
    def name(self) -> str:
        """The full name."""
        return full_name(self.owner, self.source.name)

    def read(self, since: str | None) -> Iterator[Batch]:
        """Yield the source's batches.

        Raises:
            CrmkitError: As the source raises it; any other exception becomes a PluginError.
        """
        yield from self._batches(lambda: self.source.read(since))

    def _batches(self, ask: Callable[[], Iterator[Batch]]) -> Iterator[Batch]:
        try:
            for batch in ask():
                if not isinstance(batch, Batch):
                    raise PluginError("yielded something that is no Batch", where=self.name)
                yield batch
        except CrmkitError:
            raise
        except Exception as problem:
            raise PluginError(f"failed while reading ({type(problem).__name__})", where=self.name) from problem


@attrs.frozen
class OwnedFetchingSource(OwnedSource):
    """A source that answers the last-second question, under its owner's name."""

    source: FetchingSource = attrs.field(repr=False)

    def fetch(self, ids: Sequence[str]) -> Iterator[Batch]:
        """Yield the source's batches about some patients.

        Raises:
            CrmkitError: As the source raises it; any other exception becomes a PluginError.
        """
        yield from self._batches(lambda: self.source.fetch(tuple(ids)))


def owned_source(owner: str, source: Source) -> OwnedSource:
    """Return a source under its owner's name, with a `fetch` only if it has one itself."""
    return OwnedFetchingSource(owner, source) if fetches(source) else OwnedSource(owner, source)


@attrs.frozen
class OwnedChannel:
    """A channel under its owner's name; whatever it does, each of its messages gets exactly one receipt."""

    owner: str
    channel: Channel = attrs.field(repr=False)

    @property
    def name(self) -> str:
        """The full name."""
        return full_name(self.owner, self.channel.name)

    @property
    def medium(self) -> Medium:
        """The medium by which it delivers."""
        return self.channel.medium

    @property
    def guarantee(self) -> Guarantee:
        """What its provider guarantees."""
        return delivery.guarantee_of(self.channel)

    @property
    def limits(self) -> Limits:
        """How much it may be handed."""
        return delivery.limits_of(self.channel)

    def ask(self, questions: Sequence[Question]) -> Sequence[Receipt]:
        """Return what became of attempts; whatever goes wrong leaves them unknown."""
        try:
            answers = [one for one in cast("Any", self.channel).ask(tuple(questions)) if isinstance(one, Receipt)]
        except Exception:  # noqa: BLE001 - a faulty plugin must not stop the others
            return []
        asked = {one.key for one in questions}
        return [one for one in answers if one.key in asked]

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        """Return one receipt for each message: an exception or a missing receipt leaves it unknown."""
        try:
            answers = {one.key: one for one in self.channel.send(tuple(messages)) if isinstance(one, Receipt)}
        except Exception as problem:  # noqa: BLE001 - a faulty plugin must not stop the others
            answers, evidence = {}, f"raised {type(problem).__name__}"
        else:
            evidence = "no receipt"
        return [
            answers.get(one.key) or Receipt(one.key, delivery.Outcome.UNKNOWN, evidence=evidence) for one in messages
        ]


@attrs.frozen
class OwnedGuard:
    """A guard under its owner's name; if it fails, it denies."""

    owner: str
    guard: Guard = attrs.field(repr=False)

    @property
    def name(self) -> str:
        """The full name."""
        return full_name(self.owner, self.guard.name)

    def judge(self, candidates: Sequence[Candidate], now: datetime) -> Sequence[Verdict]:
        """Return one verdict for each candidate: all denials if the guard raises or answers nonsense."""
        try:
            verdicts = list(self.guard.judge(tuple(candidates), now))
        except Exception:  # noqa: BLE001 - guards fail closed
            verdicts = []
        if len(verdicts) != len(candidates) or set(map(type, verdicts)) - {Verdict}:
            return [deny("guard_failed", guard=self.name)] * len(candidates)
        return verdicts


@attrs.frozen
class OwnedMetric:
    """A metric under its owner's name; whoever folds it tells its failure instead of its value."""

    owner: str
    metric: Metric[Any] = attrs.field(repr=False)

    @property
    def name(self) -> str:
        """The full name."""
        return full_name(self.owner, self.metric.name)

    @property
    def version(self) -> int:
        """The version of the definition."""
        return self.metric.version

    @property
    def unit(self) -> str:
        """What the value counts."""
        return self.metric.unit

    @property
    def help(self) -> str:
        """The definition in a sentence."""
        return self.metric.help

    def start(self) -> Any:
        """Return the metric's state before the first patient."""
        return self.metric.start()

    def add(self, state: Any, rows: Sequence[PanelRow]) -> Any:
        """Return the metric's state with more patients in it."""
        return self.metric.add(state, tuple(rows))

    def value(self, state: Any) -> Outcome:
        """Return what the state amounts to."""
        return self.metric.value(state)


@attrs.frozen
class OwnedParser:
    """An event parser under its owner's name; its failure is an error that names it and quotes nothing."""

    owner: str
    parser: EventParser = attrs.field(repr=False)

    @property
    def name(self) -> str:
        """The full name."""
        return full_name(self.owner, self.parser.name)

    @property
    def verifies(self) -> bool:
        """Whether it refuses what is forged."""
        return verifies(self.parser)

    def parse(self, payload: Payload) -> Sequence[Event]:
        """Return the payload's events.

        Raises:
            CrmkitError: As the parser raises it; any other exception becomes a PluginError.
        """
        try:
            events = tuple(self.parser.parse(payload))
        except CrmkitError:
            raise
        except Exception as problem:  # noqa: BLE001 - a faulty plugin must not stop the others
            # Not even the traceback may go on: what stumbled over a payload usually quotes it.
            raise PluginError(f"failed while reading a payload ({type(problem).__name__})", where=self.name) from None
        if not all(isinstance(one, Event) for one in events):
            raise PluginError("returned something that is no Event", where=self.name)
        return events


def full_name(owner: str, name: str) -> str:
    """Return `owner.name`; a name that says its owner already stays as it is.

    >>> full_name("acme", "sms"), full_name("folder", "folder")
    ('acme.sms', 'folder')
    """
    return name if name == owner or name.startswith(f"{owner}.") else f"{owner}.{name}"
