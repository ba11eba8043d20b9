"""A place in which a plugin is tried: a fake at the other end, an empty folder, a clock that stands still."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pluggy

from crmkit.clock import FixedClock
from crmkit.plugins.spec import Context, CrmkitSpec
from crmkit.settings import structure
from crmkit.testing.fakes import Fake

#: When every trial takes place: Monday, 23 November 2026, ten o'clock in Sydney.
NOW = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)


@attrs.frozen(eq=False)
class Opened:
    """The plugin as one `CRM` has it.

    Attributes:
        plugin: The plugin.
        ctx: What its hooks are given.
    """

    plugin: CrmkitSpec
    ctx: Context
    _registered: dict[str, list[Any]] = attrs.field(factory=dict, init=False, repr=False)

    def registered(self, kind: str) -> list[Any]:
        """Return what the plugin registers of a kind, such as `channel`, in its order; it is asked once only."""
        hook = f"crmkit_{kind}s"
        if kind not in self._registered:
            asked = hook in hooks_of(self.plugin)
            self._registered[kind] = list(getattr(self.plugin, hook)(ctx=self.ctx)) if asked else []
        return self._registered[kind]

    def things(self, kind: str) -> dict[str, Any]:
        """Return the same by name."""
        return {str(getattr(one, "name", type(one).__name__)): one for one in self.registered(kind)}

    def close(self) -> None:
        """Let the plugin give back what it holds open."""
        if "crmkit_close" in hooks_of(self.plugin):
            self.plugin.crmkit_close(ctx=self.ctx)


@attrs.frozen(eq=False)
class Home:
    """A place in which a plugin is tried.

    Attributes:
        plugin: The plugin.
        settings: Those of the test, with those of the fake over them.
        fake: What stands in for the other end.
        root: An empty folder, to which relative paths in the settings refer.
        clock: Stands at `NOW`.
    """

    plugin: CrmkitSpec
    settings: Mapping[str, Any] = attrs.field(repr=False)
    fake: Fake
    root: Path
    clock: FixedClock = attrs.field(factory=lambda: FixedClock(NOW))
    _opened: list[Opened] = attrs.field(factory=list, init=False, repr=False)

    @property
    def package(self) -> str:
        """The top name of the package that the plugin is written in."""
        return type(self.plugin).__module__.partition(".")[0]

    def open(self, **more: Any) -> Opened:
        """Open the plugin as another `CRM` would; further settings are laid over the others."""
        info = self.plugin.info
        settings = structure(info.settings, {**self.settings, **more}, where=f"settings.{info.name}")
        log = logging.getLogger(f"crmkit.plugin.{info.name}")
        log.setLevel(1)
        opened = Opened(self.plugin, Context(info.name, settings, self.clock, log, self.root))
        self._opened.append(opened)
        return opened

    def close(self) -> None:
        """Close whatever was opened."""
        while self._opened:
            self._opened.pop().close()


def hooks_of(plugin: CrmkitSpec) -> frozenset[str]:
    """Return the names of the hooks that a plugin implements; what is not marked as a hook is none."""
    manager = pluggy.PluginManager("crmkit")
    known = [name for name in vars(CrmkitSpec) if name.startswith("crmkit_")]
    return frozenset(name for name in known if manager.parse_hookimpl_opts(plugin, name) is not None)
