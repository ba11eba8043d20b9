"""Attempts: what was handed to a channel, written before it happens, and what the channel answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.clock import utc
from crmkit.ledger.tables import TOUCH, LedgerTables
from crmkit.ledger.touch import Touch
from crmkit.ledger.trail.digests import HANDED
from crmkit.ledger.trail.seal import Seal
from crmkit.store.among import among
from crmkit.store.many import Many

_CHUNK = 500
_IN_DOUBT = ("", "unknown")
_READ = ("channel", "message_id", "digest", "number", "at", "outcome", "reference", "evidence", "account")
_PLACE = (*TOUCH[1:], "number")


@attrs.frozen
class Attempt:
    """One hand-over of one touch's message.

    Attributes:
        key: The touch's key.
        channel: The full name of the channel.
        message_id: What the message carries, by which a provider can be asked about it.
        digest: A digest of the whole message.
        number: Which attempt of this touch it is, from 1.
        at: When it was made, in UTC.
        outcome: What the channel answered, empty as long as it has not.
        reference: The provider's name for the message, empty where it gave none.
        evidence: What the channel said of it, in a few words without an address.
        account: What is kept of the provider's account that was used, empty where nothing is repeated or asked about.
    """

    key: str
    channel: str
    message_id: str
    digest: str
    number: int
    at: datetime
    outcome: str = ""
    reference: str = ""
    evidence: str = ""
    account: str = ""

    @property
    def in_doubt(self) -> bool:
        """Tell whether it may have had an effect, though nobody is sure."""
        return self.outcome in _IN_DOUBT


@attrs.frozen
class Intent:
    """What is about to be handed over: a touch that is on its way, and by what its message can be told again."""

    touch: Touch
    message_id: str
    digest: str
    account: str = ""


@attrs.frozen
class Answer:
    """What the channel said of one attempt: outcome, the provider's name for the message, and evidence in words."""

    touch: Touch
    outcome: str
    reference: str
    evidence: str


@attrs.frozen
class Referred:
    """To which message a provider gave a name: by which channel it went, and the touch's key."""

    channel: str
    key: str


@attrs.frozen(eq=False)
class Attempts:
    """Writes the attempts of one practice's touches, inside the caller's transaction.

    Attributes:
        tables: The ledger's tables.
        practice: The practice's id.
        seal: Is told what is handed over, None where no trail is kept.
    """

    tables: LedgerTables
    practice: str
    seal: Seal | None = None
    _kept: dict[tuple[str, str], Many] = attrs.field(factory=dict, init=False, repr=False)

    def intend(self, connection: sa.Connection, intents: Sequence[Intent], now: datetime) -> None:
        """Write down what is about to be handed over."""
        rows = [(*_place(one.touch), *_handed(one), one.account) for one in intents]
        if rows:
            self._many(connection, self._intent).run(connection, {"practice": self.practice, "at": now}, rows)
        if self.seal:
            # As the digest writes it: once for all rows.
            at, place = str(utc(now)), len(_PLACE)
            self.seal.handed([(*row[:place], at, *row[place:-1]) for row in rows])

    def answered(self, connection: sa.Connection, answers: Sequence[Answer], now: datetime) -> None:
        """Write down what the channel said of attempts."""
        rows = [(*_place(one.touch), one.outcome, one.reference, one.evidence) for one in answers]
        if rows:
            shared = {"of_practice": self.practice, "then": now}
            self._many(connection, self._answer).run(connection, shared, rows)

    def _many(self, connection: sa.Connection, make: Callable[[sa.Dialect], Many]) -> Many:
        what = (make.__name__, connection.dialect.driver)
        if what not in self._kept:
            self._kept[what] = make(connection.dialect)
        return self._kept[what]

    def _intent(self, dialect: sa.Dialect) -> Many:
        columns, table = (*_PLACE, *HANDED[len(_PLACE) + 1 :], "account"), self.tables.attempt
        names = ("practice", "at", *columns)
        new = {name: sa.bindparam(name, type_=table.c[name].type) for name in names}
        return Many.of(sa.insert(table).values(new), columns, dialect)

    def _answer(self, dialect: sa.Dialect) -> Many:
        table = self.tables.attempt
        asked = [table.c[name] == sa.bindparam(f"of_{name}") for name in ("practice", *_PLACE)]
        told = ("outcome", "reference", "evidence")
        new: dict[str, sa.BindParameter[Any]] = {name: sa.bindparam(f"an_{name}") for name in told}
        new["answered_at"] = sa.bindparam("then")
        own = (*(f"of_{name}" for name in _PLACE), *(f"an_{name}" for name in told))
        return Many.of(sa.update(table).where(*asked).values(new), own, dialect)


