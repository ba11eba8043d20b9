"""In what company messages are handed over: one that spoils its batch must not keep the others in doubt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from crmkit.delivery.window import Written

#: So many go together where all of a call came into doubt once; after that each goes alone.
_FEW = 10


def calls_of(written: Sequence[Written], most: int) -> list[Sequence[Written]]:
    """Return what is handed over in each call.

    Where a channel stumbles over one message, the whole call came into doubt. What is repeated goes in smaller company
    each time, so that the next time only few share its fate, and then nobody.

    Args:
        written: Messages of one medium.
        most: The most messages in one call.
    """
    sizes: dict[int, list[Written]] = defaultdict(list)
    for one in written:
        sizes[_company(one, most)].append(one)
    return [some[start : start + size] for size, some in sizes.items() for start in range(0, len(some), size)]


def _company(one: Written, most: int) -> int:
    if not one.was.in_doubt:
        return most
    return min(_FEW, most) if one.was.attempts == 1 else 1
