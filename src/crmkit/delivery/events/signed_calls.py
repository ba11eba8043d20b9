"""Signed calls with events as JSON: how they are signed, and how they are read.

The signature follows Standard Webhooks: the header `webhook-signature` holds `v1,` and the base64 of an HMAC-SHA256
over `webhook-id.webhook-timestamp.body`, several of them separated by blanks while keys change. The body is

    {"events": [{"id": "e-1", "kind": "bounced", "medium": "email", "at": "2026-11-23T09:00:00+00:00",
                 "key": "acee0661dca0cc9062eb88c1d7b554a4", "permanent": true, "status": "5.1.1"}]}

`id`, `kind`, `medium`, and `key` or `address` are needed; `at` carries its offset; `stop` is a list of purposes;
`rating` a number; `evidence` a few words. Other keys are refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from crmkit.delivery.events.event import Event, EventKind, Payload, Stop
from crmkit.errors import ConfigError, NotFound, SourceError
from crmkit.people.medium import Medium, Purpose

#: How far the sender's clock may be from ours; a copy of a call that is sent again later is refused.
TOLERANCE = timedelta(minutes=5)
_MOST_BYTES, _MOST_EVENTS, _SHORTEST_KEY = 1_000_000, 1_000, 24
_SECONDS = re.compile(r"[0-9]{1,11}")


def _keys(secrets: Sequence[str]) -> tuple[bytes, ...]:
    if isinstance(secrets, str) or not secrets:
        raise ConfigError("there is no secret", where="secrets", mend="list at least one, such as whsec_...")
    return tuple(_key(text) for text in secrets)


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < _SHORTEST_KEY:
        mend = "make one of 24 random bytes or more in base64, with whsec_ before it"
        raise ConfigError("a secret is not base64, or too short", where="secrets", mend=mend)
    return key


@attrs.frozen
class HookParser:
    """Reads signed calls.

    Attributes:
        keys: The secrets, given as base64 text with or without `whsec_`; while they change, the old and the new one.
        name: The parser's name.
        verifies: A call that is not signed is refused.
    """

    keys: tuple[bytes, ...] = attrs.field(converter=_keys, repr=False)
    name: str = "hook"
    verifies: bool = attrs.field(default=True, init=False)

    def parse(self, payload: Payload) -> Sequence[Event]:
        """Return the call's events.

        Raises:
            NotFound: If the call is not signed by one of the secrets, was altered, or was made too long ago.
            SourceError: If the call is genuine and its body is not of the documented form.
        """
        _check_age(payload)
        self._check_signature(payload)
        if len(payload.body) > _MOST_BYTES:
            raise SourceError(
                "the call is longer than a million bytes", where="webhook", mend="send fewer events in one"
            )
        return [_event(entry, f"webhook: events[{number}]") for number, entry in enumerate(_entries(payload.body))]

    def sign(self, message: str, at: datetime, body: bytes) -> Mapping[str, str]:
        """Return the headers that a sender puts on a call, made with the last secret; for bridges and tests.

        Args:
            message: The call's own id.
            at: When it is made, aware.
            body: The bytes that will be sent.
        """
        seconds = str(int(at.timestamp()))
        signature = base64.b64encode(_hmac(self.keys[-1], message, seconds, body)).decode()
        return {"webhook-id": message, "webhook-timestamp": seconds, "webhook-signature": f"v1,{signature}"}

    def _check_signature(self, payload: Payload) -> None:
        message, seconds = payload.headers.get("webhook-id", ""), payload.headers.get("webhook-timestamp", "")
        given = [one.encode("utf-8", "replace") for one in payload.headers.get("webhook-signature", "").split()[:10]]
        wanted = [b"v1," + base64.b64encode(_hmac(key, message, seconds, payload.body)) for key in self.keys]
        # All are compared, so that the time taken does not tell which secret came near.
        matches = [hmac.compare_digest(one, other) for one in given for other in wanted]
        if not (message and any(matches)):
            raise _refusal("is not signed with one of our secrets")


def _hmac(key: bytes, message: str, seconds: str, body: bytes) -> bytes:
    signed = f"{message}.{seconds}.".encode("utf-8", "replace") + body
    return hmac.new(key, signed, hashlib.sha256).digest()


def _check_age(payload: Payload) -> None:
    seconds = payload.headers.get("webhook-timestamp", "")
    if not _SECONDS.fullmatch(seconds):
        raise _refusal("does not say when it was made")
    made = datetime.fromtimestamp(int(seconds), UTC)
    if abs(payload.received_at - made) > TOLERANCE:
        raise _refusal("was not made within the last five minutes")


def _refusal(problem: str) -> NotFound:
    return NotFound(f"the call {problem}", where="webhook", mend="compare secret and clock with the sender's")


def _entries(body: bytes) -> list[Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise SourceError("the body is no JSON", where="webhook") from None
    entries = found.get("events") if isinstance(found, dict) and set(found) == {"events"} else None
    if not isinstance(entries, list):
        raise SourceError('the body is not of the form {"events": [...]}', where="webhook")
    if len(entries) > _MOST_EVENTS:
        raise SourceError(f"the call has more than {_MOST_EVENTS} events", where="webhook", mend="send fewer in one")
    return entries


def _event(entry: Any, where: str) -> Event:
    if not isinstance(entry, dict):
        raise SourceError("is no table", where=where)
    if set(entry) - set(_READ):
        raise SourceError("has an unknown key", where=where, mend=f"known are: {', '.join(_READ)}")
    missing = [name for name in ("id", "kind", "medium") if name not in entry]
    if missing or not (entry.get("key") or entry.get("address")):
        raise SourceError(f"lacks {', '.join(missing) or 'key or address'}", where=where)
    try:
        return Event(**{name: _field(name, value, where) for name, value in entry.items()})
    except ValueError as problem:
        # An event's own refusals name the field and quote nothing.
        raise SourceError(str(problem), where=where) from None


def _field(name: str, value: Any, where: str) -> Any:
    try:
        return _READ[name](value)
    except (ValueError, TypeError, OverflowError):
        raise SourceError(f"{name} is not of the documented form", where=where) from None


def _exactly(kind: type[Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError
        return value

    return read


def _instant(value: Any) -> datetime:
    at = datetime.fromisoformat(_exactly(str)(value))
    if at.tzinfo is None:
        raise ValueError
    return at.astimezone(UTC)


def _stop(value: Any) -> Stop:
    return Stop(tuple(Purpose(one) for one in _exactly(list)(value)))


_READ: Mapping[str, Callable[[Any], Any]] = {
    "id": _exactly(str),
    "kind": EventKind,
    "medium": Medium,
    "at": _instant,
    "key": _exactly(str),
    "address": _exactly(str),
    "permanent": _exactly(bool),
    "status": _exactly(str),
    "stop": _stop,
    "rating": _exactly(int),
    "evidence": _exactly(str),
}
