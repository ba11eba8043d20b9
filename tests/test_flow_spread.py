"""A campaign spread over days: the plan says which day, and no day has more, whatever happens in between."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest
from situations import consent, patient

from crmkit import CRM, Campaign, State
from crmkit.errors import ConfigError

SYDNEY = ZoneInfo("Australia/Sydney")
#: Due on a Friday.
BACK = Campaign(
    "back",
    objective="reactivate",
    message="reactivation",
    segment="everybody",
    schedule="on 2026-11-27",
    per_day=10,
)
OPEN = "Mon-Fri 09:00-17:00"
DAYS = ("2026-11-27", "2026-11-30", "2026-12-01")


@pytest.fixture
def crm(exports, open_crm):
    rows = [patient(f"P{n:02}", household=f"H{n}", email=f"p{n}@x.example") for n in range(25)]
    exports("patients", rows)
    exports("consents", [consent(row["id"]) for row in rows])
    crm = open_crm(hours=OPEN)
    crm.sync()
    crm.add(BACK)
    return crm


def due(crm, **more):
    plan = crm.plan(date(2026, 12, 4), **more)
    return {touch.patient: touch.due.astimezone(SYDNEY).strftime("%Y-%m-%d %H:%M") for touch in plan.touches}


def go_to(clock, text):
    clock.set(datetime.fromisoformat(text).replace(tzinfo=SYDNEY))


def test_the_plan_shows_the_day_of_each_and_the_days_keep_to_it(crm, clock, outbox):
    planned = due(crm)
    assert Counter(planned.values()) == {f"{DAYS[0]} 09:00": 10, f"{DAYS[1]} 09:00": 10, f"{DAYS[2]} 09:00": 5}
    assert {touch.reason for touch in crm.plan(dry=True).touches} == {"ready", "spread"}
    assert "at most 10 on one day" in crm.why("P24")[0].words
    sent = {}
    for day in range(24, 34):
        go_to(clock, (date(2026, 11, 1) + timedelta(days=day - 1)).isoformat())
        for _ in range(48):
            for touch in crm.send().touches:
                assert touch.state is State.SENT
                sent[touch.patient] = clock.now().astimezone(SYDNEY).strftime("%Y-%m-%d %H:%M")
            clock.move(timedelta(minutes=30))
    assert sent == planned
    assert len(outbox()) == 25


def test_planning_again_in_the_middle_of_a_day_moves_nothing(crm, clock):
    planned = due(crm)
    go_to(clock, "2026-11-27T09:00")
    assert crm.send(limit=4).sent == 4
    assert crm.plan(date(2026, 12, 4)).changed == 0
    rest = due(crm)
    assert rest == {who: at for who, at in planned.items() if who in rest}
    assert (len(rest), crm.send().sent) == (21, 6)


def test_a_day_on_which_nobody_sent_leaves_the_next_with_no_more(crm, clock):
    due(crm)
    go_to(clock, "2026-11-30T11:00")
    assert crm.send(dry=True).counts() == {State.READY: 10, State.DEFERRED: 10}
    first = crm.send()
    assert first.counts() == {State.SENT: 10, State.DEFERRED: 10}
    assert {touch.reason for touch in first.touches} == {"sent", "spread"}
    assert crm.send().touches == ()
    assert Counter(due(crm).values()) == {"2026-12-01 09:00": 10, "2026-12-02 09:00": 5}
    go_to(clock, "2026-12-01T10:00")
    assert crm.send().sent == 10


def test_what_finds_no_day_before_it_is_stale_is_told_early(crm):
    crm.add(attrs.evolve(BACK, per_day=2))
    found = Counter((touch.state, touch.reason) for touch in crm.plan().touches)
    # Fourteen days after a Friday are ten working days, and the Friday itself.
    assert found == {
        (State.READY, "ready"): 2,
        (State.DEFERRED, "spread"): 20,
        (State.DENIED, "too_many"): 3,
    }


def test_a_denial_or_a_lot_takes_no_room(crm, exports):
    exports("consents", [consent(f"P{n:02}") for n in range(5, 25)])
    crm.sync()
    crm.add(attrs.evolve(BACK, lot="0.5"))
    touches = crm.plan().touches
    messaged = [touch for touch in touches if touch.state in (State.READY, State.DEFERRED)]
    assert 3 < len(messaged) < 17
    assert sum(touch.due < datetime(2026, 11, 28, tzinfo=SYDNEY) for touch in messaged) == min(10, len(messaged))


def test_it_is_a_key_of_the_file_and_a_change_of_it_a_new_version(crm, tmp_path, clock):
    (tmp_path / "crm.toml").write_text(
        """
        database = "sqlite:///other.db"
        [practice]
        id = "a"
        name = "A"
        country = "AU"
        timezone = "UTC"
        locale = "en"
        currency = "AUD"
        email = "a@b.example"
        [campaigns.back]
        objective = "reactivate"
        message = "reactivation"
        segment = "everybody"
        schedule = "yearly on 1 December"
        per_day = 40
        """,
        encoding="utf-8",
    )
    with CRM.from_file(tmp_path / "crm.toml", clock=clock) as other:
        (campaign,) = other.programme()
        assert campaign.per_day == 40
        assert Campaign.from_definition(campaign.definition()) == campaign
    old = {name: value for name, value in BACK.definition().items() if name != "per_day"}
    assert Campaign.from_definition(old).per_day is None


@pytest.mark.parametrize("wrong", [0, -1])
def test_none_a_day_is_refused(wrong):
    with pytest.raises(ConfigError, match="at least 1"):
        attrs.evolve(BACK, per_day=wrong)
