"""The ledger's tables: campaigns by version, touches, their history and their attempts."""

from __future__ import annotations

from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.columns import key, optional, sealed, sealed_index, table
from crmkit.ledger.learnt_tables import LearntTables, declare_learnt
from crmkit.ledger.state import SPENT
from crmkit.ledger.triggers import enforce_order
from crmkit.store.sqlite_statistics import expect
from crmkit.store.store import Store
from crmkit.store.types import Instant, Money

#: What names a touch in the tables of its history, and the row's number there.
TOUCH = ("practice", "campaign", "occasion", "patient")
_NUMBERED = (*TOUCH, "number")
#: How many different values columns have, within those before them: so an index is judged (`sqlite_statistics.py`).
_SELECTIVE = {"patient": 20_000, "campaign": 40, "occasion": 60}
#: In which order touches are sent: neighbours in the table are neighbours in time.
URGENCY = ("priority", "due", *TOUCH[1:])


@attrs.frozen(eq=False)
class LedgerTables:
    """The ledger's tables of one store.

    Attributes:
        campaign: The programme, by version.
        touch: Every touch as it stands.
        event: Every transition of every touch.
        entry: Which transitions were written together, and where in the feed they stand.
        attempt: Every hand-over.
        pace: Until when each channel has been handed enough.
        learnt: What the kit learnt, what came back, and what a person decided.
    """

    campaign: sa.Table
    touch: sa.Table
    event: sa.Table
    entry: sa.Table
    attempt: sa.Table
    pace: sa.Table
    learnt: LearntTables

    def same_touch(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """Return the condition that a row of the history belongs to a row of touches."""
        return sa.and_(*(table.c[name] == self.touch.c[name] for name in TOUCH))


def declare_ledger(store: Store) -> LedgerTables:
    """Declare the ledger's tables in the store's metadata and return them."""
    return LedgerTables(
        campaign=_campaign(store),
        touch=_touch(store),
        event=_event(store),
        entry=_entry(store),
        attempt=_attempt(store),
        pace=_pace(store),
        learnt=declare_learnt(store),
    )


def _campaign(store: Store) -> sa.Table:
    return sa.Table(
        store.name("campaign"),
        store.metadata,
        key("practice"),
        key("id"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("definition", sa.JSON, nullable=False),
        sa.Column("current", sa.Boolean, nullable=False),
        sa.Column("added_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("practice", "id", "version"),
        prefixes=store.prefixes,
    )


def _touch(store: Store) -> sa.Table:
    touch = table(
        store,
        "touch",
        # practice x patient x campaign x occasion: one touch, whatever plans run.
        TOUCH,
        key("campaign"),
        key("occasion"),
        key("patient"),
        key("key"),
        sa.Column("version", sa.Integer, nullable=False),
        key("message"),
        key("purpose"),
        key("medium"),
        key("recipient"),
        # The address itself stays in the records; its digest is enough to count what one inbox gets.
        optional("address"),
        key("state"),
        key("reason"),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("due", Instant, nullable=False),
        sa.Column("stale", Instant, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        optional("arm"),
        optional("household"),
        optional("carried_by"),
        sa.Column("cost", Money),
        optional("owner"),
        sa.Column("lease", Instant),
        sa.Column("changed_at", Instant, nullable=False),
        sa.Column("sent_at", Instant),
        # How many transitions and how many attempts there were: the next one's number without counting.
        sa.Column("moves", sa.Integer, nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    )
    _index(touch)
    values = {"key": 1_000_000, "address": 20_000, "message": 10, "state": 12, "priority": 3}
    when = {"due": 1000, "stale": 500, "sent_at": 50_000}
    expect(touch, 1_000_000, **_SELECTIVE, **values, **when)
    if not store.temporary:
        enforce_order(touch)
    return touch


def _index(touch: sa.Table) -> None:
    spent = touch.c.state.in_([state.value for state in SPENT])
    # The same for SQLite, which takes far longer over an IN than over a look into one text.
    marked = sa.text(f"instr('|{'|'.join(SPENT)}|', '|' || state || '|') > 0")
    sa.Index(f"{touch.name}_key", touch.c.practice, touch.c.key, unique=True)
    # practice x patient x message type x occasion, from sending on: a renamed campaign sends no second card.
    sa.Index(
        f"{touch.name}_once",
        touch.c.practice,
        touch.c.patient,
        touch.c.message,
        touch.c.occasion,
        unique=True,
        sqlite_where=marked,
        postgresql_where=spent,
    )
    sa.Index(f"{touch.name}_urgency", touch.c.practice, touch.c.state, *(touch.c[name] for name in (*URGENCY, "owner")))
    sa.Index(f"{touch.name}_patient_sent", touch.c.practice, touch.c.patient, touch.c.sent_at)
    # An address is judged once, and when it is too late stands then; so what is on its way adds nothing to this index.
    sa.Index(f"{touch.name}_address", touch.c.practice, touch.c.address, touch.c.stale)
    left = touch.c.sent_at.is_not(None)
    sa.Index(f"{touch.name}_sent", touch.c.practice, touch.c.sent_at, sqlite_where=left, postgresql_where=left)
    sa.Index(f"{touch.name}_fresh", touch.c.practice, touch.c.campaign, touch.c.stale)
    sa.Index(f"{touch.name}_message", touch.c.practice, touch.c.message, touch.c.occasion, touch.c.patient)


def _whose() -> tuple[sa.Column[Any], ...]:
    # Not the touch's key, which is a digest: rows in the order of their touches lie on few pages of the database.
    return *(key(name) for name in TOUCH[1:]), sa.Column("number", sa.Integer, nullable=False)


def _event(store: Store) -> sa.Table:
    event = table(
        store,
        "event",
        _NUMBERED,
        *_whose(),
        sa.Column("at", Instant, nullable=False),
        optional("was"),
        key("state"),
        key("reason"),
        sa.Column("detail", sa.JSON, nullable=False),
        key("actor"),
        *sealed(),
    )
    sealed_index(event)
    expect(event, 4_000_000, **_SELECTIVE, writer=1000, link=1000)
    return event


def _entry(store: Store) -> sa.Table:
    entry = table(
        store,
        "entry",
        ("practice", "id"),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("at", Instant, nullable=False),
        # Given when the feed is read next: what is written by then is committed, and what is not comes after it.
        sa.Column("position", sa.BigInteger),
        # Keys of touches, each with the number of its transition.
        sa.Column("moves", sa.JSON, nullable=False),
    )
    sa.Index(f"{entry.name}_position", entry.c.practice, entry.c.position, unique=True)
    expect(entry, 100_000, id=100_000, position=100_000)
    return entry


def _attempt(store: Store) -> sa.Table:
    attempt = table(
        store,
        "attempt",
        _NUMBERED,
        *_whose(),
        sa.Column("at", Instant, nullable=False),
        key("channel"),
        key("message_id"),
        key("digest"),
        optional("outcome"),
        optional("reference"),
        optional("evidence"),
        sa.Column("answered_at", Instant),
        # What the touch said when it was made; another attempt may be made on other ground.
        sa.Column("version", sa.Integer, nullable=False, server_default="0"),
        optional("recipient"),
        optional("address"),
        # Which account of the provider's was used: another one cannot be asked about it, nor swallows a repetition.
        optional("account"),
    )
    # What a provider reports later may name its own message alone.
    named = attempt.c.reference != ""
    by_reference = (attempt.c.practice, attempt.c.reference)
    sa.Index(f"{attempt.name}_reference", *by_reference, sqlite_where=named, postgresql_where=named)
    expect(attempt, 1_000_000, **_SELECTIVE, reference=1_000_000)
    return attempt


def _pace(store: Store) -> sa.Table:
    return table(
        store,
        "pace",
        ("practice", "channel"),
        key("channel"),
        sa.Column("free_at", Instant, nullable=False),
        # How many the last turn was for.
        sa.Column("messages", sa.Integer, nullable=False, server_default="0"),
    )
