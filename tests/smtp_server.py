"""A mail server that follows a script: in each phase it answers as it is told, in order, and otherwise as it should.

`script` maps a phase to what happens there, once each: a reply, or `DROP` (hang up at once), or `SILENT` (say nothing),
or `LATE` (say what is usual after a second and a half).
The phases are banner, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, body (amid it), end (after the final dot), RSET.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence

DROP = "drop"
SILENT = "silent"
LATE = "late"
USUAL = {"banner": "220 scripted.example", "STARTTLS": "220 go", "AUTH": "235 come in", "DATA": "354 go"}
KNOWN = ("EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "RSET", "QUIT", "NOOP")


class Gone(Exception):  # noqa: N818 - it is no error here
    """This connection is over."""


class ScriptedServer:
    """Use it as a context manager; afterwards read what it saw.

    Attributes:
        commands: Every command line, in order.
        accepted: Recipient and body of each message that was accepted.
        finished: The recipients whose message ended, whatever was said to that.
        lenient: Whether it goes along with a sender or recipient that it has just refused.
        nonsense: What came where a command was due and is none.
        sessions: How many connections there were.
        wrote_ahead: Whether anything came before the reply to what was before it.
    """

    def __init__(
        self,
        script: Mapping[str, Sequence[str]] | None = None,
        *,
        offers: Sequence[str] = ("PIPELINING",),
        recipients: Mapping[str, str] | None = None,
        context: ssl.SSLContext | None = None,
        lenient: bool = False,
        before_tls: bytes = b"",
    ) -> None:
        self.script = defaultdict(list, {phase: list(acts) for phase, acts in (script or {}).items()})
        self.offers = offers
        self.recipients = recipients or {}
        self.context = context
        self.lenient = lenient
        self.before_tls = before_tls
        self.commands: list[str] = []
        self.accepted: list[tuple[str, bytes]] = []
        self.finished: list[str] = []
        self.nonsense: list[str] = []
        self.sessions = 0
        self.port = 0
        self.wrote_ahead = False
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task] = set()

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.started = threading.Event()
        self.thread.start()
        self.started.wait(10)
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def hang_up(self):
        """Close every connection, as a server does with one that rests."""
        asyncio.run_coroutine_threadsafe(self._close_all(), self.loop).result(10)

    def verbs(self):
        return [line[:4].upper() for line in self.commands]

    def _serve(self):
        asyncio.set_event_loop(self.loop)
        self.server = self.loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", self.port))
        self.port = self.server.sockets[0].getsockname()[1]
        self.started.set()
        self.loop.run_forever()

    async def _close_all(self):
        for writer in list(self._open):
            writer.close()
        await asyncio.sleep(0.05)

    async def _end(self):
        self.server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _connected(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        self._open.add(writer)
        self.sessions += 1
        try:
            await self._talk(reader, writer)
        except (Gone, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            self._open.discard(writer)
            writer.transport.abort()

    async def _talk(self, reader, writer):
        await self._say(writer, "banner")
        recipient, sender = "", False
        while line := (await reader.readline()).decode("utf-8", "replace").rstrip("\r\n"):
            self.commands.append(line)
            verb = line.split(" ")[0].upper().split(":")[0]
            self.wrote_ahead |= bool(reader._buffer)
            if verb not in KNOWN:
                self.nonsense.append(line)
                self._write(writer, "500 what")
            elif verb == "QUIT":
                self._write(writer, "221 bye")
                return
            elif verb == "EHLO":
                await self._say(writer, verb, self._hello())
            elif verb == "STARTTLS":
                await self._say(writer, verb)
                writer.write(self.before_tls)
                await writer.start_tls(self.context)
            elif verb == "MAIL":
                recipient = ""
                sender = (await self._say(writer, verb)).startswith("2") or self.lenient
            elif verb == "RCPT":
                address = line[line.index("<") + 1 : line.index(">")]
                usual = self.recipients.get(address, "250 ok") if sender else "503 from whom"
                said = await self._say(writer, verb, usual)
                recipient = address if said.startswith("25") and sender else ""
            elif verb == "DATA":
                await self._data(reader, writer, recipient)
            else:
                await self._say(writer, verb)

    def _hello(self):
        names = ["scripted.example", *self.offers, "8BITMIME"]
        return "\r\n".join(f"250{'-' if name != names[-1] else ' '}{name}" for name in names)

    async def _data(self, reader, writer, recipient):
        usual = "354 go" if recipient or self.lenient else "503 no recipient"
        if not recipient and not self.lenient:
            self._write(writer, usual)
            return
        if not (await self._say(writer, "DATA", usual)).startswith("354"):
            return
        if self.script["body"]:
            await reader.read(10)
            await self._say(writer, "body")
        body = b""
        while (line := await reader.readline()) != b".\r\n":
            if not line:
                raise Gone
            body += line[1:] if line.startswith(b".") else line
        self.finished.append(recipient)
        said = await self._say(writer, "end", "250 2.0.0 Ok: queued as Q7A4" if recipient else "554 no recipients")
        if said.startswith("2"):
            self.accepted.append((recipient, body))

    async def _say(self, writer, phase, usual=""):
        act = self.script[phase].pop(0) if self.script[phase] else usual or USUAL.get(phase, "250 ok")
        if act == DROP:
            writer.transport.abort()
            raise Gone
        if act == SILENT:
            await asyncio.sleep(30)
        if act == LATE:
            await asyncio.sleep(1.5)
            act = usual or USUAL.get(phase, "250 ok")
        self._write(writer, act)
        if act.startswith("421"):
            await writer.drain()
            writer.close()
            raise Gone
        return act

    def _write(self, writer, text):
        writer.write(text.encode() + b"\r\n")
