"""The first look at a plugin: what it says of itself, and whether its hooks are such that they will be called."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from crmkit.deprecations import warn_of
from crmkit.errors import nearest
from crmkit.plugins.failure import Kind, Phase
from crmkit.plugins.spec import API_VERSION, CrmkitSpec, PluginInfo

#: What the marker leaves on a function.
_MARK = "crmkit_impl"
_PREFIX = "crmkit_"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
#: Names that stand for something else wherever a plugin's name may stand.
_RESERVED = ("attributes", "crmkit", "none")
_ORDERS = ("wrapper", "hookwrapper", "tryfirst", "trylast", "specname", "optionalhook")
#: What every object has: no hook is among it, and to look at it takes longest.
_OF_EVERYTHING = frozenset(dir(object))
HOOKS = tuple(name for name in vars(CrmkitSpec) if name.startswith(_PREFIX))


class Refused(Exception):  # noqa: N818 - the door's answer
    """Raised when a plugin cannot be admitted.

    Args:
        phase: At which look.
        kind: How it failed.
        problem: What is wrong, as a clause.
        mend: What its vendor can do about it.
    """

    def __init__(self, phase: Phase, kind: Kind, problem: str, mend: str = "") -> None:
        self.phase, self.kind, self.problem, self.mend = phase, kind, problem, mend
        super().__init__(problem)


def check_plugin(plugin: object) -> CrmkitSpec:
    """Return the plugin if it is one at all.

    Raises:
        Refused: If it is no instance of a subclass of CrmkitSpec.
    """
    if isinstance(plugin, type) and issubclass(plugin, CrmkitSpec):
        mend = f"write plugin = {plugin.__name__}()"
        raise Refused(Phase.IMPORT, Kind.NO_PLUGIN, "is a class, and no instance of it", mend)
    if not isinstance(plugin, CrmkitSpec):
        raise Refused(
            Phase.IMPORT, Kind.NO_PLUGIN, "is no instance of a subclass of CrmkitSpec", "write class Acme(CrmkitSpec)"
        )
    return plugin


def said_of(plugin: object) -> PluginInfo | None:
    """Return what a plugin says of itself, None if it says nothing that can be read."""
    info = inspect.getattr_static(plugin, "info", None)
    return info if isinstance(info, PluginInfo) else None


def info_of(plugin: CrmkitSpec) -> PluginInfo:
    """Return what a plugin says of itself.

    Raises:
        Refused: If it says nothing, has no usable name, or needs another version of the contract.
    """
    info = said_of(plugin)
    if info is None:
        raise Refused(Phase.INFO, Kind.NO_INFO, "has no info", "set the class attribute info to a PluginInfo")
    if type(info.name) is not str or not _NAME.fullmatch(info.name) or info.name in _RESERVED:
        mend = f"use small letters, digits and hyphens, and none of {', '.join(_RESERVED)}"
        raise Refused(Phase.INFO, Kind.NAME, "has a name that no plugin can have", mend)
    _check_version(info.requires_api)
    _check_settings(info.settings)
    return info


def check_hooks(plugin: CrmkitSpec) -> None:
    """Refuse hooks that would never be called, or not as their author thinks.

    Raises:
        Refused: At the first such hook: misspelt, unmarked, ordered before others, or with other arguments than `ctx`.
    """
    for name, function in _candidates(plugin):
        marks = getattr(function, _MARK, None)
        if name not in HOOKS:
            raise Refused(Phase.HOOKS, Kind.MISSPELT, f"there is no hook {name}", nearest(name, HOOKS))
        if marks is None:
            raise Refused(Phase.HOOKS, Kind.UNMARKED, f"the hook {name} is not marked", f"put @hookimpl above {name}")
        if ordered := [order for order in _ORDERS if marks.get(order)]:
            raise Refused(
                Phase.HOOKS, Kind.ORDERED, f"the hook {name} asks for {ordered[0]}", "mark it with @hookimpl alone"
            )
        _check_signature(name, function)
        warn_of(f"CrmkitSpec.{name}")


def brings(plugin: CrmkitSpec) -> frozenset[str]:
    """Return the hooks that a plugin has, or probably means: of a misspelt one the nearest."""
    names = [name for name, _ in _candidates(plugin)]
    return frozenset(name if name in HOOKS else _meant(name) for name in names)


def _meant(name: str) -> str:
    hint = nearest(name, HOOKS)
    return hint.removeprefix("did you mean ").removesuffix("?")


def _candidates(plugin: CrmkitSpec) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield what looks like a hook: by its name, or by its mark. No property is evaluated for it."""
    for name in sorted({*dir(type(plugin)), *getattr(plugin, "__dict__", ())} - _OF_EVERYTHING):
        found = inspect.getattr_static(plugin, name)
        function = getattr(found, "__func__", found)
        if name in HOOKS and function is vars(CrmkitSpec)[name]:
            continue
        if name.startswith(_PREFIX) or (inspect.isfunction(function) and hasattr(function, _MARK)):
            yield name, function


def _check_signature(name: str, function: Callable[..., Any]) -> None:
    mend = f"write def {name}(self, ctx: Context)"
    if not inspect.isfunction(function):
        raise Refused(Phase.HOOKS, Kind.SIGNATURE, f"the hook {name} is no method", mend)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise Refused(Phase.HOOKS, Kind.SIGNATURE, f"the hook {name} is async", mend)
    parameters = list(inspect.signature(function).parameters.values())
    plain = all(one.kind is one.POSITIONAL_OR_KEYWORD and one.default is one.empty for one in parameters)
    if not plain or [one.name for one in parameters][1:] != ["ctx"]:
        # A default would win over what is handed in, and nobody would notice.
        raise Refused(Phase.HOOKS, Kind.SIGNATURE, f"the hook {name} does not take ctx alone, without a default", mend)


def _check_version(needed: object) -> None:
    found = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", needed) if isinstance(needed, str) else None
    if found is None:
        raise Refused(Phase.INFO, Kind.VERSION, "says requires_api without a version", "write it as 1.0")
    ours = tuple(int(part) for part in API_VERSION.split("."))
    major, minor = int(found[1]), int(found[2])
    if major != ours[0] or minor > ours[1]:
        mend = "install a newer crmkit" if (major, minor) > ours else "install a newer version of the plugin"
        raise Refused(
            Phase.INFO, Kind.VERSION, f"needs version {major}.{minor} of the contract; this is {API_VERSION}", mend
        )


def _check_settings(settings: object) -> None:
    if not isinstance(settings, type) or not attrs.has(settings):
        raise Refused(
            Phase.INFO, Kind.SETTINGS, "has settings that are no attrs class", "decorate the class with @attrs.frozen"
        )
    for field in attrs.fields(settings):
        if field.metadata.get("secret") and field.repr:
            mend = f"write {field.name}: ... = secret(...)"
            raise Refused(Phase.INFO, Kind.SETTINGS, f"would show its secret {field.name} wherever it is printed", mend)
