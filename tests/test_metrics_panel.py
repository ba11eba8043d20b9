from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit.clock import add_months
from crmkit.ledger.tables import LedgerTables, declare_ledger
from crmkit.metrics.basis import Basis
from crmkit.metrics.bridge import Bridge
from crmkit.metrics.cohort import cohorts
from crmkit.metrics.gather import Findings, gather
from crmkit.metrics.known import known_at
from crmkit.metrics.panel import PanelRow, panel
from crmkit.metrics.ratio import Ratio
from crmkit.metrics.series import monthly
from crmkit.metrics.standard import standard_metrics
from crmkit.metrics.touches import messages_by_month, touch_counts
from crmkit.metrics.window import Window
from crmkit.people.patient import Status
from crmkit.practice import Practice
from crmkit.records.tables import Kind, RecordTables, declare_records
from crmkit.store.store import Store, open_store

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

YEAR = Window.year(2025)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
PRACTICE = Practice(
    id="bright-eyes",
    name="Bright Eyes",
    country="AU",
    timezone="Australia/Sydney",
    locale="en_AU",
    currency="AUD",
    email="hello@brighteyes.example",
)


@attrs.define
class Desk:
    """A practice's database, filled by hand."""

    store: Store
    records: RecordTables
    ledger: LedgerTables
    number: int = 0

    def write(self, table: sa.Table, **values: Any) -> None:
        with self.store.begin() as connection:
            connection.execute(sa.insert(table).values(**values))

    def row(self, of: Kind, /, **values: Any) -> None:
        self.number += 1
        common = {"practice": PRACTICE.id, "source": "csv", "digest": "", "known_at": LONG_AGO, "id": f"r{self.number}"}
        self.write(of.was if "known_until" in values else of.now, **common | values)

    def patient(self, id_: str, *visits: date, status: str = "active", since: date | None = None) -> None:
        self.row(self.records.patient, id=id_, status=status, status_date=since, attributes={})
        for day in visits:
            self.visit(id_, day)

    def visit(self, patient: str, day: date, **values: Any) -> None:
        self.row(self.records.visit, **{"patient": patient, "day": day, "status": "completed"} | values)

    def invoice(self, patient: str, day: date, amount: str) -> None:
        self.row(self.records.invoice, patient=patient, day=day, amount=Decimal(amount), currency="AUD")

    def touch(self, patient: str, **values: Any) -> None:
        common: dict[str, Any] = {
            "practice": PRACTICE.id,
            "campaign": "birthday-card",
            "occasion": "birthday 2025",
            "patient": patient,
            "key": f"key-{patient}-{values.get('campaign', '')}",
            "version": 1,
            "message": "core.birthday",
            "purpose": "care",
            "medium": "email",
            "recipient": patient,
            "state": "sent",
            "reason": "sent",
            "detail": {},
            "due": datetime(2025, 5, 1, tzinfo=UTC),
            "stale": datetime(2025, 5, 9, tzinfo=UTC),
            "priority": 50,
            "changed_at": datetime(2025, 5, 1, tzinfo=UTC),
        }
        self.write(self.ledger.touch, **common | values)

    def synced(self, at: datetime) -> None:
        self.write(self.records.source, practice=PRACTICE.id, source="csv", cursor="", synced_at=at)

    def findings(self, window: Window = YEAR, as_of: datetime = AS_OF) -> Findings:
        return gather(self.store, self.records, self.ledger, PRACTICE, standard_metrics(), window, as_of)

    def panel(self, window: Window = YEAR, as_of: datetime = AS_OF, campaign: str = "") -> list[PanelRow]:
        with self.store.read() as connection:
            known = known_at(connection, self.records, self.ledger, PRACTICE, as_of)
            return [row for batch in panel(connection, known, window, campaign=campaign) for row in batch]


def make_desk() -> Desk:
    store = open_store("sqlite://")
    desk = Desk(store, declare_records(store), declare_ledger(store))
    store.create()
    return desk


@pytest.fixture
def desk() -> Desk:
    return make_desk()


