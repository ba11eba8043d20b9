"""What the database itself refuses, and who wins when two want the same touch."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import attrs
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from situations import NOW

from crmkit.campaigns.rivals import Rivals
from crmkit.campaigns.terms import Terms
from crmkit.delivery.turns import SLACK, Allotment
from crmkit.errors import StoreError
from crmkit.ledger.channel_turns import reserve
from crmkit.ledger.claims import LEASE, Claims
from crmkit.ledger.ledger import Ledger
from crmkit.ledger.payloads import Kept, erase, keep, unread
from crmkit.ledger.state import FOLLOWS, JUDGEMENTS, SPENT, State
from crmkit.ledger.step import Step
from crmkit.ledger.tables import declare_ledger
from crmkit.ledger.touch import Touch, touch_key
from crmkit.people.medium import Medium, Purpose
from crmkit.store.store import open_store


def touch(campaign="card", patient="P1", **more):
    given_ = {
        "campaign": campaign,
        "occasion": "birthday 2026",
        "patient": patient,
        "key": touch_key("bright-eyes", campaign, "birthday 2026", patient),
        "version": 1,
        "message": "core.birthday",
        "purpose": Purpose.MARKETING,
        "medium": Medium.EMAIL,
        "recipient": patient,
        "state": State.READY,
        "reason": "ready",
        "due": NOW,
        "stale": NOW + timedelta(days=3),
        "changed_at": NOW,
    }
    return Touch(**given_ | more)


@pytest.fixture
def ledger():
    store = open_store("sqlite://")
    made = Ledger(declare_ledger(store), "bright-eyes")
    store.create()
    with store.begin() as connection:
        yield made, connection
    store.close()


def test_one_touch_for_one_patient_campaign_and_occasion(ledger):
    book, connection = ledger
    book.judge(connection, [touch()], {}, "plan")
    with pytest.raises(sa.exc.IntegrityError):
        book.judge(connection, [touch(key="another")], {}, "plan")


def test_one_hand_over_for_one_patient_message_and_occasion_whatever_the_campaign_is_called(ledger):
    book, connection = ledger
    both = [touch(), touch("copy-of-card")]
    book.judge(connection, both, {}, "plan")
    claimed = Claims(book).claim(connection, "me", NOW, 10)
    sending = [(one, attrs.evolve(one, state=State.SENDING)) for one in claimed]
    assert len(sending) == 2
    with pytest.raises(sa.exc.IntegrityError):
        book.move(connection, sending, "send")


def test_two_who_make_the_same_move_in_the_same_instant_are_told_apart(ledger):
    book, connection = ledger
    book.judge(connection, [touch(), touch(patient="P2")], {}, "plan")
    Claims(book).claim(connection, "dead", NOW, 10)
    later = NOW + timedelta(minutes=6)
    seen = Claims(book).abandoned(connection, later)
    freed = [(was, attrs.evolve(was, state=State.READY, owner="", lease=None, changed_at=later)) for was in seen]
    assert len(book.move(connection, freed[:1], "recover")) == 1
    assert [one.patient for one in book.move(connection, freed, "recover")] == [freed[1][0].patient]
    for one in book.touches(connection):
        assert [row["state"] for row in book.history(connection, one.key)] == ["ready", "claimed", "ready"]


def test_a_touch_that_went_away_and_came_back_is_not_the_one_that_was_read(ledger):
    book, connection = ledger
    book.judge(connection, [touch()], {}, "plan")
    (read,) = book.touches(connection)
    (held,) = book.move(connection, [(read, attrs.evolve(read, state=State.HELD))], "plan")
    book.move(connection, [(held, attrs.evolve(held, state=State.READY))], "plan")
    assert book.move(connection, [(read, attrs.evolve(read, state=State.DENIED))], "plan") == []


def test_on_postgresql_two_senders_recover_what_a_dead_one_left_only_once(postgres):
    store = open_store(postgres)
    book = Ledger(declare_ledger(store), "bright-eyes")
    store.create()
    later = NOW + timedelta(minutes=6)
    with store.begin() as connection:
        book.judge(connection, [touch(patient=f"P{number}") for number in range(50)], {}, "plan")
        Claims(book).claim(connection, "dead", NOW, 100)
    together = threading.Barrier(4)

    def recover(_):
        with store.begin() as connection:
            together.wait()
            return len(Claims(book).recover(connection, later))

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(recover, range(4))) == 50
    with store.read() as connection:
        assert {one.moves for one in book.touches(connection)} == {3}
    store.close()


def test_of_two_who_move_the_same_touch_one_wins(ledger):
    book, connection = ledger
    book.judge(connection, [touch(), touch(patient="P2")], {}, "plan")
    seen = book.touches(connection)
    first = Claims(book).claim(connection, "first", NOW, 1)
    late = [(one, attrs.evolve(one, state=State.CLAIMED, owner="late")) for one in seen]
    won = book.move(connection, late, "late")
    assert len(first) == len(won) == 1
    assert {one.key for one in first} | {one.key for one in won} == {one.key for one in seen}


def test_what_waits_is_claimed_by_urgency_and_only_when_due(ledger):
    book, connection = ledger
    waiting = [
        touch(patient="later", due=NOW + timedelta(hours=1)),
        touch(patient="plain"),
        touch(patient="urgent", priority=1),
        touch(patient="held", state=State.HELD),
    ]
    book.judge(connection, waiting, {}, "plan")
    claimed = Claims(book).claim(connection, "me", NOW, 10)
    assert [one.patient for one in claimed] == ["urgent", "plain"]


def test_only_who_holds_a_touch_hands_it_over_and_only_once(ledger):
    book, connection = ledger
    claims, later = Claims(book), NOW + timedelta(minutes=4)
    book.judge(connection, [touch(), touch(patient="P2"), touch(patient="late", due=later)], {}, "plan")
    claims.claim(connection, "me", NOW, 10)
    keys = [one.key for one in book.touches(connection)]
    for owner, at in (("you", later), ("", later), ("me", NOW + LEASE)):
        assert claims.start(connection, keys, "mail", owner, at) == frozenset()
    assert {one.patient: one.attempts for one in book.touches(connection)} == {"P1": 0, "P2": 0, "late": 0}
    assert len(claims.start(connection, keys, "mail", "me", later)) == 2
    assert claims.start(connection, keys, "mail", "me", later) == frozenset()
    told = {one.patient: (one.state, one.attempts, one.sent_at, one.lease) for one in book.touches(connection)}
    going = (State.SENDING, 1, later, later + LEASE)
    assert told == {"P1": going, "P2": going, "late": (State.READY, 0, None, None)}


def test_a_lease_is_renewed_of_what_its_owner_has_claimed_and_still_holds(ledger):
    book, connection = ledger
    hers, minute = Ledger(book.tables, "next-door"), timedelta(minutes=1)
    for practice in (book, hers):
        practice.judge(
            connection, [touch(patient=f"P{number}", due=NOW - 3 * minute) for number in range(1, 5)], {}, "plan"
        )
        for owner, patient, left in (("me", "P1", 5), ("me", "P2", 5), ("you", "P3", 5), ("me", "P4", 2)):
            Claims(practice).claim(connection, owner, NOW + left * minute - LEASE, 1, only_to=[patient])
    claims = Claims(book)
    claims.start(connection, [touch(patient="P2").key], "mail", "me", NOW)
    claims.renew(connection, "me", NOW + 3 * minute)
    ends = {one.patient: (one.lease - NOW) // minute for one in book.touches(connection)}
    assert ends == {"P1": 8, "P2": 5, "P3": 5, "P4": 2}
    assert {one.lease - NOW for one in hers.touches(connection)} == {2 * minute, 5 * minute}


def test_the_turns_of_a_channel_follow_one_another_and_none_is_saved_up(ledger):
    book, connection = ledger

    def turn(asked, practice="bright-eyes", channel="mail"):
        second = timedelta(seconds=1)
        return (reserve(connection, book.tables, practice, channel, second, NOW + asked * second) - NOW) / second

    refused = []
    # PostgreSQL writes each statement that fails into its log.
    sa.event.listen(connection.engine, "handle_error", refused.append)
    assert [turn(0), turn(0), turn(0.5)] == [0, 1, 2]
    assert [turn(0, channel="texts"), turn(0, practice="next-door"), turn(0)] == [0, 0, 3]
    assert [turn(60), turn(60)] == [60, 61]
    # As many as a hundred senders take wait for one another; what lies further ahead, a wrong clock has taken.
    assert [turn(450), turn(60), turn(40)] == [450, 451, 40]
    assert refused == []


@settings(max_examples=40)
@given(
    st.sampled_from([0.5, 1, 2.5, 7, 25, 97, 100, 1000]),
    st.lists(st.tuples(st.floats(0, 2), st.booleans(), st.floats(0, 1)), min_size=1, max_size=150),
)
def test_no_second_has_more_than_its_limit_whoever_comes_when_and_begins_how_late(per_second, asked):
    measure, most = Allotment.of(per_second, 100), max(1, math.ceil(per_second))
    store = open_store("sqlite://")
    tables = declare_ledger(store)
    store.metadata.create_all(store.engine, [tables.pace])
    now, begun = NOW, []
    with store.begin() as connection:
        for gap, whole, late in asked:
            now += timedelta(seconds=1) * max(0, gap - 1) / per_second * 5
            messages = measure.size if whole else 1
            start = reserve(connection, tables, "p", "mail", measure.each, now, messages)
            begun.append((start + SLACK * late, messages))
    store.close()
    span = timedelta(seconds=most / per_second)
    for first, _ in begun:
        assert sum(messages for at, messages in begun if first <= at < first + span) <= most


def test_what_arrived_is_erased_with_the_address_that_it_holds_in_letters_of_either_case(ledger):
    book, connection = ledger
    bodies = ["Failed: MÜLLER@Home.example", "Failed: müller@home.example", "Failed: leo@home.example"]
    for practice in ("bright-eyes", "next-door"):
        for number, body in enumerate(bodies):
            kept = Kept(f"{practice}-{number}", "email.bounces", NOW, body.encode(), problem="it is no report")
            keep(connection, book.tables, practice, kept, NOW + timedelta(days=30))
    assert erase(connection, book.tables, "bright-eyes", [], ["", "Müller@home.example"]) == 2
    assert unread(connection, book.tables, "bright-eyes") == ["bright-eyes-2"]
    assert len(unread(connection, book.tables, "next-door")) == 3


def test_what_may_have_left_is_neither_called_off_nor_judged_as_if_it_had_not(ledger):
    book, connection = ledger
    doubtful = [touch(state=State.RETRY, sent_at=NOW), touch(patient="P2", state=State.RETRY)]
    book.judge(connection, doubtful, {}, "plan")
    claims = Claims(book)
    claimed = claims.claim(connection, "me", NOW, 10)
    claims.release(connection, [one.key for one in claimed], "me", NOW)
    assert {one.patient: one.state for one in book.touches(connection)} == {"P1": State.RETRY, "P2": State.READY}
    book.cancel(connection, "", NOW, "Kim")
    assert {one.patient: one.state for one in book.touches(connection)} == {"P1": State.UNKNOWN, "P2": State.CANCELLED}


def test_rivals_are_what_another_sender_of_the_same_practice_holds(ledger):
    book, connection = ledger
    ours = [touch(), touch(patient="P2")]
    for practice, owner in (("bright-eyes", "me"), ("next-door", "her")):
        one = Ledger(book.tables, practice)
        one.judge(connection, [touch(), touch(patient="P2")], {}, "plan")
        Claims(one).claim(connection, owner, NOW, 1, only_to=["P1"])
    Claims(book).claim(connection, "you", NOW, 1, only_to=["P2"])
    for owner, now, found in (("me", NOW, ["P2"]), ("you", NOW, ["P1"]), ("me", NOW + LEASE, [])):
        rivals = Rivals(book.tables, "bright-eyes").of(connection, ours, Terms(owner=owner), now)
        assert [one.patient for one in rivals] == found


def test_the_next_instant_at_which_a_sender_has_work_is_that_of_what_it_may_take_up(ledger):
    book, connection = ledger
    hour = timedelta(hours=1)
    waiting = [
        touch(),
        touch(patient="denied", state=State.DENIED, due=NOW + hour),
        touch(patient="next", state=State.DEFERRED, due=NOW + 2 * hour),
        touch(patient="after", due=NOW + 3 * hour),
    ]
    book.judge(connection, waiting, {}, "plan")
    Ledger(book.tables, "next-door").judge(connection, [touch(due=NOW + hour)], {}, "plan")
    times = [Claims(book).next_due(connection, NOW + number * hour) for number in (0, 2, 3)]
    assert times == [NOW + 2 * hour, NOW + 3 * hour, None]


@given(st.sampled_from(list(State)), st.sampled_from(list(State)))
def test_a_state_that_may_not_follow_is_refused(was, now):
    store = open_store("sqlite://")
    book = Ledger(declare_ledger(store), "bright-eyes")
    store.create()
    with store.begin() as connection:
        book.judge(connection, [touch(state=was)], {}, "plan")
        [before] = book.touches(connection)
        allowed = now is was or now in FOLLOWS[was]
        if allowed:
            assert book.move(connection, [(before, attrs.evolve(before, state=now))], "test")
        else:
            with pytest.raises(StoreError, match="may not follow"):
                book.move(connection, [(before, attrs.evolve(before, state=now))], "test")
            with pytest.raises(sa.exc.IntegrityError, match="may not follow"):
                connection.execute(sa.update(book.tables.touch).values(state=now.value))
    store.close()


@pytest.mark.no_cover
@pytest.mark.parametrize("now", ["posted", "", "|", "held|deferred", "expired|cancelled", "SENT"])
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_state_that_there_is_not_never_reaches_the_table(dialect, now, request):
    url = "sqlite://" if dialect == "sqlite" else request.getfixturevalue("postgres")
    store = open_store(url)
    book = Ledger(declare_ledger(store), "bright-eyes")
    store.create()
    table = book.tables.touch
    for was in State:
        one = book._values(touch(state=was, patient=was))
        with store.begin() as connection:
            connection.execute(sa.insert(table), [one])
        with pytest.raises(StoreError, match="IntegrityError"), store.begin() as connection:
            connection.execute(sa.update(table).where(table.c.patient == was).values(state=now))
        with pytest.raises(StoreError, match="IntegrityError"), store.begin() as connection:
            connection.execute(sa.insert(table), [{**one, "patient": "P2", "key": "k", "state": now}])
    store.close()


@given(
    st.sampled_from([(was, now) for was in (State.READY, State.DEFERRED, State.RETRY) for now in [State.CLAIMED]]),
    st.integers(1, 7),
)
def test_many_moved_at_once_are_noted_like_one(pair, number):
    was, now = pair
    store = open_store("sqlite://")
    book = Ledger(declare_ledger(store), "bright-eyes")
    store.create()
    with store.begin() as connection:
        many = [
            touch(patient=f"P{one}", state=was, occasion=f"birthday {one}", key=f"{one:032}") for one in range(number)
        ]
        book.judge(connection, many, {}, "plan")
        keys = [one.key for one in many]
        step, lease = Step(was, now), NOW + timedelta(minutes=5)
        moved = book.shift(connection, keys, step, "me", NOW, held_by="", owner="me", lease=lease)
        assert moved == set(keys)
        assert book.shift(connection, keys, step, "you", NOW, held_by="") == frozenset()
        told = [book.history(connection, key)[-1] for key in keys]
        assert {(one["was"], one["state"], one["actor"]) for one in told} == {(was.value, now.value, "me")}
        assert {one.moves for one in book.touches(connection)} == {2}
    store.close()


def test_nothing_leads_from_history_back_to_judgement_but_a_retry_that_had_no_effect():
    for state in SPENT:
        back = {one for one in FOLLOWS[state] if one in JUDGEMENTS or one is State.CLAIMED}
        assert back == ({State.CLAIMED} if state is State.RETRY else set())


def test_history_is_kept_in_order_with_actor_and_reason(ledger):
    book, connection = ledger
    book.judge(connection, [touch(state=State.HELD, reason="no_links")], {}, "plan")
    (before,) = book.touches(connection)
    book.judge(connection, [touch()], {before.key: before}, "plan")
    book.judge(connection, [touch()], {before.key: touch()}, "plan")
    told = [(event["was"], event["state"], event["reason"]) for event in book.history(connection, before.key)]
    assert told == [("", "held", "no_links"), ("held", "ready", "ready")]


def test_a_changed_touch_is_what_evolving_it_gives_and_nothing_else():
    one, new = touch(), {"state": State.CLAIMED, "owner": "me", "lease": NOW, "moves": 2}
    changed = one.changed(**new)
    assert changed == attrs.evolve(one, **new)
    assert repr(changed) == repr(attrs.evolve(one, **new))
    assert one == touch()
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        changed.state = State.SENT
    with pytest.raises(TypeError, match="no leese"):
        one.changed(leese=NOW)
