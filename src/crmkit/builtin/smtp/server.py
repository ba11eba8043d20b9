"""Which mail server a practice has, as its settings name it, and what this machine calls itself when it greets."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from ipaddress import ip_address
from math import gcd

import attrs

from crmkit.people.email import normalise_email
from crmkit.settings import secret

#: For so long messages of one call are taken up; the rest is left for later, for its verdicts are no longer fresh.
PATIENCE = 30.0
#: So many answers at most are waited for while a session is opened, its connection and handshake among them; and so
#: many before a message has left.
_OPENING, _ENVELOPE = 15, 4
_SECURITY = ("starttls", "tls", "none")
_NAME = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_NAMELESS = "[127.0.0.1]"


def _as_sent(typed: str) -> str:
    """Return an address as it is told to a server."""
    found = normalise_email(typed)
    if typed and found.problem:
        raise ValueError(f"bounces: {found.problem}")
    return found.value


@attrs.frozen
class EmailSettings:
    """The mail server.

    Attributes:
        host: Its name, as the provider tells it, such as smtp.provider.example.
        port: 587 for submission with STARTTLS, 465 for TLS from the start, 25 for a relay.
        security: `starttls` (required, not merely tried), `tls`, or `none` for a relay on the same machine:
            with a password for no other.
        user: For servers that ask who one is.
        password: Likewise.
        bounces: The mailbox to which bounces go, such as bounces@brighteyes.example; empty for the practice's address.
        timeout: Seconds to wait for a connection, and for any answer while nothing has left: it is tried again later.
        end_timeout: Seconds to wait for the answer to a whole message. Whoever gives up earlier does not know whether
            it was taken: RFC 5321 section 4.5.3.2.6 asks for ten minutes.
        connections: How many connections share the messages of one call; more help where each answer takes long.
        pipelining: Write ahead where the server offers it (RFC 2920).
        per_second: The most messages in a second that the server lets one hand over, over all processes together.
        dsn: Ask for reports of failure and delay where the server offers it (RFC 3461).
    """

    host: str
    port: int = 587
    security: str = attrs.field(default="starttls", validator=attrs.validators.in_(_SECURITY))
    user: str = ""
    password: str = secret("for the mail server", default="")
    bounces: str = attrs.field(default="", converter=_as_sent)
    timeout: int = attrs.field(default=60, validator=attrs.validators.ge(1))
    end_timeout: int = attrs.field(default=600, validator=attrs.validators.ge(1))
    connections: int = attrs.field(default=1, validator=[attrs.validators.ge(1), attrs.validators.le(100)])
    pipelining: bool = True
    dsn: bool = True
    per_second: float | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.gt(0)))

    @property
    def exposes_password(self) -> bool:
        """Tell whether the password would leave this machine unencrypted."""
        return bool(self.password) and self.security == "none" and not _is_this_machine(self.host)

    @property
    def turn(self) -> int:
        """For how many seconds one waits at once: both time-outs are so many turns."""
        return gcd(self.timeout, self.end_timeout)

    @property
    def call_seconds(self) -> float:
        """How long a call may take, however slow the server is.

        When the patience is over, one more message may have been taken up. It waits for what is at hand: either for
        the session to be opened, or for the end of the message before it.
        """
        message = _ENVELOPE * self.timeout + self.end_timeout
        return PATIENCE + max(_OPENING * self.timeout, self.end_timeout) + message


def own_name() -> str:
    """Return what this machine calls itself: a name that may stand in a greeting (RFC 5321), else its address.

    A desk's computer may well be called Praxis-Müller.fritz.box or PC_2.local, which the standard library cannot write
    or some servers refuse.
    """
    with suppress(OSError, UnicodeError):
        name = socket.getfqdn()
        if _NAME.fullmatch(name):
            return name
    with suppress(OSError, UnicodeError):
        return f"[{socket.gethostbyname(socket.gethostname())}]"
    return _NAMELESS


def _is_this_machine(host: str) -> bool:
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    with suppress(ValueError):
        return ip_address(name).is_loopback
    return False
