"""A plugin that works while it is imported."""

from __future__ import annotations

import os
import tempfile

from crmkit.plugins import CrmkitSpec, PluginInfo

print("Acme is here!")
_FOLDER = os.path.join(tempfile.gettempdir(), "crmkit-noisy")
with open(_FOLDER, "w", encoding="utf-8") as file:
    file.write("a lock, or a cache")


class Noisy(CrmkitSpec):
    """Registers nothing."""

    info = PluginInfo("acme")


def plugin():
    """Return the plugin."""
    return Noisy()
