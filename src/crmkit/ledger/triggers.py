"""The state machine in the database: a transition that may not be is refused there too, whoever asks for it."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from crmkit.ledger.state import FOLLOWS, State

#: What most touches go through comes first.
_BY_FREQUENCY = tuple(sorted(FOLLOWS, key=[State.READY, State.CLAIMED, State.SENDING, *FOLLOWS].index))


def enforce_order(touch: sa.Table) -> None:
    """Let the database refuse every state that may not follow, and every state that there is not.

    The triggers are made together with the table, on SQLite and on PostgreSQL. A database that exists gets them from
    the migrations: another order is another revision, which replaces them.
    """
    touch.info["triggers"] = (f"{touch.name}_order", f"{touch.name}_start")
    for dialect, statements in (("sqlite", sqlite_order(touch)), ("postgresql", postgresql_order(touch))):
        for statement in statements:
            ddl = sa.DDL(_escaped(statement))  # type: ignore[no-untyped-call]
            sa.event.listen(touch, "after_create", ddl.execute_if(dialect=dialect))


def sqlite_order(touch: sa.Table) -> tuple[str, ...]:
    """Return the statements that make the triggers on SQLite."""
    name = touch.name
    refuse = "SELECT RAISE(ABORT, 'this state may not follow')"
    return (
        f"CREATE TRIGGER {name}_order BEFORE UPDATE OF state ON {name} FOR EACH ROW"
        f" WHEN {_forbidden('instr')} BEGIN {refuse}; END",
        f"CREATE TRIGGER {name}_start BEFORE INSERT ON {name} FOR EACH ROW"
        f" WHEN {_unheard_of('instr')} BEGIN {refuse}; END",
    )


def postgresql_order(touch: sa.Table) -> tuple[str, ...]:
    """Return the statements that make the trigger on PostgreSQL."""
    place = f"{touch.schema}." if touch.schema else ""
    function = f"{place}{touch.name}_refuse"
    return (
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'this state may not follow' USING ERRCODE = 'check_violation'; END $$",
        f"CREATE TRIGGER {touch.name}_order BEFORE UPDATE OF state ON {place}{touch.name} FOR EACH ROW"
        f" WHEN ({_forbidden('strpos')}) EXECUTE FUNCTION {function}()",
        f"CREATE TRIGGER {touch.name}_start BEFORE INSERT ON {place}{touch.name} FOR EACH ROW"
        f" WHEN ({_unheard_of('strpos')}) EXECUTE FUNCTION {function}()",
    )


def _forbidden(place: str) -> str:
    """Return the condition that a step is none that may be, where `place` finds one text in another.

    An `IN` over so many texts costs SQLite more for each row than all else that it does with it.
    """
    steps = " ".join(f"WHEN '{was}' THEN '{_marked(FOLLOWS[was])}'" for was in _BY_FREQUENCY)
    may = f"CASE OLD.state {steps} ELSE '' END"
    return f"OLD.state <> NEW.state AND {_not_one_of(may, place)}"


def _unheard_of(place: str) -> str:
    return _not_one_of(f"'{_marked(State)}'", place)


def _not_one_of(states: str, place: str) -> str:
    # Between the marks an empty text, and two states in one, would be found as well.
    odd = f"NEW.state = '' OR {place}(NEW.state, '|') > 0"
    return f"({place}({states}, '|' || NEW.state || '|') = 0 OR {odd})"


def _marked(states: Iterable[State]) -> str:
    return f"|{'|'.join(states)}|"


def _escaped(statement: str) -> str:
    # DDL() reads a % as the start of a name to fill in.
    return statement.replace("%", "%%")