@pytest.fixture
def small(desk: Desk) -> Desk:
    """Ten people, worked by hand for the year 2025; the year before ends 18 months after 1 July 2023."""
    desk.patient("stayed", date(2022, 3, 1), date(2024, 3, 1), date(2025, 3, 3), date(2025, 9, 1))
    desk.patient("lapsed", date(2023, 7, 1))  # the very first day that still counts on 1 January 2025
    desk.patient("returned", date(2020, 1, 6), date(2025, 6, 2))
    desk.patient("away", date(2019, 1, 7))
    desk.patient("new", date(2025, 2, 3), date(2025, 2, 3))
    desk.patient("died", date(2024, 5, 6), date(2025, 8, 1), status="deceased", since=date(2025, 7, 1))
    desk.patient("moved", date(2024, 5, 6), status="moved", since=date(2025, 7, 1))
    desk.patient("enquired", status="prospective")
    desk.patient("payer", status="non-patient")
    desk.patient("later", date(2024, 11, 4), date(2026, 1, 1), status="transferred", since=date(2026, 1, 1))
    desk.invoice("stayed", date(2025, 3, 3), "120.50")
    desk.invoice("new", date(2025, 2, 3), "80")
    desk.invoice("new", date(2025, 2, 10), "-20")
    desk.invoice("later", date(2026, 1, 1), "999")
    desk.touch("stayed", sent_at=datetime(2025, 4, 30, 22, 0, tzinfo=UTC))
    desk.touch("lapsed", state="denied", reason="no_consent")
    desk.touch("new", state="carried", reason="carried", carried_by="key-stayed-")
    return desk


def test_the_bridge_of_a_small_practice(small: Desk) -> None:
    bridge = small.findings().bridge
    assert bridge == Bridge(start=5, new=1, returned=1, lapsed_silent=1, deceased=1, moved=1, end=4)
    assert bridge.reconciles


def test_the_measures_of_a_small_practice(small: Desk) -> None:
    measures = small.findings().measures
    figures = {name.removeprefix("core."): (one.numerator, one.denominator) for name, one in measures.items()}
    assert figures == {
        "active_patients": (4, None),
        "new_patients": (1, None),
        "retention": (2, 3),
        "reactivation": (1, 2),
        "turnover": (Decimal("180.50"), None),
        "spend_per_visit": (Decimal("180.50"), 4),
        "spend_per_active_patient": (Decimal("180.50"), 4),
        "contact_coverage": (2, 4),
        "heard_from_nobody": (2, 4),
        "unheard_without_address": (2, 4),
    }


def test_everybody_is_in_the_denominator_or_left_out_for_a_reason(small: Desk) -> None:
    measures = small.findings().measures
    for name in ("retention", "reactivation", "contact_coverage", "heard_from_nobody", "spend_per_active_patient"):
        measure = measures[f"core.{name}"]
        assert measure.denominator is not None
        assert measure.denominator + sum(measure.excluded.values()) == 10, name
    assert measures["core.retention"].excluded == {
        "non_patient": 1,
        "prospective": 1,
        "deceased": 1,
        "moved": 1,
        "not_active_at_start": 3,
    }


def test_a_measure_says_what_it_is(small: Desk) -> None:
    measure = small.findings().measures["core.retention"]
    assert (measure.definition, measure.unit, measure.window, measure.as_of) == (
        "core.retention@1",
        "share",
        YEAR,
        AS_OF,
    )
    assert measure.value == Decimal(2) / Decimal(3)


def test_nothing_divided_by_nothing_is_no_value(desk: Desk) -> None:
    measure = desk.findings().measures["core.retention"]
    assert (measure.value, measure.denominator) == (None, 0)
    assert measure.note


def test_visits_count_once_a_day_and_none_after_a_death_or_the_end_of_the_window(small: Desk) -> None:
    rows = {(row.status, row.first_visit): row for row in small.panel()}
    assert rows[Status.ACTIVE, date(2025, 2, 3)].visits == 1
    died = rows[Status.DECEASED, date(2024, 5, 6)]
    assert (died.visits, died.last_visit_before_end, died.gone) == (0, date(2024, 5, 6), True)
    later = rows[Status.TRANSFERRED, date(2024, 11, 4)]
    assert (later.visits, later.spend, later.gone, later.active_at_end) == (0, 0, False, True)


def test_the_last_day_of_eighteen_calendar_months_still_counts(desk: Desk) -> None:
    desk.patient("just", date(2023, 7, 1))
    desk.patient("over", date(2023, 6, 30))
    by_day = {row.first_visit: row.active_at_start for row in desk.panel()}
    assert by_day == {date(2023, 7, 1): True, date(2023, 6, 30): False}


