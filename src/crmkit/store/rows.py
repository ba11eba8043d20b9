"""Many rows at once, as plain values: on SQLite they come as one text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs
import sqlalchemy as sa

#: The place of a column, and what makes of the database's value what is meant.
_Turn: TypeAlias = tuple[int, Callable[[Any], Any]]


@attrs.frozen(eq=False)
class Rows:
    """A select that is asked again and again for about a hundred rows.

    Between any two rows SQLite's driver lets the other threads go first, so that while a window is handed over each row
    of the next one waits its turn. There the database writes all rows as one text, which Python reads as fast.

    Attributes:
        select: The select. Its columns are texts, whole numbers, and what is stored as either.
    """

    select: sa.Select[Any] | sa.CompoundSelect[Any]
    _packed: sa.Select[Any] = attrs.field(init=False, repr=False)
    _turns: dict[sa.Dialect, tuple[_Turn, ...]] = attrs.field(factory=dict, init=False, repr=False)

    @_packed.default
    def _pack(self) -> sa.Select[Any]:
        # A select whose rows are taken together keeps its order: SQLite merges no such select into the one around it.
        row = sa.func.json_array(*self.select.subquery("found").c)
        return sa.select(sa.func.json_group_array(row, type_=sa.Text))

    def of(self, connection: sa.Connection, given: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Return the rows, in the order of the select, each with its values in the order of the columns.

        Args:
            connection: Reads.
            given: The parameters.
        """
        if connection.dialect.name != "sqlite":
            return connection.execute(self.select, given).all()
        rows: list[list[Any]] = json.loads(connection.execute(self._packed, given).scalar_one())
        for place, turn in self._turned(connection.dialect):
            for row in rows:
                row[place] = turn(row[place])
        return rows

    def _turned(self, dialect: sa.Dialect) -> tuple[_Turn, ...]:
        """Return which columns are stored as something else than they mean."""
        if dialect not in self._turns:
            types = [column.type.dialect_impl(dialect) for column in self.select.selected_columns]
            turns = enumerate(one.result_processor(dialect, None) for one in types)
            self._turns[dialect] = tuple((place, turn) for place, turn in turns if turn)
        return self._turns[dialect]
