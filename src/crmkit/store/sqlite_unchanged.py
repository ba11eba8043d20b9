"""Whether a SQLite database is still as it was when one looked, which it can tell and others cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import sqlalchemy as sa

from crmkit.store.refusal import refusals


@contextmanager
def unchanged(engine: sa.Engine) -> Iterator[Callable[[], bool]]:
    """Yield what tells whether nobody has committed anything since this began.

    Its answer lasts as long as nobody else can write: whoever is the one writer may rely on it.

    Raises:
        StoreError: If the database refuses.
    """
    with refusals(engine.url.database or ""), engine.connect() as connection:
        # It counts what others commit, and this connection writes nothing: <https://www.sqlite.org/pragma.html>.
        ask = partial(connection.exec_driver_sql, "PRAGMA data_version")
        before = ask().scalar_one()
        yield lambda: bool(ask().scalar_one() == before)
