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
from crmkit.delivery.events.event import EventParser
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
    """Subclass this, set `info`, and mark the hooks that you implement with `@hookimpl`.

    Each hook but the last registers objects: it is called once, when a `CRM` is opened, and returns a list or yields.
    From then on crmkit calls the objects. One process may open many `CRM`s, so each call makes objects anew from
    `ctx`, and nothing is kept in the plugin itself. If a hook raises, hangs or returns nonsense, the plugin is not
    admitted: the `CRM` does not open, or with `strict=False` it opens without the plugin.
    """

    info: PluginInfo

    @_hookspec
    def crmkit_sources(self, ctx: Context) -> Iterable[Source]:
        """Return data sources: what the practice's software says of its patients.

        `crm.sync()` reads them, each from the cursor at which it stood. A source that fails is told, and the others
        are read. One that has `fetch` is also asked in the moment before its patients are written to: whoever it then
        does not answer for is not written to.

        They are read in the order of their names. A row may name a patient whom another source brings, and waits for
        that; of two sources that bring one id, the first has the patient, and the other's rows are rejected.

        Since 1.0.
        """
        raise NotImplementedError

    @_hookspec
    def crmkit_channels(self, ctx: Context) -> Iterable[Channel]:
        """Return channels: what delivers finished messages by one medium.

        `crm.send()` hands them batches and writes down one receipt for each message. Whatever a channel does not
        clearly answer is unknown, and never repeated by itself unless `guarantee` says that it may be. Without such a
        plugin nothing is planned or sent, so that no touch goes another way than was meant.

        Since 1.0.
        """
        raise NotImplementedError

    @_hookspec
    def crmkit_message_types(self, ctx: Context) -> Iterable[MessageType]:
        """Return message types: what is said, why it may be said, and which fields it needs.

        Their names are short; the plugin's name is put before them. The texts lie in the folder `templates`, as
        `<name>/<medium>/<language>/`. Without such a plugin nothing is planned or sent.

        Since 1.0.
        """
        raise NotImplementedError

    @_hookspec
    def crmkit_fields(self, ctx: Context) -> Iterable[Field]:
        """Return fields: what segments may ask of a patient.

        A field gives an SQL expression, correlated to the patient at hand. One that fails is unknown of everybody, and
        so meets no rule. Without such a plugin nothing is planned or sent.

        Since 1.0.
        """
        raise NotImplementedError

    @_hookspec
    def crmkit_guards(self, ctx: Context) -> Iterable[Guard]:
        """Return guards: what may deny, hold or defer a touch, and never loosens another guard's verdict.

        They judge twice, when a touch is planned and again in the moment before it leaves. The strictest verdict
        holds. A guard that raises, hangs or answers nonsense denies. Without such a plugin nothing is planned or sent.

        Since 1.0.
        """
        raise NotImplementedError

    @_hookspec
    def crmkit_metrics(self, ctx: Context) -> Iterable[Metric[Any]]:
        """Return metrics: figures for the report, folded over one row for each patient.

        A metric that fails has no value, and the report says why; the other figures stay.

        Since 1.0.
        """
        raise NotImplementedError

    @_hookspec
    def crmkit_event_parsers(self, ctx: Context) -> Iterable[EventParser]:
        """Return parsers of what comes back: bounces, complaints, answers, and what a provider reports.

        `crm.receive(...)` and the web app hand them payloads. What a parser cannot read is kept as it came, for
        `crm.receive_again()`. Only one that `verifies` is reached by calls from outside.

        Since 1.0.
        """
        raise NotImplementedError

    @_hookspec
    def crmkit_close(self, ctx: Context) -> None:
        """Give back what the plugin holds open for this `CRM`: connections, files, threads.

        It is called when the `CRM` is closed, and when the plugin could not be admitted after all. It may be called
        twice. A failure is told, and harms nobody.

        Since 1.0.
        """
        raise NotImplementedError
