"""What a database refused, told without the values that were in the statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from crmkit.errors import InTheWay, StoreError, Unreachable
from crmkit.store.remedy import TOO_MANY, remedy

_AGAIN = "call it again; nothing of this transaction was written"
_ANEW = "call it again; nothing of this transaction was written, unless it was being committed just then"
_FILE = "see that the address names an SQLite database, and that its file and folder may be written"
#: PostgreSQL's codes for a serialization failure, a deadlock and a lock that is not to be had.
_IN_THE_WAY = ("40001", "40P01", "55P03")
_READ_ONLY = "25006"
#: And for a row that is there already.
_THERE = "23505"
#: Classes of PostgreSQL's codes whose first line names tables, columns and constraints, and never a value.
_NAMES_ONLY = ("23", "3D", "3F", "42", "53", "57")


@contextmanager
def refusals(where: str = "") -> Iterator[None]:
    """Turn what the database's driver raises into a StoreError.

    The driver's own text may hold a whole row ("Failing row contains ..."), and that of SQLAlchemy the parameters,
    unless the host's engine hides them.

    Args:
        where: The database's file, for what is wrong with that.
    """
    try:
        yield
    except sa.exc.DBAPIError as problem:
        told = refusal(problem)
        if where and code_of(problem.orig).startswith("SQLITE_") and not isinstance(told, InTheWay):
            told = told.within(where)
        raise told.with_traceback(problem.__traceback__) from None
    except sa.exc.TimeoutError:
        mend = "give the engine a larger pool, or end the transactions in which its connections are held"
        raise Unreachable("no connection of the engine's pool came free in time", mend=mend) from None
    except sa.exc.StatementError as problem:
        problem.hide_parameters = True
        raise
    except UnicodeEncodeError as problem:
        # It would hold the whole text, and that is a patient's name perhaps.
        mend = f"let the connection speak UTF-8 and not {problem.encoding}, such as by client_encoding=utf8"
        raise StoreError("a letter cannot be told to the database", mend=mend) from None
    except NotImplementedError as problem:
        if "DateStyle" not in str(problem):
            raise
        mend = "set DateStyle to ISO for the role with which crmkit connects"
        raise StoreError("the database writes dates as the driver cannot read them", mend=mend) from None


@contextmanager
def not_to_a_standby(connection: sa.Connection) -> Iterator[None]:
    """Let a connection go that turns out to lead to a server where one may only read: the next may lead elsewhere."""
    try:
        yield
    except sa.exc.DBAPIError as problem:
        if code_of(problem.orig) == _READ_ONLY and not connection.closed:
            connection.invalidate()
        raise


def refusal(problem: sa.exc.DBAPIError) -> StoreError:
    """Return what a driver's failure means, without any value of a row."""
    code = code_of(problem.orig)
    told = f" ({code})" if code else ""
    if is_in_the_way(problem.orig):
        return InTheWay(f"another transaction was in the way{told}", mend=_AGAIN)
    if known := remedy(code, str(problem.orig)):
        named = "" if code.startswith("SQLITE_") else _names(problem.orig, code)
        return (Unreachable if known is TOO_MANY else StoreError)(f"{known[0]}{told}{named}", mend=known[1])
    if _is_lost(problem):
        return Unreachable(f"the connection to the database was lost{told}", mend=_ANEW)
    if problem.statement is None:
        silent = f"the database does not answer: {_first_line(problem.orig)}"
        if code.startswith("SQLITE_"):
            return StoreError(silent, mend=_FILE)
        return Unreachable(silent, mend="see that the server runs, and that the address is right")
    kind = type(problem).__name__
    return StoreError(f"the database refused a statement: {kind}{told}{_names(problem.orig, code)}")


def add_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows of which this transaction has seen that they are not there.

    Raises:
        InTheWay: If one is there all the same. On PostgreSQL two questions of one transaction may be answered as of two
            instants: what another one moved between them was in neither answer.
    """
    try:
        connection.execute(sa.insert(table), rows)
    except sa.exc.IntegrityError as problem:
        if code_of(problem.orig) != _THERE:
            raise
        raise InTheWay(f"another transaction was in the way ({_THERE})", mend=_AGAIN) from None


def is_at_fault(problem: sa.exc.SQLAlchemyError) -> bool:
    """Tell whether a statement itself is to blame, and neither another transaction nor the connection."""
    if not isinstance(problem, sa.exc.DBAPIError):
        return True
    return type(refusal(problem)) is StoreError and not _is_lost(problem)


def _is_lost(problem: sa.exc.DBAPIError) -> bool:
    return problem.connection_invalidated or code_of(problem.orig).startswith("08")


def code_of(orig: object) -> str:
    """Return PostgreSQL's SQLSTATE or SQLite's name of the error, empty for other databases.

    >>> class AsOfPg8000(Exception):
    ...     "What that driver raises."
    >>> code_of(AsOfPg8000({"S": "ERROR", "C": "40P01", "M": "deadlock detected"}))
    '40P01'
    """
    found = getattr(orig, "sqlstate", None) or getattr(orig, "pgcode", None) or getattr(orig, "sqlite_errorname", None)
    return str(found or _parts(orig).get("C", ""))


def _parts(orig: object) -> Mapping[str, Any]:
    """Return what the server said, by PostgreSQL's own letters, where a driver hands that on as it is: pg8000."""
    said = orig.args[0] if isinstance(orig, Exception) and orig.args else None
    return said if isinstance(said, dict) else {}


def is_in_the_way(orig: object) -> bool:
    """Tell whether a driver's failure is another transaction's doing."""
    code = code_of(orig)
    return code in _IN_THE_WAY or code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or "is locked" in str(orig)


def _names(orig: Any, code: str) -> str:
    # SQLite names tables and columns in its texts, but never a value.
    if code.startswith("SQLITE_"):
        return f": {_first_line(orig)}"
    diagnosis = getattr(orig, "diag", None)
    primary = getattr(diagnosis, "message_primary", None) or _parts(orig).get("M")
    return f": {primary}" if primary and code.startswith(_NAMES_ONLY) else ""


def _first_line(orig: Any) -> str:
    return (str(orig).strip().splitlines() or ["no reason is given"])[0]
