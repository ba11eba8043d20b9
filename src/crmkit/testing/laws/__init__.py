"""The laws, a file for each kind."""

from __future__ import annotations

from crmkit.testing.law import Law
from crmkit.testing.laws import (
    at_work,
    channel,
    cursor,
    doubt,
    event_parser,
    fetch,
    field,
    guard,
    message_type,
    metric,
    plugin,
    provider,
    source,
)

#: Every law there is.
LAWS: tuple[Law, ...] = (
    *(*source.LAWS, *cursor.LAWS, *fetch.LAWS, *channel.LAWS, *provider.LAWS, *doubt.LAWS),
    *(*message_type.LAWS, *guard.LAWS),
    *(*metric.LAWS, *field.LAWS, *event_parser.LAWS, *plugin.LAWS, *at_work.LAWS),
)
