"""Asking the database what a segment means, where a plugin's field may be at fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import attrs
import sqlalchemy as sa

from crmkit.segments.compare import Condition
from crmkit.segments.field import Field, field_of
from crmkit.segments.fit import fit
from crmkit.segments.scope import Scope
from crmkit.segments.tree import Node, Rule, rules_of
from crmkit.store.bounded import bounded, is_overdue
from crmkit.store.refusal import is_at_fault

T = TypeVar("T")


@attrs.frozen(eq=False)
class Ask:
    """Asks the database about the patients of one segment.

    Attributes:
        node: The segment.
        fields: What a segment may ask, by name.
        scope: The practice's tables.
        forget: Is called when a field has changed: what was made of it before is worth nothing.
    """

    node: Node
    fields: Mapping[str, Field]
    scope: Scope
    forget: Callable[[], object] = lambda: None

    def rows(self, connection: sa.Connection, select: Callable[[], sa.Select[Any]]) -> Sequence[sa.Row[Any]]:
        """Return the rows of a select over the segment.

        Args:
            connection: An open transaction; it can be gone on with.
            select: Makes the select; anew if a field has changed.
        """
        return self.answer(connection, lambda: connection.execute(select()).all())

    def answer(self, connection: sa.Connection, asking: Callable[[], T]) -> T:
        """Return what comes of asking the database about the segment.

        If the database refuses it, those rules are looked for that it refuses by themselves. Their fields are told, so
        that what they ask is unknown and met by nobody, and it is asked once more.

        Args:
            connection: An open transaction; it can be gone on with.
            asking: Makes the select and asks; anew if a field has changed.
        """
        doubtful = [rule for rule in rules_of(self.node) if not field_of(rule.field, self.fields).trusted]
        if not doubtful:
            return asking()
        patience = self._patience(doubtful)
        try:
            with bounded(connection, patience), _savepoint(connection):
                return asking()
        except sa.exc.SQLAlchemyError as problem:
            # Each is asked, for several may be at fault.
            refused = is_at_fault(problem) and [rule for rule in doubtful if self._refused(connection, rule, patience)]
            # If none is too slow by itself, it is the database that takes its time.
            if not refused and not is_overdue(problem):
                raise
            self.forget()
        return asking()

    def _patience(self, rules: Sequence[Rule]) -> float | None:
        """Return how long the database may take over all of it: as long as the strictest field says."""
        spans = [field_of(rule.field, self.fields).patience for rule in rules]
        return min((span for span in spans if span is not None), default=None)

    def _refused(self, connection: sa.Connection, rule: Rule, patience: float | None) -> bool:
        """Ask for one rule of all patients; tell its field if the database refuses that, and not any question."""
        field = field_of(rule.field, self.fields)
        problem = self._problem(connection, field.condition(fit(rule, self.fields), self.scope), patience)
        if problem is None or self._problem(connection, sa.true(), patience):
            return False
        field.refused(type(problem).__name__, overdue=is_overdue(problem))
        return True

    def _problem(
        self, connection: sa.Connection, met: Condition, patience: float | None
    ) -> sa.exc.SQLAlchemyError | None:
        """Return the error with which the database refuses to count who meets a condition, or nothing."""
        patient = self.scope.patient
        counted = sa.select(sa.func.count(sa.case((met, 1)))).where(patient.c.practice == self.scope.practice.id)
        try:
            with bounded(connection, patience), _savepoint(connection):
                connection.execute(counted)
        except sa.exc.SQLAlchemyError as problem:
            if not is_at_fault(problem):
                raise
            return problem
        return None


def _savepoint(connection: sa.Connection) -> AbstractContextManager[Any]:
    """Open a savepoint where a refused statement would end the transaction; SQLite undoes the statement alone."""
    return nullcontext() if connection.dialect.name == "sqlite" else connection.begin_nested()
