"""One SMTP session: opened and greeted by the standard library, then read and written reply by reply."""

from __future__ import annotations

import os
import re
import smtplib
import socket
import ssl
import time
from contextlib import suppress
from io import BufferedReader
from typing import Self, cast

import attrs

from crmkit.builtin.login import log_in
from crmkit.builtin.mail_server import EmailSettings
from crmkit.builtin.refusal import refusal

#: So much goes out in one call: of a call that fails, nobody can say how much has left.
_CHUNK = 1 << 16
_LONGEST_LINE = 8192
_MOST_LINES = 200
_MOST_USUAL = 16
_FAREWELL = 1.0
_LEAVING = b"421"
_STATUS = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}\b")


@attrs.frozen
class Reply:
    """What the server said; its text may hold an address and is never passed on.

    Attributes:
        code: Three digits.
        text: What stands behind them.
        first: The first digit, which alone decides (RFC 5321 section 4.2.1).
    """

    code: int
    text: bytes = attrs.field(default=b"", repr=False)
    first: int = attrs.field(init=False, repr=False)

    @first.default
    def _first_digit(self) -> int:
        return self.code // 100

    @property
    def status(self) -> str:
        """The enhanced status code (RFC 3463), such as `5.1.1`, or empty."""
        found = _STATUS.match(self.text)
        return found[0].decode("ascii") if found else ""

    def __str__(self) -> str:
        return f"{self.code} {self.status}".rstrip()


class LostError(Exception):
    """The session is over, or was never opened.

    Args:
        why: In a word or a code; never what the server said.
        left: How many octets of a failed write may have left.
        told: Whether the server said so itself (421), so that nothing is in doubt.
    """

    def __init__(self, why: str, *, left: int = 0, told: bool = False) -> None:
        self.why = why
        self.left = left
        self.told = told
        super().__init__(why)


