"""What was decided about the programme, for good: campaigns added and retired, sendings stopped and let go on.

Beside that it is kept here since when the records are stamped, which nobody may undo unseen either.

The tables of campaigns and stops say what holds now. Decisions are never changed and sealed by the audit trail, which
compares what holds with what was decided last.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Any

import attrs
import sqlalchemy as sa

from crmkit.ledger.trail.seal import Seal


class Decided(StrEnum):
    """What was decided."""

    ADDED = "added"
    RETIRED = "retired"
    STOPPED = "stopped"
    RESUMED = "resumed"
    CANCELLED = "cancelled"
    #: From here on each row of the records that a sync writes bears a stamp (`records/stamp.py`).
    STAMPED = "stamped"


@attrs.frozen
class Decision:
    """One decision.

    Attributes:
        what: What was decided.
        campaign: The campaign's id; empty for all sending.
        at: When.
        by: Who decided it, empty where nobody was named.
        version: Which version of the campaign was added, 0 for other decisions.
        digest: A digest of its definition.
    """

    what: Decided
    campaign: str
    at: datetime
    by: str = ""
    version: int = 0
    digest: str = ""


def definition_digest(definition: Mapping[str, Any]) -> str:
    """Return the digest of a campaign's definition."""
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:32]


def decide(connection: sa.Connection, seal: Seal, *decisions: Decision) -> None:
    """Write down decisions, in a transaction in which nobody else decides anything.

    With the first ones that are sealed, what holds already is sealed as it is found: a key may be given later, and a
    database may come from a version that sealed no decisions.
    """
    table = seal.tables.learnt.decision
    found = [] if has_begun(connection, seal) else _found(connection, seal)
    if not (found or decisions):
        return
    last = connection.scalar(sa.select(sa.func.max(table.c.number)).where(table.c.practice == seal.practice)) or 0
    rows = [
        {
            "practice": seal.practice,
            "number": number,
            "at": one.at,
            "what": one.what.value,
            "campaign": one.campaign,
            "version": one.version,
            "digest": one.digest,
            "actor": one.by,
            **seal.columns(),
        }
        for number, one in enumerate((*found, *decisions), last + 1)
    ]
    connection.execute(sa.insert(table), rows)


def has_begun(connection: sa.Connection, seal: Seal) -> bool:
    """Tell whether decisions are sealed already, or are not to be."""
    table = seal.tables.learnt.decision
    mine = (table.c.practice == seal.practice, table.c.link > 0)
    return not seal.key or connection.execute(sa.select(table.c.number).where(*mine).limit(1)).first() is not None


def are_stamped(connection: sa.Connection, seal: Seal) -> bool:
    """Tell whether every row that a sync wrote bears a stamp, as far as kinds of rows bear any."""
    table = seal.tables.learnt.decision
    mine = (table.c.practice == seal.practice, table.c.what == Decided.STAMPED.value, table.c.link > 0)
    return connection.execute(sa.select(table.c.number).where(*mine).limit(1)).first() is not None


def _found(connection: sa.Connection, seal: Seal) -> list[Decision]:
    """Return the decisions that lead to what holds already."""
    campaign, stop = seal.tables.campaign, seal.tables.learnt.stop
    versions = (
        sa.select(campaign).where(campaign.c.practice == seal.practice).order_by(campaign.c.id, campaign.c.version)
    )
    found: list[Decision] = []
    for _, rows in groupby(connection.execute(versions), key=attrgetter("id")):
        added = [*rows]
        found += [
            Decision(Decided.ADDED, row.id, row.added_at, "", row.version, definition_digest(row.definition))
            for row in added
        ]
        if not added[-1].current:
            found.append(Decision(Decided.RETIRED, added[-1].id, added[-1].added_at))
    stops = sa.select(stop).where(stop.c.practice == seal.practice)
    return [*found, *(Decision(Decided.STOPPED, row.campaign, row.at, row.actor) for row in connection.execute(stops))]


@attrs.define
class Holding:
    """What holds after some decisions.

    Attributes:
        versions: By id and number, digest and time of each version of a campaign.
        current: By id, the version in force.
        stops: By id, since when a campaign is stopped, and by whom; an empty text stands for all sending.
    """

    versions: dict[tuple[str, int], tuple[str, datetime]] = attrs.field(factory=dict)
    current: dict[str, int] = attrs.field(factory=dict)
    stops: dict[str, tuple[datetime, str]] = attrs.field(factory=dict)

    def after(self, one: Decision) -> None:
        """Take one more decision into account."""
        if one.what == Decided.ADDED:
            self.versions[one.campaign, one.version] = one.digest, one.at
            self.current[one.campaign] = one.version
        elif one.what == Decided.RETIRED:
            self.current.pop(one.campaign, None)
        elif one.what == Decided.STOPPED:
            self.stops[one.campaign] = one.at, one.by
        elif one.what == Decided.RESUMED:
            self.stops.pop(one.campaign, None)


def not_decided(connection: sa.Connection, seal: Seal) -> Iterator[str]:
    """Yield, in words, in what the programme and the stops differ from what was decided last.

    Only what is sealed counts as decided; as long as nothing is, there is nothing to compare with.
    """
    table, holding = seal.tables.learnt.decision, Holding()
    query = sa.select(table).where(table.c.practice == seal.practice, table.c.link > 0).order_by(table.c.number)
    decisions = connection.execute(query).all()
    for row in decisions:
        holding.after(Decision(row.what, row.campaign, row.at, row.actor, row.version, row.digest))
    if decisions:
        yield from _versions(connection, seal.tables.campaign, seal.practice, holding)
        yield from _stops(connection, seal.tables.learnt.stop, seal.practice, holding)


def _versions(connection: sa.Connection, table: sa.Table, practice: str, holding: Holding) -> Iterator[str]:
    missing = dict(holding.versions)
    for row in connection.execute(sa.select(table).where(table.c.practice == practice)):
        named = f"campaign {row.id}, version {row.version}"
        added = missing.pop((row.id, row.version), None)
        if added is None:
            yield f"{named}: nobody added it"
        elif added != (definition_digest(row.definition), row.added_at):
            yield f"{named}: it is not what was added"
        elif row.current != (holding.current.get(row.id) == row.version):
            yield f"{named}: it is {'' if row.current else 'not '}in force, which nobody decided"
    yield from (f"campaign {id_}, version {version}: it was removed" for id_, version in missing)


def _stops(connection: sa.Connection, table: sa.Table, practice: str, holding: Holding) -> Iterator[str]:
    query = sa.select(table.c.campaign, table.c.at, table.c.actor).where(table.c.practice == practice)
    there = {(row.campaign, row.at, row.actor) for row in connection.execute(query)}
    decided = {(campaign, at, by) for campaign, (at, by) in holding.stops.items()}
    for campaign in sorted({one[0] for one in there ^ decided}):
        yield f"the stop of {campaign or 'all sending'} is not the one that was decided last"
