"""One statement for many rows at once, whose parameters go to the driver as they are."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, TypeAlias

import attrs
import sqlalchemy as sa

#: What makes of a value what the driver takes; None where it takes it as it is.
_Turn: TypeAlias = Any


@attrs.frozen(eq=False)
class Many:
    """A statement, compiled once for one kind of database.

    SQLAlchemy prepares every parameter of every row by itself, which takes longer than the database does. Here the
    values that all rows share are prepared once, and the others are texts and numbers, which go as they are.

    Attributes:
        text: The statement as the driver takes it.
        shared: The names of the parameters that are the same in all rows.
        own: The names of those in which each row differs: texts and whole numbers.
    """

    text: str
    shared: tuple[str, ...]
    own: tuple[str, ...]
    _order: tuple[str, ...] = attrs.field(repr=False, alias="order")
    _turns: dict[str, _Turn] = attrs.field(repr=False, alias="turns")

    @classmethod
    def of(cls, statement: sa.UpdateBase, own: Sequence[str], dialect: sa.Dialect) -> Many:
        """Return a statement that is ready for many rows.

        Args:
            statement: An insert, update or delete; all its values are bound parameters.
            own: The names of the parameters in which rows differ.
            dialect: Of the connection on which it will run.
        """
        compiled: Any = statement.compile(dialect=dialect)
        shared = tuple(name for name in compiled.params if name not in own)
        turns = {name: compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in shared}
        order = tuple(compiled.positiontup) if compiled.positional else ()
        return cls(str(compiled), shared, tuple(own), order, turns)

    def run(self, connection: sa.Connection, shared: dict[str, Any], rows: Sequence[tuple[Any, ...]]) -> None:
        """Run it for some rows, each with its own values in the order of `own`."""
        same = {name: turn(shared[name]) if (turn := self._turns[name]) else shared[name] for name in self.shared}
        if self._order:
            connection.exec_driver_sql(self.text, self._by_place(same, rows))
        else:
            connection.exec_driver_sql(self.text, [{**same, **dict(zip(self.own, row, strict=True))} for row in rows])

    def _by_place(self, same: dict[str, Any], rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return the parameters in the order in which the statement has them."""
        names, rest = (*self.own, *same), tuple(same.values())
        placed = itemgetter(*(names.index(name) for name in self._order))
        return [placed(row + rest) for row in rows]
