"""What one plugin brings: its hooks are called once, and each object is put into an adapter that knows its owner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.resources.abc import Traversable
from types import ModuleType
from typing import Any

import attrs
import pluggy
from pluggy import HookimplOpts, HookspecOpts

from crmkit.errors import ConfigError, SourceError, StoreError, TemplateError
from crmkit.messages.type import MessageType
from crmkit.people.medium import Medium, Purpose
from crmkit.plugins.calls import Calls, Fault, Nonsense, drain
from crmkit.plugins.failure import Kind, Phase
from crmkit.plugins.look import HOOKS
from crmkit.plugins.owned import (
    OwnedChannel,
    OwnedGuard,
    OwnedMetric,
    OwnedParser,
    full_name,
    owned_field,
    owned_source,
)
from crmkit.plugins.owned.channel import CHANNEL
from crmkit.plugins.owned.guard import GUARD
from crmkit.plugins.owned.metric import METRIC
from crmkit.plugins.owned.parser import PARSER
from crmkit.plugins.owned.shape import Shape
from crmkit.plugins.owned.source import SOURCE
from crmkit.plugins.spec import Context, CrmkitSpec
from crmkit.plugins.time_limits import TimeLimits
from crmkit.segments.field import Field

_MOST = 1000
#: What a hook may say to the host: settings, files or templates cannot be used.
_SAYS = (ConfigError, SourceError, StoreError, TemplateError)


class _Manager(pluggy.PluginManager):
    """Looks at the hooks alone; what else a plugin has is none, and there may be much of it."""

    def parse_hookspec_opts(self, module_or_class: ModuleType | type, name: str) -> HookspecOpts | None:
        return super().parse_hookspec_opts(module_or_class, name) if name in HOOKS else None

    def parse_hookimpl_opts(self, plugin: object, name: str) -> HookimplOpts | None:
        return super().parse_hookimpl_opts(plugin, name) if name in HOOKS else None


@attrs.define(eq=False)
class Joined:
    """One admitted plugin.

    Attributes:
        plugin: The plugin.
        context: What its hooks are given.
        calls: Makes the calls to its hooks.
        limits: How long its objects may take.
        things: What it registered, by hook, in adapters.
        core: Whether it is `core`: its objects are called directly, and its fields keep their own names.
    """

    plugin: CrmkitSpec = attrs.field(repr=False)
    context: Context
    calls: Calls
    limits: TimeLimits
    core: bool = False
    things: dict[str, list[Any]] = attrs.field(factory=dict, init=False, repr=False)
    _owned: list[Calls] = attrs.field(factory=list, init=False, repr=False)
    _manager: pluggy.PluginManager = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        # A manager for each plugin: none can wrap, reorder or block another's hooks.
        self._manager = _Manager("crmkit")
        self._manager.add_hookspecs(CrmkitSpec)

    def register(self) -> Fault | None:
        """Call the hooks; return what went wrong with the first that failed."""
        self._manager.register(self.plugin, self.context.plugin)
        for hook, (what, build) in _BUILD.items():
            called = self._ask(hook, what, build)
            if isinstance(called, Fault):
                return called
            self.things[hook] = called
        return None

    def registered(self, hook: str) -> list[Any]:
        """Return what a hook registered, by name; of `core` in its own order, in which a report tells its figures."""
        things = self.things[hook]
        return things if self.core else sorted(things, key=lambda thing: thing.name)

    def close(self) -> None:
        """Let the plugin give back what it holds open, and its threads end."""
        close = self._manager.hook.crmkit_close
        if close.get_hookimpls():
            self.calls.call(Phase.CLOSE, "closing", lambda: close(ctx=self.context))
        for calls in (self.calls, *self._owned):
            calls.end()

    def calls_to(self, name: str) -> Calls:
        """Return what makes the calls to an object of the plugin's."""
        calls, limits = self.calls, {} if self.core else self.limits.by_phase()
        thing = full_name(calls.plugin, name)
        made = Calls(calls.plugin, calls.version, thing, calls.failures, limits, calls.secrets)
        self._owned.append(made)
        return made

    def _ask(self, hook: str, what: str, build: Callable[[Joined, Any], Any]) -> list[Any] | Fault:
        caller = getattr(self._manager.hook, hook)
        if not caller.get_hookimpls():
            return []

        def answer() -> list[Any]:
            (given,) = caller(ctx=self.context) or (None,)
            return _unique(what, [build(self, one) for one in drain(given, _MOST, f"{what}s")])

        return self.calls.call(Phase.REGISTER, f"the hook {hook}", answer, passes=_SAYS)


def _unique(what: str, things: Sequence[Any]) -> list[Any]:
    names: set[str] = set()
    for thing in things:
        if thing.name in names:
            raise Nonsense(f"the {what} {thing.name} is registered twice", Kind.DUPLICATE)
        names.add(thing.name)
    return list(things)


def _source(joined: Joined, one: Any) -> Any:
    SOURCE.check(one)
    return owned_source(joined.calls.plugin, one, joined.calls_to(one.name), joined.limits.sync)


def _owned(shape: Shape, adapter: Callable[[str, Any, Calls], Any]) -> Callable[[Joined, Any], Any]:
    """Return what puts an object of a shape into its adapter."""

    def build(joined: Joined, one: Any) -> Any:
        shape.check(one)
        return adapter(joined.calls.plugin, one, joined.calls_to(one.name))

    return build


def _channel(joined: Joined, one: Any) -> OwnedChannel:
    CHANNEL.check(one)
    return OwnedChannel(joined.calls.plugin, one, joined.calls_to(one.name), joined.context.settings)


def _field(joined: Joined, one: Any) -> Field:
    if type(one) is not Field or type(one.name) is not str:
        raise Nonsense("returned something that is no Field", Kind.WRONG_TYPE)
    if joined.core:
        return one
    return owned_field(joined.calls.plugin, one, joined.calls_to(one.name), joined.limits.statement)


def _message_type(joined: Joined, one: Any) -> MessageType:
    if type(one) is not MessageType:
        raise Nonsense("returned something that is no MessageType", Kind.WRONG_TYPE)
    right = (
        type(one.purpose) is Purpose
        and all(type(medium) is Medium for medium in one.media)
        and all(type(field) is str for field in (one.name, one.objective, *one.needs))
        and isinstance(one.templates, Traversable)
    )
    if not right:
        raise Nonsense(f"the message type {one.name} has a part of the wrong type", Kind.WRONG_TYPE)
    return one.owned_by(joined.calls.plugin)


_BUILD: Mapping[str, tuple[str, Callable[[Joined, Any], Any]]] = {
    "crmkit_sources": ("source", _source),
    "crmkit_channels": ("channel", _channel),
    "crmkit_message_types": ("message type", _message_type),
    "crmkit_fields": ("field", _field),
    "crmkit_guards": ("guard", _owned(GUARD, OwnedGuard)),
    "crmkit_metrics": ("metric", _owned(METRIC, OwnedMetric)),
    "crmkit_event_parsers": ("event parser", _owned(PARSER, OwnedParser)),
}
