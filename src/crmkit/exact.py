"""Amounts are reckoned in the usual way of Python, whatever the host has set its own decimal context to."""

from __future__ import annotations

from contextlib import AbstractContextManager
from decimal import ROUND_HALF_EVEN, Context, DivisionByZero, InvalidOperation, Overflow, localcontext

#: As Python begins with. Neither a host's precision, nor its rounding, nor its traps may change money or a decision.
EXACT = Context(
    prec=28,
    rounding=ROUND_HALF_EVEN,
    Emin=-999999,
    Emax=999999,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[InvalidOperation, DivisionByZero, Overflow],
)


def exact() -> AbstractContextManager[Context]:
    """Return a context in which `Decimal` is reckoned as Python does by itself; the host's is back after it.

    >>> from decimal import Decimal, ROUND_DOWN, localcontext
    >>> with localcontext(prec=4, rounding=ROUND_DOWN), exact():
    ...     print(Decimal("12345.67") + Decimal("0.01"))
    12345.68
    """
    return localcontext(EXACT)
