"""Plugins made of one class, so that a mutant is a class that differs from a good one in one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmkit.plugins import CrmkitSpec, PluginInfo, hookimpl
from crmkit.plugins.spec import NoSettings


def plugin_of(kind: str, made: Any, settings: type[Any] = NoSettings, name: str = "acme") -> CrmkitSpec:
    """Return a plugin that registers what `made` returns for a context: one object, or a list of some."""

    def register(_: Any, ctx: Any) -> list[Any]:
        found = made(ctx)
        return found if isinstance(found, list) else [found]

    return plugin_with({f"crmkit_{kind}s": hookimpl(register)}, settings, name)


def plugin_with(hooks: Mapping[str, Any], settings: type[Any] = NoSettings, name: str = "acme") -> CrmkitSpec:
    """Return a plugin with these attributes."""
    members = {"__module__": __name__, "info": PluginInfo(name, settings=settings), **hooks}
    return type("Plugin", (CrmkitSpec,), members)()
