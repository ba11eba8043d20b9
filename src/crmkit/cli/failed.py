"""What went wrong with plugins, as a document; a person reads it on stderr as soon as it happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crmkit.plugins.failure import Failure

_PARTS = ("plugin", "version", "phase", "kind", "problem", "mend", "thing", "error")


def plain(failures: Sequence[Failure]) -> list[dict[str, str]]:
    """Return failures as JSON can hold them."""
    return [{name: str(getattr(one, name)) for name in _PARTS} for one in failures]
