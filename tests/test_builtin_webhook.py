"""Signed calls: the genuine are read strictly; forged, altered and old ones are refused and nothing is quoted."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.builtin.webhook import HookParser
from crmkit.delivery.events.event import Event, EventKind, Payload, Stop
from crmkit.errors import ConfigError, CrmkitError, NotFound, SourceError
from crmkit.people.medium import Medium, Purpose

FIVE_MINUTES = timedelta(minutes=5)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEY = "acee0661dca0cc9062eb88c1d7b554a4"
OLD = "whsec_" + base64.b64encode(b"an old secret of the practice").decode()
NEW = "whsec_" + base64.b64encode(b"the new secret of the practice").decode()
PARSER = HookParser([OLD, NEW])
BOUNCE = {"id": "e-1", "kind": "bounced", "medium": "email", "key": KEY}


def call(body: bytes | dict[str, Any], signer: HookParser = PARSER, *, at: datetime = NOW, **headers: str) -> Payload:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signed = {**signer.sign("m-1", at, raw), **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Payload(raw, signed, received_at=NOW)


def one(**parts: Any) -> Event:
    [event] = PARSER.parse(call({"events": [{**BOUNCE, **parts}]}))
    return event


def test_a_genuine_call_is_read_in_full() -> None:
    event = one(
        at="2026-11-23T20:00:00+11:00", permanent=True, status="5.1.1", address="mia@home.example", evidence="x"
    )
    assert event == Event(
        id="e-1",
        kind=EventKind.BOUNCED,
        medium=Medium.EMAIL,
        at=NOW,
        key=KEY,
        address="mia@home.example",
        permanent=True,
        status="5.1.1",
        evidence="x",
    )
    assert one(kind="unsubscribed", stop=["marketing"]).stop == Stop((Purpose.MARKETING,))
    assert one(kind="rated", rating=9).rating == 9
    assert PARSER.parse(call({"events": []})) == []


def test_the_example_of_the_standard_is_verified() -> None:
    # The key, id, time and body that the specification's libraries test with; signed by an independent one of them.
    parser = HookParser(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    body = b'{"test": 2432232314}'
    headers = parser.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), body)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_secrets_change_both_are_good_and_no_third() -> None:
    for secret in (OLD, NEW):
        assert PARSER.parse(call({"events": [BOUNCE]}, HookParser([secret])))
    with pytest.raises(NotFound):
        HookParser([OLD]).parse(call({"events": [BOUNCE]}, HookParser([NEW])))


def test_one_good_signature_among_several_is_enough() -> None:
    good = PARSER.sign("m-1", NOW, b'{"events": []}')["webhook-signature"]
    assert PARSER.parse(call(b'{"events": []}', webhook_signature=f"v1,AAAA v2,zzz {good}")) == []


@pytest.mark.parametrize("late", [FIVE_MINUTES + timedelta(seconds=1), -FIVE_MINUTES - timedelta(seconds=1)])
def test_a_call_that_is_sent_again_later_is_refused(late: timedelta) -> None:
    genuine = call({"events": [BOUNCE]})
    assert PARSER.parse(Payload(genuine.body, genuine.headers, received_at=NOW + FIVE_MINUTES))
    with pytest.raises(NotFound, match="five minutes"):
        PARSER.parse(Payload(genuine.body, genuine.headers, received_at=NOW + late))


@given(st.data())
def test_no_byte_of_a_signed_call_can_be_altered(data: st.DataObject) -> None:
    genuine = call({"events": [{**BOUNCE, "address": "mia@home.example"}]})
    place = data.draw(st.integers(0, len(genuine.body) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != genuine.body[place]))
    altered = genuine.body[:place] + bytes([byte]) + genuine.body[place + 1 :]
    with pytest.raises(NotFound) as refused:
        PARSER.parse(Payload(altered, genuine.headers, received_at=NOW))
    assert "mia" not in str(refused.value)


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook_id": "m-2"},
        {"webhook_id": ""},
        {"webhook_timestamp": str(int(NOW.timestamp()) + 1)},
        {"webhook_timestamp": "soon"},
        {"webhook_timestamp": "-1"},
        {"webhook_timestamp": "٣"},
        {"webhook_timestamp": ""},
        {"webhook_signature": ""},
        {"webhook_signature": "v1,"},
        {"webhook_signature": "v1"},
        {"webhook_signature": "v1,ünglaublich \ud800"},
    ],
)
def test_headers_that_were_not_signed_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(NotFound):
        PARSER.parse(call({"events": [BOUNCE]}, **headers))


@given(
    st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()), st.binary()
)
def test_what_nobody_signed_is_refused_whatever_it_is(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(NotFound):
        PARSER.parse(Payload(body, headers, received_at=NOW))


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"kind": "exploded"}, "kind"),
        ({"medium": "pigeon mia"}, "medium"),
        ({"id": 7}, "id"),
        ({"id": ""}, "id"),
        ({"id": "a\nb"}, "id"),
        ({"key": "mia"}, "key"),
        ({"key": ""}, "lacks key or address"),
        ({"at": "2026-11-23T09:00:00"}, "at is not"),
        ({"at": 1700000000}, "at is not"),
        ({"at": "mia"}, "at is not"),
        ({"permanent": "yes"}, "permanent"),
        ({"permanent": 1}, "permanent"),
        ({"kind": "rated", "rating": True}, "rating"),
        ({"kind": "rated"}, "rating"),
        ({"stop": []}, "stop"),
        ({"stop": "marketing"}, "stop"),
        ({"stop": [["mia"]]}, "stop"),
        ({"status": "mia"}, "status"),
        ({"mia@home.example": 1}, "unknown key"),
        ({"address": "mia\ud800"}, "address"),
    ],
)
def test_a_body_of_another_form_is_refused_with_its_field_and_without_its_text(
    entry: dict[str, Any], told: str
) -> None:
    with pytest.raises(SourceError, match=told) as refused:
        one(**entry)
    assert "events[0]" in str(refused.value)
    assert "mia" not in str(refused.value)


@pytest.mark.parametrize(
    "body",
    [b"", b"mia", b"[]", b"{}", b'{"events": 1}', b'{"events": [1]}', b'{"events": [], "mia": 1}', b"[" * 99_999],
)
def test_a_signed_body_that_is_no_list_of_events_is_refused(body: bytes) -> None:
    with pytest.raises(SourceError) as refused:
        PARSER.parse(call(body))
    assert "mia" not in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from([*BOUNCE, "at", "address", "permanent", "status", "stop", "rating"]), JSON))
def test_whatever_a_partner_signs_gives_events_or_an_error_of_ours(parts: dict[str, Any]) -> None:
    with suppress(CrmkitError):
        one(**parts)


def test_a_call_of_too_many_events_or_bytes_is_refused() -> None:
    with pytest.raises(SourceError, match="1000 events"):
        PARSER.parse(call({"events": [BOUNCE] * 1001}))
    with pytest.raises(SourceError, match="million"):
        PARSER.parse(call(b" " * 1_000_001))


@pytest.mark.parametrize("secrets", [[], ["whsec_"], ["short"], ["not base64 at all, though it is long enough"], OLD])
def test_a_secret_that_protects_nothing_is_refused(secrets: Any) -> None:
    with pytest.raises(ConfigError):
        HookParser(secrets)


def test_no_repr_shows_a_secret() -> None:
    assert "secret" not in repr(PARSER)
