"""Twenty plugins: one guard with a channel that costs nothing, and nineteen that bring everything else but guards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any

from crmkit.plugins import (
    ALLOWED,
    COUNT,
    Batch,
    Candidate,
    CrmkitSpec,
    Event,
    Field,
    Figure,
    Medium,
    Message,
    MessageType,
    Outcome,
    PanelRow,
    Payload,
    PluginInfo,
    Purpose,
    Receipt,
    Verdict,
    deny,
    hookimpl,
    total,
)


class Watch(CrmkitSpec):
    """Registers itself as a guard and as the channel: what a practice with one plugin has."""

    info = PluginInfo("watch")
    name = "watch"
    medium = Medium.EMAIL

    @hookimpl
    def crmkit_guards(self, ctx: object) -> Iterable[Any]:  # noqa: ARG002 - hooks are called by name
        """Return the guard."""
        return [self]

    @hookimpl
    def crmkit_channels(self, ctx: object) -> Iterable[Any]:  # noqa: ARG002
        """Return the channel."""
        return [self]

    def judge(self, candidates: Sequence[Candidate], now: datetime) -> list[Verdict]:  # noqa: ARG002
        """Deny whoever asked for letters only."""
        return [deny("letters_only") if "letters" in one.patient.tags else ALLOWED for one in candidates]

    def send(self, messages: Sequence[Message]) -> list[Receipt]:
        """Take everything and do nothing with it: a channel that worked would only hide what plugins cost."""
        return [Receipt(one.key, Outcome.SENT) for one in messages]


class More(CrmkitSpec):
    """Registers what it is made with, by one hook."""

    def __init__(self, number: int, hook: str, things: Callable[[], list[Any]]) -> None:
        self.info = PluginInfo(f"more-{number}")
        self.hook, self.things = hook, things

    def _of(self, hook: str) -> list[Any]:
        return self.things() if hook == self.hook else []

    @hookimpl
    def crmkit_sources(self, ctx: object) -> Iterable[Any]:  # noqa: ARG002
        """Return sources, if it is for that."""
        return self._of("sources")

    @hookimpl
    def crmkit_fields(self, ctx: object) -> Iterable[Field]:  # noqa: ARG002
        """Return fields, if it is for that."""
        return self._of("fields")

    @hookimpl
    def crmkit_metrics(self, ctx: object) -> Iterable[Any]:  # noqa: ARG002
        """Return metrics, if it is for that."""
        return self._of("metrics")

    @hookimpl
    def crmkit_message_types(self, ctx: object) -> Iterable[MessageType]:  # noqa: ARG002
        """Return message types, if it is for that."""
        return self._of("message_types")

    @hookimpl
    def crmkit_event_parsers(self, ctx: object) -> Iterable[Any]:  # noqa: ARG002
        """Return event parsers, if it is for that."""
        return self._of("event_parsers")


class Rows:
    """A source that has nothing new."""

    name = "rows"

    def read(self, since: str | None) -> Iterator[Batch]:  # noqa: ARG002
        """Yield nothing."""
        return iter(())


class Days:
    """A metric: days with a visit."""

    name, version, unit, help = "days", 1, "visits", "Days with a completed visit."

    def start(self) -> int:
        """Return none."""
        return 0

    def add(self, state: int, rows: Sequence[PanelRow]) -> int:
        """Return the state with more days."""
        return state + sum(row.visits for row in rows)

    def value(self, state: int) -> Figure:
        """Return the number."""
        return total(state)


class Calls:
    """An event parser that understands nothing."""

    name = "calls"

    def parse(self, payload: Payload) -> Sequence[Event]:  # noqa: ARG002
        """Return nothing."""
        return ()


def _fields() -> list[Field]:
    return [Field("days", COUNT, "days with a visit", lambda scope, _: scope.patient.c.born_day)]


def _message_types() -> list[MessageType]:
    templates = files("crmkit.builtin") / "templates"
    return [MessageType("birthday", Purpose.MARKETING, "celebrate", (), (Medium.EMAIL,), 5, templates)]


_KINDS: Sequence[tuple[str, Callable[[], list[Any]]]] = (
    ("sources", lambda: [Rows()]),
    ("fields", _fields),
    ("metrics", lambda: [Days()]),
    ("message_types", _message_types),
    ("event_parsers", lambda: [Calls()]),
)


def plugins(others: int) -> list[CrmkitSpec]:
    """Return the guard's plugin and so many others, of all kinds in turn."""
    return [Watch(), *(More(number, *_KINDS[number % len(_KINDS)]) for number in range(others))]
