"""Column types that mean the same on every database."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import sqlalchemy as sa

from crmkit.clock import utc

_SCALE = Decimal("0.0001")


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware instant; stored in UTC, read back aware."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Turn an aware datetime into UTC; a naive one raises ValueError."""
        if value is None:
            return None
        at = utc(value)
        # SQLite keeps no offset: naive UTC sorts as text the way instants sort in time.
        return at.replace(tzinfo=None) if dialect.name == "sqlite" else at

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return the instant, aware."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(sa.types.TypeDecorator[Decimal]):
    """An amount in the practice's currency, stored as a whole number of ten-thousandths so that sums are exact."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> int | None:
        """Turn a Decimal (or int) into ten-thousandths."""
        del dialect
        if value is None:
            return None
        return int(Decimal(value).quantize(_SCALE, rounding=ROUND_HALF_EVEN) * 10_000)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        """Return the Decimal, with the cents that it has."""
        del dialect
        if value is None:
            return None
        amount = Decimal(int(value)) / 10_000
        return amount.quantize(Decimal("0.01")) if amount == amount.quantize(Decimal("0.01")) else amount
