"""The conformance kit: a vendor's proof that a plugin behaves, in three lines.

The kit needs `pip install 'crmkit[testing]'`. Nothing of it is imported before it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crmkit.plugins.spec import CrmkitSpec
    from crmkit.testing.fakes import MakesFake

__all__ = ["conformance"]


def conformance(
    plugin: CrmkitSpec,
    *,
    settings: Mapping[str, Any] | None = None,
    fake: MakesFake | None = None,
    waive: Mapping[str, str] | None = None,
    examples: int = 20,
) -> type:
    """Return a new pytest class with one test for each law that the plugin has to keep.

    Args:
        plugin: The plugin, as its entry point names it.
        settings: Its settings, as a host would write them. No message may reach anybody with them.
        fake: Starts what stands in for the machine at the other end, as a context manager; what it yields has
            `settings`, which are laid over the others, and whatever else of `crmkit.testing.fakes` it can do.
        waive: Laws that the plugin does not keep, by id, each with its reason; the reason is printed. Safety laws
            cannot be waived.
        examples: How many examples each law is tried on at most.

    Raises:
        ConfigError: If a waiver has no reason, names no law of this plugin, or names a safety law.

    A vendor's whole test file:

    >>> from crmkit.testing import conformance
    >>> from crmkit.builtin.folder import plugin
    >>> TestFolder = conformance(plugin, settings={"path": "outbox"})
    >>> TestFolder.test_channel_one_receipt.__doc__
    'Each message gets exactly one receipt.'
    """
    from crmkit.testing.subject import Subject
    from crmkit.testing.suite import suite

    return suite(Subject(plugin, settings or {}, fake, waive or {}, examples))
