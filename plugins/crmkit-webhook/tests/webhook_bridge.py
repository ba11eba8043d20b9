"""The other side: a bridge that takes signed messages and posts signed events."""

import base64
import json
from datetime import UTC, datetime

import attrs

from crmkit.plugins import HookParser, Medium, Payload
from crmkit.testing.fakes import Taken
from crmkit.testing.http import Answer, HttpProvider
from crmkit.testing.samples import address_of, key_of

KEY = "whsec_" + base64.b64encode(b"what we sign our messages with").decode()
EVENTS = "whsec_" + base64.b64encode(b"what you sign your events with").decode()
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
THEIRS = HookParser([EVENTS])


def accept(request):
    """Take a message if its signature fits, under its id."""
    at = int(request.headers["webhook-timestamp"])
    signed = HookParser([KEY]).sign(request.headers["webhook-id"], datetime.fromtimestamp(at, UTC), request.body)
    if signed["webhook-signature"] != request.headers["webhook-signature"]:
        return Answer(401)
    data = request.json["data"]
    return Answer(202, {"id": f"m-{data['key']}"}, [Taken(data["to"], data["text"], request.headers["webhook-id"])])


def leads(url):
    return {"url": f"{url}/messages?from=crmkit", "key": KEY, "events": [EVENTS], "medium": "sms", "timeout": 5}


@attrs.define(eq=False)
class Bridge(HttpProvider):
    """Takes messages, and has events of its own."""

    signed = True

    @property
    def payloads(self):
        told = {"id": "e-1", "kind": "delivered", "medium": "sms", "key": key_of(1)}
        wish = {"id": "e-2", "kind": "unsubscribed", "medium": "sms", "address": address_of(Medium.SMS, 2)}
        bodies = [json.dumps({"events": events}).encode() for events in ([told], [wish, told | {"id": "e-3"}])]
        return [self.sign(Payload(body, received_at=NOW)) for body in bodies]

    def sign(self, payload):
        return attrs.evolve(payload, headers=THEIRS.sign("call-1", NOW, payload.body))


def bridge():
    return Bridge(accept, leads)
