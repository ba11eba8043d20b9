"""What may be wrong with the network: an answer that comes too late for anybody to wait for, or no network at all."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

#: Seconds that are waited for anything.
_MOST = 0.3


@contextmanager
def impatient() -> Iterator[None]:
    """Let every time limit that is put on a socket meanwhile be a short one; a socket without any is left alone."""
    patient = socket.socket.settimeout

    def settimeout(self: Any, seconds: float | None) -> None:
        patient(self, seconds if seconds is None else min(seconds, _MOST))

    with _instead(socket.socket, "settimeout", settimeout):
        yield


@contextmanager
def offline() -> Iterator[None]:
    """Let no machine be found by its name meanwhile, as where the line of a practice is down."""

    def getaddrinfo(*_: Any, **__: Any) -> NoReturn:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    with _instead(socket, "getaddrinfo", getaddrinfo):
        yield


@contextmanager
def _instead(owner: Any, name: str, other: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, other)
    try:
        yield
    finally:
        setattr(owner, name, before)
