"""Who gets no message, drawn by hash over households, so that the same draw can be made again by anybody."""

from __future__ import annotations

import hashlib
from decimal import Decimal

MESSAGED = "messaged"
WITHHELD = "withheld"


def bucket(salt: str, unit: str) -> int:
    """Return the unit's number from 0 to 9999: the first eight bytes of SHA-256 over salt and unit, modulo 10,000.

    >>> bucket("holdout-v1", "P000001")
    9908
    """
    drawn = hashlib.sha256(f"{salt}\x1f{unit}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") % 10_000


def arm(practice: str, campaign: str, household: str, lot: Decimal) -> str:
    """Return the arm of a household in a campaign: withheld if its number lies below the lot's share.

    A larger lot keeps all who were withheld before. Without a lot there is no arm.
    """
    if not lot:
        return ""
    return WITHHELD if bucket(f"{practice}/{campaign}", household) < lot * 10_000 else MESSAGED
