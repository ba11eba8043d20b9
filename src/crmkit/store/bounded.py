"""Statements that are not crmkit's own: the database gives them up after their time, and the transaction goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from threading import Timer

import sqlalchemy as sa

from crmkit.store.refusal import code_of

_OVERDUE = ("57014", "SQLITE_INTERRUPT")


@contextmanager
def bounded(connection: sa.Connection, seconds: float | None) -> Iterator[None]:
    """Let each statement within be refused once it has taken so long; None for as long as it likes.

    A stricter limit of the host's on PostgreSQL stays. Other databases than PostgreSQL and SQLite know no such limit.
    """
    undo = _bound(connection, seconds) if seconds is not None else None
    if undo is None:
        yield
        return
    try:
        yield
    except BaseException:
        # The transaction may be beyond that, and the reason for it is what counts.
        with suppress(sa.exc.SQLAlchemyError):
            undo()
        raise
    undo()


def is_overdue(problem: sa.exc.SQLAlchemyError) -> bool:
    """Tell whether a statement was given up because of its time."""
    return isinstance(problem, sa.exc.DBAPIError) and code_of(problem.orig) in _OVERDUE


def _bound(connection: sa.Connection, seconds: float) -> Callable[[], object] | None:
    if connection.dialect.name == "postgresql":
        return _on_postgresql(connection, seconds)
    interrupt = getattr(connection.connection.dbapi_connection, "interrupt", None)
    return _on_sqlite(interrupt, seconds) if connection.dialect.name == "sqlite" and interrupt else None


def _on_sqlite(interrupt: Callable[[], object], seconds: float) -> Callable[[], object]:
    # Not by a function that SQLite calls now and then: a Ctrl-C that came within it would be lost.
    timer = Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()

    def undo() -> None:
        # Once it has ended, it interrupts no later statement.
        timer.cancel()
        timer.join()

    return undo


def _on_postgresql(connection: sa.Connection, seconds: float) -> Callable[[], object] | None:
    host = connection.scalar(sa.text("SELECT setting FROM pg_settings WHERE name = 'statement_timeout'"))
    before, wanted = int(host or 0), max(round(seconds * 1000), 1)
    if 0 < before <= wanted:
        return None
    put = sa.text("SELECT set_config('statement_timeout', :span, true)")
    connection.execute(put, {"span": str(wanted)})
    return partial(connection.execute, put, {"span": str(before)})
