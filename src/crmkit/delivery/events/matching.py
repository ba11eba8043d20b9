"""Which message an event is about: by its key, by the name that its provider gave it, or by the address it went to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs

from crmkit.delivery.events.event import Event
from crmkit.ledger.attempts import Referred, referred
from crmkit.ledger.heard import Heard
from crmkit.ledger.learnt import address_digest
from crmkit.ledger.ledger import Ledger
from crmkit.ledger.touch import Touch, fresh_after
from crmkit.people.medium import Medium
from crmkit.people.normal import normalise
from crmkit.practice import Practice
from crmkit.store.among import among
from crmkit.store.store import Connection

#: An event that names an address alone is about the last message that went there, within so long.
_RECENT = timedelta(days=90)
#: What stands for an address that nobody can read: it is none of ours.
_UNREADABLE = "unreadable"


@attrs.frozen
class Match:
    """What an event is about.

    Attributes:
        touch: The touch, None if there is none of ours.
        address: The digest of the address that it names, empty if it names none.
        value: That address in normal form, empty where it has none that can be read.
    """

    touch: Touch | None
    address: str
    value: str = attrs.field(repr=False)


@attrs.frozen(eq=False)
class Matching:
    """Finds the touches that events are about, of one practice, inside the caller's transaction."""

    practice: Practice
    ledger: Ledger

    def find(self, connection: Connection, event: Event, parser: str, now: datetime) -> Match:
        """Return what an event is about.

        Args:
            connection: A connection.
            event: The event.
            parser: The full name of the parser that read it.
            now: The present instant.
        """
        value = normalise(event.address, event.medium, self.practice.country).value if event.address else ""
        address = address_digest(self.practice.id, event.medium, value)
        named = address or (_UNREADABLE if event.address else "")
        if event.key:
            return Match(self._by_keys(connection, [event.key]).get(event.key), named, value)
        if event.reference:
            found = self._by_reference(connection, [(parser, event.reference, named)])
            return Match(found[0], named, value)
        return Match(self._last_sent(connection, event.medium, address, now), named, value)

    def find_again(self, connection: Connection, heard: Sequence[Heard]) -> list[Touch | None]:
        """Return the touches that events which waited are about, as far as they are known now."""
        by_key = self._by_keys(connection, [one.key for one in heard if one.key])
        unnamed = [one for one in heard if not one.key]
        found = self._by_reference(connection, [(one.parser, one.reference, one.named) for one in unnamed])
        by_reference = dict(zip(unnamed, found, strict=True))
        return [by_key.get(one.key) if one.key else by_reference[one] for one in heard]

    def _by_keys(self, connection: Connection, keys: Sequence[str]) -> dict[str, Touch]:
        table = self.ledger.tables.touch
        return {one.key: one for one in self.ledger.touches(connection, among(table.c.key, keys))} if keys else {}

    def _by_reference(self, connection: Connection, named: Sequence[tuple[str, str, str]]) -> list[Touch | None]:
        """Return the one touch for each parser, reference and address: of several that to the address, or none."""
        known = referred(connection, self.ledger.tables, self.practice.id, [reference for _, reference, _ in named])
        mine = [
            {one.key for one in known.get(reference, ()) if _owner(one) == parser.partition(".")[0]}
            for parser, reference, _ in named
        ]
        touches = self._by_keys(connection, sorted({key for keys in mine for key in keys}))
        return [
            _only([touches[key] for key in keys if key in touches], address)
            for keys, (_, _, address) in zip(mine, named, strict=True)
        ]

    def _last_sent(self, connection: Connection, medium: Medium, address: str, now: datetime) -> Touch | None:
        if not address:
            return None
        table, since = self.ledger.tables.touch, now - _RECENT
        there = (table.c.address == address, table.c.stale > fresh_after(since), table.c.medium == medium.value)
        found = self.ledger.touches(connection, *there, table.c.sent_at > since)
        return max(found, key=lambda one: (one.sent_at or one.changed_at, one.key), default=None)


def _owner(attempt: Referred) -> str:
    # What one provider calls its messages says nothing of another's.
    return attempt.channel.partition(".")[0]


def _only(touches: Sequence[Touch], address: str) -> Touch | None:
    """Return the one touch that is meant; None where it cannot be told which."""
    if len(touches) > 1:
        touches = [one for one in touches if one.address == address]
    return touches[0] if len(touches) == 1 else None
