"""What a campaign with a lot is said to bring about, on a few patients whose truth can be counted by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from test_metrics_panel import AS_OF, LONG_AGO, PRACTICE, Desk, make_desk

from crmkit.metrics.effect import Effect
from crmkit.metrics.interval import Arm, difference

#: 1 March 2025, 9 in the morning in Sydney.
DUE = datetime(2025, 2, 28, 22, 0, tzinfo=UTC)
FRESH = timedelta(days=14)


@pytest.fixture
def desk() -> Desk:
    desk = make_desk()
    lot(desk, 1, "0.5", LONG_AGO)
    return desk


def lot(desk: Desk, version: int, share: str, at: datetime) -> None:
    values = {"id": "come-back", "version": version, "definition": {"lot": share}, "current": True, "added_at": at}
    desk.write(desk.ledger.campaign, practice=PRACTICE.id, **values)


def drawn(desk: Desk, patient: str, arm: str, *judged: tuple[str, str, datetime], **more: Any) -> None:
    """Give a patient a touch with these judgements behind it: state, reason and instant."""
    due = more.get("due", DUE)
    given = {"campaign": "come-back", "occasion": "o1", "key": f"{patient}-{more.get('occasion')}", "arm": arm}
    given |= {"household": patient, "state": judged[-1][0], "due": due, "stale": due + FRESH}
    desk.touch(patient, **given | more)
    whose = {
        "practice": PRACTICE.id,
        "campaign": "come-back",
        "occasion": more.get("occasion", "o1"),
        "patient": patient,
    }
    for number, (state, reason, at) in enumerate(judged, start=1):
        row = {"number": number, "at": at, "state": state, "reason": reason, "detail": {}, "actor": "plan"}
        desk.write(desk.ledger.event, **whose, **row)


def effect(desk: Desk) -> Effect:
    (found,) = desk.findings().effects
    return found


READY, WITHHELD = ("ready", "ready", DUE), ("withheld", "withheld", DUE)


def test_each_patient_counts_in_the_arm_of_the_draw_whatever_became_of_the_message(desk: Desk) -> None:
    desk.patient("came", date(2025, 4, 1))
    desk.patient("bounced")
    desk.patient("came-unasked", date(2025, 3, 3))
    desk.patient("stayed-away", date(2025, 2, 28), date(2025, 4, 30))  # a day too early, and one too late
    desk.patient("crowded", date(2025, 4, 29))
    drawn(desk, "came", "messaged", READY, ("sent", "sent", DUE))
    drawn(desk, "bounced", "messaged", READY, ("sent", "sent", DUE), ("bounced", "bounced", DUE))
    drawn(desk, "crowded", "messaged", ("denied", "too_much", DUE))
    # Who comes is no longer asked. Such patients are missing from those who are withheld today, and from them alone.
    drawn(desk, "came-unasked", "withheld", WITHHELD, ("denied", "left_segment", DUE + timedelta(days=3)))
    drawn(desk, "stayed-away", "withheld", WITHHELD)
    found = effect(desk)
    assert (found.messaged.seen, found.messaged.patients) == (2, 3)
    assert (found.withheld.seen, found.withheld.patients) == (1, 2)
    assert (found.campaign, found.since, found.waiting) == ("come-back", date(2025, 3, 1), 0)


def test_who_may_not_be_written_to_counts_in_neither_arm_until_nothing_is_against_it(desk: Desk) -> None:
    later = DUE + timedelta(days=2)
    for arm, state in (("messaged", "ready"), ("withheld", "withheld")):
        desk.patient(f"no-{arm}", date(2025, 3, 2))
        desk.patient(f"then-{arm}", date(2025, 3, 2))  # before the name was mended
        drawn(desk, f"no-{arm}", arm, ("denied", "no_consent", DUE))
        drawn(desk, f"then-{arm}", arm, ("held", "doubtful_name", DUE), (state, state, later))
    drawn(desk, "forgotten", "messaged", READY)
    found = effect(desk)
    assert (found.messaged.seen, found.messaged.patients) == (0, 1)
    assert (found.withheld.seen, found.withheld.patients) == (0, 1)


def test_the_sixty_days_begin_in_both_arms_when_the_message_was_due_and_not_when_there_was_room(desk: Desk) -> None:
    desk.patient("late", date(2025, 4, 30))
    desk.patient("in-time", date(2025, 4, 29))
    later = DUE + timedelta(days=10)
    drawn(desk, "late", "messaged", ("deferred", "spread", DUE), due=later, stale=DUE + FRESH)
    drawn(desk, "in-time", "withheld", WITHHELD)
    assert (effect(desk).messaged.seen, effect(desk).withheld.seen) == (0, 1)


def test_a_later_occasion_and_another_lot_are_not_put_together_with_the_first(desk: Desk) -> None:
    desk.patient("again", date(2025, 3, 2), date(2025, 9, 2))
    desk.patient("early", date(2025, 9, 2))
    desk.patient("late", date(2025, 9, 2))
    desk.patient("too-late")
    second = DUE + timedelta(days=183)
    drawn(desk, "again", "messaged", READY)
    drawn(desk, "again", "messaged", ("ready", "ready", second), occasion="o2", due=second)
    drawn(desk, "early", "withheld", WITHHELD)
    drawn(desk, "late", "messaged", ("ready", "ready", second), occasion="o2", due=second)
    drawn(desk, "too-late", "messaged", ("ready", "ready", AS_OF - timedelta(days=50)), occasion="o3", due=AS_OF)
    found = effect(desk)
    assert (found.messaged.seen, found.messaged.patients, found.withheld.patients, found.waiting) == (2, 2, 1, 1)
    lot(desk, 2, "0.1", second - timedelta(days=5))
    lot(desk, 3, "0.10", second - timedelta(days=4))
    found = effect(desk)
    assert (found.messaged.seen, found.messaged.patients, found.withheld.patients) == (1, 1, 0)
    lot(desk, 4, "0", second + timedelta(days=20))
    assert (effect(desk).messaged.patients, effect(desk).waiting) == (1, 0)


def test_a_campaign_without_a_lot_has_no_effect_to_tell() -> None:
    desk = make_desk()
    lot(desk, 1, "0", LONG_AGO)
    drawn(desk, "anybody", "", READY)
    assert desk.findings().effects == ()


def test_members_of_one_household_who_do_alike_tell_as_much_as_one_of_them() -> None:
    alone = difference(Arm.of([(1, 1)] * 30 + [(1, 0)] * 70), Arm.of([(1, 1)] * 20 + [(1, 0)] * 80))
    fours = difference(Arm.of([(4, 4)] * 30 + [(4, 0)] * 70), Arm.of([(4, 4)] * 20 + [(4, 0)] * 80))
    assert alone
    assert fours
    assert fours.value == alone.value == Decimal("0.1")
    assert float(fours.low) == pytest.approx(float(alone.low), abs=0.001)
    assert float(fours.high) == pytest.approx(float(alone.high), abs=0.001)
    # Newcombe's own example (1998, method 10): 56 of 70 and 48 of 80.
    found = difference(Arm.of([(1, 1)] * 56 + [(1, 0)] * 14), Arm.of([(1, 1)] * 48 + [(1, 0)] * 32))
    assert found
    assert (float(found.low), float(found.high)) == (pytest.approx(0.0524, abs=1e-3), pytest.approx(0.3339, abs=1e-3))
    assert difference(Arm(), Arm.of([(1, 1)])) is None
    none = difference(Arm.of([(2, 0)] * 20), Arm.of([(2, 2)] * 20))
    assert none
    assert -1 == none.low == none.value < none.high < 0
