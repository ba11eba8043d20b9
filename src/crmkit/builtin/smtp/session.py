"""One SMTP session: opened and greeted by the standard library, then read and written reply by reply."""

from __future__ import annotations

import os
import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Self, TypeVar, cast

import attrs

from crmkit.builtin.smtp.advice import advice, refusal
from crmkit.builtin.smtp.login import log_in
from crmkit.builtin.smtp.server import EmailSettings, own_name
from crmkit.builtin.smtp.socket_timeout import elapsed, time_out

_Given = TypeVar("_Given")
_Got = TypeVar("_Got")
#: What a call raises that was waited for in vain: the one by Python's time-out, the other by the kernel's.
_WAITED = (TimeoutError, BlockingIOError)
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
    _settings: EmailSettings = attrs.field(repr=False, alias="settings")
    _turn: int = attrs.field(init=False, repr=False)
    _usual: dict[bytes, Reply] = attrs.field(init=False, repr=False, factory=dict)
    _read: bytes = attrs.field(default=b"", init=False, repr=False)
    _used: float = attrs.field(init=False, repr=False, factory=elapsed)
    _process: int = attrs.field(init=False, repr=False, factory=os.getpid)

    @_turn.default
    def _of_the_settings(self) -> int:
        return self._settings.turn

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
        time_out(connected, settings.turn)
        size = str(server.esmtp_features.get("size", ""))
        return cls(
            pipelined=settings.pipelining and server.has_extn("pipelining"),
            dsn=settings.dsn and server.has_extn("dsn"),
            sized=server.has_extn("size"),
            limit=int(size) if size.isdecimal() else 0,
            server=server,
            socket=connected,
            settings=settings,
        )

    def insist_on_silence(self) -> None:
        """Leave a server that said more than it was asked: the rest would be taken for the answer to what comes next.

        Raises:
            LostError: If it did.
        """
        if self._read:
            raise LostError("spoke unasked")

    def write(self, data: bytes) -> None:
        """Write all of it.

        Raises:
            LostError: With the number of octets that may have left.
        """
        at = 0
        try:
            while at < len(data):
                some = memoryview(data)[at : at + _CHUNK] if len(data) > _CHUNK else data[at:]
                try:
                    at += self._socket.send(some)
                except _WAITED:
                    at += self._wait_on(self._socket.send, some, self._settings.timeout)
        except OSError as problem:
            # A plain socket that fails has taken nothing of that call; TLS may have.
            doubtful = _CHUNK if isinstance(self._socket, ssl.SSLSocket) else 0
            raise LostError(refusal(problem), left=min(at + doubtful, len(data))) from None

    def reply(self) -> Reply:
        """Read one reply of one or more lines.

        Raises:
            LostError: If none comes in time, the server hangs up or says that it will, or what it says is no reply.
        """
        return self._reply(self._settings.timeout)

    def end(self) -> Reply:
        """Read the reply to a whole message, which may take longer than any other.

        Raises:
            LostError: As `reply` does.
        """
        return self._reply(self._settings.end_timeout)

    def _reply(self, seconds: int) -> Reply:
        try:
            line = self._line(seconds)
            reply = self._usual.get(line) or self._understood(line, seconds)
        except (OSError, ValueError) as problem:
            raise LostError(refusal(problem)) from None
        self.heard += 1
        return reply

    def _line(self, seconds: int) -> bytes:
        """Return the next line, or as much of one as there is if the server hangs up or never ends it."""
        while True:
            line, end, rest = self._read.partition(b"\n")
            if end or len(line) > _LONGEST_LINE:
                self._read = rest
                return line + end
            try:
                more = self._socket.recv(_CHUNK)
            except _WAITED:
                more = self._wait_on(self._socket.recv, _CHUNK, seconds)
            if not more:
                self._read = b""
                return line
            self._read += more

    def _wait_on(self, call: Callable[[_Given], _Got], given: _Given, seconds: int) -> _Got:
        """Make a call again that was waited for one turn in vain, for as many turns as fit into so many seconds."""
        for _ in range(seconds // self._turn - 1):
            with suppress(*_WAITED):
                return call(given)
        raise TimeoutError

    def _understood(self, line: bytes, seconds: int) -> Reply:
        """Return the reply that begins with a line, and whose further lines are waited for as long each."""
        whole, text, lines = line, line[4:], 1
        while line[3:4] == b"-" and lines < _MOST_LINES:
            line = self._line(seconds)
            text += line[4:]
            lines += 1
        code = line[:3]
        if not line:
            raise LostError("hung up")
        if not (b"200" <= code < b"600" and code.isdigit() and line.endswith(b"\n") and line[3:4] in b" \r\n"):
            raise LostError("not a reply")
        reply = Reply(int(code), text)
        if code == _LEAVING:
            raise LostError(f"{reply}{advice(reply.code, reply.status)}", told=True)
        # Most servers say the same few things to every message. What names an address is said once, and not kept.
        if line is whole and len(self._usual) < _MOST_USUAL and b"@" not in line:
            self._usual[line] = reply
        return reply

    def rest(self) -> None:
        """Note that the session is not in use from now on."""
        self._used = elapsed()

    def rested(self, seconds: float) -> bool:
        """Tell whether the session was out of use for longer, or is not this process's at all."""
        return elapsed() - self._used > seconds or self._process != os.getpid()

    def quit(self) -> None:
        """Say goodbye and close; a session that another process opened is let go without a word."""
        if self._process == os.getpid():
            with suppress(OSError, LostError):
                self._socket.settimeout(_FAREWELL)
                self.write(b"QUIT\r\n")
                self._reply(self._turn)
        self.drop()

    def drop(self) -> None:
        """Close without a word."""
        with suppress(OSError):
            self._server.close()


def _connected(settings: EmailSettings, context: ssl.SSLContext | None) -> smtplib.SMTP:
    where = (settings.host, settings.port, own_name())
    if settings.security == "tls":
        return smtplib.SMTP_SSL(*where, timeout=settings.timeout, context=context)
    return smtplib.SMTP(*where, timeout=settings.timeout)