@attrs.define(eq=False)
class Session:
    """An open session, past greeting, TLS and login.

    Attributes:
        pipelined: Whether commands may be written before the replies to earlier ones.
        dsn: Whether reports may be asked for.
        sized: Whether the size of a message may be said beforehand.
        limit: The size of the largest message that the server takes, in octets; 0 if it does not say.
        heard: How many replies were read, but for the last goodbye.
        carried: How many messages the server took in it.
        clean: Whether the server has nothing of an earlier message in mind.
        wary: Whether the server has refused a message at its end, so that it may have something of each in mind.
    """

    pipelined: bool
    dsn: bool
    sized: bool
    limit: int
    heard: int = attrs.field(default=0, init=False)
    carried: int = attrs.field(default=0, init=False)
    clean: bool = attrs.field(default=True, init=False)
    wary: bool = attrs.field(default=False, init=False)
    _server: smtplib.SMTP = attrs.field(repr=False, alias="server")
    _socket: socket.socket = attrs.field(repr=False, alias="socket")
    _file: BufferedReader = attrs.field(repr=False, alias="file")
    _settings: EmailSettings = attrs.field(repr=False, alias="settings")
    _usual: dict[bytes, Reply] = attrs.field(init=False, repr=False, factory=dict)
    _used: float = attrs.field(init=False, repr=False, factory=time.monotonic)
    _process: int = attrs.field(init=False, repr=False, factory=os.getpid)

    @classmethod
    def open(cls, settings: EmailSettings) -> Self:
        """Connect, greet, secure and log in.

        Raises:
            LostError: If any of it fails: the server refuses us, not a recipient. Nothing has left.
        """
        phase, server = "connect", None
        try:
            context = None if settings.security == "none" else ssl.create_default_context()
            server = _connected(settings, context)
            if settings.security == "starttls":
                phase = "starttls"
                # What came before the handshake goes with the old buffer and the old EHLO: it may be forged.
                server.starttls(context=context)
            phase = "ehlo"
            server.ehlo_or_helo_if_needed()
            if settings.user:
                phase = "login"
                log_in(server, settings.user, settings.password)
            return cls._over(server, settings)
        except (smtplib.SMTPException, OSError, ValueError) as problem:
            if server is not None:
                server.close()
            raise LostError(f"{phase}: {refusal(problem, phase)}") from None

    @classmethod
    def _over(cls, server: smtplib.SMTP, settings: EmailSettings) -> Self:
        connected = cast("socket.socket", server.sock)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        size = str(server.esmtp_features.get("size", ""))
        return cls(
            pipelined=settings.pipelining and server.has_extn("pipelining"),
            dsn=settings.dsn and server.has_extn("dsn"),
            sized=server.has_extn("size"),
            limit=int(size) if size.isdecimal() else 0,
            server=server,
            socket=connected,
            file=cast("BufferedReader", server.file),
            settings=settings,
        )

    def write(self, data: bytes) -> None:
        """Write all of it.

        Raises:
            LostError: With the number of octets that may have left.
        """
        at, rest = 0, memoryview(data)
        try:
            while at < len(data):
                at += self._socket.send(rest[at : at + _CHUNK])
        except OSError as problem:
            # A plain socket that fails has taken nothing of that call; TLS may have.
            doubtful = _CHUNK if isinstance(self._socket, ssl.SSLSocket) else 0
            raise LostError(refusal(problem), left=min(at + doubtful, len(data))) from None

    def reply(self) -> Reply:
        """Read one reply of one or more lines.

        Raises:
            LostError: If none comes in time, the server hangs up or says that it will, or what it says is no reply.
        """
        try:
            line = self._file.readline(_LONGEST_LINE)
            reply = self._usual.get(line) or self._understood(line)
        except (OSError, ValueError) as problem:
            raise LostError(refusal(problem)) from None
        self.heard += 1
        return reply

    def end(self) -> Reply:
        """Read the reply to a whole message, which may take longer than any other.

        Raises:
            LostError: As `reply` does.
        """
        self._socket.settimeout(self._settings.end_timeout)
        try:
            return self.reply()
        finally:
            self._socket.settimeout(self._settings.timeout)

    def _understood(self, line: bytes) -> Reply:
        """Return the reply that begins with a line."""
        whole, text, lines = line, line[4:], 1
        while line[3:4] == b"-" and lines < _MOST_LINES:
            line = self._file.readline(_LONGEST_LINE)
            text += line[4:]
            lines += 1
        code = line[:3]
        if not line:
            raise LostError("hung up")
        if not (b"200" <= code < b"600" and code.isdigit() and line.endswith(b"\n") and line[3:4] in b" \r\n"):
            raise LostError("not a reply")
        if code == _LEAVING:
            raise LostError("421", told=True)
        reply = Reply(int(code), text)
        # Most servers say the same few things to every message. What names an address is said once, and not kept.
        if line is whole and len(self._usual) < _MOST_USUAL and b"@" not in line:
            self._usual[line] = reply
        return reply

    def rest(self) -> None:
        """Note that the session is not in use from now on."""
        self._used = time.monotonic()

    def rested(self, seconds: float) -> bool:
        """Tell whether the session was out of use for longer, or is not this process's at all."""
        return time.monotonic() - self._used > seconds or self._process != os.getpid()

    def quit(self) -> None:
        """Say goodbye and close; a session that another process opened is let go without a word."""
        if self._process == os.getpid():
            with suppress(OSError, LostError):
                self._socket.settimeout(_FAREWELL)
                self.write(b"QUIT\r\n")
                self.reply()
        self.drop()

    def drop(self) -> None:
        """Close without a word."""
        with suppress(OSError):
            self._server.close()


def _connected(settings: EmailSettings, context: ssl.SSLContext | None) -> smtplib.SMTP:
    host, port, timeout = settings.host, settings.port, settings.timeout
    if settings.security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=timeout, context=context)
    return smtplib.SMTP(host, port, timeout=timeout)
