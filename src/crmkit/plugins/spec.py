"""The contract: one class of hooks, each of which registers objects once, when a `CRM` is built."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import pluggy

from crmkit.campaigns.guard import Guard
from crmkit.clock import Clock
from crmkit.delivery.channel import Channel
from crmkit.delivery.event import EventParser
from crmkit.messages.type import MessageType
from crmkit.metrics.metric import Metric
from crmkit.records.source import Source
from crmkit.segments.field import Field

#: The version of this contract: plugins of the same major version and of no higher minor version are admitted.
API_VERSION = "1.0"

#: The group of entry points in which plugins announce themselves: `name = "module:object"`.
GROUP = "crmkit.v1"

_hookspec = pluggy.HookspecMarker("crmkit")
hookimpl = pluggy.HookimplMarker("crmkit")


@attrs.frozen
class NoSettings:
    """The settings of a plugin that has none."""


@attrs.frozen
class PluginInfo:
    """What a plugin says of itself before any hook is called.

    Attributes:
        name: The name under which hosts admit it; all that it registers is called `name.thing`.
        requires_api: The version of the contract that it needs at least.
        settings: An attrs class; its fields are the plugin's settings.
    """

    name: str
    requires_api: str = API_VERSION
    settings: type[Any] = NoSettings


@attrs.frozen
class Context:
    """What a hook is given.

    Attributes:
        plugin: The plugin's name.
        settings: An instance of the plugin's settings class.
        clock: Tells the time; never ask the machine's own clock.
        log: A logger under the plugin's name. Log ids, never names or addresses.
        root: The folder to which relative paths in the settings refer.
    """

    plugin: str
    settings: Any = attrs.field(repr=False)
    clock: Clock
    log: logging.Logger
    root: Path

    def path(self, text: str) -> Path:
        """Return a path from the settings, relative ones below `root`."""
        return self.root / Path(text).expanduser()


class CrmkitSpec:
    """Subclass this, set `info`, and mark the hooks that you implement with `@hookimpl`."""

    info: PluginInfo

    @_hookspec
    def crmkit_sources(self, ctx: Context) -> Iterable[Source]:
        """Return data sources."""
        raise NotImplementedError

    @_hookspec
    def crmkit_channels(self, ctx: Context) -> Iterable[Channel]:
        """Return channels."""
        raise NotImplementedError

    @_hookspec
    def crmkit_message_types(self, ctx: Context) -> Iterable[MessageType]:
        """Return message types; their names are short, the plugin's name is put before them."""
        raise NotImplementedError

    @_hookspec
    def crmkit_fields(self, ctx: Context) -> Iterable[Field]:
        """Return fields that segments may ask."""
        raise NotImplementedError

    @_hookspec
    def crmkit_guards(self, ctx: Context) -> Iterable[Guard]:
        """Return guards."""
        raise NotImplementedError

    @_hookspec
    def crmkit_metrics(self, ctx: Context) -> Iterable[Metric[Any]]:
        """Return metrics."""
        raise NotImplementedError

    @_hookspec
    def crmkit_event_parsers(self, ctx: Context) -> Iterable[EventParser]:
        """Return parsers of what comes back: bounces, complaints, answers, and what a provider reports."""
        raise NotImplementedError

    @_hookspec
    def crmkit_close(self, ctx: Context) -> None:
        """Give back what the plugin holds open."""
        raise NotImplementedError
