"""The contract for plugins, and the door through which they come in.

A vendor needs nothing but what stands in `__all__` here.
"""

from crmkit.campaigns.guard import Candidate, Guard
from crmkit.campaigns.verdict import ALLOWED, Ruling, Verdict, defer, deny, hold
from crmkit.delivery.channel import BLIND, QUERYABLE, Channel, Guarantee, Limits, Outcome, Question, Receipt, keyed
from crmkit.delivery.event import Event, EventKind, EventParser, Payload, Stop
from crmkit.delivery.reply import reply_event
from crmkit.errors import NotSent
from crmkit.messages.message import Message
from crmkit.messages.mime import to_bytes
from crmkit.messages.type import MessageType
from crmkit.people.medium import Medium, Purpose
from crmkit.plugins.spec import API_VERSION, Context, CrmkitSpec, PluginInfo, hookimpl
from crmkit.records.source import Batch, Fault, FetchingSource, Row, Source
from crmkit.settings import secret

__all__ = [
    "ALLOWED",
    "API_VERSION",
    "BLIND",
    "QUERYABLE",
    "Batch",
    "Candidate",
    "Channel",
    "Context",
    "CrmkitSpec",
    "Event",
    "EventKind",
    "EventParser",
    "Fault",
    "FetchingSource",
    "Guarantee",
    "Guard",
    "Limits",
    "Medium",
    "Message",
    "MessageType",
    "NotSent",
    "Outcome",
    "Payload",
    "PluginInfo",
    "Purpose",
    "Question",
    "Receipt",
    "Row",
    "Ruling",
    "Source",
    "Stop",
    "Verdict",
    "defer",
    "deny",
    "hold",
    "hookimpl",
    "keyed",
    "reply_event",
    "secret",
    "to_bytes",
]
