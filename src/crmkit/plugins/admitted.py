"""What has come through the door, and what has not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import Any

import attrs

from crmkit.campaigns.guard import Guard
from crmkit.delivery.channel import Channel
from crmkit.delivery.events.event import EventParser
from crmkit.errors import ConfigError, NotFound, PluginError, nearest
from crmkit.messages.type import MessageType
from crmkit.metrics.metric import Metric
from crmkit.plugins.failure import Failure, Failures
from crmkit.plugins.installed import Found
from crmkit.records.source import Source
from crmkit.segments.field import Field


@attrs.frozen(eq=False)
class Admitted:
    """What the admitted plugins have registered, in adapters and under full names.

    Attributes:
        found: The admitted plugins.
        brought: The same by plugin and by hook.
        failures: What went wrong with plugins so far, admitted or not.
        missing: Why plugins were left out on which it may depend whether something may go out.
    """

    found: tuple[Found, ...]
    sources: tuple[Source, ...]
    channels: tuple[Channel, ...]
    message_types: Mapping[str, MessageType]
    fields: Mapping[str, Field]
    guards: tuple[Guard, ...]
    metrics: tuple[Metric[Any], ...]
    event_parsers: Mapping[str, EventParser]
    brought: Mapping[str, Mapping[str, Sequence[Any]]] = attrs.field(repr=False)
    failures: Failures = attrs.field(repr=False)
    missing: tuple[Failure, ...] = ()
    _close: Callable[[], None] = attrs.field(default=lambda: None, repr=False)
    _closed: Event = attrs.field(factory=Event, init=False, repr=False)

    def close(self) -> None:
        """Let every plugin give back what it holds open."""
        self._closed.set()
        self._close()

    def insist_on_open(self) -> None:
        """Refuse to call plugins that have given back what they work with: a channel would leave all in doubt.

        Raises:
            ConfigError: If they were closed.
        """
        if self._closed.is_set():
            raise ConfigError("it is closed", where="crm", mend="open another CRM, and close it when all is done")

    def insist(self) -> None:
        """Refuse to go on if a plugin was left out that may have brought a guard, or what campaigns rest on.

        Raises:
            PluginError: With every such plugin and how to mend it.
            ConfigError: If they were closed.
        """
        self.insist_on_open()
        if self.missing:
            raise refusal(self.missing)

    def event_parser(self, name: str) -> EventParser:
        """Return the event parser of a full name, or the only one of the plugin that is called so.

        Raises:
            NotFound: If there is none.
        """
        of_plugin = [one for full, one in self.event_parsers.items() if full.partition(".")[0] == name]
        found = self.event_parsers.get(name) or (of_plugin[0] if len(of_plugin) == 1 else None)
        if found is None:
            none = "admit a plugin that reads what comes back, such as email"
            mend = nearest(name, self.event_parsers) if self.event_parsers else none
            raise NotFound("there is no such event parser", where="events", mend=mend)
        return found


def refusal(failures: Sequence[Failure]) -> PluginError:
    """Return the error that tells why plugins were not admitted, all at once."""
    first = failures[0]
    more = "".join(f"; {one.plugin}: {one.problem}" for one in failures[1:])
    return PluginError(first.problem + more, where=first.plugin, mend=first.mend, failures=failures)
