"""The channel that speaks SMTP: one conversation per batch, each message's phase known."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress

import attrs

from crmkit.delivery.channel import Channel, Outcome, Receipt
from crmkit.errors import ConfigError
from crmkit.messages.message import Message
from crmkit.messages.mime import to_bytes
from crmkit.people.medium import Medium
from crmkit.plugins.spec import Context, CrmkitSpec, PluginInfo, hookimpl
from crmkit.settings import secret

#: Only the server's own name for the message is kept: a reply may hold the address.
_QUEUE_ID = re.compile(r"(?i)\b(?:queued as|queued mail for delivery|id)[ =:]+<?([\w.-]{4,80})(?![\w.@-])")
_SECURITY = ("starttls", "tls", "none")


@attrs.frozen
class EmailSettings:
    """The mail server.

    Attributes:
        host: Its name.
        port: 587 for submission with STARTTLS, 465 for TLS from the start, 25 for a relay.
        security: `starttls` (required, not merely tried), `tls`, or `none` for a relay on the same machine.
        user: For servers that ask who one is.
        password: Likewise.
        timeout: Seconds to wait for an answer. RFC 5321 section 4.5.3.2 asks for minutes, also after the data.
    """

    host: str
    port: int = 587
    security: str = attrs.field(default="starttls", validator=attrs.validators.in_(_SECURITY))
    user: str = ""
    password: str = secret("for the mail server", default="")
    timeout: int = 600


@attrs.define
class Conversation:
    """One SMTP session over some messages; a broken session is opened anew for the next message.

    The phase is tracked, for the same exception means different things: before the data nothing has left, after it
    both sides may own the message (RFC 1047), and it is unknown.
    """

    settings: EmailSettings
    _server: smtplib.SMTP | None = attrs.field(default=None, init=False, repr=False)

    def send(self, message: Message) -> Receipt:
        """Hand over one message and return what the server said."""
        phase = "connect"
        try:
            server = self._open()
            phase = "envelope"
            refused = self._envelope(server, message)
            if refused:
                return refused
            phase = "data"
            code, reply = server.data(to_bytes(message))
        except smtplib.SMTPDataError as problem:
            # The server answered DATA itself with a refusal: no byte of the message was sent.
            self._reset()
            return _receipt(message.key, problem.smtp_code, "data")
        except (smtplib.SMTPException, OSError, ssl.SSLError) as problem:
            self.close()
            code = getattr(problem, "smtp_code", 0)
            if phase != "data" and code:
                return _receipt(message.key, code, phase)
            outcome = Outcome.UNKNOWN if phase == "data" else Outcome.RETRY
            return Receipt(message.key, outcome, evidence=f"{phase}: {type(problem).__name__}")
        if code != 250:
            self._reset()
        return _receipt(message.key, code, "data", reply.decode("ascii", "replace"))

    def _envelope(self, server: smtplib.SMTP, message: Message) -> Receipt | None:
        for code, phase in ((server.mail(message.from_email)[0], "sender"), (server.rcpt(message.to)[0], "recipient")):
            if code not in (250, 251):
                self._reset()
                return _receipt(message.key, code, phase)
        return None

    def _open(self) -> smtplib.SMTP:
        if self._server is None:
            settings, context = self.settings, ssl.create_default_context()
            if settings.security == "tls":
                server: smtplib.SMTP = smtplib.SMTP_SSL(
                    settings.host, settings.port, timeout=settings.timeout, context=context
                )
            else:
                server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout)
            self._server = server
            if settings.security == "starttls":
                server.starttls(context=context)
            server.ehlo_or_helo_if_needed()
            if settings.user:
                server.login(settings.user, settings.password)
        return self._server

    def _reset(self) -> None:
        if self._server is not None:
            try:
                self._server.rset()
            except (smtplib.SMTPException, OSError):
                self.close()

    def close(self) -> None:
        """End the session."""
        server, self._server = self._server, None
        if server is not None:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()


@attrs.frozen
class EmailChannel:
    """Delivers e-mail through one mail server."""

    settings: EmailSettings
    name: str = "email"
    medium: Medium = Medium.EMAIL

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        """Hand over the messages in one conversation; one recipient's failure touches no other."""
        conversation = Conversation(self.settings)
        try:
            return [conversation.send(message) for message in messages]
        finally:
            conversation.close()


def _receipt(key: str, code: int, phase: str, reply: str = "") -> Receipt:
    """Classify an answer by its first digit (RFC 5321 section 4.2.1); only the code is kept, replies hold addresses."""
    if code == 250:
        found = _QUEUE_ID.search(reply)
        return Receipt(key, Outcome.SENT, reference=found[1] if found else "", evidence="250")
    outcome = Outcome.REFUSED if 500 <= code < 600 else Outcome.RETRY
    return Receipt(key, outcome, evidence=f"{phase}: {code}")


class EmailPlugin(CrmkitSpec):
    """Registers the channel."""

    info = PluginInfo("email", settings=EmailSettings)

    @hookimpl
    def crmkit_channels(self, ctx: Context) -> Iterable[Channel]:
        """Return the channel."""
        if not ctx.settings.host:
            raise ConfigError("the mail server is missing", where="settings.email.host", mend="name the server")
        return [EmailChannel(ctx.settings)]


plugin = EmailPlugin()
