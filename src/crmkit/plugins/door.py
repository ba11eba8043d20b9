"""The door: which plugins there are is read from metadata; only those that the host names are imported."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pluggy

from crmkit.campaigns.guard import Guard
from crmkit.clock import Clock
from crmkit.delivery.channel import Channel
from crmkit.delivery.event import EventParser
from crmkit.errors import ConfigError, CrmkitError, NotFound, PluginError, nearest
from crmkit.messages.type import MessageType
from crmkit.metrics.metric import Metric
from crmkit.plugins.owned import OwnedChannel, OwnedGuard, OwnedMetric, OwnedParser, owned_source
from crmkit.plugins.spec import API_VERSION, GROUP, Context, CrmkitSpec, PluginInfo
from crmkit.records.source import Source
from crmkit.segments.field import Field
from crmkit.settings import structure

T = TypeVar("T")

#: Protocols are not checked by class: the wrappers check what comes back instead.
_ANY: type[Any] = object

#: Always admitted, by the same door: guards, message types, fields and metrics. Safety is never opt-in.
CORE = "core"


@attrs.frozen
class Found:
    """A plugin that is installed, as its metadata says, or that the host hands in; nothing has been imported."""

    name: str
    distribution: str
    version: str
    entry: EntryPoint | None = attrs.field(repr=False)


@attrs.frozen(eq=False)
class Admitted:
    """What the admitted plugins have registered, wrapped and under full names."""

    found: tuple[Found, ...]
    sources: tuple[Source, ...]
    channels: tuple[Channel, ...]
    message_types: Mapping[str, MessageType]
    fields: Mapping[str, Field]
    guards: tuple[Guard, ...]
    metrics: tuple[Metric[Any], ...]
    event_parsers: Mapping[str, EventParser]
    _close: Callable[[], None] = attrs.field(repr=False)

    def close(self) -> None:
        """Let every plugin give back what it holds open."""
        self._close()

    def event_parser(self, name: str) -> EventParser:
        """Return the event parser of a full name, or the only one of the plugin that is called so.

        Raises:
            NotFound: If there is none.
        """
        of_plugin = [one for full, one in self.event_parsers.items() if full.partition(".")[0] == name]
        found = self.event_parsers.get(name) or (of_plugin[0] if len(of_plugin) == 1 else None)
        if found is None:
            raise NotFound("there is no such event parser", where="events", mend=nearest(name, self.event_parsers))
        return found


def discover() -> dict[str, Found]:
    """Return the installed plugins by name, without importing any.

    Raises:
        PluginError: If two distributions offer the same name.
    """
    found: dict[str, Found] = {}
    for entry in entry_points(group=GROUP):
        name, version = (entry.dist.name, entry.dist.version) if entry.dist else ("unknown", "")
        other = found.get(entry.name)
        if other and other.distribution != name:
            raise PluginError(f"both {other.distribution} and {name} offer the plugin {entry.name}")
        found[entry.name] = Found(entry.name, name, version, entry)
    return found


def admit(
    plugins: Sequence[str | CrmkitSpec], settings: Mapping[str, Mapping[str, Any]], clock: Clock, root: Path
) -> Admitted:
    """Import the named plugins and `core`, and collect what they register.

    Args:
        plugins: The plugins that the host wants: names of installed ones, or objects of its own.
        settings: Settings by plugin name.
        clock: Handed to the plugins.
        root: The folder to which relative paths in settings refer.

    Raises:
        ConfigError: If a plugin is not installed, or settings are given for one that is not admitted or do not fit.
        PluginError: If a plugin cannot be admitted.
    """
    installed = discover()
    own = {_info(plugin, "plugins").name: plugin for plugin in plugins if isinstance(plugin, CrmkitSpec)}
    names = [CORE, *(one if isinstance(one, str) else one.info.name for one in plugins)]
    wanted = list(dict.fromkeys(names))
    found = {name: Found(name, "the host", "", None) if name in own else installed.get(name) for name in wanted}
    _refuse_unknown(found, settings, installed)
    manager = pluggy.PluginManager("crmkit")
    manager.add_hookspecs(CrmkitSpec)
    contexts: dict[str, Context] = {}
    admitted = tuple(one for one in found.values() if one is not None)
    for one in admitted:
        plugin = own.get(one.name) or _load(one)
        info = _info(plugin, one.name)
        given = structure(info.settings, settings.get(one.name, {}), where=f"settings.{one.name}")
        manager.register(plugin, one.name)
        _check_hooks(manager, plugin, one.name)
        contexts[one.name] = Context(one.name, given, clock, logging.getLogger(f"crmkit.plugin.{one.name}"), root)
    return _collect(_Hooks(manager, contexts), admitted)


@attrs.frozen
class _Hooks:
    """Calls one hook of one plugin after the other, so that each failure has a name."""

    manager: pluggy.PluginManager
    contexts: Mapping[str, Context]

    def all(self, hook: str, kind: type[T]) -> list[tuple[str, T]]:
        """Return what all plugins answer to a registration hook, with the owner's name."""
        return [(owner, item) for owner in self.contexts for item in self._items(owner, hook, kind)]

    def _items(self, owner: str, hook: str, kind: type[T]) -> list[T]:
        try:
            answers = self._caller(owner, hook)(ctx=self.contexts[owner])
            items = [item for answer in answers for item in answer]
        except CrmkitError:
            raise
        except Exception as problem:
            raise PluginError(f"the hook {hook} failed ({type(problem).__name__})", where=owner) from problem
        if kind is not object and not all(isinstance(item, kind) for item in items):
            raise PluginError(f"the hook {hook} returned something that is no {kind.__name__}", where=owner)
        return items

    def close(self) -> None:
        """Call every plugin's closing hook, whatever the others do."""
        for owner, context in self.contexts.items():
            try:
                self._caller(owner, "crmkit_close")(ctx=context)
            except Exception as problem:  # noqa: BLE001 - the others must be closed too
                context.log.warning("closing failed (%s)", type(problem).__name__)

    def _caller(self, owner: str, hook: str) -> Any:
        others = [plugin for name, plugin in self.manager.list_name_plugin() if name != owner]
        return self.manager.subset_hook_caller(hook, others)


