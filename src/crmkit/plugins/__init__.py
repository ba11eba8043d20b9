"""The contract for plugins, and the door through which they come in.

A vendor needs nothing but what stands in `__all__` here.
"""

from crmkit.campaigns.guard import Candidate, Guard
from crmkit.campaigns.verdict import ALLOWED, Ruling, Verdict, defer, deny, hold
from crmkit.delivery.channel import (
    BLIND,
    QUERYABLE,
    Channel,
    Guarantee,
    Limits,
    Outcome,
    QueryableChannel,
    Question,
    Receipt,
    keyed,
    told_to_wait,
)
from crmkit.delivery.events.event import Event, EventKind, EventParser, Payload, Stop
from crmkit.delivery.events.reply import reply_event
from crmkit.delivery.events.signed_calls import HookParser
from crmkit.errors import NotSent
from crmkit.messages.message import Message
from crmkit.messages.mime import to_bytes
from crmkit.messages.type import MessageType
from crmkit.metrics.measure import Figure, ratio, total
from crmkit.metrics.metric import Metric
from crmkit.metrics.panel import PanelRow
from crmkit.metrics.ratio import Ratio, Tally
from crmkit.people.medium import Medium, Purpose
from crmkit.plugins.spec import API_VERSION, Context, CrmkitSpec, PluginInfo, hookimpl
from crmkit.records.fields import FIELDS, plural, unknown_field
from crmkit.records.source import Batch, Fault, FetchingSource, Row, Source
from crmkit.segments.compare import Expression
from crmkit.segments.field import Field, attribute
from crmkit.segments.kind import AGE, COUNT, DATE, DAY_OF_YEAR, INSTANT, LABELS, LANGUAGE, MONEY, TEXT, word_of
from crmkit.segments.moment import Span
from crmkit.segments.scope import Scope
from crmkit.settings import secret, setting

__all__ = [
    "AGE",
    "ALLOWED",
    "API_VERSION",
    "BLIND",
    "COUNT",
    "DATE",
    "DAY_OF_YEAR",
    "FIELDS",
    "INSTANT",
    "LABELS",
    "LANGUAGE",
    "MONEY",
    "QUERYABLE",
    "TEXT",
    "Batch",
    "Candidate",
    "Channel",
    "Context",
    "CrmkitSpec",
    "Event",
    "EventKind",
    "EventParser",
    "Expression",
    "Fault",
    "FetchingSource",
    "Field",
    "Figure",
    "Guarantee",
    "Guard",
    "HookParser",
    "Limits",
    "Medium",
    "Message",
    "MessageType",
    "Metric",
    "NotSent",
    "Outcome",
    "PanelRow",
    "Payload",
    "PluginInfo",
    "Purpose",
    "QueryableChannel",
    "Question",
    "Ratio",
    "Receipt",
    "Row",
    "Ruling",
    "Scope",
    "Source",
    "Span",
    "Stop",
    "Tally",
    "Verdict",
    "attribute",
    "defer",
    "deny",
    "hold",
    "hookimpl",
    "keyed",
    "plural",
    "ratio",
    "reply_event",
    "secret",
    "setting",
    "to_bytes",
    "told_to_wait",
    "total",
    "unknown_field",
    "word_of",
]
