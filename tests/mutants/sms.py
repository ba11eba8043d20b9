"""A good channel: text messages through a gateway that knows keys and can be asked. Mutants differ in one place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from http.client import HTTPException
from socket import gaierror
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import attrs

from crmkit.delivery.channel import Guarantee, Limits, Question
from crmkit.plugins import Context, CrmkitSpec, Medium, Message, NotSent, Outcome, Receipt, secret
from crmkit.testing.fakes import Taken
from crmkit.testing.http import Answer, HttpProvider
from crmkit.testing.http import Request as Asked
from mutants.making import plugin_of


@attrs.frozen
class SmsSettings:
    """Where the gateway is."""

    url: str
    token: str = secret("of the gateway", default="t0ken")


class Sms:
    """Sends one request for each message."""

    name = "sms"
    medium = Medium.SMS
    guarantee = Guarantee(ttl=timedelta(hours=24), queryable=True)
    limits = Limits(batch=100)

    def __init__(self, ctx: Context) -> None:
        self.settings, self.log = ctx.settings, ctx.log

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        return [self.one(message) for message in messages]

    def one(self, message: Message) -> Receipt:
        try:
            answer = self.post(self.body(message), self.key(message))
            return Receipt(message.key, Outcome.SENT, reference=json.loads(answer)["id"])
        except HTTPError as refused:
            return self.refused(message, refused)
        except URLError as problem:
            return self.unreachable(message, problem)
        except (OSError, HTTPException) as problem:
            return self.lost(message, problem)
        except (ValueError, KeyError, TypeError) as problem:
            return self.unreadable(message, problem)

    def body(self, message: Message) -> dict[str, str]:
        return {"to": message.to, "text": message.text}

    def key(self, message: Message) -> str:
        return message.key

    def post(self, body: dict[str, str], key: str) -> bytes:
        headers = {"idempotency-key": key, "authorization": f"Bearer {self.settings.token}"}
        request = Request(self.settings.url, json.dumps(body).encode(), headers)  # noqa: S310 - a machine of the test
        with urlopen(request, timeout=20) as answer:  # noqa: S310 - likewise
            return answer.read()

    def refused(self, message: Message, refused: HTTPError) -> Receipt:
        refused.close()
        outcome = Outcome.REFUSED if refused.code < 500 else Outcome.UNKNOWN
        outcome = Outcome.RETRY if refused.code in (429, 503) else outcome
        return Receipt(message.key, outcome, evidence=f"status {refused.code}")

    def unreachable(self, message: Message, problem: URLError) -> Receipt:
        nothing_left = isinstance(problem.reason, (ConnectionRefusedError, gaierror))
        return Receipt(message.key, Outcome.RETRY if nothing_left else Outcome.UNKNOWN, evidence="connect")

    def lost(self, message: Message, problem: Exception) -> Receipt:
        return Receipt(message.key, Outcome.UNKNOWN, evidence=type(problem).__name__)

    def unreadable(self, message: Message, problem: Exception) -> Receipt:
        return Receipt(message.key, Outcome.UNKNOWN, evidence=f"answer: {type(problem).__name__}")

    def ask(self, questions: Sequence[Question]) -> Sequence[Receipt]:
        return [Receipt(one.key, self.became(one)) for one in questions]

    def became(self, question: Question) -> Outcome:
        with urlopen(f"{self.settings.url}/{question.key}", timeout=20) as answer:  # noqa: S310 - likewise
            seen = json.loads(answer.read())["seen"]
        return Outcome.SENT if seen else Outcome.RETRY


class Yielding(Sms):
    """Answers one by one, and says so where the gateway cannot be reached. A good channel as well."""

    def send(self, messages: Sequence[Message]) -> Iterator[Receipt]:
        for message in messages:
            yield self.one(message)

    def unreachable(self, message: Message, problem: URLError) -> Receipt:
        raise NotSent("the gateway cannot be reached")


def gateway() -> HttpProvider:
    """Start the gateway: it takes numbers only, and tells what it has seen."""
    seen: set[str] = set()

    def answer(asked: Asked) -> Answer:
        if asked.method == "GET":
            return Answer(200, {"seen": asked.path.strip("/") in seen})
        said, key = asked.json, asked.headers.get("idempotency-key", "")
        if not said["to"].startswith("+"):
            return Answer(422, {"error": f"{said['to']} is no number"})
        seen.add(key)
        return Answer(202, {"id": f"m-{len(seen)}", "taken": [said["to"]]}, [Taken(said["to"], said["text"], key)])

    return HttpProvider(answer, lambda url: {"url": url})


def plugin(channel: Any = Sms) -> CrmkitSpec:
    """Return a plugin with one channel."""
    return plugin_called("acme", channel)


def plugin_called(name: str, channel: Any = Sms) -> CrmkitSpec:
    """Return a plugin of that name with one channel."""
    return plugin_of("channel", channel, SmsSettings, name)
