"""The door: only those plugins are imported that the host names, and each is looked at before it is let in."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

import attrs

from crmkit.clock import Clock
from crmkit.errors import ConfigError, TemplateError, nearest
from crmkit.messages.type import MessageType
from crmkit.plugins.admitted import Admitted, refusal
from crmkit.plugins.calls import Calls, Fault
from crmkit.plugins.failure import Failure, Failures, Kind, Phase
from crmkit.plugins.installed import CORE, NOWHERE, Found, check_required, discover, load
from crmkit.plugins.joined import Joined
from crmkit.plugins.look import HOOKS, Refused, brings, check_hooks, check_plugin, info_of
from crmkit.plugins.spec import Context, CrmkitSpec, PluginInfo
from crmkit.plugins.time_limits import TimeLimits
from crmkit.settings import secrets_of, structure

T = TypeVar("T")
Look: TypeAlias = Callable[[Mapping[str, MessageType]], None]

__all__ = ["CORE", "Admitted", "Found", "admit", "discover"]

#: A plugin that brings nothing else may fail to come in without any touch being judged otherwise.
_HARMLESS = frozenset({"crmkit_sources", "crmkit_metrics", "crmkit_event_parsers", "crmkit_close"})
_UNBOUNDED: Mapping[Phase, float | None] = MappingProxyType({})
_IMPORTLIB = "<frozen importlib._bootstrap>"


def admit(
    plugins: Sequence[str | CrmkitSpec],
    settings: Mapping[str, Mapping[str, Any]],
    clock: Clock,
    root: Path,
    *,
    required: Mapping[str, str] | None = None,
    strict: bool = True,
    limits: TimeLimits | None = None,
    look: Look | None = None,
    practice: str = "",
) -> Admitted:
    """Import the named plugins and `core`, and collect what they register.

    Args:
        plugins: The plugins that the host wants: names of installed ones, or objects of its own.
        settings: Settings by plugin name.
        clock: Handed to the plugins.
        root: The folder to which relative paths in settings refer.
        required: Plugins that must be there, with a version specifier each, such as `{"acme-sms": ">=1.2"}`; an empty
            one for any version.
        strict: Refuse if any plugin cannot be admitted. Otherwise it is left out, and `Admitted.insist` says whether
            anything may be planned and sent without it.
        limits: How long plugins may take.
        look: Looks at the templates of the message types of one plugin, by full name, before it is let in.
        practice: For whom, as the log tells it.

    Raises:
        ConfigError: If a plugin is not installed, or settings are given for one that is not admitted or do not fit.
        PluginError: If a plugin cannot be admitted; its `failures` tell of each.
    """
    required = required or {}
    check_required(required)
    door = _Door(settings, clock, root, limits or TimeLimits(), strict=strict, look=look, failures=Failures(practice))
    wanted = door.wanted(plugins, required)
    joined: list[Joined] = []
    try:
        for found in wanted:
            joined += door.let_in(found, required.get(found.name, ""))
        if door.refused and (strict or any(one.plugin in (CORE, *required) for one in door.refused)):
            raise refusal(door.refused)
    except BaseException:
        _close(joined)
        raise
    return _collect(wanted, joined, door)


@attrs.define(eq=False)
class _Door:
    """Looks at one plugin after the other.

    Attributes:
        refused: Why plugins were not admitted.
        missing: Those of them without which nothing may be planned or sent.
        names: Who has registered what, by hook and full name.
    """

    settings: Mapping[str, Mapping[str, Any]]
    clock: Clock
    root: Path
    limits: TimeLimits
    strict: bool = attrs.field(kw_only=True)
    look: Look | None = attrs.field(default=None, kw_only=True)
    failures: Failures = attrs.field(factory=Failures, kw_only=True)
    refused: list[Failure] = attrs.field(factory=list, init=False)
    missing: list[Failure] = attrs.field(factory=list, init=False)
    names: dict[tuple[str, str], str] = attrs.field(factory=dict, init=False)

    def wanted(self, plugins: Iterable[str | CrmkitSpec], required: Mapping[str, str]) -> list[Found]:
        """Return the plugins to admit, `core` first and the rest by name, in whatever order the host names them.

        What is not installed is refused.
        """
        installed = discover()
        found: dict[str, Found] = {}
        for plugin in (CORE, *plugins):
            one = installed.get(plugin) if isinstance(plugin, str) else Found.of_host(plugin)
            if one is None:
                self._not_installed(str(plugin), installed)
            else:
                found[one.name] = found[one.name].beside(one) if one.name in found else one
        for name in required:
            if name not in found and name in installed:
                found[name] = installed[name]
            elif name not in found:
                self._not_installed(name, installed)
        for name in self.settings:
            if name not in found and all(one.plugin != name for one in self.refused):
                mend = f"add {name} to plugins, or take its settings out"
                raise ConfigError(f"the plugin {name} is not admitted", where=f"settings.{name}", mend=mend)
        return sorted(found.values(), key=lambda one: (one.name != CORE, one.name))

    def let_in(self, found: Found, wanted: str) -> list[Joined]:
        """Return the plugin with all that it registered; nothing if it was refused."""
        limits = _UNBOUNDED if found.name == CORE or _importing() else self.limits.by_phase()
        calls = Calls(found.name, found.version, failures=self.failures, limits=limits)
        means = frozenset(HOOKS)
        try:
            found.check(wanted)
            plugin = check_plugin(self._loaded(found, calls))
            means = brings(plugin)
            info = info_of(plugin)
            if info.name != found.name:
                raise Refused(Phase.INFO, Kind.NAME, f"calls itself {info.name}, and is installed as {found.name}")
            check_hooks(plugin)
            return [self._joined(found, plugin, info, calls)]
        except Refused as problem:
            told = (found.name, found.version, problem.phase, problem.kind, problem.problem, problem.mend)
            self._refuse(self.failures.note(Failure(*told)), means)
        except _Failed as problem:
            self._refuse(problem.failure, means)
        return []

    def _loaded(self, found: Found, calls: Calls) -> object:
        """Return the plugin that is installed or was handed in; only what is installed is imported."""
        if found.entry is None:
            return found.plugin
        plugin = _given(calls.call(Phase.IMPORT, "importing", partial(load, found.entry)))
        if plugin is NOWHERE:
            problem = f"is announced as {found.entry.value}, which is not there"
            mend = 'correct its entry point under [project.entry-points."crmkit.v1"], and install it anew'
            raise Refused(Phase.IMPORT, Kind.MISSING, problem, mend)
        return plugin

    def _joined(self, found: Found, plugin: CrmkitSpec, info: PluginInfo, calls: Calls) -> Joined:
        settings = _given(
            calls.call(Phase.SETTINGS, "reading its settings", lambda: self._settings(info), passes=(ConfigError,))
        )
        calls.secrets = secrets_of(settings)
        log = logging.getLogger(f"crmkit.plugin.{found.name}")
        context = Context(found.name, settings, self.clock, log, self.root)
        joined = Joined(plugin, context, calls, self.limits, core=found.name == CORE)
        try:
            _given(joined.register())
            self._read_templates(joined)
            self._claim_names(joined)
        except BaseException:
            joined.close()
            raise
        return joined

    def _read_templates(self, joined: Joined) -> None:
        look, types = self.look, {kind.name: kind for kind in joined.things["crmkit_message_types"]}
        if look is None or joined.core or not types:
            return
        passes = (TemplateError,)
        read = joined.calls.call(Phase.REGISTER, "reading its templates", lambda: look(types), passes=passes)
        if isinstance(read, Fault) and read.error is not None:
            problem = f"{read.error.where}: {read.error.problem}"
            raise Refused(Phase.REGISTER, Kind.NONSENSE, problem, read.error.mend)
        _given(read)

    def _claim_names(self, joined: Joined) -> None:
        """Refuse a plugin that registers a name which another has: `core` alone has fields without a plugin's name."""
        owner = joined.context.plugin
        own = {(hook, thing.name) for hook, things in joined.things.items() for thing in things}
        for hook, name in sorted(own & self.names.keys()):
            problem = f"registers {name}, and so does {self.names[hook, name]}"
            raise Refused(Phase.REGISTER, Kind.DUPLICATE, problem, f"call it {owner}.{name}")
        self.names |= dict.fromkeys(own, owner)

    def _settings(self, info: PluginInfo) -> Any:
        return structure(info.settings, self.settings.get(info.name, {}), where=f"settings.{info.name}")

    def _not_installed(self, name: str, installed: Mapping[str, Found]) -> None:
        mend = f"install its distribution, or correct the name: {nearest(name, installed)}"
        if self.strict:
            raise ConfigError(f"the plugin {name} is not installed", where="plugins", mend=mend)
        failure = Failure(name, "", Phase.FIND, Kind.MISSING, "is not installed", mend)
        self._refuse(self.failures.note(failure), frozenset(HOOKS))

    def _refuse(self, failure: Failure, means: frozenset[str]) -> None:
        self.refused.append(failure)
        if not means <= _HARMLESS:
            self.missing.append(failure)


