"""A provider that speaks HTTP, on this machine: the usual fake for a channel."""

from __future__ import annotations

import json
import select
import socketserver
import threading
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

import attrs

from crmkit.testing.fakes import Taken, Trouble, raised_at

__all__ = [
    "Answer",
    "HttpProvider",
    "Request",
]


#: Seconds for which a line is held on which nothing is answered.
_SILENCE = 2.0


@attrs.frozen
class Request:
    """What a channel asked of the provider.

    Attributes:
        method: Such as POST.
        path: With the query.
        headers: With lower-case names.
        body: As it came.
    """

    method: str
    path: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@attrs.frozen
class Answer:
    """What the provider says to a request.

    Attributes:
        status: The HTTP status.
        body: A value that becomes JSON, or bytes.
        taken: The messages that it accepts with this request.
        headers: Such as `Retry-After`.
    """

    status: int = 200
    body: Any = attrs.field(factory=dict, repr=False)
    taken: Sequence[Taken] = ()
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    @property
    def raw(self) -> bytes:
        """The body as it is sent."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@attrs.define(eq=False)
class HttpProvider:
    """A provider that answers as it is told; it is its own context manager.

    Attributes:
        answer: What the provider says to a request that finds it well.
        leads: From the URL at which it listens to the settings that lead the plugin there.
        confused: What `answer` last raised, and where; empty if it never did.

    >>> def answer(request):
    ...     said = request.json
    ...     return Answer(202, {"id": "m-1"}, [Taken(said["to"], said["text"], request.headers["idempotency-key"])])
    >>> with HttpProvider(answer, lambda url: {"url": url}) as provider:
    ...     provider.settings["url"].startswith("http://127.0.0.1:")
    True
    """

    answer: Callable[[Request], Answer]
    leads: Callable[[str], Mapping[str, Any]]
    confused: str = attrs.field(default="", init=False)
    _taken: dict[object, Taken] = attrs.field(factory=dict, init=False, repr=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False)
    _trouble: Trouble | None = attrs.field(default=None, init=False)
    _port: int = attrs.field(default=0, init=False)
    _server: _Server | None = attrs.field(default=None, init=False, repr=False)

    def __enter__(self) -> Self:
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings that lead the plugin here."""
        return self.leads(f"http://127.0.0.1:{self._port}")

    def taken(self) -> Sequence[Taken]:
        """Return what was accepted; a second copy under the same key was swallowed."""
        with self._lock:
            return tuple(self._taken.values())

    def fail(self, trouble: Trouble | None) -> None:
        """Fail in this way from now on."""
        self._trouble = trouble
        if trouble is Trouble.UNREACHABLE:
            self._hang_up()
        elif self._server is None:
            self._listen()

    def respond(self, request: Request) -> Answer | None:
        """Return what is said to a request, None for a line that drops without an answer."""
        if self._trouble is Trouble.REFUSES:
            # Providers like to repeat what they did not like.
            return Answer(400, b"cannot send: " + request.body)
        if self._trouble is Trouble.OVERLOADED:
            return Answer(503, b"try again later: " + request.body, headers={"Retry-After": "120"})
        try:
            answer = self.answer(request)
        except Exception as problem:  # noqa: BLE001 - the vendor's own function; the law that breaks tells it
            self.confused = raised_at(problem)
            return Answer(500, b"the fake failed")
        self._take(answer.taken)
        if self._trouble is Trouble.FAILS:
            return Answer(500, b"something went wrong: " + request.body)
        if self._trouble is Trouble.NONSENSE:
            return Answer(200, b"<html>\xff" + request.body)
        if self._trouble in _ODDLY:
            return attrs.evolve(answer, body=_ODDLY[self._trouble](answer.body))
        return None if self._trouble in (Trouble.LOST, Trouble.SILENT) else answer

    @property
    def keeps_silent(self) -> bool:
        """Whether a line on which nothing is answered is held rather than dropped."""
        return self._trouble is Trouble.SILENT

    def _take(self, messages: Sequence[Taken]) -> None:
        with self._lock:
            for one in messages:
                self._taken.setdefault(one.key or object(), one)

    def _listen(self) -> None:
        server = _Server(("127.0.0.1", self._port), _Handler)
        server.provider = self
        self._server, self._port = server, server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.002}, daemon=True).start()

    def _hang_up(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()


def _with_empty_lists(body: Any) -> Any:
    """Return an answer's body without what it says of each message of several; of a single one it still says it."""
    if isinstance(body, Mapping):
        return {name: _with_empty_lists(value) for name, value in body.items()}
    return [] if isinstance(body, (list, tuple)) else body


def _with_strange_words(body: Any) -> Any:
    if isinstance(body, Mapping):
        return {name: _with_strange_words(value) for name, value in body.items()}
    if isinstance(body, (list, tuple)):
        return [_with_strange_words(value) for value in body]
    return "?" if isinstance(body, str) else body


#: What becomes of the body of an answer.
_ODDLY: Mapping[Trouble | None, Callable[[Any], Any]] = {
    Trouble.OMITS: _with_empty_lists,
    Trouble.EMPTY: lambda _: {},
    Trouble.STRANGE: _with_strange_words,
}


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 100
    provider: HttpProvider


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def handle_one_request(self) -> None:
        self.close_connection = True
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            return
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.provider.respond(Request(self.command, self.path, headers, body))
        if answer is not None:
            self._say(answer)
        elif self.server.provider.keeps_silent:
            # Until whoever waits hangs up.
            select.select([self.connection], [], [], _SILENCE)

    def _say(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.raw)))
        self.end_headers()
        self.wfile.write(answer.raw)
