"""What stands in for the machine at the other end: a provider, the practice's software, a mailbox.

A fake is started anew for each example by a function without arguments that hands back a context manager. What it
yields has `settings`, which lead the plugin to it; each further thing that it can do lets more laws be tried.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import attrs

from crmkit.delivery.events.event import Payload
from crmkit.records.source import Row

__all__ = [
    "Fake",
    "Fallible",
    "Mailbox",
    "MakesFake",
    "Provider",
    "Samples",
    "Software",
    "Taken",
    "Trouble",
]


class Trouble(StrEnum):
    """What goes wrong at the other end."""

    #: Nobody listens: nothing can have left.
    UNREACHABLE = "cannot be reached"
    #: It answers, and wants none of the messages.
    REFUSES = "refuses"
    #: It answers that it has too much to do.
    OVERLOADED = "is overloaded"
    #: It takes each message and is gone before it answers.
    LOST = "takes the message and never answers"
    #: It takes each message and answers something that is no answer.
    NONSENSE = "takes the message and answers nonsense"
    #: It takes each message and answers in the right form, with nothing in it about any message.
    OMITS = "takes the message and leaves it out of its answer"
    #: It takes each message and answers an empty table.
    EMPTY = "takes the message and answers nothing that was asked"
    #: It takes each message and answers in words that its documents do not have.
    STRANGE = "takes the message and answers in words that nobody knows"
    #: It takes each message and answers that something went wrong.
    FAILS = "takes the message and answers that it failed"
    #: It takes each message and does not answer for as long as anybody waits.
    SILENT = "takes the message and keeps silent"


def raised_at(problem: BaseException) -> str:
    """Return what was raised and where at last."""
    last = traceback.extract_tb(problem.__traceback__)[-1]
    return f"{type(problem).__name__}: {problem} ({Path(last.filename).name}, line {last.lineno})"


@attrs.frozen
class Taken:
    """One message that a provider accepted.

    Attributes:
        to: The address as it was given to the provider.
        text: The words that the reader would see, decoded.
        key: The name under which the provider swallows a second copy; empty where it knows none.
    """

    to: str
    text: str
    key: str = ""


class Fake(Protocol):
    """What every fake has."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings that lead the plugin to the fake; they are laid over those of the test."""
        ...


@runtime_checkable
class Provider(Protocol):
    """A fake that tells what it accepted."""

    def taken(self) -> Sequence[Taken]:
        """Return the messages accepted so far; of several copies with one key there is one."""
        ...


@runtime_checkable
class Fallible(Protocol):
    """A fake that can be made to fail."""

    def fail(self, trouble: Trouble | None) -> None:
        """Fail in this way from now on; None works again.

        Raises:
            NotImplementedError: If this fake cannot fail in that way; the law is then not tried.
        """
        ...


@runtime_checkable
class Software(Protocol):
    """A fake of the practice's software into which the kit writes rows."""

    def put(self, rows: Sequence[Row]) -> None:
        """Add rows, or replace those of the same kind and id, as the practice's software keeps them.

        Raises:
            NotImplementedError: If the software cannot hold such a row; the example is then passed over.
        """
        ...


@runtime_checkable
class Mailbox(Protocol):
    """A fake with samples of what arrives, for event parsers."""

    @property
    def payloads(self) -> Sequence[Payload]:
        """Payloads that each hold at least one event."""
        ...

    @property
    def signed(self) -> bool:
        """Whether a payload proves who sent it, so that an altered one must be refused."""
        ...

    def sign(self, payload: Payload) -> Payload:
        """Return a payload with what its sender would sign it with; the same one where nothing is signed."""
        ...


MakesFake: TypeAlias = Callable[[], AbstractContextManager[Fake]]


@attrs.frozen
class NoFake:
    """The fake of a plugin that asks no other machine."""

    settings: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen
class Samples:
    """A fake for event parsers: payloads as they arrive. It is its own context manager.

    Attributes:
        payloads: Each holds at least one event.
        signs: Puts on what the sender signs with; None where nothing is signed.
        settings: Settings that the plugin needs to read them.

    >>> from datetime import UTC, datetime
    >>> with Samples((Payload(b"From: ...", received_at=datetime(2026, 11, 23, tzinfo=UTC)),)) as fake:
    ...     len(fake.payloads)
    1
    """

    payloads: tuple[Payload, ...]
    signs: Callable[[Payload], Payload] | None = None
    settings: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def signed(self) -> bool:
        """Whether a payload proves who sent it."""
        return self.signs is not None

    def sign(self, payload: Payload) -> Payload:
        """Return a payload as its sender would sign it."""
        return self.signs(payload) if self.signs else payload

    def __enter__(self) -> Samples:
        return self

    def __exit__(self, *_: object) -> None:
        return None
