"""A rehearsal says what real days bring, with hours, holidays, quiet days, caps and spreading on."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import attrs
import pytest
import sqlalchemy as sa
from real_days import real_days
from situations import consent, patient

from crmkit import CRM, Campaign
from crmkit.crm import rehearsal
from crmkit.ledger.learnt import address_digest
from crmkit.ledger.state import SPENT, State
from crmkit.ledger.touch import Touch, touch_key
from crmkit.messages.mime import to_bytes
from crmkit.people.medium import Medium, Purpose

OPEN, QUIET = "Mon-Fri 11:30-16:00, Sat 12:00-12:30", "2026-11-26, 2026-12-04"
CAMPAIGNS = (
    Campaign(
        "card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday", priority=40
    ),
    Campaign(
        "news",
        objective="inform",
        message="newsletter",
        segment="everybody",
        schedule="yearly on 25 November",
        per_day=9,
    ),
    Campaign(
        "back",
        objective="reactivate",
        message="reactivation",
        segment="last_visit is empty",
        schedule="yearly on 8 December",
        lot="0.3",
        priority=10,
        per_day=5,
    ),
)


@pytest.fixture
def practice(practice):
    """Where the law knows hours and holidays for e-mail."""
    return attrs.evolve(
        practice, country="ZA", timezone="Africa/Johannesburg", phone="", locale="en_ZA", currency="ZAR"
    )


@pytest.fixture
def crm(exports, open_crm, clock, tmp_path):
    rows = [
        patient(
            f"P{n:02}",
            born=f"19{40 + n}-{11 + n % 2}-{1 + n * 5 % 28:02}",
            household=f"H{n // 3}",
            email=f"p{n // 2}@x.example",
        )
        for n in range(45)
    ]
    exports("patients", rows)
    exports("consents", [consent(row["id"]) for row in rows])
    path = tmp_path / "content" / "newsletter" / "2026.md"
    path.parent.mkdir(parents=True)
    path.write_text("# News\n\nHello.\n", encoding="utf-8")
    # Monday, eight in the morning there: before anything may leave.
    clock.set(datetime(2026, 11, 23, 6, tzinfo=UTC))
    crm = open_crm(content="content", hours=OPEN, closed=QUIET)
    crm.sync()
    for campaign in CAMPAIGNS:
        crm.add(campaign)
    return crm


def test_a_rehearsal_equals_the_real_days_with_all_that_makes_messages_wait(crm, clock, tmp_path):
    rehearsed = crm.rehearse(30)
    assert crm.feed() == [], "a rehearsal leaves no trace"
    assert [day.day for day in rehearsed.days] == [date(2026, 11, 23) + timedelta(days=n) for n in range(30)]
    sent = [(touch, touch.sent_at.astimezone(crm.practice.zone)) for day in rehearsed.days for touch in day.sent]
    expected = [{message.key: to_bytes(message) for message in day.messages} for day in rehearsed.days]
    assert real_days(crm, clock, tmp_path / "outbox", 30) == expected
    assert len(sent) == rehearsed.messages > 50

    # All that can make a message wait did so; a test of nothing but equal silence would prove little.
    waiting = {reason for day in rehearsed.days for _, reason in day.waiting}
    assert waiting >= {"hours", "closed", "holiday", "cap", "spread", "withheld", "carried"}
    days = Counter((touch.campaign, at.date()) for touch, at in sent)
    assert max(number for (campaign, _), number in days.items() if campaign == "news") == 9
    assert max(number for (campaign, _), number in days.items() if campaign == "back") == 5
    assert not {at.date() for _, at in sent} & {date(2026, 11, 26), date(2026, 12, 4), date(2026, 12, 16)}
    assert all("11:30" <= f"{at:%H:%M}" < "16:00" and at.weekday() < 6 for _, at in sent)
    last = {}
    for touch, at in sent:
        assert at - last.get(touch.patient, at - timedelta(days=8)) >= timedelta(days=7)
        last[touch.patient] = at


def test_a_rehearsal_asked_for_at_night_sends_when_the_day_comes(crm, clock):
    clock.set(datetime(2026, 11, 22, 23, tzinfo=UTC))
    counts = [len(day.sent) for day in crm.rehearse(10).days]
    clock.set(datetime(2026, 11, 23, 10, tzinfo=UTC))
    assert counts == [len(day.sent) for day in crm.rehearse(10).days]
    assert sum(counts) > 20


STATES = (*SPENT, State.HELD, State.DEFERRED, State.DENIED, State.CARRIED, State.READY, State.EXPIRED, State.CANCELLED)
#: How campaigns that there are, and one that there was, say what their touches are about.
SAID = (
    ("card", "core.birthday", "birthday"),
    ("news", "core.newsletter", "newsletter"),
    ("spring", "core.newsletter", "newsletter"),
    ("back", "core.reactivation", "reactivation"),
)


def old(said: tuple[str, str, str], number: int, state: State, day: date, left: int) -> Touch:
    campaign, message, stem = said
    occasion, patient = f"{stem} {day.year}", f"P{number:02}"
    due = datetime(day.year, day.month, day.day, 7, tzinfo=UTC)
    sent = due + timedelta(days=left) if state in SPENT else None
    return Touch(
        campaign=campaign,
        occasion=occasion,
        patient=patient,
        key=touch_key("bright-eyes", campaign, occasion, patient),
        version=1,
        message=message,
        purpose=Purpose.MARKETING,
        medium=Medium.EMAIL,
        recipient=patient,
        state=state,
        reason=state.value,
        due=due,
        stale=due + timedelta(days=14),
        changed_at=sent or due,
        address=address_digest("bright-eyes", Medium.EMAIL, f"p{number // 2}@x.example"),
        sent_at=sent,
        attempts=bool(sent),
    )


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_a_rehearsal_that_copies_only_what_it_needs_equals_one_that_copies_all(crm, monkeypatch, seed, asks):
    chance = random.Random(seed)
    crm.add(attrs.evolve(CAMPAIGNS[2], segment="last_contact before 2 years ago" if asks else CAMPAIGNS[2].segment))
    stages, touches = crm._stages, {}
    for _ in range(60):
        day = date(2023, 1, 1) + timedelta(days=chance.randrange(1421))
        one = old(chance.choice(SAID), chance.randrange(45), chance.choice(STATES), day, chance.choice([0, 1, 12]))
        # Two of one occasion and message would have been refused when they were sent.
        touches[one.patient, one.message, one.occasion] = one
    with stages.seal.begin() as connection:
        stages.ledger.judge(connection, list(touches.values()), {}, "plan")
    some = crm.rehearse(17)
    monkeypatch.setattr(type(stages.planner), "looks_back_to", lambda *_: datetime(1970, 1, 1, tzinfo=UTC))
    assert crm.rehearse(17) == some


def test_a_practice_without_caps_is_rehearsed_too(open_crm, exports):
    exports("patients", [patient("P1")])
    exports("consents", [consent("P1")])
    crm = open_crm(caps=[])
    crm.sync()
    crm.add(CAMPAIGNS[0])
    assert crm.rehearse(days=2).messages == 1


def test_a_rehearsal_copies_no_settled_touches_of_earlier_years_and_of_no_other_practice(crm):
    there = [old(SAID[1], n, State.SENT, date(2019 + n % 5, 3, 1), 1) for n in range(40)]
    recent = old(SAID[3], 1, State.SENT, date(2026, 3, 1), 1)
    stages, asked = crm._stages, []
    other = attrs.evolve(stages.ledger, practice="another")
    sa.event.listen(stages.store.engine, "before_cursor_execute", lambda *given_: asked.append(given_[0:3:2]))
    with stages.seal.begin() as connection:
        stages.ledger.judge(connection, [*there, recent], {}, "plan")
        other.judge(connection, [recent], {}, "plan")
    copied = []

    def count(day: date) -> None:
        connection = asked[-1][0]
        table = stages.tables.touch
        query = sa.select(table.c.key, table.c.practice).where(table.c.stale < datetime(2026, 11, 1, tzinfo=UTC))
        copied.append([*connection.execute(query)])

    crm.rehearse(1, progress=count)
    assert copied == [[(recent.key, "bright-eyes")]]


def test_on_postgresql_a_day_on_which_many_are_written_to_is_counted_while_it_goes_on(
    postgres, practice, clock, exports, tmp_path, monkeypatch
):
    # Else each window would read all that was handed over before it: a day of twenty thousand took a minute.
    monkeypatch.setattr(rehearsal, "_MANY", 10)
    exports("patients", [patient(f"P{one}", household=f"H{one}", email=f"p{one}@x.example") for one in range(60)])
    exports("consents", [consent(f"P{one}") for one in range(60)])
    settings, said = {"csv": {"folder": "exports"}, "folder": {"path": "outbox"}}, []
    engine = sa.create_engine(postgres)
    with CRM(practice, engine, plugins=["csv", "folder"], settings=settings, clock=clock, root=tmp_path) as crm:
        crm.sync()
        crm.add(
            Campaign("card", objective="celebrate", message="birthday", segment="everybody", schedule="on birthday")
        )
        sa.event.listen(engine, "before_cursor_execute", lambda _, __, text, *___: said.append(text))
        assert crm.rehearse(days=1).messages == 60
    handed = [number for number, text in enumerate(said) if text.startswith("UPDATE crmkit_attempt SET outcome")]
    counted = [number for number, text in enumerate(said) if text.startswith("ANALYZE") and "attempt" in text]
    assert any(handed[0] < number < handed[-1] for number in counted)
    engine.dispose()
