"""One step that many touches take together, as one statement."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import sqlalchemy as sa

from crmkit.errors import StoreError
from crmkit.ledger.state import FOLLOWS, State
from crmkit.store.among import among


@attrs.frozen
class Step:
    """From which state to which, and whether it is a new attempt.

    Raises:
        StoreError: If the one may not follow the other.
    """

    was: State
    state: State
    tried: bool = False

    def __attrs_post_init__(self) -> None:
        if self.state not in FOLLOWS[self.was]:
            raise StoreError(f"{self.state} may not follow {self.was}")

    def statement(self, table: sa.Table, columns: Iterable[str], *, leased: bool) -> sa.UpdateBase:
        """Return the statement that moves touches of one owner, by their keys.

        It returns the keys that moved, each with the number of its transition.
        Its parameters are `of_practice`, `keys`, `was_state`, `was_owner`, `lease_after` where it is leased, and
        `new_...` for each column.

        Args:
            table: The table of touches.
            columns: Which columns get new values.
            leased: Whether only those move whose lease ends after an instant.
        """
        where = [table.c.practice == sa.bindparam("of_practice"), among(table.c.key, "keys")]
        where += [table.c.state == sa.bindparam("was_state"), table.c.owner == sa.bindparam("was_owner")]
        where += [table.c.lease > sa.bindparam("lease_after", type_=table.c.lease.type)] if leased else []
        new = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in columns}
        counted = {"moves": table.c.moves + 1} | ({"attempts": table.c.attempts + 1} if self.tried else {})
        update = sa.update(table).where(*where).values({**new, **counted})
        return update.returning(table.c.key, table.c.moves)