def test_new_and_lapsed_within_a_long_window_is_in_no_group_of_the_bridge(desk: Desk) -> None:
    desk.patient("brief", date(2022, 2, 1))
    found = desk.findings(Window(date(2022, 1, 1), date(2026, 1, 1)))
    assert found.bridge == Bridge()
    assert found.measures["core.new_patients"].value == 1
    assert found.measures["core.active_patients"].excluded == {"lapsed": 1}


def test_a_departure_without_a_date_counts_as_one_before_every_window(desk: Desk) -> None:
    desk.patient("somewhere", date(2024, 11, 4), status="moved")
    assert desk.findings().bridge == Bridge()


def test_amounts_of_another_currency_are_counted_and_added_to_nothing(small: Desk) -> None:
    common = {"patient": "stayed", "day": date(2025, 5, 5), "amount": Decimal(1000)}
    small.row(small.records.invoice, **common, currency="NZD")
    for synced in (False, True):
        if synced:
            small.synced(AS_OF - timedelta(hours=1))
        found = small.findings()
        assert found.measures["core.turnover"].value == Decimal("180.50")
        assert found.measures["core.spend_per_active_patient"].numerator == Decimal("180.50")
        assert sum(month.turnover for month in found.months) == Decimal("180.50")
        assert found.basis.other_currency == 1


def test_it_is_told_since_when_there_are_visits_and_messages(desk: Desk) -> None:
    assert desk.findings().basis == Basis()
    desk.patient("typed", date(1900, 1, 1), *(date(2024, 1, 1) + timedelta(days=day) for day in range(300)))
    desk.visit("typed", date(2019, 1, 1), status="cancelled")
    desk.touch("typed", sent_at=datetime(2025, 3, 31, 13, 30, tzinfo=UTC))  # 1 April in Sydney
    assert desk.findings().basis == Basis(date(2024, 1, 1), None, date(2025, 4, 1))
    desk.synced(datetime(2025, 12, 9, 13, 30, tzinfo=UTC))  # past midnight in Sydney
    assert desk.findings().basis.read_on == date(2025, 12, 10)


def test_without_any_invoice_there_is_no_turnover_and_it_is_not_zero(desk: Desk) -> None:
    desk.patient("seen", date(2025, 2, 3))
    money = [one for one in desk.findings().measures.values() if one.unit == "money"]
    assert len(money) == 3
    assert {(one.value, one.note) for one in money} == {(None, "no invoice is on record")}
    desk.invoice("seen", date(2025, 2, 3), "20")
    desk.invoice("seen", date(2025, 2, 3), "-20")
    found = desk.findings()
    assert (found.measures["core.turnover"].value, found.basis.invoices_since) == (0, date(2025, 2, 3))


def test_only_completed_visits_count(desk: Desk) -> None:
    desk.patient("booked")
    desk.visit("booked", date(2025, 3, 3), status="booked")
    desk.visit("booked", date(2025, 3, 4), status="no-show")
    assert desk.findings().measures["core.active_patients"].excluded == {"never_seen": 1}


def test_another_practice_in_the_same_database_is_not_seen(small: Desk) -> None:
    small.row(small.records.patient, practice="other", id="stayed", status="active", attributes={})
    small.visit("away", date(2025, 5, 5), practice="other")
    assert small.findings().bridge.end == 4


def test_what_became_known_later_does_not_alter_an_earlier_report(small: Desk) -> None:
    before = small.findings()
    small.visit("away", date(2025, 5, 5), known_at=AS_OF + timedelta(days=3))
    small.row(
        small.records.visit,
        patient="stayed",
        day=date(2025, 10, 1),
        status="completed",
        **dict.fromkeys(("kind", "practitioner", "location"), ""),
        known_at=AS_OF - timedelta(days=9),
        known_until=AS_OF + timedelta(days=3),
    )
    small.patient("backdated", status="moved", since=date(2025, 1, 1))
    _patient_was(small, "backdated", date(2025, 3, 3))
    again, now = small.findings(), small.findings(as_of=AS_OF + timedelta(days=4))
    assert again.bridge == attrs.evolve(before.bridge, new=2, end=5)
    assert again.measures["core.spend_per_visit"].denominator == 6
    assert now.bridge == attrs.evolve(before.bridge, returned=2, end=5)
    assert [month.active for month in again.months][-1] == 5


