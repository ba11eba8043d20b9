"""The head of the audit trail: what a person notes, so that nobody can cut off the end of a chain unseen."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from datetime import datetime, timedelta

import attrs
import sqlalchemy as sa

from crmkit.ledger.trail.digests import NOTED, last_noted, link_digest, sealed_tables, signed
from crmkit.ledger.trail.seal import Seal

#: After so long, whoever was about to commit has done so.
_SETTLED = timedelta(minutes=1)


@attrs.frozen
class Head:
    """What stands for the whole trail up to an instant.

    Attributes:
        digest: The digest over the last link of every chain.
        at: The instant, a whole second in UTC.
    """

    digest: str
    at: datetime


def note_head(seal: Seal, now: datetime) -> Head | None:
    """Return the head to note at an instant, None without a trail and as long as it has no link.

    Whoever asks later for the head as of the same instant must find the same. On SQLite nobody writes while it is
    taken; elsewhere other machines may be about to commit, and so it is that of a minute ago. Whatever is sealed later
    is later by its link too, for the instant is kept.
    """
    if not seal.key:
        return None
    with seal.store.begin() as connection:
        before = last_noted(connection, seal.tables, seal.practice)
        if before and now < before:
            # The clock was set back: what was sealed since lies just behind that instant.
            now = before + timedelta(seconds=1)
        at = settled(connection, now)
        digest = head(connection, seal, at)
        if digest:
            _keep_noted(connection, seal, now)
    return Head(digest, at) if digest else None


def settled(connection: sa.Connection, now: datetime) -> datetime:
    """Return the whole second up to which all that was sealed is there to be seen."""
    return (now if connection.dialect.name == "sqlite" else now - _SETTLED).replace(microsecond=0)


def _keep_noted(connection: sa.Connection, seal: Seal, at: datetime) -> None:
    audit, digest = seal.tables.learnt.audit, link_digest([])
    told = {"at": at, "link": signed(seal.key, seal.practice, NOTED, 1, "", at, digest)}
    mine = (audit.c.practice == seal.practice, audit.c.writer == NOTED)
    # Of two who note one at the same time the later instant stays.
    if connection.execute(sa.update(audit).where(*mine, audit.c.at < at).values(**told)).rowcount:
        return
    row = {"practice": seal.practice, "writer": NOTED, "number": 1, "rows": 0, "digest": digest}
    # It is there if another's instant is as late.
    with suppress(sa.exc.IntegrityError), connection.begin_nested():
        connection.execute(sa.insert(audit).values(**row, **told))


def head(connection: sa.Connection, seal: Seal, until: datetime) -> str:
    """Return the digest over the last link that each chain had at an instant, empty where there was none.

    It covers how many rows no link seals, too: one that somebody slips in later is told by it. Ratings are left out,
    for who is forgotten takes them away.
    """
    audit = seal.tables.learnt.audit
    last = (
        sa.select(audit.c.writer, sa.func.max(audit.c.number).label("number"))
        .where(audit.c.practice == seal.practice, audit.c.writer != NOTED, audit.c.at <= until)
        .group_by(audit.c.writer)
        .subquery()
    )
    ends = sa.and_(audit.c.writer == last.c.writer, audit.c.number == last.c.number)
    query = sa.select(audit.c.writer, audit.c.number, audit.c.link).join(last, ends)
    # Sorted here: no database's own order of text is trusted.
    chains = sorted(tuple(row) for row in connection.execute(query.where(audit.c.practice == seal.practice)))
    if not chains:
        return ""
    told = json.dumps([chains, _unsealed(connection, seal)])
    return hashlib.sha256(told.encode()).hexdigest()


def _unsealed(connection: sa.Connection, seal: Seal) -> int:
    return sum(
        connection.scalar(
            sa.select(sa.func.count()).select_from(table).where(table.c.practice == seal.practice, table.c.link == 0)
        )
        or 0
        for name, table in sealed_tables(seal.tables).items()
        if name != "rating"
    )
