"""Several senders on one database: what one has claimed, the other counts, so that together they send no more."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from threading import Lock
from zoneinfo import ZoneInfo

import attrs
import pytest
import sqlalchemy as sa
from situations import consent, patient

from crmkit import CRM, Campaign, Cap, State
from crmkit.delivery.order import Order
from crmkit.ledger import claims
from crmkit.ledger.claims import LEASE

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

SYDNEY = ZoneInfo("Australia/Sydney")
TODAY = "on 2026-11-23"
CARD = Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule=TODAY, priority=40)
BACK = Campaign("back", objective="reactivate", message="reactivation", segment="everybody", schedule=TODAY)
NEWS = Campaign("news", objective="inform", message="newsletter", segment="everybody", schedule=TODAY)


def people(exports, number, **fields):
    rows = [
        patient(f"P{one:02}", **{"household": f"H{one}", "email": f"p{one}@x.example", **fields})
        for one in range(number)
    ]
    exports("patients", rows)
    exports("consents", [consent(row["id"]) for row in rows])


@pytest.fixture
def senders(exports, open_crm, tmp_path):
    """Open two CRMs on one database whose touches are all ready and due, whatever they owe each other."""

    def opened(number, *campaigns, **fields):
        people(exports, number, **fields)
        file = tmp_path / "content" / "newsletter" / "2026-11-23.md"
        file.parent.mkdir(parents=True)
        file.write_text("# News\n\nHello.\n", encoding="utf-8")
        crms = open_crm(content="content"), open_crm(content="content")
        crms[0].sync()
        for campaign in campaigns:
            crms[0].add(campaign)
        crms[0].plan()
        all_ready(crms[0])
        return crms

    return opened


def all_ready(crm):
    """Make all touches ready, as a plan leaves them that did not know of the others."""
    ledger = crm._stages.ledger
    with crm._store.begin() as connection:
        touches = ledger.touches(connection, crm._stages.tables.touch.c.state != State.READY.value)
        due = datetime(2026, 11, 23, 9, tzinfo=SYDNEY).astimezone(UTC)
        moves = [(was, attrs.evolve(was, state=State.READY, reason="ready", detail={}, due=due)) for was in touches]
        ledger.move(connection, moves, "test")


def claim(crm, *, limit=100, only=None):
    """Claim as a sender does; only the touches of one campaign, if it is named."""
    dispatch = crm._stages.dispatch
    with crm._store.begin() as connection:
        claimed = dispatch.claims.claim(connection, dispatch.owner, crm.clock.now(), limit)
        foreign = [touch.key for touch in claimed if only and touch.campaign != only]
        dispatch.claims.release(connection, foreign, dispatch.owner, crm.clock.now())
    return [touch for touch in claimed if touch.key not in foreign]


def going(crm, claimed):
    """Judge a second time; return who would get a message now, by campaign and patient, and the reasons of the rest."""
    window = crm._stages.dispatch.preparation.window(claimed)
    gone = sorted((one.touch.campaign, one.touch.patient) for one in window.written)
    return gone, Counter(touch.reason for _, touch in window.staying), window


@pytest.mark.parametrize("first_looks_first", [True, False])
@pytest.mark.parametrize("pause", [timedelta(0), timedelta(seconds=1)])
@pytest.mark.parametrize(
    ("campaigns", "reason"),
    [((CARD, BACK), "cap"), ((BACK, attrs.evolve(BACK, id="copy", priority=60)), "same_message")],
)
def test_of_two_messages_to_one_patient_that_two_senders_hold_one_leaves(
    senders, clock, campaigns, reason, pause, first_looks_first
):
    one, two = senders(1, *campaigns)
    held = claim(one, only=campaigns[0].id)
    clock.move(pause)
    looks = [(one, held), (two, claim(two, only=campaigns[1].id))]
    found = [going(*look)[:2] for look in (looks if first_looks_first else reversed(looks))]
    assert sorted(map(str, found)) == sorted(
        map(str, [([(campaigns[0].id, "P00")], Counter()), ([], Counter({reason: 1}))])
    )


@pytest.mark.parametrize("pause", [1, 0, -2], ids=["later", "in the same instant", "by a clock that runs behind"])
def test_what_was_claimed_first_goes_first_though_the_other_is_more_urgent(senders, clock, pause):
    one, two = senders(1, CARD, BACK)
    held = claim(one, only="back")
    clock.move(timedelta(seconds=pause))
    urgent = claim(two)
    assert going(two, urgent)[:2] == ([], Counter(too_much=1)), (
        "the first may be on its way before it can know of this one"
    )
    assert going(one, held)[0] == [("back", "P00")]


def test_who_claims_earlier_and_commits_later_is_seen_by_who_claims_meanwhile(
    exports, practice, tmp_path, postgres_ready
):
    people(exports, 1)
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    clock = Ticking(datetime(2026, 11, 23, 10, tzinfo=SYDNEY).astimezone(UTC))
    more = {"plugins": ["csv", "folder"], "settings": settings, "clock": clock, "root": tmp_path}
    with CRM(practice, postgres_ready, **more) as one, CRM(practice, postgres_ready, **more) as two:
        one.sync()
        for campaign in (CARD, BACK):
            one.add(campaign)
        one.plan()
        all_ready(one)

        def meanwhile():
            return going(two, two._stages.dispatch.seal.done(lambda mine: claimed(two, mine)))[0]

        with ThreadPoolExecutor(1) as threads:
            with one._store.begin() as connection:
                held = claimed(one, connection)
                other = threads.submit(meanwhile)
                wait([other], 0.5)
            assert sorted(going(one, held)[0] + other.result(20)) == [("card", "P00")]


def test_a_sender_that_stands_still_amid_its_claim_keeps_no_other_waiting_for_good(
    exports, practice, clock, tmp_path, postgres_ready, monkeypatch
):
    monkeypatch.setattr(claims, "_PATIENCE", 0.1)
    people(exports, 2)
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    more = {"plugins": ["csv", "folder"], "settings": settings, "clock": clock, "root": tmp_path}
    with CRM(practice, postgres_ready, **more) as one, CRM(practice, postgres_ready, **more) as two:
        one.sync()
        one.add(CARD)
        one.plan()
        all_ready(one)
        with one._store.begin() as connection:
            assert len(claimed(one, connection)) == 1
            assert two.send().sent == 1


def claimed(crm, connection):
    """Claim one touch, and have not committed it yet."""
    return crm._stages.dispatch._claimed(connection, Order(), 1)


def test_what_a_dead_sender_held_counts_no_longer_than_its_lease(senders, clock):
    one, two = senders(1, CARD, BACK)
    claim(one, only="card")
    clock.move(LEASE)
    assert going(two, claim(two))[0] == [("back", "P00")]


def test_who_looks_after_the_dead_waits_for_nobody_who_lives(exports, practice, clock, tmp_path, postgres_ready):
    people(exports, 2)
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    more = {"plugins": ["csv", "folder"], "settings": settings, "clock": clock, "root": tmp_path}
    impatient = sa.create_engine(postgres_ready, connect_args={"options": "-c lock_timeout=100"})
    with CRM(practice, postgres_ready, **more) as slow, CRM(practice, impatient, **more) as other:
        slow.sync()
        slow.add(CARD)
        slow.plan()
        held = claim(slow)
        clock.move(LEASE)
        with slow._store.begin() as connection:
            moving = slow._stages.ledger.tables.touch.c.key == held[0].key
            slow._stages.ledger.touches(connection, moving, free=True)
            other._stages.dispatch.rescue.run()
            (freed,) = (event.key for event in other.feed() if event.reason == "released")
        other._stages.dispatch.rescue.run()
        assert [event.key for event in other.feed() if event.reason == "released"].count(held[0].key) == 1
    assert freed == held[1].key
    impatient.dispose()


def test_what_others_hold_makes_the_plan_wait(senders):
    one, two = senders(1, CARD, BACK)
    claim(one, only="card")
    (touch,) = two.plan().touches
    assert (touch.campaign, touch.state, touch.reason) == ("back", State.DEFERRED, "cap")


@pytest.mark.parametrize("first_looks_first", [True, False])
def test_of_one_address_two_senders_give_it_one_copy(senders, first_looks_first):
    one, two = senders(4, NEWS, email="family@x.example")
    looks = [(one, claim(one, limit=2)), (two, claim(two, limit=2))]
    found = [going(*look)[:2] for look in (looks if first_looks_first else reversed(looks))]
    gone = [key for keys, _ in found for key in keys]
    assert len(gone) == 1
    assert sum((reasons for _, reasons in found), Counter()) == {"carried": 3}
    for crm, claimed in looks:
        assert all(touch.carried_by for _, touch in going(crm, claimed)[2].staying)


@pytest.mark.parametrize("first_looks_first", [True, False])
def test_together_they_send_no_more_of_a_campaign_than_a_day_may_have(senders, first_looks_first):
    one, two = senders(8, attrs.evolve(BACK, per_day=5))
    looks = [(one, claim(one, limit=4)), (two, claim(two))]
    found = [going(*look)[:2] for look in (looks if first_looks_first else reversed(looks))]
    assert sorted(len(keys) for keys, _ in found) == [1, 4]
    assert sum((reasons for _, reasons in found), Counter()) == {"spread": 3}


@attrs.define
class Ticking:
    """A clock that two threads share and that never says the same twice."""

    at: datetime
    _lock: Lock = attrs.field(factory=Lock, repr=False)

    def now(self):
        with self._lock:
            self.at += timedelta(milliseconds=1)
            return self.at


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_sending_at_the_same_time_they_keep_caps_and_days(database, exports, practice, tmp_path, request):
    people(exports, 60)
    url = f"sqlite:///{tmp_path}/crm.db" if database == "sqlite" else request.getfixturevalue("postgres_ready")
    clock = Ticking(datetime(2026, 11, 23, 10, tzinfo=SYDNEY).astimezone(UTC))
    settings = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}
    more = {
        "plugins": ["csv", "folder"],
        "settings": settings,
        "clock": clock,
        "root": tmp_path,
        "caps": (Cap(most=2),),
    }
    campaigns = [attrs.evolve(BACK, id=f"back-{day}", schedule=f"on 2026-11-{day}") for day in (20, 21, 22, 23)]
    with CRM(practice, url, **more) as first, CRM(practice, url, **more) as second:
        first.sync()
        for campaign in campaigns:
            first.add(attrs.evolve(campaign, per_day=40))
        first.plan()
        all_ready(first)
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda crm: [crm.send(limit=7) for _ in range(30)], (first, second)))
        with first._store.read() as connection:
            touches = first._stages.ledger.touches(connection)
    sent = [touch for touch in touches if touch.state is State.SENT]
    assert {touch.state for touch in touches} == {State.SENT, State.DEFERRED}
    assert max(Counter(touch.patient for touch in sent).values()) == 2
    assert max(Counter(touch.campaign for touch in sent).values()) <= 40
    assert len(sent) > 80
