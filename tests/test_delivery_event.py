"""Events and payloads: what cannot be meant is refused, and nothing of a person is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.delivery.events.event import Event, EventKind, Payload, Stop
from crmkit.people.medium import Medium, Purpose

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEY = "acee0661dca0cc9062eb88c1d7b554a4"


def event(**parts: object) -> Event:
    return Event(**({"id": "e-1", "kind": EventKind.BOUNCED, "medium": Medium.EMAIL, "at": NOW} | parts))  # type: ignore[arg-type]


def test_instants_are_kept_in_utc() -> None:
    assert event(at=NOW.astimezone(timezone(timedelta(hours=11)))).at == NOW
    assert event(at=NOW.astimezone(timezone(timedelta(hours=11)))).at.tzinfo is UTC
    assert event(at=None).at is None


@pytest.mark.parametrize(
    "parts",
    [
        {"at": datetime(2026, 11, 23)},  # noqa: DTZ001 - naive on purpose
        {"id": ""},
        {"id": "x" * 201},
        {"id": "two\nlines"},
        {"kind": "bounced"},
        {"medium": "email"},
        {"key": KEY.upper()},
        {"key": KEY[:-1]},
        {"key": f"{KEY}\n"},
        {"status": "550"},
        {"status": "5.1.1 user unknown"},
        {"address": "mia@home.example\r\nBcc: all@home.example"},
        {"address": "\ud800"},
        {"evidence": "first\u2028second"},
        {"evidence": "x" * 101},
        {"kind": EventKind.DELAYED, "permanent": True},
        {"kind": EventKind.RATED},
        {"rating": 5},
        {"kind": EventKind.RATED, "rating": 101},
        {"kind": EventKind.RATED, "rating": -1},
    ],
)
def test_what_cannot_be_meant_is_refused_without_a_quotation(parts: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)) as refused:
        event(**parts)
    assert "mia" not in str(refused.value)


def test_a_naive_arrival_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Payload(b"", received_at=datetime(2026, 11, 23))  # noqa: DTZ001 - naive on purpose


def test_a_stop_without_a_purpose_is_refused() -> None:
    with pytest.raises(ValueError, match="purposes"):
        Stop(())


def test_a_wish_grows_by_the_purpose_that_was_answered_and_only_by_it() -> None:
    wish = Stop((Purpose.MARKETING, Purpose.FEEDBACK), "en")
    assert wish.including(Purpose.CARE).purposes == (Purpose.CARE, Purpose.MARKETING, Purpose.FEEDBACK)
    assert wish.including(Purpose.MARKETING) == wish


def test_no_repr_shows_an_address_or_what_arrived() -> None:
    assert "mia" not in repr(event(address="mia@home.example"))
    assert "mia" not in repr(Payload(b"mia", {"From": "mia"}, received_at=NOW))


def test_header_names_are_found_whatever_their_case() -> None:
    assert Payload(b"", {"Webhook-ID": "m-1"}, received_at=NOW).headers["webhook-id"] == "m-1"


@given(st.binary(), st.binary(), st.integers(1, 9), st.integers(1, 9))
def test_an_id_tells_payloads_and_numbers_apart_and_forgets_when_they_came(
    one: bytes, other: bytes, first: int, second: int
) -> None:
    mine = Payload(one, received_at=NOW).event_id(first)
    again = Payload(one, {"x": "y"}, received_at=NOW + timedelta(days=1)).event_id(first)
    assert mine == again
    assert (mine == Payload(other, received_at=NOW).event_id(second)) == ((one, first) == (other, second))
