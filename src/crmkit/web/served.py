"""What the web app needs of a practice's CRM, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from crmkit.practice import Practice

#: So much of a name is logged that anybody may have made up.
_NAME = 40


def plain(name: str) -> str:
    r"""Return a name from an address as it may stand in a log.

    >>> plain('no\nbody')
    'no\\nbody'
    """
    return ascii(name[:_NAME])[1:-1]


class Counts(Protocol):
    """What came of a provider's payload."""

    @property
    def applied(self) -> int:
        """How many events were new and were written down."""
        ...

    @property
    def known(self) -> int:
        """How many had been written down before: providers repeat themselves."""
        ...


class Served(Protocol):
    """One practice, as the web app serves it. A `CRM` is one."""

    @property
    def practice(self) -> Practice:
        """Who speaks."""
        ...

    def unsubscribe(self, token: str, /) -> bool:
        """Act on an unsubscribe link; NotFound if it is forged."""
        ...

    def receive(self, parser: str, body: bytes, headers: Mapping[str, str], /) -> Counts:
        """Take events in; NotFound if there is no such parser, another CrmkitError if it refuses the payload."""
        ...


#: Finds the practice that a path names. The id comes from the address, so that anybody may write anything there.
Find: TypeAlias = Callable[[str], Served | None]
