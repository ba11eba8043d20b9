"""A law: what every plugin of a kind must keep, and how to mend one that does not."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeAlias

import attrs

from crmkit.testing.trial import Trial

Check: TypeAlias = Callable[[Trial[Any]], None]


class Kind(StrEnum):
    """What a law is about."""

    SOURCE = "source"
    CHANNEL = "channel"
    MESSAGE_TYPE = "message_type"
    GUARD = "guard"
    METRIC = "metric"
    FIELD = "field"
    EVENT_PARSER = "event_parser"
    PLUGIN = "plugin"

    @property
    def hook(self) -> str:
        """The hook by which objects of this kind are registered, empty for a plugin as a whole."""
        return "" if self is Kind.PLUGIN else f"crmkit_{self}s"

    @property
    def words(self) -> str:
        """The kind as it stands in a sentence."""
        return self.replace("_", " ")


@attrs.frozen(eq=False)
class Law:
    """One law.

    Attributes:
        kind: What it is about.
        name: Its short name, unique within the kind.
        says: The law in one sentence.
        mend: How to mend a plugin that breaks it.
        check: Tries it once; it raises `Broken`, or anything else, if the law is not kept.
        safety: Whether it protects patients, so that it cannot be waived.
        since: The version of the contract that introduced it; plugins that state an older one are told, not failed.
        wants: What the fake must be able to do for the law to be tried.
        examples: On how many examples at most, however many are asked for.
    """

    kind: Kind
    name: str
    says: str
    mend: str
    check: Check = attrs.field(repr=False)
    safety: bool = False
    since: str = "1.0"
    wants: tuple[type[Any], ...] = ()
    examples: int = 1_000_000

    @property
    def id(self) -> str:
        """The law's full name, such as `channel.one_receipt`."""
        return f"{self.kind}.{self.name}"


def law(kind: Kind, says: str, *, mend: str, **more: Any) -> Callable[[Check], Law]:
    """Make a law of the function that tries it; the function's name becomes the law's.

    Args:
        kind: What the law is about.
        says: The law in one sentence.
        mend: How to mend a plugin that breaks it, in a sentence or two.
        more: `safety`, `since`, `wants` and `examples`, as `Law` has them.
    """
    return lambda check: Law(kind, check.__name__, says, mend, check, **more)
