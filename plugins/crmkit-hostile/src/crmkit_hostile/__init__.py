"""A plugin that misbehaves as its settings say, to try what the core holds. Never install it where patients are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

from crmkit.errors import ConfigError
from crmkit.plugins import (
    COUNT,
    Batch,
    Context,
    CrmkitSpec,
    Field,
    Limits,
    Medium,
    MessageType,
    PluginInfo,
    Purpose,
    hookimpl,
)
from crmkit_hostile.doors import AT_THE_DOOR
from crmkit_hostile.table import HostileSettings, Misbehaviour
from crmkit_hostile.ways import WAYS, deliver, metric

#: All misbehaviours by name: those of plugins that do not come in at all, and those that the settings choose.
TABLE: Mapping[str, Misbehaviour] = {**AT_THE_DOOR, **WAYS}

__all__ = ["TABLE", "HostileSettings", "Misbehaviour", "plugin"]


def _chosen(ctx: Context, hook: str) -> Any:
    name = ctx.settings.misbehaviour
    if name and name not in WAYS:
        raise ConfigError("is no misbehaviour", where="settings.hostile.misbehaviour", mend="take one from the README")
    return partial(WAYS[name].does, ctx) if name and WAYS[name].hook == hook else None


class HostilePlugin(CrmkitSpec):
    """Registers a channel and a message type that behave, and whatever the settings choose."""

    info = PluginInfo("hostile", settings=HostileSettings)

    @hookimpl
    def crmkit_channels(self, ctx: Context) -> Iterable[Any]:
        """Return the channel."""
        send = _chosen(ctx, "channel") or partial(deliver, ctx)
        return [SimpleNamespace(name="pigeon", medium=Medium.SMS, limits=Limits(batch=2), send=send)]

    @hookimpl
    def crmkit_message_types(self, ctx: Context) -> Iterable[MessageType]:
        """Return the message type that the channel can carry."""
        del ctx
        words = files(__name__) / "templates"
        return [MessageType("notice", Purpose.SERVICE, "inform", (), (Medium.SMS,), 3, words, personal=False)]

    @hookimpl
    def crmkit_guards(self, ctx: Context) -> Any:
        """Return the guard that was chosen."""
        if register := _chosen(ctx, "guards"):
            return register()
        judge = _chosen(ctx, "guard")
        return [SimpleNamespace(name="whim", judge=judge)] if judge else []

    @hookimpl
    def crmkit_metrics(self, ctx: Context) -> Any:
        """Return the metric that was chosen."""
        if register := _chosen(ctx, "register"):
            return register()
        value = _chosen(ctx, "metric")
        return [metric(value=value)] if value else []

    @hookimpl
    def crmkit_fields(self, ctx: Context) -> Iterable[Field]:
        """Return the field that was chosen."""
        value = _chosen(ctx, "field")
        return [Field("score", COUNT, "a score", value)] if value else []

    @hookimpl
    def crmkit_sources(self, ctx: Context) -> Iterable[Any]:
        """Return the source that was chosen."""
        if read := _chosen(ctx, "source"):
            return [SimpleNamespace(name="hearsay", read=lambda since: read())]
        fetch, nobody = _chosen(ctx, "fetch"), Batch(())
        asked = SimpleNamespace(name="hearsay", read=lambda since: iter([nobody]), fetch=lambda ids: fetch())
        return [asked] if fetch else []

    @hookimpl
    def crmkit_event_parsers(self, ctx: Context) -> Iterable[Any]:
        """Return the event parser that was chosen."""
        parse = _chosen(ctx, "parser")
        return [SimpleNamespace(name="gossip", parse=parse)] if parse else []

    @hookimpl
    def crmkit_close(self, ctx: Context) -> None:
        """Close as it is told."""
        if close := _chosen(ctx, "close"):
            close()


plugin = HostilePlugin()
