"""Adapters with the same Protocols as what plugins register: each knows its owner and keeps its faults from others."""

from crmkit.plugins.owned.channel import OwnedChannel
from crmkit.plugins.owned.field import owned_field
from crmkit.plugins.owned.guard import OwnedGuard
from crmkit.plugins.owned.metric import OwnedMetric
from crmkit.plugins.owned.name import full_name
from crmkit.plugins.owned.parser import OwnedParser
from crmkit.plugins.owned.source import OwnedFetchingSource, OwnedSource, owned_source

__all__ = [
    "OwnedChannel",
    "OwnedFetchingSource",
    "OwnedGuard",
    "OwnedMetric",
    "OwnedParser",
    "OwnedSource",
    "full_name",
    "owned_field",
    "owned_source",
]
