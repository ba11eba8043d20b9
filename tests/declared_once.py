"""The tables are declared once in a run, and each statement is compiled once, however many databases the tests open.

SQLAlchemy keeps what it has compiled with the engine, and it knows a statement again by the very tables in it. Most
tests open a practice of their own: each would declare the same tables and compile the same hundreds of statements
again, a third of the run. What is shared here is never changed: tables of one prefix and schema, and the text made
of a statement. Rows, connections and files are each test's own, and so is whatever a test declares by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from typing import Any

import attrs
import sqlalchemy as sa
from sqlalchemy.util import LRUCache

from crmkit.ledger import tables as ledger
from crmkit.ledger.tables import LedgerTables
from crmkit.records import tables as records
from crmkit.records.tables import RecordTables
from crmkit.store.store import Store

#: So many statements are kept: those that hypothesis thinks of come but once.
_MANY = 2000


class _Compiled(LRUCache[Any, Any]):
    """What is compiled for one database of the kit's own is so for each of its kind: they are set up alike."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_alike(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_alike(key), value)


def _alike(key: Any) -> tuple[Hashable, ...]:
    dialect, *rest = key
    return (type(dialect), *rest)


class _Tables(sa.MetaData):
    """Tables that know the statements which make them."""

    def create_all(self, bind: Any, tables: Any = None, checkfirst: Any = True) -> None:
        if tables is not None or (checkfirst and not _is_empty(bind)):
            super().create_all(bind, tables, checkfirst)
            return
        for statement in self._statements(bind.dialect.name):
            bind.exec_driver_sql(statement)

    def _statements(self, dialect: str) -> list[str]:
        kept: dict[str, list[str]] = self.info.setdefault("statements", {})
        if dialect not in kept:
            made: list[str] = []
            other = sa.create_mock_engine(
                "sqlite://" if dialect == "sqlite" else "postgresql+psycopg://",
                lambda one, *_, **__: made.append(str(one.compile(dialect=other.dialect))),
            )
            super().create_all(other, checkfirst=False)
            kept[dialect] = made
        return kept[dialect]


def _is_empty(bind: sa.Connection) -> bool:
    if bind.dialect.name != "sqlite":
        return False
    return not bind.exec_driver_sql("SELECT 1 FROM sqlite_schema LIMIT 1").first()


@attrs.frozen
class _Declared:
    """All tables of one prefix and schema; temporary ones are the ledger's alone."""

    metadata: sa.MetaData
    ledger: LedgerTables
    records: RecordTables | None


_compiled = _Compiled(_MANY)
_declared: dict[tuple[str, str, bool], _Declared] = {}


def declare_once() -> None:
    """Let whoever declares the records' tables or the ledger's be given those that were declared before."""
    real_records, real_ledger = records.declare_records, ledger.declare_ledger

    def given(store: Store) -> _Declared:
        key = (store.prefix, store.schema, store.temporary)
        if key not in _declared:
            store.metadata = _Tables(schema=store.metadata.schema)
            found = None if store.temporary else real_records(store)
            _declared[key] = _Declared(store.metadata, real_ledger(store), found)
        store.metadata = _declared[key].metadata
        # An engine of a host's may be set up in another way.
        if store.owned:
            store.engine.update_execution_options(compiled_cache=_compiled)
        return _declared[key]

    def declare_records(store: Store) -> RecordTables:
        return given(store).records or real_records(store)

    def declare_ledger(store: Store) -> LedgerTables:
        return given(store).ledger

    replace(real_records, declare_records)
    replace(real_ledger, declare_ledger)


def replace(real: Callable[..., Any], other: Callable[..., Any]) -> None:
    """Let every module of the kit that knows a function by its name know another one by it."""
    for name, module in list(sys.modules.items()):
        if name.startswith("crmkit.") and getattr(module, real.__name__, None) is real:
            setattr(module, real.__name__, other)
