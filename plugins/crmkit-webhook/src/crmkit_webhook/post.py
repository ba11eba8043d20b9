"""One connection, what is posted over it, and what an answer means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult

import attrs

from crmkit.plugins import Message, Outcome, Receipt

#: The body itself is at fault, or its reader has gone: the same again would be refused again.
_FOR_GOOD = (400, 410, 413, 415, 422)
#: The other side says that it has not begun.
_NOT_BEGUN = 503
_MOST_ANSWER = 10_000
_PARTS = (
    *("key", "practice", "type", "purpose", "medium", "to", "to_name", "from_email", "from_name"),
    *("subject", "text", "html", "headers", "language", "message_id"),
)


@attrs.frozen
class Answer:
    """What came back: a status and the body's beginning; status 0 and an error's class if nothing did."""

    status: int
    body: bytes = attrs.field(default=b"", repr=False)
    problem: str = ""


@attrs.define(eq=False)
class Line:
    """A connection that is opened when it is needed and kept for the messages after."""

    address: SplitResult
    timeout: int
    _connection: HTTPConnection | None = attrs.field(default=None, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def open(self) -> None:
        """Connect, unless that is done; OSError if nobody answers. Nothing has been said by then."""
        if self._connection is not None:
            return
        kind = HTTPSConnection if self.address.scheme == "https" else HTTPConnection
        connection = kind(self.address.hostname or "", self.address.port, timeout=self.timeout)
        connection.connect()
        self._connection = connection

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a body and return the answer; whatever goes wrong from here on leaves open whether it arrived."""
        if self._connection is None:
            raise OSError("not connected")
        path = self.address.path or "/"
        target = f"{path}?{self.address.query}" if self.address.query else path
        try:
            self._connection.request("POST", target, body, {**headers, "content-type": "application/json"})
            response = self._connection.getresponse()
            answer = Answer(response.status, response.read(_MOST_ANSWER))
        except (OSError, HTTPException) as problem:
            self._close()
            return Answer(0, problem=type(problem).__name__)
        if response.will_close or not response.isclosed():
            self._close()
        return answer

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def body_of(message: Message) -> bytes:
    """Return what is posted, in JSON; UnicodeEncodeError if the message holds half of a character."""
    data = {part: getattr(message, part) for part in _PARTS}
    said = {"type": "message", "timestamp": message.at.isoformat(), "data": data}
    return json.dumps(said, ensure_ascii=False).encode()


def receipt_of(key: str, answer: Answer) -> Receipt:
    """Return what an answer says of a message.

    >>> receipt_of("k1", Answer(202, b'{"id": "m-7"}')).reference
    'm-7'
    """
    evidence = f"status {answer.status}" if answer.status else f"no answer ({answer.problem})"
    if 200 <= answer.status < 300:
        return Receipt(key, Outcome.SENT, _reference(answer.body), evidence)
    if answer.status in _FOR_GOOD:
        return Receipt(key, Outcome.REFUSED, evidence=evidence)
    if 300 <= answer.status < 500 or answer.status == _NOT_BEGUN:
        return Receipt(key, Outcome.RETRY, evidence=evidence)
    return Receipt(key, Outcome.UNKNOWN, evidence=evidence)


def _reference(body: bytes) -> str:
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    name = found.get("id") if isinstance(found, dict) else None
    return name if isinstance(name, str) else ""
