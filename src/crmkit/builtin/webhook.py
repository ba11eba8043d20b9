"""The plugin that takes events which a provider, or a bridge of the host's, posts as signed JSON."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from crmkit.delivery.events.event import EventParser
from crmkit.delivery.events.signed_calls import TOLERANCE, HookParser
from crmkit.errors import ConfigError
from crmkit.plugins.spec import Context, CrmkitSpec, PluginInfo, hookimpl
from crmkit.settings import secret

__all__ = ["TOLERANCE", "HookParser", "HookPlugin", "HookSettings", "plugin"]


@attrs.frozen
class HookSettings:
    """The secrets that senders sign with.

    Attributes:
        secrets: One, or while they change two: base64 of at least 24 bytes, usually with `whsec_` before it.
    """

    secrets: tuple[str, ...] = secret("for signed calls", default=())


class HookPlugin(CrmkitSpec):
    """Reads signed calls of providers and bridges."""

    info = PluginInfo("hook", settings=HookSettings)

    @hookimpl
    def crmkit_event_parsers(self, ctx: Context) -> Iterable[EventParser]:
        """Return the parser, if there are secrets: a call that nobody signed is worth nothing."""
        if not ctx.settings.secrets:
            return []
        try:
            return [HookParser(ctx.settings.secrets)]
        except ConfigError as problem:
            raise problem.within("settings.hook") from None


plugin = HookPlugin()
