"""What of a patient must never be told: not in a log, an error, a receipt, a verdict or a repr."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from crmkit.campaigns.guard import Candidate
from crmkit.messages.message import Message
from crmkit.people.contact import ContactPoint
from crmkit.people.name import PersonName
from crmkit.people.patient import Patient
from crmkit.records.source import Row

#: Shorter pieces stand in harmless texts too.
_SHORTEST = 6
#: Fields of a source's rows that name a person or a way to one.
_NAMES = ("given", "preferred", "middle", "family", "full_name")
_WAYS = ("email", "mobile", "phone", "value")


def personal(*things: Any) -> frozenset[str]:
    """Return the pieces of text by which somebody could be known: names, addresses, numbers, words written to them.

    Args:
        things: Messages, patients, candidates, rows of a source, or texts.

    >>> from crmkit.testing.samples import message_of
    >>> "brightwaterson.3@mailbox.example" in personal(message_of(3))
    True
    """
    found = (piece.casefold().strip() for thing in things for piece in _pieces(thing))
    return frozenset(piece for piece in found if len(piece) >= _SHORTEST)


def leaked(text: str, pieces: Iterable[str]) -> str:
    """Return the first piece that stands in a text, or an empty string."""
    said = text.casefold()
    return next((piece for piece in sorted(pieces) if piece in said), "")


def _pieces(thing: Any) -> Iterator[str]:
    if isinstance(thing, Message):
        yield from (*_way(thing.to), *_name(thing.to_name), *thing.text.splitlines())
    elif isinstance(thing, PersonName):
        yield from (piece for part in (thing.given, thing.preferred, thing.family, thing.full) for piece in _name(part))
    elif isinstance(thing, ContactPoint):
        yield from (*_way(thing.typed), *_way(thing.value))
    elif isinstance(thing, Patient):
        yield from (piece for part in (thing.name, *thing.contacts) for piece in _pieces(part))
    elif isinstance(thing, Candidate):
        parts = (thing.patient, thing.recipient, thing.contact)
        yield from (piece for part in parts if part for piece in _pieces(part))
    elif isinstance(thing, Row):
        yield from (piece for name in _NAMES for piece in _name(thing.fields.get(name, "")))
        yield from (piece for name in _WAYS for piece in _way(thing.fields.get(name, "")))
    else:
        yield from str(thing).splitlines()


def _name(name: str) -> Iterator[str]:
    yield name
    yield from name.split()


def _way(address: str) -> Iterator[str]:
    """Yield an address, its lines, what stands before its @, and its digits without the country's."""
    yield address
    yield from address.splitlines()[:1]
    if "@" in address:
        yield address.partition("@")[0]
    digits = re.sub(r"\D", "", address)
    if digits and len(digits) >= len(address) // 2:
        yield digits[-9:]
