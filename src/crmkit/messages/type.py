"""What kind of message there is, and why it may be said."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.resources.abc import Traversable
from typing import Any

import attrs

from crmkit.people.medium import Medium, Purpose


def _name(_: Any, __: Any, value: str) -> None:
    if not re.fullmatch(r"(?:[a-z0-9][a-z0-9_-]*\.)?[a-z0-9][a-z0-9_-]*", value):
        raise ValueError(f"message type {value!r}: use lower-case letters, digits and hyphens, such as birthday")


def _media(_: Any, __: Any, value: tuple[Medium, ...]) -> None:
    if not value:
        raise ValueError("a message type needs at least one medium")


def _words(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(names)


def _ways(media: Iterable[Medium]) -> tuple[Medium, ...]:
    return tuple(media)


@attrs.frozen
class MessageType:
    """What is said: its purpose, its templates and what they need.

    Attributes:
        name: `owner.stem`, such as `core.birthday`; without an owner until a plugin is admitted.
        purpose: Why one may write; it decides which consent is needed.
        objective: What it is for, in one word, such as celebrate.
        needs: Dotted fields that must not be empty, such as `patient.greeting`. Where a practice words all parts in a
            language itself, only what those print is needed.
        media: The ways by which it can go.
        fresh_days: Days after the due date until the occasion is stale.
        templates: A folder that holds `<stem>/<medium>/<language>/` with the parts.
        personal: False if all readers of one language get the same text, so that one copy per address is enough.
        content: True if each occasion needs a Markdown file of the practice.

    Raises:
        ValueError: If the name is no short lower-case name, or there is no medium, or it is never fresh.
    """

    name: str = attrs.field(validator=_name)
    purpose: Purpose
    objective: str
    needs: tuple[str, ...] = attrs.field(converter=_words)
    media: tuple[Medium, ...] = attrs.field(converter=_ways, validator=_media)
    fresh_days: int = attrs.field(validator=attrs.validators.ge(1))
    templates: Traversable = attrs.field(repr=False)
    personal: bool = True
    content: bool = False

    @property
    def stem(self) -> str:
        """The name without its owner."""
        return self.name.split(".", 1)[-1]

    @property
    def owner(self) -> str:
        """The plugin that brought it, empty until it is admitted."""
        return self.name.rpartition(".")[0]

    def owned_by(self, plugin: str) -> MessageType:
        """Return the same type under the name of the plugin that brings it.

        >>> from pathlib import Path
        >>> kind = MessageType("birthday", Purpose.MARKETING, "celebrate", (), (Medium.EMAIL,), 3, Path("templates"))
        >>> kind.owned_by("core").name
        'core.birthday'
        """
        return attrs.evolve(self, name=f"{plugin}.{self.stem}")
