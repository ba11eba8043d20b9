"""What an event means, decided from values alone: the strictest stands, too often is too often, a wish is a wish."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations, product

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.delivery.events.event import Event, EventKind, Stop
from crmkit.delivery.events.meaning import PROVES, moved, way, why_not, why_suppressed, wish, wish_of_reader
from crmkit.delivery.events.policy import Policy, worn_out
from crmkit.ledger.heard import Did, Sign, kept_id
from crmkit.ledger.state import FOLLOWS, JUDGEMENTS, State
from crmkit.ledger.touch import Touch
from crmkit.people.medium import Medium, Purpose

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEY = "acee0661dca0cc9062eb88c1d7b554a4"
STRICTNESS = [State.SENT, State.DELIVERED, State.BOUNCED, State.COMPLAINED]
TOUCH = Touch(
    campaign="card",
    occasion="birthday 2026",
    patient="P1",
    key=KEY,
    version=1,
    message="core.birthday",
    purpose=Purpose.MARKETING,
    medium=Medium.EMAIL,
    recipient="P1",
    state=State.SENT,
    reason="sent",
    due=NOW,
    stale=NOW + timedelta(days=3),
    changed_at=NOW,
    address="digest",
    sent_at=NOW,
    attempts=1,
)


def event(kind: EventKind, **parts: object) -> Event:
    rating = {"rating": 5} if kind is EventKind.RATED else {}
    return Event(**({"id": "e-1", "kind": kind, "medium": Medium.EMAIL, "key": KEY} | rating | parts))  # type: ignore[arg-type]


def after(was: State, told: tuple[State, ...]) -> State:
    for to in told:
        through = way(was, to)
        assert through is not None
        for state in through:
            assert state in FOLLOWS[was], "the database would refuse it"
            was = state
    return was


@pytest.mark.parametrize("was", [State.UNKNOWN, State.RETRY, State.SENT])
def test_in_whichever_order_events_come_the_strictest_stands(was: State) -> None:
    for count in (1, 2, 3):
        for told in product(PROVES.values(), repeat=count):
            ends = {after(was, order) for order in permutations(told)}
            assert ends == {max(told, key=STRICTNESS.index)}


@pytest.mark.parametrize(("was", "to"), list(product(State, PROVES.values())))
def test_no_event_takes_a_touch_where_it_may_not_go(was: State, to: State) -> None:
    through = way(was, to)
    if was in (State.CLAIMED, State.SENDING):
        assert through is None
        return
    assert after(was, (to,)) is ((through or (was,))[-1])
    settled = (*JUDGEMENTS, State.REFUSED, State.EXPIRED, State.CANCELLED)
    assert (through == ()) == (was in settled or (was in STRICTNESS and STRICTNESS.index(was) >= STRICTNESS.index(to)))


def test_a_touch_is_told_what_when_and_why() -> None:
    doubt = attrs.evolve(TOUCH, state=State.RETRY, sent_at=None, owner="me", lease=NOW, detail={"channel": "email"})
    told = event(EventKind.BOUNCED, permanent=True, status="5.1.1")
    now = NOW + timedelta(hours=1)
    gone = moved(doubt, State.UNKNOWN, told, NOW, now)
    assert (gone.reason, gone.sent_at, gone.changed_at) == ("left_after_all", NOW, now)
    assert (gone.owner, gone.lease) == ("", None)
    back = moved(gone, State.BOUNCED, told, NOW, now)
    assert (back.reason, dict(back.detail)) == ("bounced", {"channel": "email", "status": "5.1.1"})
    soft = moved(TOUCH, State.BOUNCED, event(EventKind.BOUNCED), NOW, now)
    assert (soft.reason, soft.detail["status"]) == ("bounced_soft", "no code")
    for status, permanent, reason in (
        ("5.7.26", False, "kept_out"),
        ("5.7.1", True, "bounced"),
        ("5.2.2", False, "bounced_soft"),
    ):
        filtered = moved(TOUCH, State.BOUNCED, event(EventKind.BOUNCED, permanent=permanent, status=status), NOW, now)
        assert filtered.reason == reason
    assert moved(TOUCH, State.DELIVERED, told, NOW, now).reason == "delivered"


@pytest.mark.parametrize(
    ("touch", "address", "said", "why"),
    [
        (None, "", "", Did.NO_TOUCH),
        (TOUCH, "", "", None),
        (TOUCH, "digest", "mia@home.example", None),
        (TOUCH, "other", "leo@home.example", Did.OTHER_ADDRESS),
        (TOUCH, "", "unreadable", Did.OTHER_ADDRESS),
        (attrs.evolve(TOUCH, attempts=0), "digest", "mia@home.example", Did.NOT_SENT),
        (attrs.evolve(TOUCH, medium=Medium.SMS), "digest", "mia@home.example", Did.OTHER_MEDIUM),
    ],
)
def test_an_event_is_believed_only_of_a_message_that_went_there(
    touch: Touch | None, address: str, said: str, why: Did | None
) -> None:
    assert why_not(event(EventKind.BOUNCED, address=said), touch, address) is why


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize("worn", [False, True])
def test_only_complaints_hard_bounces_and_too_many_soft_ones_stop_an_address(kind: EventKind, worn: bool) -> None:
    assert bool(why_suppressed(event(kind), worn_out=worn)) == (kind is EventKind.COMPLAINED or worn)
    if kind is EventKind.BOUNCED:
        assert why_suppressed(event(kind, permanent=True), worn_out=False)


STOP = Stop((Purpose.FEEDBACK,), "en")


@pytest.mark.parametrize(
    ("told", "purposes", "with_the_messages"),
    [
        (event(EventKind.REPLIED), None, None),
        (event(EventKind.REPLIED, stop=STOP), {"feedback"}, {"feedback", "care"}),
        (event(EventKind.UNSUBSCRIBED), {"marketing", "feedback"}, {"marketing", "feedback", "care"}),
        (event(EventKind.UNSUBSCRIBED, stop=STOP), {"feedback"}, {"feedback", "care"}),
        (event(EventKind.COMPLAINED), {"marketing", "feedback"}, {"marketing", "feedback"}),
        (event(EventKind.COMPLAINED, stop=STOP), {"marketing", "feedback"}, {"marketing", "feedback"}),
        (event(EventKind.BOUNCED, stop=STOP), None, None),
        (event(EventKind.DELIVERED, stop=STOP), None, None),
        (event(EventKind.RATED, stop=STOP), None, None),
    ],
)
def test_a_wish_is_what_was_said_and_of_an_answer_also_what_was_answered(
    told: Event, purposes: set[str] | None, with_the_messages: set[str] | None
) -> None:
    care = attrs.evolve(TOUCH, purpose=Purpose.CARE)
    found, own = wish(told), wish_of_reader(told, care)
    assert (set(found.purposes) if found else None) == purposes
    assert (set(own.purposes) if own else None) == with_the_messages


def soft(days: float, key: str, status: str = "") -> Sign:
    return Sign("bounced", NOW + timedelta(days=days), key, status=status)


def delivered(days: float, key: str = "d") -> Sign:
    return Sign("delivered", NOW + timedelta(days=days), key)


@pytest.mark.parametrize(
    ("signs", "verdict"),
    [
        ([soft(0, "a"), soft(1, "b"), soft(2, "c")], True),
        ([soft(0, "a"), soft(1, "b")], False),
        ([soft(0, "a"), soft(1, "a"), soft(2, "b")], False),
        ([soft(0, "a"), soft(1, "b"), soft(30, "c")], True),
        ([soft(0, "a"), soft(1, "b"), soft(30.1, "c")], False),
        ([soft(0, "a"), soft(1, "b"), delivered(1.5), soft(2, "c")], False),
        ([delivered(-1), soft(0, "a"), soft(1, "b"), soft(2, "c"), delivered(3)], True),
        ([soft(0, "a"), soft(1, "b"), delivered(2), soft(2, "c")], False),
        ([delivered(0), soft(0, "a"), soft(1, "b"), soft(2, "c")], True),
        ([soft(0, "a"), soft(1, "b"), Sign("delayed", NOW + timedelta(days=2), "c")], False),
        ([soft(0, "a"), soft(1, "b"), Sign("bounced", NOW + timedelta(days=2), "c", True)], False),
        ([soft(0, "a"), soft(1, "b"), soft(2, "c", "5.7.1")], False),
        ([soft(0, "a"), soft(1, "b"), soft(2, "c", "5.2.2")], True),
        ([soft(day, str(day), "5.7.26") for day in range(10)], False),
        (
            [
                soft(day, str(day), code)
                for day, code in enumerate(("5.1.8", "5.3.4", "4.7.0", "5.6.1", "5.2.3", "5.4.5"))
            ],
            False,
        ),
    ],
)
def test_three_messages_within_thirty_days_with_no_delivery_between(signs: list[Sign], verdict: bool) -> None:
    for order in permutations(signs):
        assert worn_out(order, Policy()) is verdict


def test_who_reports_one_message_a_thousand_times_neither_stops_an_address_nor_holds_anybody_up() -> None:
    # Grown with the square of their number, it would take minutes, within a transaction.
    assert not worn_out([soft(number / 1000, "a") for number in range(20_000)], Policy())


SIGNS = st.lists(
    st.builds(
        Sign,
        st.sampled_from(["bounced", "delivered", "delayed"]),
        st.integers(0, 90).map(lambda days: NOW + timedelta(days=days)),
        st.sampled_from("abcdef"),
        st.booleans(),
    ),
    max_size=12,
)


@given(SIGNS, st.integers(1, 5), st.integers(1, 60))
def test_a_stricter_policy_never_lets_pass_what_a_milder_one_stops(signs: list[Sign], most: int, days: int) -> None:
    if worn_out(signs, Policy(soft_bounces=most + 1, soft_days=days)):
        assert worn_out(signs, Policy(soft_bounces=most, soft_days=days))
        assert worn_out(signs, Policy(soft_bounces=most + 1, soft_days=days + 1))
    assert worn_out(signs, Policy(soft_bounces=most)) is worn_out(signs[::-1], Policy(soft_bounces=most))


@pytest.mark.parametrize("parts", [{"soft_bounces": 0}, {"soft_days": 0}, {"keep_days": 0}, {"keep_days": 10**6}])
def test_a_policy_that_cannot_be_meant_is_refused(parts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(parts))):
        Policy(**parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "id_", ["mia@home.example", "<1@home.example>", "+61491570156", "0491 570 156", "61491570156", "x" * 101, "é"]
)
def test_an_id_that_could_be_an_address_is_kept_as_its_digest(id_: str) -> None:
    assert kept_id(id_) != id_
    assert len(kept_id(id_)) == 32
    assert kept_id("e-1") == "e-1"
