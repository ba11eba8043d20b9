"""What a vendor must not write: mypy and pyright must refuse each marked line, for the marked reason, and no other.

A mark is `# refused: WHY` at the end of the line; `tests/test_typing.py` says which codes the two have for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from crmkit.plugins import (
    ALLOWED,
    COUNT,
    Batch,
    Candidate,
    Channel,
    Context,
    CrmkitSpec,
    Event,
    EventKind,
    EventParser,
    Field,
    Guard,
    Limits,
    Medium,
    Message,
    MessageType,
    Metric,
    Outcome,
    PanelRow,
    PluginInfo,
    Purpose,
    Ratio,
    Receipt,
    Row,
    Scope,
    Source,
    Span,
    Verdict,
    defer,
    hookimpl,
    keyed,
)
from crmkit.testing import conformance


@attrs.frozen
class AcmeSettings:
    """The settings."""

    url: str


class NoSend:
    """Lacks its method."""

    name = "no-send"
    medium = Medium.SMS


class NoMedium:
    """Has a medium that is a text."""

    name = "no-medium"
    medium = "sms"

    def send(self, messages: Sequence[Message]) -> list[Receipt]:
        """Send."""
        return []


class NoReceipt:
    """Answers with outcomes."""

    name = "no-receipt"
    medium = Medium.SMS

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Send."""
        return [Outcome.SENT]


class OneByOne:
    """Takes a single message."""

    name = "one-by-one"
    medium = Medium.SMS

    def send(self, message: Message) -> list[Receipt]:
        """Send."""
        return []


class NoInstant:
    """Judges without an instant."""

    name = "no-instant"

    def judge(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Judge."""
        return []


class OneVerdict:
    """Gives one verdict for all."""

    name = "one-verdict"

    def judge(self, candidates: Sequence[Candidate], now: datetime) -> Verdict:
        """Judge."""
        return ALLOWED


class ListOfBatches:
    """Returns a list, where batches are yielded."""

    name = "list"

    def read(self, since: str | None) -> list[Batch]:
        """Read."""
        return []


class NoCursor:
    """Cannot be told from where on."""

    name = "no-cursor"

    def read(self) -> Iterator[Batch]:
        """Read."""
        yield from ()


class BareFigure:
    """A metric whose value is a bare number."""

    name, version, unit, help = "bare", 1, "patients", "All patients."

    def start(self) -> int:
        """Begin."""
        return 0

    def add(self, state: int, rows: Sequence[PanelRow]) -> int:
        """Count on."""
        return state + len(rows)

    def value(self, state: int) -> Decimal:
        """Return the number."""
        return Decimal(state)


class OfBytes:
    """Parses bytes."""

    name = "bytes"

    def parse(self, payload: bytes) -> list[Event]:
        """Read."""
        return []


def seven(scope: Scope, span: Span | None) -> int:
    """Return a number, where an expression is wanted."""
    return 7


class AcmePlugin(CrmkitSpec):
    """Registers what is none."""

    info = PluginInfo("acme", settings=AcmeSettings("https://a.example"))  # refused: argument

    @hookimpl
    def crmkit_channels(self, ctx: Context) -> Iterable[Channel]:
        """Return channels."""
        str(ctx.nothing)  # refused: attribute
        yield NoSend()  # refused: yield
        yield NoMedium()  # refused: yield
        yield NoReceipt()  # refused: yield
        yield OneByOne()  # refused: yield

    @hookimpl
    def crmkit_guards(self, ctx: Context) -> Iterable[Guard]:
        """Return guards."""
        yield NoInstant()  # refused: yield
        yield OneVerdict()  # refused: yield

    @hookimpl
    def crmkit_sources(self, ctx: Context) -> Iterable[Source]:
        """Return sources."""
        yield ListOfBatches()  # refused: yield
        yield NoCursor()  # refused: yield

    @hookimpl
    def crmkit_metrics(self, ctx: Context) -> Iterable[Metric[Any]]:
        """Return metrics."""
        yield BareFigure()  # refused: yield
        yield Ratio("a", "share", "A.", above=lambda row: row.nothing)  # refused: attribute

    @hookimpl
    def crmkit_event_parsers(self, ctx: Context) -> Iterable[EventParser]:
        """Return parsers."""
        yield OfBytes()  # refused: yield

    @hookimpl
    def crmkit_fields(self, ctx: Context) -> Iterable[Field]:
        """Return fields."""
        yield Field("shoes", "count", "pairs", seven)  # refused: argument
        yield Field("shoes", COUNT, "pairs", seven)  # refused: argument

    @hookimpl
    def crmkit_message_types(self, ctx: Context) -> Iterable[MessageType]:
        """Return message types."""
        media = (Medium.SMS,)
        yield MessageType("a", "care", "b", (), media, 1, Path())  # refused: argument
        yield MessageType("a", Purpose.CARE, "b", (), ("sms",), 1, Path())  # refused: argument


class WrongHooks(CrmkitSpec):
    """Declares its hooks otherwise than the contract."""

    info = "wrong"  # refused: assignment

    @hookimpl
    def crmkit_channels(self, ctx: Context) -> Iterable[Guard]:  # refused: override
        """Return something else."""
        return []

    @hookimpl
    def crmkit_guards(self, ctx: Context, more: int) -> Iterable[Guard]:  # refused: override
        """Want more."""
        return []

    @hookimpl
    def crmkit_fields(self, context: Context) -> Iterable[Field]:  # refused: parameter
        """Call it otherwise."""
        return []

    @hookimpl
    def crmkit_close(self) -> None:  # refused: override
        """Want nothing."""


def values() -> Iterable[object]:
    """Make values of the wrong parts."""
    yield Receipt("k", "sent")  # refused: argument
    yield defer("tomorrow", "closed")  # refused: argument
    yield Verdict("deny")  # refused: argument
    yield keyed(24)  # refused: argument
    yield Limits(batch="all")  # refused: argument
    yield Row("patient", "P1", {"age": 7})  # refused: entry
    yield Batch(rows=["P1"])  # refused: item
    yield Event(id="1", kind="bounced", medium=Medium.SMS)  # refused: argument
    yield Event(id="1", kind=EventKind.BOUNCED, medium=Medium.SMS, at="now")  # refused: argument


def changed(receipt: Receipt) -> None:
    """Change what is frozen."""
    receipt.outcome = Outcome.SENT  # refused: frozen


conformance(WrongHooks(), waive=["channel.whole_text"])  # refused: argument
conformance(AcmePlugin, settings={})  # refused: argument
