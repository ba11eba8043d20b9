"""What a process has opened before it sends stays open for as long as it sends."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: So many more objects than before make Python look for garbage among the youngest; by itself it does at 700.
_MANY = 10_000


@contextmanager
def settled() -> Iterator[None]:
    """Keep Python's collector of garbage from looking through all that is open, and at each window several times.

    What is open is a hundred thousand objects, none of which becomes garbage while one sends. A window is many
    thousand, which go as soon as nobody needs them. To look at the one and the other takes a tenth of the time. Only
    for a process of our own: a host decides that for itself, and where somebody has decided, as servers do before they
    fork, nothing is changed.
    """
    if gc.get_freeze_count():
        yield
        return
    youngest, *older = gc.get_threshold()
    gc.freeze()
    # Where the collector is switched off, it stays so.
    gc.set_threshold(max(youngest, _MANY) if youngest else 0, *older)
    try:
        yield
    finally:
        gc.set_threshold(youngest, *older)
        gc.unfreeze()
