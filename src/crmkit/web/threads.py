"""Threads of the app's own, so that however long the database takes, the host's own threads stay free."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import attrs
from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

#: As many calls of CRMs may run at once, as in Starlette's own pool.
AT_ONCE = 40

T = TypeVar("T")


@attrs.frozen(eq=False)
class Threads:
    """Makes calls in threads, at most so many at once in each event loop.

    Those of Starlette's own pool are shared with every plain function of the host: forty requests that wait for a
    database would hold up all of its pages.
    """

    _of_loop: RunVar[CapacityLimiter] = attrs.field(factory=lambda: RunVar("crmkit.web"), init=False)

    async def run(self, function: Callable[..., T], *given: Any, **named: Any) -> T:
        """Return what a function returns, called in a thread as soon as one is free."""
        limiter = self._of_loop.get(None)
        if limiter is None:
            self._of_loop.set(limiter := CapacityLimiter(AT_ONCE))
        return await to_thread.run_sync(partial(function, *given, **named), limiter=limiter)
