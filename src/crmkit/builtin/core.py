"""The plugin that is always admitted: guards, standard message types, fields and metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crmkit.builtin.guards import standard_guards
from crmkit.builtin.messages import standard_message_types
from crmkit.campaigns.guard import Guard
from crmkit.messages.type import MessageType
from crmkit.metrics.metric import Metric
from crmkit.metrics.standard import standard_metrics
from crmkit.plugins.spec import Context, CrmkitSpec, PluginInfo, hookimpl
from crmkit.segments.catalogue import standard_fields
from crmkit.segments.field import Field


class CorePlugin(CrmkitSpec):
    """Safety and the standard catalogue."""

    info = PluginInfo("core")

    @hookimpl
    def crmkit_guards(self, ctx: Context) -> Iterable[Guard]:
        """Return the standard guards."""
        del ctx
        return standard_guards()

    @hookimpl
    def crmkit_message_types(self, ctx: Context) -> Iterable[MessageType]:
        """Return birthday, newsletter and reactivation."""
        del ctx
        return standard_message_types()

    @hookimpl
    def crmkit_fields(self, ctx: Context) -> Iterable[Field]:
        """Return the first catalogue of fields."""
        del ctx
        return standard_fields()

    @hookimpl
    def crmkit_metrics(self, ctx: Context) -> Iterable[Metric[Any]]:
        """Return the standard metrics."""
        del ctx
        return standard_metrics()


plugin = CorePlugin()