def cleared(
    connection: sa.Connection, tables: LedgerTables, practice: str, found_out: Sequence[tuple[Touch, str, str]]
) -> None:
    """Write down what was found out about touches of which nobody knew whether an attempt had had an effect.

    Args:
        connection: A transaction that may write.
        tables: The ledger's tables.
        practice: The practice's id.
        found_out: Each touch, what becomes the outcome of all its attempts that are in doubt, and what the provider
            calls the message, empty where it has not said so.
    """
    table = tables.attempt
    given = sa.bindparam("a_reference", type_=sa.Text())
    update = (
        sa.update(table)
        .where(*(table.c[name] == sa.bindparam(f"of_{name}") for name in TOUCH))
        .where(sa.or_(*(table.c.outcome == word for word in _IN_DOUBT)))
        .values(outcome=sa.bindparam("an_outcome"), reference=sa.case((given == "", table.c.reference), else_=given))
    )
    rows = [
        {
            "of_practice": practice,
            **{f"of_{name}": getattr(touch, name) for name in TOUCH[1:]},
            "an_outcome": outcome,
            "a_reference": reference,
        }
        for touch, outcome, reference in found_out
    ]
    if rows:
        connection.execute(update, rows)


def referred(
    connection: sa.Connection, tables: LedgerTables, practice: str, references: Sequence[str]
) -> dict[str, list[Referred]]:
    """Return, by the provider's name for a message, the attempts to which it was given."""
    table, touch = tables.attempt, tables.touch
    query = sa.select(table.c.reference, table.c.channel, touch.c.key).join(touch, tables.same_touch(table))
    found: dict[str, list[Referred]] = defaultdict(list)
    for start in range(0, len(references), _CHUNK):
        mine = (table.c.practice == practice, among(table.c.reference, references[start : start + _CHUNK]))
        # As the index has it.
        for reference, channel, key in connection.execute(query.where(*mine, table.c.reference != "")):
            found[reference].append(Referred(channel, key))
    return found


def first_attempts(
    connection: sa.Connection, tables: LedgerTables, practice: str, keys: Sequence[str]
) -> dict[str, Attempt]:
    """Return, by key, the first attempt of each touch of which nobody knows whether it had an effect."""
    return {one.key: one for one in reversed(_attempts(connection, tables, practice, keys)) if one.in_doubt}


def last_attempts(
    connection: sa.Connection, tables: LedgerTables, practice: str, keys: Sequence[str]
) -> dict[str, Attempt]:
    """Return, by key, the last attempt of each touch."""
    return {one.key: one for one in _attempts(connection, tables, practice, keys)}


def _attempts(connection: sa.Connection, tables: LedgerTables, practice: str, keys: Sequence[str]) -> list[Attempt]:
    """Return all attempts of some touches, in their order."""
    if not keys:
        # To make the statement alone takes longer than a message.
        return []
    table, touch = tables.attempt, tables.touch
    query = sa.select(touch.c.key, *(table.c[name] for name in _READ)).join(table, tables.same_touch(table))
    found: list[Attempt] = []
    for start in range(0, len(keys), _CHUNK):
        mine = (touch.c.practice == practice, among(touch.c.key, keys[start : start + _CHUNK]))
        rows = connection.execute(query.where(*mine).order_by(touch.c.key, table.c.number))
        found += [Attempt(*row) for row in rows.all()]
    return found


def _handed(one: Intent) -> tuple[str, str, str, int, str, str]:
    touch = one.touch
    return touch.detail["channel"], one.message_id, one.digest, touch.version, touch.recipient, touch.address


def _place(touch: Touch) -> tuple[str, str, str, int]:
    return touch.campaign, touch.occasion, touch.patient, touch.attempts
