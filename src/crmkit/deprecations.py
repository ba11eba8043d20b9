"""All that is deprecated, in one list: what goes, since when it is told, when it goes, and what to use instead.

The promise that stands behind it is told in docs/reference/versions.md. A test fails in the version that ought to be
without a name while the name is still here, and when the page and this list differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from warnings import warn

import attrs


@attrs.frozen
class Deprecation:
    """One thing that will go.

    Attributes:
        name: What goes, in full: `crmkit.plugins.Thing`, `CrmkitSpec.crmkit_things`, `crm.toml: caps.NAME.key`.
        since: The version of crmkit that began to tell.
        removal: The first version without it.
        instead: What to use in its place, as a clause.

    >>> print(Deprecation("crmkit.plugins.Thing", "0.4.0", "0.6.0", "use crmkit.plugins.Object"))
    crmkit.plugins.Thing is deprecated since 0.4.0 and goes with 0.6.0: use crmkit.plugins.Object
    """

    name: str
    since: str
    removal: str
    instead: str

    def __str__(self) -> str:
        return f"{self.name} is deprecated since {self.since} and goes with {self.removal}: {self.instead}"


#: What is deprecated now.
DEPRECATIONS: tuple[Deprecation, ...] = ()


def deprecation_of(name: str, known: Sequence[Deprecation] | None = None) -> Deprecation | None:
    """Return what the list says of a name, None if it is not deprecated.

    Args:
        name: In full, as the list has it.
        known: Another list than `DEPRECATIONS`.
    """
    return next((one for one in (DEPRECATIONS if known is None else known) if one.name == name), None)


def warn_of(name: str, *, depth: int = 1, known: Sequence[Deprecation] | None = None) -> None:
    """Warn whoever uses a deprecated name, with the version that will be without it; say nothing of any other name.

    Args:
        name: In full, as the list has it.
        depth: How many calls above the caller of this function the use stands: 1 for the caller's own caller.
        known: Another list than `DEPRECATIONS`.
    """
    found = deprecation_of(name, known)
    if found is not None:
        warn(str(found), DeprecationWarning, stacklevel=2 + depth)
