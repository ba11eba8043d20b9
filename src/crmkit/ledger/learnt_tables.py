"""The tables of what the kit learnt, of what came back, of what a person has stopped, and of the audit trail."""

from __future__ import annotations

from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.columns import key, optional, sealed, sealed_index, table
from crmkit.store.sqlite_statistics import expect, few
from crmkit.store.store import Store
from crmkit.store.types import Instant


@attrs.frozen(eq=False)
class LearntTables:
    """What no sync writes.

    Attributes:
        consent: Statements that reached the kit itself.
        suppression: Addresses that are not used any more, and those that a person let be used again.
        heard: What came back, one row for each thing that an event did.
        rating: What was answered to a question for a number.
        payload: What arrived, as it arrived; it may hold anything, so it lies here alone and expires.
        stop: What a person has paused.
        decision: Every campaign that was added or retired, every stop and every going on; when stamps began.
        forgotten: Patients who were erased on request and must not come back.
        blanked: Digests of sealed rows whose text was erased, before and after.
        audit: The links of the audit trail.
    """

    consent: sa.Table
    suppression: sa.Table
    heard: sa.Table
    rating: sa.Table
    payload: sa.Table
    stop: sa.Table
    decision: sa.Table
    forgotten: sa.Table
    blanked: sa.Table
    audit: sa.Table

    def sealed(self) -> dict[str, sa.Table]:
        """Return the tables whose rows the audit trail covers beside the events, under names that never change."""
        return {
            "learnt_consent": self.consent,
            "suppression": self.suppression,
            "heard": self.heard,
            "rating": self.rating,
            "forgotten": self.forgotten,
            "blanked": self.blanked,
            "decision": self.decision,
        }


def declare_learnt(store: Store) -> LearntTables:
    """Declare the tables in the store's metadata and return them."""
    learnt = LearntTables(
        consent=_consent(store),
        suppression=_suppression(store),
        heard=_heard(store),
        rating=_rating(store),
        payload=_payload(store),
        stop=table(store, "stop", ("practice", "campaign"), key("campaign"), _at(), key("actor")),
        decision=_decision(store),
        forgotten=table(store, "forgotten", ("practice", "patient"), key("patient"), _at(), key("actor"), *sealed()),
        blanked=_blanked(store),
        audit=_audit(store),
    )
    for one in learnt.sealed().values():
        sealed_index(one)
    _expect(learnt)
    return learnt


def _expect(learnt: LearntTables) -> None:
    sealed = {"writer": 1000, "link": 20}
    expect(learnt.consent, 20_000, patient=10_000, purpose=2, medium=2, **sealed)
    expect(learnt.suppression, 5000, medium=2, address=2500, **sealed)
    expect(learnt.heard, 200_000, parser=2, id=100_000, address=20_000, at=10, **sealed)
    expect(learnt.rating, 20_000, parser=2, id=20_000, **sealed)
    expect(learnt.decision, 500, number=500, **sealed)
    expect(learnt.forgotten, 200, patient=200, **sealed)
    expect(learnt.blanked, 10_000, of_writer=1000, of_link=10, **sealed)
    expect(learnt.payload, 5000, id=5000, expires_at=1000)
    expect(learnt.audit, 1_000_000, writer=1000)


def _consent(store: Store) -> sa.Table:
    return table(
        store,
        "learnt_consent",
        ("practice", "patient", "purpose", "medium", "at"),
        key("patient"),
        key("purpose"),
        key("medium"),
        _at(),
        sa.Column("given", sa.Boolean, nullable=False),
        optional("wording"),
        optional("evidence"),
        *sealed(),
    )


def _suppression(store: Store) -> sa.Table:
    return table(
        store,
        "suppression",
        ("practice", "medium", "address", "number"),
        key("medium"),
        key("address"),
        # Nothing is taken back: the last row of an address holds.
        sa.Column("number", sa.Integer, nullable=False),
        _at(),
        optional("reason"),
        optional("actor"),
        *sealed(),
    )


def _heard(store: Store) -> sa.Table:
    heard = table(
        store,
        "heard",
        ("practice", "parser", "id", "number"),
        key("parser"),
        key("id"),
        sa.Column("number", sa.Integer, nullable=False),
        key("kind"),
        key("medium"),
        # The touch's key, and the digest of its address where the event is believed of it.
        optional("key"),
        optional("address"),
        _at(),
        sa.Column("heard_at", Instant, nullable=False),
        sa.Column("permanent", sa.Boolean, nullable=False),
        optional("status"),
        optional("did"),
        # Whether the touch could not be moved yet.
        sa.Column("waits", sa.Boolean, nullable=False),
        optional("payload"),
        # Of what names a message by what its provider calls it, and waits for that name to be known.
        optional("reference"),
        optional("named"),
        optional("wishes"),
        *sealed(),
    )
    told, waits = heard.c.address != "", heard.c.waits
    by_address = (heard.c.practice, heard.c.address, heard.c.at)
    sa.Index(f"{heard.name}_address", *by_address, sqlite_where=told, postgresql_where=told)
    # As SQLite is asked: it sees no other way to say it.
    asked = sa.text("waits = 1")
    sa.Index(f"{heard.name}_waits", heard.c.practice, sqlite_where=asked, postgresql_where=waits, info=few(10))
    return heard


def _rating(store: Store) -> sa.Table:
    return table(
        store,
        "rating",
        ("practice", "parser", "id"),
        key("parser"),
        key("id"),
        key("patient"),
        key("key"),
        _at(),
        sa.Column("rating", sa.Integer, nullable=False),
        *sealed(),
    )


def _payload(store: Store) -> sa.Table:
    payload = table(
        store,
        "payload",
        ("practice", "id"),
        key("id"),
        key("parser"),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        # Why it could not be read, empty where it was.
        optional("problem"),
        sa.Column("headers", sa.JSON, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    sa.Index(f"{payload.name}_expires", payload.c.practice, payload.c.expires_at)
    return payload


def _blanked(store: Store) -> sa.Table:
    return table(
        store,
        "blanked",
        ("practice", "of_writer", "of_link", "was"),
        key("of_writer"),
        sa.Column("of_link", sa.Integer, nullable=False),
        key("was"),
        # Empty where the whole row was erased.
        optional("now"),
        _at(),
        *sealed(),
    )


def _decision(store: Store) -> sa.Table:
    return table(
        store,
        "decision",
        ("practice", "number"),
        sa.Column("number", sa.Integer, nullable=False),
        _at(),
        # A word of `Decided`.
        key("what"),
        # Empty for all sending.
        key("campaign"),
        # Of a campaign that was added: which version, and the digest of its definition.
        sa.Column("version", sa.Integer, nullable=False, server_default="0"),
        optional("digest"),
        optional("actor"),
        *sealed(),
    )


def _audit(store: Store) -> sa.Table:
    return table(
        store,
        "audit",
        ("practice", "writer", "number"),
        key("writer"),
        sa.Column("number", sa.Integer, nullable=False),
        _at(),
        sa.Column("rows", sa.Integer, nullable=False),
        key("digest"),
        key("link"),
    )


def _at() -> sa.Column[Any]:
    return sa.Column("at", Instant, nullable=False)
