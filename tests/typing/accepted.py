"""What a vendor writes, with one object of every kind: mypy and pyright must accept every line, in strict mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import attrs
import sqlalchemy as sa

from crmkit.errors import NotFound, SourceError
from crmkit.plugins import (
    ALLOWED,
    BLIND,
    COUNT,
    FIELDS,
    Batch,
    Candidate,
    Channel,
    Context,
    CrmkitSpec,
    Event,
    EventKind,
    EventParser,
    Expression,
    FetchingSource,
    Field,
    Figure,
    Guarantee,
    Guard,
    HookParser,
    Limits,
    Medium,
    Message,
    MessageType,
    Metric,
    NotSent,
    Outcome,
    PanelRow,
    Payload,
    PluginInfo,
    Purpose,
    QueryableChannel,
    Question,
    Ratio,
    Receipt,
    Row,
    Scope,
    Source,
    Span,
    Verdict,
    attribute,
    defer,
    deny,
    hold,
    hookimpl,
    ratio,
    secret,
    setting,
    word_of,
)
from crmkit.testing import conformance


@attrs.frozen
class AcmeSettings:
    """The settings."""

    url: str
    token: str = secret("of the gateway")
    tries: int = setting("how often", default=3)


@attrs.frozen
class AcmeChannel:
    """A channel with attributes, as attrs classes have them."""

    settings: AcmeSettings
    name: str = "sms"
    medium: Medium = Medium.SMS
    guarantee: Guarantee = BLIND
    limits: Limits = Limits(batch=50, per_second=10.0)

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        """Answer at once."""
        if not messages:
            raise NotSent("there was nothing to send")
        return [Receipt(one.key, Outcome.SENT, reference=one.to[-4:]) for one in messages]


class AskedChannel:
    """A channel with properties, which yields its receipts and can be asked."""

    guarantee = Guarantee(ttl=timedelta(hours=1), queryable=True)

    @property
    def name(self) -> str:
        """The name."""
        return "asked"

    @property
    def medium(self) -> Medium:
        """The medium."""
        return Medium.SMS

    def send(self, messages: Sequence[Message]) -> Iterator[Receipt]:
        """Answer one by one."""
        for one in messages:
            yield Receipt(one.key, Outcome.UNKNOWN, evidence="timeout")

    def ask(self, questions: Sequence[Question]) -> list[Receipt]:
        """Tell what became of them."""
        return [Receipt(one.key, Outcome.RETRY) for one in questions if one.at < datetime.now(UTC)]


@attrs.frozen
class AcmeGuard:
    """A guard."""

    name: str = "closed"

    def judge(self, candidates: Sequence[Candidate], now: datetime) -> list[Verdict]:
        """Judge each by itself."""
        return [self._judge(one, now) for one in candidates]

    def _judge(self, one: Candidate, now: datetime) -> Verdict:
        if one.purpose is Purpose.MARKETING and not one.consented:
            return deny("no_consent", patient=one.patient.id)
        if one.recipient is None:
            return hold("nobody_to_read_it")
        return defer(now + timedelta(days=1), "closed") if one.minor else ALLOWED


@attrs.frozen
class AcmeSource:
    """A source that answers the last-second question."""

    folder: Path
    name: str = "acme"

    def read(self, since: str | None) -> Iterator[Batch]:
        """Read all."""
        if not self.folder.is_dir():
            raise SourceError("there is no such folder", where=self.name)
        yield Batch([Row("patient", "P1", {"given": "Mia"}, "patients.txt", 1)], cursor=since, complete=False)

    def fetch(self, ids: Sequence[str]) -> Iterator[Batch]:
        """Read some."""
        yield Batch([Row(kind, one, {}) for kind in FIELDS for one in ids], whole=["visit"])


@attrs.frozen
class Total:
    """A state of one's own."""

    patients: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(self.patients + other.patients)


@attrs.frozen
class AcmeMetric:
    """A metric that is written out."""

    name: str = "acme.regulars"
    version: int = 1
    unit: str = "share"
    help: str = "Of all patients the share with two visits or more."

    def start(self) -> Total:
        """Begin."""
        return Total()

    def add(self, state: Total, rows: Sequence[PanelRow]) -> Total:
        """Count on."""
        return state + Total(sum(row.visits > 1 for row in rows))

    def value(self, state: Total) -> Figure:
        """Divide."""
        return ratio(state.patients, 2) if state.patients else Figure(None, Decimal(0), note="nobody came")


def acme_ratio() -> Ratio:
    """Return a metric of the usual form."""
    return Ratio("acme.visits", "visits", "All visits.", above=lambda row: row.visits)


def shoes(scope: Scope, span: Span | None) -> Expression:
    """Return how often a patient came."""
    visit = scope.records.visit.now
    counted = sa.select(sa.func.count()).where(scope.of_patient(visit)).correlate(scope.patient)
    return counted.scalar_subquery() if span is None else sa.null()


@attrs.frozen
class AcmeParser:
    """A parser."""

    name: str = "callbacks"
    verifies: bool = True

    def parse(self, payload: Payload) -> tuple[Event, ...]:
        """Read one callback."""
        if "x-signature" not in payload.headers:
            raise NotFound("the callback is not signed", where=self.name)
        id_ = payload.event_id(1)
        return (Event(id=id_, kind=EventKind.BOUNCED, medium=Medium.SMS, address="+61491570156", permanent=True),)


class AcmePlugin(CrmkitSpec):
    """Registers one of each."""

    info = PluginInfo("acme", requires_api="1.0", settings=AcmeSettings)

    @hookimpl
    def crmkit_channels(self, ctx: Context) -> Iterable[Channel]:
        """Return the channels."""
        asked: QueryableChannel = AskedChannel()
        return [AcmeChannel(ctx.settings), asked]

    @hookimpl
    def crmkit_guards(self, ctx: Context) -> list[Guard]:
        """Return the guard."""
        ctx.log.info("opened at %s", ctx.clock.now())
        return [AcmeGuard()]

    @hookimpl
    def crmkit_sources(self, ctx: Context) -> Iterator[Source]:
        """Yield the source."""
        fetching: FetchingSource = AcmeSource(ctx.path("exports"))
        yield fetching

    @hookimpl
    def crmkit_message_types(self, ctx: Context) -> Iterable[MessageType]:
        """Return the message type."""
        return [
            MessageType(
                name="ready",
                purpose=Purpose.SERVICE,
                objective="inform",
                needs=["patient.greeting"],
                media=(Medium.EMAIL, Medium.SMS),
                fresh_days=14,
                templates=files("acme") / "templates",
            )
        ]

    @hookimpl
    def crmkit_metrics(self, ctx: Context) -> Iterable[Metric[Any]]:
        """Return the metrics."""
        regulars: Metric[Total] = AcmeMetric()
        return [regulars, acme_ratio()]

    @hookimpl
    def crmkit_fields(self, ctx: Context) -> Iterable[Field]:
        """Return the fields."""
        insurer = attribute("attributes.insurer", word_of("public", "private"), "who pays")
        return [Field("shoes", COUNT, "pairs of shoes", shoes, windowed=True, known=True), insurer]

    @hookimpl
    def crmkit_event_parsers(self, ctx: Context) -> Iterable[EventParser]:
        """Return the parsers."""
        return [AcmeParser(), HookParser(["whsec_..."])]

    @hookimpl
    def crmkit_close(self, ctx: Context) -> None:
        """Give nothing back."""


plugin = AcmePlugin()
TestAcme = conformance(plugin, settings={"url": "https://a.example", "token": "t"}, waive={"channel.x": "why not"})
