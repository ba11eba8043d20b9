"""The channel that speaks SMTP: its connections stay open between calls, and each message gets its own verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from queue import SimpleQueue
from threading import Lock, Thread
from weakref import WeakValueDictionary

import attrs

from crmkit.builtin.mail.bounces import BounceParser
from crmkit.builtin.mail.replies import ReplyParser
from crmkit.builtin.smtp.conversation import Conversation
from crmkit.builtin.smtp.server import EmailSettings
from crmkit.delivery.channel import Channel, Limits, Receipt
from crmkit.delivery.events.event import EventParser
from crmkit.errors import ConfigError
from crmkit.messages.message import Message
from crmkit.people.medium import Medium
from crmkit.plugins.spec import Context, CrmkitSpec, PluginInfo, hookimpl


@attrs.define(eq=False)
class EmailChannel:
    """Delivers e-mail through one mail server. Several threads may send at once, each in a conversation of its own.

    Attributes:
        settings: The server.
    """

    settings: EmailSettings
    name: str = "email"
    medium: Medium = Medium.EMAIL
    _free: list[Conversation] = attrs.field(factory=list, init=False, repr=False)
    _lock: Lock = attrs.field(factory=Lock, init=False, repr=False)

    @property
    def limits(self) -> Limits:
        """How much the server may be handed."""
        return Limits(per_second=self.settings.per_second, call_seconds=self.settings.call_seconds)

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        """Hand over the messages, shared out among the connections; one recipient's failure touches no other."""
        shares = min(self.settings.connections, len(messages))
        if shares <= 1:
            return self._converse(messages)
        answers: SimpleQueue[list[Receipt] | BaseException] = SimpleQueue()
        for one in range(shares):
            given = messages[one::shares], answers
            try:
                # A daemon each: a program that ends waits for no mail server.
                Thread(target=self._answer, args=given, daemon=True, name="crmkit-email").start()
            except RuntimeError:
                # The machine has no further thread. Of what the others hand over, this one must hear all the same.
                self._answer(*given)
        found = [answers.get() for _ in range(shares)]
        return [receipt for answer in found for receipt in _of(answer)]

    def close(self) -> None:
        """Close the connections that are not in use; a later call opens new ones."""
        with self._lock:
            free, self._free = self._free, []
        for conversation in free:
            conversation.close()

    def _answer(self, messages: Sequence[Message], answers: SimpleQueue[list[Receipt] | BaseException]) -> None:
        try:
            answers.put(self._converse(messages))
        except BaseException as problem:  # noqa: BLE001 - it is raised where the answer is waited for
            answers.put(problem)

    def _converse(self, messages: Sequence[Message]) -> list[Receipt]:
        with self._lock:
            conversation = self._free.pop() if self._free else Conversation(self.settings)
        try:
            receipts = conversation.send(messages)
        except BaseException:
            # Nobody knows any more whose turn it is in that session.
            conversation.drop()
            raise
        with self._lock:
            self._free.append(conversation)
        return receipts


def _of(answer: list[Receipt] | BaseException) -> list[Receipt]:
    if isinstance(answer, BaseException):
        raise answer
    return answer


class EmailPlugin(CrmkitSpec):
    """Registers the channel, and the parsers of what comes back by e-mail."""

    info = PluginInfo("email", settings=EmailSettings)

    def __init__(self) -> None:
        # The closing hook is given the context alone, and one plugin serves every `CRM` of the process.
        self._channels: WeakValueDictionary[int, EmailChannel] = WeakValueDictionary()

    @hookimpl
    def crmkit_channels(self, ctx: Context) -> Iterable[Channel]:
        """Return the channel."""
        if not ctx.settings.host:
            raise ConfigError("the mail server is missing", where="settings.email.host", mend="name the server")
        if ctx.settings.exposes_password:
            raise ConfigError(
                "the password would go over the network for everybody to read",
                where="settings.email.security",
                mend='write "starttls" (port 587) or "tls" (port 465); a relay that needs no login needs no password',
            )
        channel = self._channels[id(ctx)] = EmailChannel(ctx.settings)
        return [channel]

    @hookimpl
    def crmkit_event_parsers(self, ctx: Context) -> Iterable[EventParser]:
        """Return the parsers of bounces and complaints, and of answers."""
        del ctx
        return [BounceParser(), ReplyParser()]

    @hookimpl
    def crmkit_close(self, ctx: Context) -> None:
        """Close the channel's connections."""
        channel = self._channels.pop(id(ctx), None)
        if channel is not None:
            channel.close()


plugin = EmailPlugin()
