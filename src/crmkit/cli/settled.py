"""What a process has opened before it sends stays open for as long as it sends."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def settled() -> Iterator[None]:
    """Keep Python's collector of garbage from looking through all that is open already.

    That is a hundred thousand objects, none of which becomes garbage while one sends, and a look at them every few
    thousand messages costs a fifteenth of the time. Only for a process of our own: a host decides that for itself, and
    where somebody has decided, as servers do before they fork, nothing is changed.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
