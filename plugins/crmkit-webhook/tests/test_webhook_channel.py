"""What is posted, what its answers mean, and that nothing leaves twice."""

import json
from datetime import timedelta

import attrs
import pytest
from crmkit_webhook import plugin
from crmkit_webhook.post import Answer as Said
from crmkit_webhook.post import receipt_of
from webhook_bridge import EVENTS, KEY, THEIRS, accept, bridge

from crmkit import Campaign, State
from crmkit.errors import ConfigError
from crmkit.plugins import HookParser, Outcome, keyed
from crmkit.testing.fakes import Trouble
from crmkit.testing.http import Answer, HttpProvider, Request
from crmkit.testing.samples import message_of

PATIENT = "id,given,family,born,email\nP1,Mia,Stone,1980-11-23,mia@stone.example\n"
CONSENT = "id,patient,purpose,medium,given,at,evidence\nC1,P1,marketing,email,yes,2025-03-01T09:00:00+11:00,form\n"


@pytest.fixture
def other_side():
    with bridge() as found:
        yield found


@pytest.fixture
def opened(crmkit_open, tmp_path):
    """Open a practice whose e-mail goes through the plugin."""
    (tmp_path / "exports").mkdir()

    def open_one(**settings):
        given = {"webhook": {"key": KEY, "medium": "email", **settings}, "csv": {"folder": "exports"}}
        return crmkit_open("csv", plugin, settings=given)

    return open_one


def channel_of(crm):
    (channel,) = crm.plugins.channels
    return channel


def test_a_message_is_posted_under_its_key_and_signed(opened, crmkit_clock):
    seen = []

    def answer(request):
        seen.append(request)
        return Answer(202, {"id": "m-7"})

    with HttpProvider(answer, lambda url: {"url": f"{url}/in?a=1"}) as provider:
        channel = channel_of(opened(**provider.settings))
        receipts = channel.send([message_of(1, channel.medium), message_of(2, channel.medium)])
    assert [(one.outcome, one.reference, one.evidence) for one in receipts] == [(Outcome.SENT, "m-7", "status 202")] * 2
    first = seen[0]
    message = message_of(1, channel.medium)
    assert (first.method, first.path, first.headers["webhook-id"]) == ("POST", "/in?a=1", message.key)
    expected = HookParser([KEY]).sign(message.key, crmkit_clock.now(), first.body)
    assert {name: first.headers[name] for name in expected} == expected
    said = first.json["data"]
    assert (said["to"], said["text"], said["headers"]) == (message.to, message.text, [list(h) for h in message.headers])
    assert first.json["timestamp"] == message.at.isoformat()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.SENT),
        (204, Outcome.SENT),
        (302, Outcome.RETRY),
        (400, Outcome.REFUSED),
        (401, Outcome.RETRY),
        (404, Outcome.RETRY),
        (410, Outcome.REFUSED),
        (422, Outcome.REFUSED),
        (429, Outcome.RETRY),
        (500, Outcome.UNKNOWN),
        (503, Outcome.RETRY),
        (504, Outcome.UNKNOWN),
        (0, Outcome.UNKNOWN),
    ],
)
def test_what_an_answer_means(status, outcome):
    assert receipt_of("k", Said(status, b"not json")).outcome is outcome


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        (Trouble.UNREACHABLE, Outcome.RETRY),
        (Trouble.OVERLOADED, Outcome.RETRY),
        (Trouble.REFUSES, Outcome.REFUSED),
        (Trouble.LOST, Outcome.UNKNOWN),
        (Trouble.NONSENSE, Outcome.SENT),
    ],
)
def test_trouble_on_the_other_side_and_what_it_leaves(trouble, outcome, opened, other_side):
    channel = channel_of(opened(url=other_side.settings["url"]))
    other_side.fail(trouble)
    receipts = channel.send([message_of(number, channel.medium) for number in (1, 2)])
    assert [one.outcome for one in receipts] == [outcome] * 2


def test_redirects_are_not_followed(opened, other_side):
    with HttpProvider(lambda _: Answer(307), lambda url: {"url": url}) as elsewhere:
        channel = channel_of(opened(**elsewhere.settings))
        (receipt,) = channel.send([message_of(1, channel.medium)])
    assert receipt.outcome is Outcome.RETRY
    assert other_side.taken() == ()


def test_a_lost_answer_is_asked_for_again_under_the_same_id_and_nobody_gets_two(
    opened, other_side, crmkit_clock, tmp_path
):
    (tmp_path / "exports" / "patients.csv").write_text(PATIENT)
    (tmp_path / "exports" / "consents.csv").write_text(CONSENT)
    crm = opened(url=other_side.settings["url"])
    crm.sync()
    crm.add(Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday"))
    crm.plan()
    other_side.fail(Trouble.LOST)
    assert crm.send().counts() == {State.RETRY: 1}
    other_side.fail(None)
    crmkit_clock.move(timedelta(hours=1))
    assert crm.send().counts() == {State.SENT: 1}
    (taken,) = other_side.taken()
    assert taken.to == "mia@stone.example"
    body = json.dumps({"events": [{"id": "e", "kind": "delivered", "medium": "email", "key": taken.key}]}).encode()
    crm_events = opened(url=other_side.settings["url"], events=[EVENTS])
    assert crm_events.receive("webhook", body, THEIRS.sign("c-1", crmkit_clock.now(), body)).applied == 1


def test_without_a_memory_on_the_other_side_nothing_is_promised(opened):
    assert channel_of(opened(url="https://b.example", remembers=0)).guarantee == keyed(timedelta(0))
    assert channel_of(opened(url="https://b.example")).guarantee == keyed(timedelta(hours=24))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"url": "bridge.example"}, r"settings\.webhook\.url: is no address"),
        ({"url": "http://bridge.example"}, r"settings\.webhook\.url: is not encrypted"),
        ({"url": "https://user:word@b.example"}, r"settings\.webhook\.url: is no address"),
        ({"url": "https://b.example", "key": "hush"}, r"settings\.webhook\.key: a secret is not base64"),
        ({"url": "https://b.example", "events": ["hush"]}, r"settings\.webhook\.events: a secret is not base64"),
        ({"url": "https://b.example", "medium": "pigeon"}, r"settings\.webhook"),
        ({"url": "https://b.example", "timeout": 0}, r"settings\.webhook"),
    ],
)
def test_settings_that_cannot_be_are_told_with_their_place_and_no_secret(settings, told, opened):
    with pytest.raises(ConfigError, match=told) as refused:
        opened(**settings)
    assert "hush" not in str(refused.value)
    assert KEY not in str(refused.value)


def test_a_message_that_no_json_can_hold_is_refused_and_the_next_one_goes(opened, other_side):
    channel = channel_of(opened(url=other_side.settings["url"]))
    broken = attrs.evolve(message_of(1, channel.medium), text="half of a smile: \ud83d")
    receipts = channel.send([broken, message_of(2, channel.medium)])
    assert [one.outcome for one in receipts] == [Outcome.REFUSED, Outcome.SENT]


def test_a_forged_message_is_not_what_the_bridge_takes():
    forged = {"webhook-id": "k", "webhook-timestamp": "1", "webhook-signature": "v1,x"}
    assert accept(Request("POST", "/", forged, b"{}")).status == 401
