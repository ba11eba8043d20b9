"""What campaigns cost, on a few touches that can be added up by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from test_metrics_panel import LONG_AGO, PRACTICE, Desk, make_desk

from crmkit.metrics.cost import Cost


def campaign(desk: Desk, version: int, fixed: str, name: str = "letter") -> None:
    stated = {"id": name, "version": version, "definition": {"lot": "0", "cost_fixed": fixed}, "current": True}
    desk.write(desk.ledger.campaign, practice=PRACTICE.id, added_at=LONG_AGO, **stated)


def left(desk: Desk, patient: str, occasion: str, at: datetime | None, state: str = "sent", version: int = 1) -> None:
    given = {"campaign": "letter", "occasion": occasion, "key": f"{patient}-{occasion}", "sent_at": at, "state": state}
    desk.touch(patient, **given, cost=Decimal("1.10"), version=version)


def test_what_left_is_paid_for_and_an_occasion_once_by_the_window_in_which_it_began() -> None:
    desk = make_desk()
    campaign(desk, 1, "50")
    campaign(desk, 2, "80")
    campaign(desk, 1, "0", "free")
    old, new = (
        datetime(2024, 12, 31, 12, 0, tzinfo=UTC),
        datetime(2024, 12, 31, 13, 30, tzinfo=UTC),
    )  # Sydney's new year
    left(desk, "a", "spring", old)
    left(desk, "b", "spring", new)  # began last year: the fixed cost was last year's
    left(desk, "a", "summer", new, "bounced")
    left(desk, "b", "summer", new, "unknown", 2)
    left(desk, "c", "summer", None, "withheld")
    left(desk, "d", "summer", None, "carried")
    left(desk, "e", "summer", new, "refused")
    left(desk, "a", "autumn", datetime(2025, 9, 1, tzinfo=UTC), version=2)
    left(desk, "a", "next", datetime(2025, 12, 31, 13, 0, tzinfo=UTC), version=2)
    desk.touch("a", campaign="free", key="free", sent_at=new)
    assert desk.findings().costs == (Cost("letter", 4, Decimal("4.40"), Decimal(130)),)
    assert desk.findings().costs[0].total == Decimal("134.40")
