"""What a plugin brings, as values: for whoever decides whether to admit it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, cast

import attrs

from crmkit.clock import Clock
from crmkit.errors import ConfigError, CrmkitError, PluginError, nearest
from crmkit.messages.type import MessageType
from crmkit.plugins.admitted import Admitted
from crmkit.plugins.calls import Calls, Fault
from crmkit.plugins.door import admit
from crmkit.plugins.failure import Phase
from crmkit.plugins.installed import discover
from crmkit.plugins.look import HOOKS, brings
from crmkit.plugins.spec import CrmkitSpec
from crmkit.plugins.time_limits import TimeLimits
from crmkit.settings import describe as types_of

#: Where an adapter keeps the plugin's own object.
_OWN = ("source", "channel", "guard", "metric", "parser")
_LONGEST = 200
_FACTORY: Any = type(attrs.Factory(list))


@attrs.frozen
class Setting:
    """One setting of a plugin.

    Attributes:
        name: Its key.
        type: What it takes, in words.
        required: Whether the host must give it.
        default: What holds without it, as text; empty where it is required, and of a secret.
        help: A sentence of the vendor's, empty if there is none.
        secret: Whether it is kept out of every repr, log and error.
    """

    name: str
    type: str
    required: bool
    default: str
    help: str
    secret: bool


@attrs.frozen
class Thing:
    """One object that a plugin registers.

    Attributes:
        kind: What it is, such as channel.
        name: Its full name.
        help: A sentence of the vendor's, empty if there is none.
    """

    kind: str
    name: str
    help: str


@attrs.frozen
class Described:
    """A plugin, told.

    Attributes:
        name: Under which it is admitted.
        version: Of its distribution.
        distribution: What it came with.
        requires_api: The version of the contract that it needs at least.
        hooks: Those that it implements, in the contract's order.
        settings: What a host may set.
        things: What it registers with the settings at hand.
        untold: Why its things cannot be told: its settings do not do yet; empty otherwise.
    """

    name: str
    version: str
    distribution: str
    requires_api: str
    hooks: tuple[str, ...]
    settings: tuple[Setting, ...]
    things: tuple[Thing, ...]
    untold: str = ""


def describe(
    name: str, settings: Mapping[str, Any], clock: Clock, root: Path, limits: TimeLimits | None = None
) -> Described:
    """Import an installed plugin, open it by the same door as ever, and return what it brings.

    Args:
        name: The plugin's name.
        settings: Its settings; where they do not do, everything but its things is told.
        clock: Handed to the plugin.
        root: The folder to which relative paths in the settings refer.
        limits: How long it may take.

    Raises:
        ConfigError: If it is not installed.
        PluginError: If it cannot be admitted, whatever its settings.
    """
    installed = discover()
    if name not in installed:
        mend = f"install its distribution, or correct the name: {nearest(name, installed)}"
        raise ConfigError(f"the plugin {name} is not installed", where="plugins", mend=mend)
    found, untold = installed[name], ""
    things: tuple[Thing, ...] = ()
    try:
        admitted = admit([name], {name: settings}, clock, root, limits=limits)
        asking = Calls(name, found.version, failures=admitted.failures, limits=(limits or TimeLimits()).by_phase())
        things = _opened(name, admitted, asking)
    except PluginError:
        raise
    except CrmkitError as problem:
        untold = str(problem)
    # The door has looked at it: it is imported, and a plugin.
    plugin: CrmkitSpec = cast("EntryPoint", found.entry).load()
    had = brings(plugin)
    hooks = tuple(hook for hook in HOOKS if hook in had)
    told = tuple(settings_of(plugin.info.settings))
    return Described(name, found.version, found.distribution, plugin.info.requires_api, hooks, told, things, untold)


def settings_of(cls: type[Any]) -> Iterator[Setting]:
    """Yield the settings of a settings class, each with the sentence from its field or from the class's docstring.

    >>> from crmkit.builtin.folder import FolderSettings
    >>> [one.help for one in settings_of(FolderSettings)]
    ['The folder; it is made if its parent exists.']
    """
    types, written = types_of(cls), attributes_told(inspect.getdoc(cls) or "")
    for field in attrs.fields(cls):
        if field.init:
            secret, required = bool(field.metadata.get("secret")), field.default is attrs.NOTHING
            default = "" if required or secret else _default(field.default)
            told = str(field.metadata.get("help") or written.get(field.name, ""))
            yield Setting(field.name, types[field.name], required, default, told, secret)


def attributes_told(doc: str) -> dict[str, str]:
    """Return what a docstring says of each attribute, by name.

    >>> attributes_told('''A server.
    ...
    ... Attributes:
    ...     host: Its name,
    ...         in full.
    ...     port: Its port.
    ... ''')
    {'host': 'Its name, in full.', 'port': 'Its port.'}
    """
    _, found, below = doc.partition("Attributes:\n")
    entries = re.split(r"^ {4}(?=\w)", below.split("\n\n")[0], flags=re.MULTILINE)[1:] if found else []
    parts = [entry.partition(":") for entry in entries]
    return {name: " ".join(text.split()) for name, _, text in parts}


def _default(value: Any) -> str:
    if isinstance(value, _FACTORY):
        made = value.factory
        return str(made()) if made in (dict, list, tuple) else "made anew"
    if value is None or value == "":
        return "none"
    # As TOML writes it.
    return str(value).lower() if isinstance(value, bool) else str(getattr(value, "value", value))


def _opened(name: str, admitted: Admitted, asking: Calls) -> tuple[Thing, ...]:
    try:
        registered = admitted.brought.get(name, {})
        found = [(_kind(hook), one) for hook, things in registered.items() for one in things]
        return tuple(Thing(kind, one.name, _asked(asking, one)) for kind, one in found)
    finally:
        admitted.close()


def _kind(hook: str) -> str:
    return hook.removeprefix("crmkit_").removesuffix("s").replace("_", " ")


def _asked(asking: Calls, thing: Any) -> str:
    # What it says of itself may be a property, and that the plugin's own code.
    said = asking.call(Phase.REGISTER, "telling what an object is for", lambda: _help(thing))
    return "" if isinstance(said, Fault) else said


def _help(thing: Any) -> str:
    """Return a sentence on an object: what it says itself, or its class."""
    if isinstance(thing, MessageType):
        return f"{thing.purpose}, to {thing.objective}, by {', '.join(thing.media)}"
    own = next((getattr(thing, part) for part in _OWN if hasattr(thing, part)), thing)
    said = _said(own)
    # A dataclass without a docstring gets its own signature as one.
    if said.startswith(f"{type(own).__name__}("):
        return ""
    first = " ".join(said.split("\n\n")[0].split())
    return first if len(first) <= _LONGEST else f"{first[: _LONGEST - 1]}…"


def _said(own: Any) -> str:
    try:
        said = getattr(own, "help", None) or type(own).__doc__
    except Exception:  # noqa: BLE001 - an object that fails has nothing to say
        return ""
    return said if isinstance(said, str) else ""
