"""A fast mail server that takes everything and notes what it took: `python tests/smtp_sink.py --port 0`.

It prints its port on one line, and serves until its standard input is closed or it is killed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TextIO

END = b"\r\n.\r\n"


class Sink(asyncio.Protocol):
    """One connection; commands and bodies are taken apart as fast as Python can."""

    def __init__(self, accepted: list[tuple[str, str]], keep: TextIO | None = None, pipelining: bool = True) -> None:
        self.accepted = accepted
        self.keep = keep
        self.hello = b"250-sink.example\r\n" + b"250-PIPELINING\r\n" * pipelining + b"250-DSN\r\n250 8BITMIME\r\n"
        self.buffer = b""
        self.in_data = False
        self.recipient = ""

    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"220 sink.example\r\n")

    def data_received(self, data):
        self.buffer += data
        replies = []
        while self._step(replies):
            pass
        if replies:
            self.transport.write(b"".join(replies))

    def _step(self, replies):
        mark = END if self.in_data else b"\r\n"
        end = self.buffer.find(mark)
        if end < 0:
            return False
        piece, self.buffer = self.buffer[:end], self.buffer[end + len(mark) :]
        replies.append(self._body(piece) if self.in_data else self._command(piece))
        return True

    def _command(self, line):
        verb = line[:4].upper()
        if verb == b"RCPT":
            self.recipient = line[line.find(b"<") + 1 : line.find(b">")].decode("ascii", "replace")
        elif verb == b"DATA":
            self.in_data = True
            return b"354 go\r\n"
        elif verb == b"EHLO":
            return self.hello
        elif verb == b"QUIT":
            self.transport.write(b"221 bye\r\n")
            self.transport.close()
            return b""
        return b"250 ok\r\n"

    def _body(self, body):
        self.in_data = False
        at = body.find(b"\r\nMessage-ID: ")
        name = body[at + 14 : body.find(b"\r\n", at + 2)].decode("ascii", "replace") if at >= 0 else ""
        self.accepted.append((name, self.recipient))
        if self.keep is not None:
            # Written before the answer, so that what is promised is always on record.
            self.keep.write(f"{name}\t{self.recipient}\n")
            self.keep.flush()
        return b"250 2.0.0 Ok: queued as S%d\r\n" % (1000 + len(self.accepted))


async def serve(port: int, keep: TextIO | None, pipelining: bool) -> None:
    accepted: list[tuple[str, str]] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(accepted, keep, pipelining), "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--pipelining", action=argparse.BooleanOptionalAction, default=True)
    options.add_argument("--keep", help="append one line 'Message-ID<TAB>recipient' for each accepted message")
    given = options.parse_args()
    keep = open(given.keep, "a", encoding="utf-8") if given.keep else None  # noqa: SIM115 - open until the end
    asyncio.run(serve(given.port, keep, given.pipelining))


if __name__ == "__main__":
    main()
