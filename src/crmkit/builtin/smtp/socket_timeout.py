"""How long a call on a socket may wait, seen to where that costs least; and how long something took."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import sys
import time

#: Linux has a clock of its own that goes on while the machine sleeps; on macOS it is this one.
_SLEEPLESS: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def time_out(connected: socket.socket, seconds: int) -> None:
    """Let calls on a socket raise TimeoutError, or on Linux BlockingIOError, if nothing happens for so many seconds.

    Python asks the kernel before each call whether it would have to wait; without pipelining that is a fiftieth of what
    a message costs. Linux sees to it by itself. Over TLS that is no use, for there Python would wait for ever, and so
    would the sockets that gevent puts in the place of Python's: those never block.
    """
    connected.settimeout(None)
    if sys.platform != "linux" or isinstance(connected, ssl.SSLSocket) or not os.get_blocking(connected.fileno()):
        connected.settimeout(seconds)
        return
    span = struct.pack("@ll", seconds, 0)
    try:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            connected.setsockopt(socket.SOL_SOCKET, option, span)
    except OSError:
        # A kernel that wants the span in another form, as with 64-bit time on 32-bit ARM.
        connected.settimeout(seconds)


def elapsed() -> float:
    """Return the seconds since some instant, with those in which the machine slept: Python itself leaves them out."""
    return time.monotonic() if _SLEEPLESS is None else time.clock_gettime(_SLEEPLESS)
