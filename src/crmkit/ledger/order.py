"""The state machine in the database: a transition that may not be is refused there too, whoever asks for it."""

from __future__ import annotations

import sqlalchemy as sa

from crmkit.ledger.state import FOLLOWS, State


def enforce_order(touch: sa.Table) -> None:
    """Let the database refuse every state that may not follow, and every state that there is not.

    The triggers are made together with the table, on SQLite and on PostgreSQL.
    """
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
        f" WHEN {_forbidden()} BEGIN {refuse}; END",
        f"CREATE TRIGGER {name}_start BEFORE INSERT ON {name} FOR EACH ROW"
        f" WHEN NEW.state NOT IN ({_all_states()}) BEGIN {refuse}; END",
    )


def postgresql_order(touch: sa.Table) -> tuple[str, ...]:
    """Return the statements that make the trigger on PostgreSQL."""
    place = f"{touch.schema}." if touch.schema else ""
    function = f"{place}{touch.name}_refuse"
    return (
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'this state may not follow' USING ERRCODE = 'check_violation'; END $$",
        f"CREATE TRIGGER {touch.name}_order BEFORE UPDATE OF state ON {place}{touch.name} FOR EACH ROW"
        f" WHEN ({_forbidden()}) EXECUTE FUNCTION {function}()",
        f"CREATE TRIGGER {touch.name}_start BEFORE INSERT ON {place}{touch.name} FOR EACH ROW"
        f" WHEN (NEW.state NOT IN ({_all_states()})) EXECUTE FUNCTION {function}()",
    )


def _forbidden() -> str:
    pairs = [f"'{was}>{now}'" for was, follows in FOLLOWS.items() for now in follows]
    return f"OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN ({', '.join(pairs)})"


def _all_states() -> str:
    return ", ".join(f"'{state}'" for state in State)


def _escaped(statement: str) -> str:
    # DDL() reads a % as the start of a name to fill in.
    return statement.replace("%", "%%")