def _patient_was(desk: Desk, id_: str, visit: date) -> None:
    """Turn a patient's present row into one that became known later: until then the patient was active."""
    later = AS_OF + timedelta(days=2)
    table = desk.records.patient.now
    with desk.store.begin() as connection:
        connection.execute(sa.update(table).where(table.c.id == id_).values(known_at=later))
    filled = {column.name for column in table.columns if column.server_default is not None}
    blank = {column.name: "" for column in desk.records.patient.was.columns if column.name in filled}
    desk.row(
        desk.records.patient,
        **blank | {"id": id_, "status": "active", "tags": "|", "attributes": {}, "known_until": later},
    )
    desk.visit(id_, visit)


def test_after_a_sync_the_present_tables_are_enough_and_say_the_same(small: Desk) -> None:
    slow = small.findings()
    small.synced(AS_OF - timedelta(hours=1))
    with small.store.read() as connection:
        assert known_at(connection, small.records, small.ledger, PRACTICE, AS_OF).present
        assert not known_at(connection, small.records, small.ledger, PRACTICE, AS_OF - timedelta(hours=2)).present
    read = attrs.evolve(slow.basis, read_on=date(2026, 1, 2))
    assert small.findings() == attrs.evolve(slow, basis=read)


def test_the_panel_holds_no_id_of_the_records(small: Desk) -> None:
    ids = {row.patient for row in small.panel()}
    assert len(ids) == 10
    assert not ids & {"stayed", "lapsed", "returned", "away", "new", "died", "moved", "enquired", "payer", "later"}


def test_the_panel_tells_the_arm_of_one_campaign_and_who_can_be_reached(desk: Desk) -> None:
    desk.patient("near", date(2025, 1, 6))
    desk.touch("near", arm="withheld", state="withheld", reason="withheld")
    contact = {"patient": "near", "medium": "email", "typed": "", "value": "near@mail.example"}
    desk.row(desk.records.contact, **contact, until=date(2025, 12, 30))
    assert [(row.arm, row.contactable) for row in desk.panel()] == [("", False)]
    desk.row(desk.records.contact, **contact, until=date(2025, 12, 31))
    assert [(row.arm, row.contactable) for row in desk.panel(campaign="birthday-card")] == [("withheld", True)]


def test_a_metric_is_told_the_arms_of_the_campaign_that_it_names(desk: Desk) -> None:
    def came(arm: str, campaign: str) -> Ratio:
        def below(row: PanelRow) -> int:
            return int(row.arm == arm)

        def above(row: PanelRow) -> int:
            return below(row) * int(row.visits > 0)

        name = f"acme.{campaign}_{arm or 'nobody'}"
        return Ratio(name, "share", "Who came.", above=above, below=below, campaign=campaign)

    for who, arm, days in (("a", "messaged", [date(2025, 3, 3)]), ("b", "messaged", []), ("c", "withheld", [])):
        desk.patient(who, *days)
        desk.touch(who, arm=arm)
    desk.patient("d", date(2025, 3, 3))
    desk.touch("a", campaign="news", message="core.newsletter", arm="withheld")
    wanted = [("messaged", "birthday-card"), ("withheld", "news"), ("withheld", "birthday-card"), ("messaged", "")]
    metrics = [came(*one) for one in wanted]
    found = gather(desk.store, desk.records, desk.ledger, PRACTICE, metrics, YEAR, AS_OF)
    assert [(one.numerator, one.denominator) for one in found.measures.values()] == [(1, 2), (1, 1), (0, 1), (0, 0)]
    assert list(found.measures) == [one.name for one in metrics]
    assert found.bridge.end == 2


def test_months_agree_with_the_panel(small: Desk) -> None:
    found = small.findings()
    year = [month for month in found.months if month.window.start >= YEAR.start]
    assert len(found.months) == 24
    assert len(year) == 12
    assert sum(month.visits for month in year) == found.measures["core.spend_per_visit"].denominator
    assert sum(month.turnover for month in year) == found.measures["core.turnover"].value
    assert sum(month.new for month in year) == found.measures["core.new_patients"].value
    assert year[-1].active == found.bridge.end
    assert found.months[11].active == found.bridge.start


def test_who_was_active_in_each_month_is_read_from_the_visits_once(small: Desk) -> None:
    asked: list[str] = []
    sa.event.listen(small.store.engine, "before_cursor_execute", lambda *given_: asked.append(given_[2]))
    with small.store.read() as connection:
        known = known_at(connection, small.records, small.ledger, PRACTICE, AS_OF)
        assert len(monthly(connection, known, YEAR.end, 24)) == 24
    assert len([one for one in asked if "crmkit_visit" in one]) == 3  # visits, new and active patients