def _collect(hooks: _Hooks, found: tuple[Found, ...]) -> Admitted:
    types = [kind.owned_by(owner) for owner, kind in hooks.all("crmkit_message_types", MessageType)]
    fields = hooks.all("crmkit_fields", Field)
    owned_fields = [
        field if owner == CORE else attrs.evolve(field, name=f"{owner}.{field.name}") for owner, field in fields
    ]
    return Admitted(
        found=found,
        sources=tuple(owned_source(owner, one) for owner, one in hooks.all("crmkit_sources", _ANY)),
        channels=tuple(OwnedChannel(owner, one) for owner, one in hooks.all("crmkit_channels", _ANY)),
        message_types=_by_name(types, "message type"),
        fields=_by_name(owned_fields, "field"),
        guards=tuple(OwnedGuard(owner, one) for owner, one in hooks.all("crmkit_guards", _ANY)),
        metrics=tuple(OwnedMetric(owner, one) for owner, one in hooks.all("crmkit_metrics", _ANY)),
        event_parsers=_by_name(
            [OwnedParser(owner, one) for owner, one in hooks.all("crmkit_event_parsers", _ANY)], "event parser"
        ),
        close=hooks.close,
    )


def _by_name(items: Iterable[T], what: str) -> dict[str, T]:
    found: dict[str, T] = {}
    for item in items:
        name = str(getattr(item, "name", ""))
        if not name:
            raise PluginError(f"a {what} has no name", where=str(getattr(item, "owner", "")))
        if name in found:
            raise PluginError(f"the {what} {name} is registered twice")
        found[name] = item
    return found


def _refuse_unknown(
    found: Mapping[str, Found | None], settings: Mapping[str, Mapping[str, Any]], installed: Mapping[str, Found]
) -> None:
    for name, one in found.items():
        if one is None:
            mend = f"install its distribution, or correct the name: {nearest(name, installed)}"
            raise ConfigError(f"the plugin {name} is not installed", where="plugins", mend=mend)
    for name in settings:
        if name not in found:
            mend = f"add {name} to plugins"
            raise ConfigError(f"the plugin {name} is not admitted", where=f"settings.{name}", mend=mend)


def _load(found: Found) -> CrmkitSpec:
    try:
        plugin = found.entry.load() if found.entry else None
    except Exception as problem:
        raise PluginError(f"cannot be imported ({type(problem).__name__})", where=found.name) from problem
    if not isinstance(plugin, CrmkitSpec):
        raise PluginError("is no instance of a subclass of CrmkitSpec", where=found.name)
    return plugin


def _info(plugin: CrmkitSpec, name: str) -> PluginInfo:
    info = getattr(plugin, "info", None)
    if not isinstance(info, PluginInfo):
        raise PluginError("has no info", where=name, mend="set the class attribute info to a PluginInfo")
    if info.name != name and name != "plugins":
        raise PluginError(f"calls itself {info.name} but is installed as {name}", where=name)
    needed, ours = _version(info.requires_api, name), _version(API_VERSION, CORE)
    if needed[0] != ours[0] or needed[1] > ours[1]:
        raise PluginError(f"needs version {info.requires_api} of the contract; this is {API_VERSION}", where=name)
    return info


def _version(text: str, where: str) -> tuple[int, int]:
    try:
        major, minor = (int(part) for part in text.split("."))
    except ValueError:
        raise PluginError(f"requires_api {text!r} is no version", where=where, mend="write it as 1.0") from None
    return major, minor


def _check_hooks(manager: pluggy.PluginManager, plugin: CrmkitSpec, name: str) -> None:
    for caller in manager.get_hookcallers(plugin) or ():
        if not caller.has_spec():
            known = [hook for hook in vars(CrmkitSpec) if hook.startswith("crmkit_")]
            raise PluginError(f"there is no hook {caller.name}", where=name, mend=nearest(caller.name, known))
