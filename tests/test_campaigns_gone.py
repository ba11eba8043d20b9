"""What has left counts for who it was about and for where it went, however it is looked up, on both databases."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import attrs
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from crmkit.campaigns.caps import Cap
from crmkit.campaigns.gone import Gone
from crmkit.ledger.ledger import Ledger
from crmkit.ledger.state import State
from crmkit.ledger.tables import declare_ledger
from crmkit.ledger.touch import Touch
from crmkit.people.medium import Medium, Purpose
from crmkit.store.store import Store, open_store

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CAP = Cap(days=7)
COUNTED = (State.SENT, State.DELIVERED, State.COMPLAINED, State.SENDING, State.UNKNOWN, State.BOUNCED)
PEOPLE, ADDRESSES = ["P1", "P2", "P3", "P4"], ["", "a", "b", "c"]


def touch(
    number: int,
    patient: str,
    address: str,
    state: State,
    purpose: Purpose,
    days: float | None,
    in_time: timedelta = timedelta(days=3),
) -> Touch:
    sent_at = None if days is None else NOW - timedelta(days=days)
    return Touch(
        campaign=f"campaign-{number}",
        occasion="once",
        patient=patient,
        key=f"K{number}",
        version=1,
        message=f"acme.{number}",
        purpose=purpose,
        medium=Medium.EMAIL,
        recipient=patient,
        state=state,
        reason=state.value,
        due=NOW,
        stale=(sent_at or NOW) + in_time,
        changed_at=NOW,
        address=address,
        sent_at=sent_at,
    )


LEFT = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE),
        st.sampled_from(ADDRESSES),
        st.sampled_from([*COUNTED, State.READY, State.REFUSED]),
        st.sampled_from([Purpose.MARKETING, Purpose.FEEDBACK, Purpose.CARE]),
        st.sampled_from([None, 0, 1, 6.9, 7, 400]),
        # Judged in time and handed over just after that; or long before its occasion is over.
        st.sampled_from([timedelta(seconds=-20), timedelta(minutes=1), timedelta(days=60)]),
    ),
    max_size=8,
)
ASKING = st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(ADDRESSES)), min_size=1, max_size=4)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ledger(request):
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue("postgres_server").fresh()
    store = open_store(url)
    made = Ledger(declare_ledger(store), "bright-eyes")
    store.create()
    with store.begin() as connection:
        yield made, connection
    store.close()


@given(left=LEFT, asking=ASKING, others=st.sampled_from([0, 501]))
def test_each_message_counts_for_its_patient_and_for_its_address(ledger, left, asking, others):
    book, connection = ledger
    there = [touch(number, *one) for number, one in enumerate(left)]
    asked = [touch(number, *one, State.READY, Purpose.MARKETING, None) for number, one in enumerate(asking)]
    crowd = [attrs.evolve(asked[0], patient=f"Q{number}", address="") for number in range(others)]
    with connection.begin_nested() as savepoint:
        connection.execute(sa.delete(book.tables.touch))
        book.judge(connection, there, {}, "plan")
        past = Gone(book.tables, "bright-eyes").past(connection, CAP, [*asked, *crowd], NOW)
        savepoint.rollback()
    counted = [one for one in there if one.state in COUNTED and one.purpose in CAP.purposes and counts(one)]
    for one in asked:
        about = Counter(gone.sent_at for gone in counted if gone.patient == one.patient)
        assert Counter(past.get(f"patient:{one.patient}", ())) == about
        to = Counter(gone.sent_at for gone in counted if one.address and gone.address == one.address)
        assert Counter(past.get(f"address:{one.address}", ())) == to


def counts(one: Touch) -> bool:
    return one.sent_at is not None and one.sent_at > NOW - CAP.span


NEWS = st.lists(
    st.tuples(
        st.sampled_from(["acme.news", "acme.offer"]),
        st.sampled_from(["news 2026", "news 2025"]),
        st.sampled_from(ADDRESSES),
        st.sampled_from([*COUNTED, State.READY, State.REFUSED]),
        # Of one occasion, however far apart a year lets two of it be.
        st.integers(-480, 480),
    ),
    min_size=1,
    max_size=8,
)


def news(number: int, message: str, occasion: str, address: str, state: State, days: int) -> Touch:
    one = touch(number, f"P{number}", address, state, Purpose.MARKETING, 0)
    stale = NOW + timedelta(days=days if occasion == "news 2026" else days - 365)
    return attrs.evolve(one, message=message, occasion=occasion, stale=stale)


@given(left=NEWS, asking=NEWS, others=st.sampled_from([0, 501]))
def test_a_copy_is_found_by_what_it_says_and_where_it_went_and_in_no_other_way(ledger, left, asking, others):
    book, connection = ledger
    there = [news(number, *one) for number, one in enumerate(left)]
    asked = [news(number, *one[:4], 3) for number, one in enumerate(asking)]
    crowd = [attrs.evolve(asked[0], patient=f"Q{number}", address=f"at-{number}") for number in range(others)]
    with connection.begin_nested() as savepoint:
        connection.execute(sa.delete(book.tables.touch))
        book.judge(connection, there, {}, "plan")
        found = Gone(book.tables, "bright-eyes").copies(connection, [*asked, *crowd])
        savepoint.rollback()
    says = {(one.message, one.occasion, one.medium.value, one.address): one for one in there if one.state in COUNTED}
    for one in asked:
        what = (one.message, one.occasion, one.medium.value, one.address)
        assert (what in found) == (what in says)
        assert all(key == there[int(key[1:])].key and patient == f"P{key[1:]}" for key, patient in found.values())


def overheard() -> tuple[Store, Ledger, list[tuple[str, object]]]:
    """Return an empty ledger, and what is asked of its database."""
    store = open_store("sqlite://")
    book = Ledger(declare_ledger(store), "bright-eyes")
    store.create()
    told: list[tuple[str, object]] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *given_: told.append(given_[2:4]))
    return store, book, told


def test_a_copy_is_looked_for_among_the_latest_touches_of_an_address():
    store, book, told = overheard()
    with store.begin() as connection:
        asking = [news(n, "acme.news", "news 2026", f"at-{n}", State.READY, 3) for n in range(20)]
        Gone(book.tables, "bright-eyes").copies(connection, asking)
        [(text, given_)] = [one for one in told if "found" in one[0]]
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given_)]
    looks = [detail for detail in plan if "crmkit_touch" in detail]
    assert looks[0].endswith("COVERING INDEX crmkit_touch_address (practice=? AND address=? AND stale>?)")
    assert [look.partition(" USING ")[2] for look in looks[1:]] == [
        "PRIMARY KEY (practice=? AND campaign=? AND occasion=? AND patient=?)"
    ]
    store.close()


def test_where_nobody_else_is_at_an_address_no_touch_is_looked_up_by_it_and_none_of_earlier_years():
    store, book, told = overheard()
    with store.begin() as connection:
        there = [touch(n, f"P{n % 50}", f"at-{n % 50}", State.SENT, Purpose.MARKETING, n) for n in range(500)]
        book.judge(connection, there, {}, "plan")
        connection.exec_driver_sql("ANALYZE")
        del told[:]
        asking = [touch(n, f"P{n}", f"at-{n}", State.READY, Purpose.MARKETING, None) for n in range(20)]
        Gone(book.tables, "bright-eyes").past(connection, CAP, asking, NOW)
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given_).first() for text, given_ in [*told]]
    assert [plan.detail.partition("USING ")[2] for plan in plans if plan] == [
        "INDEX crmkit_touch_patient_sent (practice=? AND patient=? AND sent_at>?)",
        "COVERING INDEX crmkit_touch_address (practice=? AND address=? AND stale>?)",
    ]
    store.close()
