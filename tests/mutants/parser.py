"""A good event parser of signed callbacks, and parsers that each break one law."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
import uuid
from datetime import UTC, datetime

import attrs

from crmkit.errors import NotFound, SourceError
from crmkit.plugins import Event, EventKind, Medium, Payload, secret
from crmkit.testing.fakes import Samples
from crmkit.testing.home import NOW
from crmkit.testing.laws import event_parser
from crmkit.testing.samples import address_of, key_of
from mutants.making import plugin_of


@attrs.frozen
class CallbackSettings:
    """What the provider signs with."""

    secret: str = secret("of the provider's callbacks", default="s3cret-of-tests")


class Callbacks:
    """Reads `{"events": [{"id": ..., "what": ..., "to": ..., "key": ...}]}`, signed. A good parser."""

    name = "callbacks"
    verifies = True

    def __init__(self, ctx):
        self.secret, self.log = ctx.settings.secret, ctx.log

    def parse(self, payload):
        self.check(payload)
        return [self.event(said, payload, number) for number, said in enumerate(self.read(payload), 1)]

    def check(self, payload):
        if not hmac.compare_digest(
            payload.headers.get("x-signature", "").encode(), signature(payload.body, self.secret)
        ):
            raise NotFound("the callback is not signed by the provider", where="callback")

    def read(self, payload):
        try:
            said = json.loads(payload.body)["events"]
            return [{name: one.get(name, "") for name in ("id", "what", "to", "key")} for one in said]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise SourceError("the body is not of the provider's form", where="callback") from None

    def event(self, said, payload, number):
        try:
            return Event(
                id=self.id(said, payload, number),
                kind=EventKind(said["what"]),
                medium=Medium.SMS,
                key=said["key"],
                address=said["to"],
                evidence=self.evidence(said),
                at=self.at(),
            )
        except (ValueError, TypeError):
            raise self.refusal(said) from None

    def id(self, said, payload, number):
        return said["id"] or payload.event_id(number)

    def evidence(self, said):
        return "a callback"

    def at(self):
        return None

    def refusal(self, said):
        return SourceError("an event is not of the provider's form", where="callback")


class ShoutsItsName(Callbacks):
    name = "Call Backs"


class KeepsItsCheckToItself(Callbacks):
    verifies = False


class ReadsNothing(Callbacks):
    def read(self, payload):
        return []


class ReturnsTables(Callbacks):
    def event(self, said, payload, number):
        return dict(said)


class Stumbles(Callbacks):
    def read(self, payload):
        return json.loads(payload.body)["events"]


class MakesIdsUp(Callbacks):
    def id(self, said, payload, number):
        return uuid.uuid4().hex


class NumbersByArrival(Callbacks):
    def id(self, said, payload, number):
        return f"{payload.received_at.isoformat()}-{number}"


class DatesByTheClock(Callbacks):
    def at(self):
        return datetime.now(UTC)


class HasOneId(Callbacks):
    def id(self, said, payload, number):
        return payload.event_id(1)


class QuotesAsEvidence(Callbacks):
    def evidence(self, said):
        return f"callback for {said['to']}"[:90]


class QuotesInTheError(Callbacks):
    def refusal(self, said):
        return SourceError(f"{said['what']} is no event", where="callback")


class LogsTheBody(Callbacks):
    def read(self, payload):
        self.log.debug("got %s", payload.body)
        return super().read(payload)


class TrustsEverybody(Callbacks):
    def check(self, payload):
        pass


class SignsTheLengthOnly(Callbacks):
    def check(self, payload):
        if len(payload.headers.get("x-signature", "")) != 64:
            raise NotFound("not signed", where="callback")


class AsksTheEnvironment(Callbacks):
    def check(self, payload):
        if os.environ.get("CALLBACKS_ARE_CHECKED", "yes") == "yes":
            super().check(payload)


class RewritesHeaders(Callbacks):
    def parse(self, payload):
        object.__setattr__(payload, "headers", {**payload.headers, "seen": "yes"})
        return super().parse(payload)


class TakesItsTime(Callbacks):
    """As slow as a pattern that backtracks."""

    def read(self, payload):
        begun = time.thread_time()
        while len(payload.body) > 100_000 and time.thread_time() - begun < event_parser.MOST_SECONDS + 0.1:
            pass
        return super().read(payload)


def signature(body, key="s3cret-of-tests"):
    """Return what the provider signs a body with."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest().encode()


def sign(payload):
    """Return a payload as the provider signs it."""
    return attrs.evolve(payload, headers={"x-signature": signature(payload.body).decode()})


def callback(*events):
    """Return a signed payload."""
    said = [
        {"id": id_, "what": what, "to": address_of(Medium.SMS, number), "key": key_of(number)}
        for id_, what, number in events
    ]
    return sign(Payload(json.dumps({"events": said}).encode(), received_at=NOW))


class ForgedError(NotFound):
    """An error of the vendor's own."""


class RefusesInItsOwnWords(Callbacks):
    def check(self, payload):
        try:
            super().check(payload)
        except NotFound:
            raise ForgedError("the callback is not signed by the provider", where="callback") from None


def samples():
    """Start the fake: two payloads as the provider sends them."""
    return Samples((callback(("e-1", "delivered", 1), ("", "bounced", 2)), callback(("e-3", "unsubscribed", 3))), sign)


def plugin(parser=Callbacks):
    """Return a plugin with one parser."""
    return plugin_of("event_parser", parser, CallbackSettings)


MUTANTS = {
    "event_parser.declares": (ShoutsItsName, KeepsItsCheckToItself),
    "event_parser.reads_samples": (ReadsNothing, ReturnsTables),
    "event_parser.any_bytes": (Stumbles, ReturnsTables),
    "event_parser.same_ids": (MakesIdsUp, NumbersByArrival, DatesByTheClock),
    "event_parser.different_ids": (HasOneId,),
    "event_parser.quotes_nothing": (QuotesAsEvidence, QuotesInTheError, LogsTheBody),
    "event_parser.refuses_altered": (TrustsEverybody, SignsTheLengthOnly),
    "event_parser.asks_nothing_else": (MakesIdsUp, AsksTheEnvironment, RewritesHeaders, DatesByTheClock),
    "event_parser.bounded_work": (TakesItsTime,),
    "event_parser.core_takes_it": (RefusesInItsOwnWords, ReturnsTables),
}