class _Failed(Exception):  # noqa: N818 - it is told as a value
    """Raised when a plugin fails in a call, with what is known of it already."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.problem)


def _given(answer: T | Fault) -> T:
    """Return what a call gave.

    Raises:
        _Failed: If it failed.
        CrmkitError: If the plugin tells the host of a mistake of the host's.
    """
    if not isinstance(answer, Fault):
        return answer
    if answer.failure is None:
        raise answer.as_error()
    raise _Failed(answer.failure)


def _importing() -> bool:
    """Tell whether the caller is being imported: then no other thread may import, or both would wait for ever."""
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        if frame.f_code.co_filename == _IMPORTLIB:
            return True
    return False


def _collect(wanted: Sequence[Found], joined: Sequence[Joined], door: _Door) -> Admitted:
    def all_of(hook: str) -> list[Any]:
        return [thing for one in joined for thing in one.registered(hook)]

    def by_name(hook: str) -> dict[str, Any]:
        return {thing.name: thing for thing in all_of(hook)}

    names = [one.context.plugin for one in joined]
    return Admitted(
        found=tuple(one for one in wanted if one.name in names),
        sources=tuple(all_of("crmkit_sources")),
        channels=tuple(all_of("crmkit_channels")),
        message_types=by_name("crmkit_message_types"),
        fields=by_name("crmkit_fields"),
        guards=tuple(all_of("crmkit_guards")),
        metrics=tuple(all_of("crmkit_metrics")),
        event_parsers=by_name("crmkit_event_parsers"),
        brought={one.context.plugin: one.things for one in joined},
        failures=door.failures,
        missing=tuple(door.missing),
        close=lambda: _close(joined),
    )


def _close(joined: Iterable[Joined]) -> None:
    for one in joined:
        one.close()
