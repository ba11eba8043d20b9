"""The history of touches: one row for each transition, with its time, reason and actor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from crmkit.ledger.tables import TOUCH, LedgerTables
from crmkit.ledger.touch import Touch
from crmkit.store.among import among

_SHOWN = ("at", "was", "state", "reason", "detail", "actor")


def note(
    connection: sa.Connection,
    tables: LedgerTables,
    practice: str,
    moves: Iterable[tuple[Touch | None, Touch]],
    actor: str,
    sealed: Mapping[str, Any],
) -> None:
    """Write down transitions: each touch as it was, None for a new one, and as it is."""
    rows = [
        {
            "practice": practice,
            "campaign": now.campaign,
            "occasion": now.occasion,
            "patient": now.patient,
            "number": now.moves,
            "at": now.changed_at,
            "was": was.state.value if was else "",
            "state": now.state.value,
            "reason": now.reason,
            "detail": dict(now.detail),
            "actor": actor,
            **sealed,
        }
        for was, now in moves
    ]
    if rows:
        connection.execute(sa.insert(tables.event), rows)


def note_moved(tables: LedgerTables, sealed: Iterable[str]) -> sa.Insert:
    """Return the statement that notes transitions of many touches at once, from the state that `keys` were in.

    Its parameters are `of_practice`, `keys`, `a_was`, `a_actor`, and `a_...` for each column of the seal.
    """
    touch, event = tables.touch, tables.event
    given = ("was", "actor", *sealed)
    columns = [*TOUCH, "number", "at", "state", "reason", "detail", *given]
    told = sa.select(
        *(touch.c[name] for name in TOUCH),
        touch.c.moves,
        touch.c.changed_at,
        touch.c.state,
        touch.c.reason,
        touch.c.detail,
        *(sa.bindparam(f"a_{name}", type_=event.c[name].type).label(name) for name in given),
    ).where(touch.c.practice == sa.bindparam("of_practice"), among(touch.c.key, "keys"))
    return sa.insert(event).from_select(columns, told)


def histories(
    connection: sa.Connection, tables: LedgerTables, practice: str, keys: Sequence[str]
) -> Mapping[str, list[dict[str, Any]]]:
    """Return, by key, what happened to some touches, oldest first: at, was, state, reason, detail, actor."""
    event, touch = tables.event, tables.touch
    query = sa.select(touch.c.key, *(event.c[name] for name in _SHOWN)).join(touch, tables.same_touch(event))
    mine = (touch.c.practice == practice, among(touch.c.key, keys))
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for key, *shown in connection.execute(query.where(*mine).order_by(event.c.number)):
        found[key].append(dict(zip(_SHOWN, shown, strict=True)))
    return found
