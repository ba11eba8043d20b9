"""Column types that mean the same on every database."""

from __future__ import annotations

from collections.abc import Callable
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
        del dialect
        return None if value is None else utc(value)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return the instant, aware."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], Any] | None:
        """Return what makes a parameter of an instant: on SQLite in one step, for a touch has half a dozen."""
        return _to_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: sa.Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        """Return what makes an instant of a row's value."""
        return _from_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _to_text(value: datetime | None) -> str | None:
    # SQLite keeps no offset: naive UTC sorts as text the way instants sort in time.
    return None if value is None else utc(value).isoformat(" ", "microseconds")[:26]


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(f"{value}+00:00")


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
