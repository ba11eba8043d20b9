"""Plugins that must not come in. Each is made when its name is asked for, so that none keeps another from failing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from crmkit.plugins import API_VERSION, CrmkitSpec, PluginInfo, hookimpl
from crmkit_hostile.table import HostileSettings, Misbehaviour, fail, hang


@attrs.frozen
class ShownSettings:
    """Settings whose secret is printed wherever they are."""

    token: str = attrs.field(default="", metadata={"secret": True})


def _plugin(name: str, api: str = API_VERSION, settings: type[Any] = HostileSettings, **hooks: Any) -> CrmkitSpec:
    info = PluginInfo(f"hostile-{name}", api, settings)
    made: CrmkitSpec = type("Hostile", (CrmkitSpec,), {"info": info, **hooks})()
    return made


def _marked(function: Callable[..., Any], **order: bool) -> Any:
    return hookimpl(**order)(function)  # type: ignore[call-overload]


_DOORS: dict[str, tuple[str, Callable[[], Any]]] = {
    "no-instance": ("It is a class and no instance.", lambda: type("Hostile", (CrmkitSpec,), {})),
    "defaults": (
        "Its hook has a default for what it is handed.",
        lambda: _plugin("defaults", crmkit_guards=_marked(lambda self, ctx=None: [])),
    ),
    "exits": ("It ends the program when it is imported.", lambda: fail(kind=SystemExit)),
    "first-result": (
        "It asks that its hook's result alone counts.",
        lambda: _plugin("first-result", crmkit_guards=_marked(lambda self, ctx: [], firstresult=True)),
    ),
    "future": ("It needs a contract that does not exist yet.", lambda: _plugin("future", "1.999")),
    "hangs": ("Importing it does not come to an end.", lambda: hang(None)),
    "misspelt": ("Its hook is misspelt.", lambda: _plugin("misspelt", crmkit_gaurds=_marked(lambda self, ctx: []))),
    "other-name": ("It calls itself otherwise than it is installed.", lambda: _plugin("friendly")),
    "raises": ("It cannot be imported.", lambda: fail("no library of the name Mia Stone", kind=ImportError)),
    "renamed": (
        "Its hook calls its argument otherwise.",
        lambda: _plugin("renamed", crmkit_metrics=_marked(lambda self, context: [])),
    ),
    "shows-secret": ("Its settings print their secret.", lambda: _plugin("shows-secret", settings=ShownSettings)),
    "tryfirst": (
        "Its hook wants to be called before all others.",
        lambda: _plugin("tryfirst", crmkit_metrics=_marked(lambda self, ctx: [], tryfirst=True)),
    ),
    "unmarked": ("Its hook is not marked.", lambda: _plugin("unmarked", crmkit_guards=lambda self, ctx: [])),
    "wrapper": (
        "Its hook is a wrapper around the others'.",
        lambda: _plugin("wrapper", crmkit_guards=_marked(lambda self, ctx: [], wrapper=True)),
    ),
}
AT_THE_DOOR = {
    f"hostile-{name}": Misbehaviour(f"hostile-{name}", "door", told, made) for name, (told, made) in _DOORS.items()
}


def __getattr__(name: str) -> Any:
    found = AT_THE_DOOR.get(f"hostile-{name.replace('_', '-')}")
    return found.does() if found else fail(name, kind=AttributeError)
