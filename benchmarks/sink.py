"""A mail server that takes everything and keeps nothing: postfix's `smtp-sink`, or else this file run as a program.

`smtp-sink` is looked for in the environment variable CRMKIT_SMTP_SINK, on the PATH and in /usr/sbin.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

import attrs

_PATIENCE = 10.0
_GREETING = b"220 sink ESMTP\r\n"


@attrs.define
class Sink:
    """A sink that runs.

    Attributes:
        port: Where it listens on this machine.
        kind: What it is, for the output.
        counts: The file in which it keeps count.
    """

    port: int
    kind: str
    counts: Path

    def taken(self) -> int:
        """Return how many messages it took so far."""
        words = self.counts.read_text().replace("\r", "\n").split()
        found = [word.removeprefix("mesg=") for word in words if word.startswith("mesg=")]
        return int(found[-1]) if found else 0


def find_smtp_sink() -> str | None:
    """Return the path of postfix's `smtp-sink`, or None where it is not installed."""
    stated = os.environ.get("CRMKIT_SMTP_SINK")
    return stated or shutil.which("smtp-sink") or shutil.which("smtp-sink", path="/usr/sbin")


@contextmanager
def start_sink(work: Path, *, pipelining: bool = True) -> Iterator[Sink]:
    """Run a sink of its own process on a free port, until the end of the block."""
    port, program = _free_port(), find_smtp_sink()
    if program:
        command = [program, "-c", *([] if pipelining else ["-p"]), f"127.0.0.1:{port}", "200"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command[1:1] = ["-u", "root"]
    else:
        command = [sys.executable, str(Path(__file__).resolve()), str(port), *([] if pipelining else ["--plain"])]
    kind = f"{'smtp-sink' if program else 'asyncio sink'} {'with' if pipelining else 'without'} PIPELINING"
    counts = work / f"sink-{port}.txt"
    with counts.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        try:
            _await(port, process)
            yield Sink(port, kind, counts)
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as made:
            if made.recv(3) == b"220":
                return
        time.sleep(0.02)
    raise RuntimeError("the sink does not answer")


class _Conversation(asyncio.Protocol):
    """One client. Bodies are only searched for their end; each chunk of commands is answered in one write."""

    taken = 0

    def __init__(self, *, pipelining: bool) -> None:
        self._features = [b"sink", *([b"PIPELINING"] if pipelining else []), b"8BITMIME"]
        self._waiting = b""
        self._in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.write(_GREETING)

    def data_received(self, data: bytes) -> None:
        """Answer all that is complete."""
        self._waiting += data
        answers = b"".join(self._answers())
        if answers:
            self._transport.write(answers)

    def _answers(self) -> Iterator[bytes]:
        while True:
            end = b"\r\n.\r\n" if self._in_data else b"\r\n"
            # The end may directly follow the DATA command only for an empty body, which nobody sends here.
            head, found, rest = self._waiting.partition(end)
            if not found:
                return
            self._waiting = rest
            if self._in_data:
                self._in_data = False
                yield self._count()
            else:
                yield self._command(head)

    def _count(self) -> bytes:
        _Conversation.taken += 1
        sys.stdout.write(f"mesg={_Conversation.taken}\n")
        sys.stdout.flush()
        return b"250 2.0.0 Ok\r\n"

    def _command(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"EHLO":
            *more, last = self._features
            return b"".join(b"250-%s\r\n" % word for word in more) + b"250 %s\r\n" % last
        if verb == b"DATA":
            self._in_data = True
            return b"354 End with a dot\r\n"
        if verb == b"QUIT":
            return b"221 Bye\r\n"
        return b"250 2.1.0 Ok\r\n"


async def _serve(port: int, *, pipelining: bool) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: _Conversation(pipelining=pipelining), "127.0.0.1", port
    )
    await server.serve_forever()


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--plain", action="store_true", help="do not offer PIPELINING")
    given = parser.parse_args()
    asyncio.run(_serve(given.port, pipelining=not given.plain))


if __name__ == "__main__":
    main()