def test_a_cohort_tells_who_was_back_and_leaves_the_unfinished_open(desk: Desk) -> None:
    desk.patient("a", date(2025, 1, 6), date(2025, 4, 1), date(2025, 6, 30))
    desk.patient("b", date(2025, 3, 31), date(2025, 8, 4))
    desk.patient("c", date(2025, 7, 1))
    with desk.store.read() as connection:
        known = known_at(connection, desk.records, desk.ledger, PRACTICE, AS_OF)
        found = cohorts(connection, known, date(2026, 1, 1), 4)
    assert [(one.size, one.back) for one in found] == [
        (2, (1, 1, 0)),
        (0, (0, 0, None)),
        (1, (0, None, None)),
        (0, (None, None, None)),
    ]
    assert (found[0].share(1), found[0].share(3), found[1].share(1), found[2].share(2)) == (
        Decimal("0.5"),
        0,
        None,
        None,
    )


def test_what_became_of_the_touches(small: Desk) -> None:
    small.touch("away", campaign="news", sent_at=datetime(2025, 12, 31, 13, 0, tzinfo=UTC))  # 1 January in Sydney
    with small.store.read() as connection:
        known = known_at(connection, small.records, small.ledger, PRACTICE, AS_OF)
        counts = touch_counts(connection, known, YEAR)
        messages = messages_by_month(connection, known, YEAR.end, 12)
    assert {(one.campaign, str(one.state), one.reason, one.count) for one in counts} == {
        ("birthday-card", "carried", "carried", 1),
        ("birthday-card", "denied", "no_consent", 1),
        ("birthday-card", "sent", "sent", 1),
    }
    assert [(str(one.month), one.campaign, one.count) for one in messages] == [
        ("2025-05-01 to 2025-05-31", "birthday-card", 1)
    ]


@pytest.mark.parametrize("state", ["bounced", "ready", "unknown"])
def test_whoever_is_in_a_copy_that_did_not_arrive_is_not_counted_as_reached(desk: Desk, state: str) -> None:
    desk.patient("reader", date(2025, 2, 3))
    desk.patient("child", date(2025, 2, 3))
    desk.touch(
        "reader", state=state, reason=state, sent_at=None if state == "ready" else datetime(2025, 5, 2, tzinfo=UTC)
    )
    desk.touch("child", state="carried", reason="carried", carried_by="key-reader-")
    found = desk.findings()
    assert {(str(one.state), one.reason, one.count) for one in found.touches} == {(state, state, 2)}
    assert found.measures["core.contact_coverage"].numerator == 0


DAYS = st.dates(date(2021, 1, 1), date(2026, 6, 1))
# Where a month begins, one day more or less makes the difference.
DAYS |= st.tuples(DAYS, st.sampled_from([-1, 0])).map(lambda day: day[0].replace(day=1) + timedelta(days=day[1]))
HISTORIES = st.lists(
    st.tuples(st.sampled_from([*Status]), st.none() | DAYS, st.lists(DAYS, max_size=5)), min_size=1, max_size=6
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HISTORIES, st.booleans())
def test_the_panel_says_what_a_reader_of_each_history_would(
    histories: list[tuple[Status, date | None, list[date]]], synced: bool
) -> None:
    desk = make_desk()
    for number, (status, since, visits) in enumerate(histories):
        desk.patient(f"p{number}", *visits, status=status.value, since=since)
    if synced:
        desk.synced(AS_OF - timedelta(days=1))
    found = desk.findings()
    assert found.bridge.start == sum(_active(*history, YEAR.start) for history in histories)
    assert found.bridge.end == sum(_active(*history, YEAR.end) for history in histories)
    assert found.bridge.reconciles
    for month in found.months:
        assert month.active == sum(_active(*history, month.window.end) for history in histories)


def _active(status: Status, since: date | None, visits: list[date], day: date) -> bool:
    if status in (Status.PROSPECTIVE, Status.NON_PATIENT) or (status.gone and (since is None or since < day)):
        return False
    alive = [visit for visit in visits if not (status is Status.DECEASED and since is not None and visit > since)]
    return any(add_months(day, -18) <= visit < day for visit in alive)
