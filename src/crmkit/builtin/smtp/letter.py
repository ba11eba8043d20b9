"""A message as it is written to a mail server, and the tray in which such letters wait."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

import attrs

from crmkit.delivery.channel import Outcome, Receipt
from crmkit.errors import TemplateError
from crmkit.messages.header import plain_address
from crmkit.messages.message import Message
from crmkit.messages.mime import to_bytes

#: The line that ends a message.
END = b".\r\n"
#: So many are written in one go: each by itself, between two calls on the network, takes a tenth longer.
_AT_ONCE = 16
#: A pattern finds the few dots that begin a line in a third of the time that `bytes.replace` takes.
_DOT = re.compile(rb"\r\n\.")


@attrs.frozen(repr=False)
class Letter:
    """A message as it is written to the server: its body with dots doubled and its end.

    Attributes:
        key: The touch's key.
        envelope: What reports are to call it (RFC 3461): the part of its Message-ID before the sign.
        sender: To whom it comes back if it cannot be delivered.
        recipient: To whom it goes.
        body: All that is written behind DATA.
        size: Its size in octets.
    """

    key: str
    envelope: str
    sender: str
    recipient: str
    body: bytes
    size: int

    @classmethod
    def of(cls, message: Message, bounces: str = "") -> Letter:
        """Write a message.

        Args:
            message: The message.
            bounces: Where it comes back to if it cannot be delivered; empty for the practice's address.

        Raises:
            TemplateError: If it cannot be written as an e-mail.
        """
        raw = to_bytes(message)
        whole = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
        # The first line is a header, and begins with no dot.
        stuffed = _DOT.sub(b"\r\n..", whole)
        sender, recipient = plain_address(bounces or message.from_email), plain_address(message.to)
        envelope = message.message_id[1:].partition("@")[0]
        return cls(message.key, envelope, sender, recipient, stuffed + END, len(whole))


@attrs.define(eq=False)
class Tray:
    """The messages that wait, written as letters shortly before their turn.

    Attributes:
        receipts: What has been answered.
    """

    receipts: list[Receipt] = attrs.field(factory=list, init=False)
    _messages: Iterator[Message] = attrs.field()
    _bounces: str = attrs.field(default="")
    _ready: deque[Letter] = attrs.field(factory=deque, init=False)

    def fill(self, number: int) -> None:
        """Have so many letters ready or more, if there are as many; a message that cannot be written is refused."""
        if len(self._ready) >= number:
            return
        while len(self._ready) < _AT_ONCE:
            message = next(self._messages, None)
            if message is None:
                return
            try:
                self._ready.append(Letter.of(message, self._bounces))
            except TemplateError:
                self.receipts.append(
                    Receipt(message.key, Outcome.REFUSED, evidence="form: cannot be written as e-mail")
                )

    def front(self) -> Letter | None:
        """Return the letter whose turn it is."""
        self.fill(1)
        return self._ready[0] if self._ready else None

    def take(self) -> None:
        """Take the letter away whose turn it was."""
        self._ready.popleft()

    def give_up(self, evidence: str) -> None:
        """Answer for all that wait: to be tried again later."""
        keys = [letter.key for letter in self._ready] + [message.key for message in self._messages]
        self._ready.clear()
        self.receipts += [Receipt(key, Outcome.RETRY, evidence=evidence) for key in keys]
