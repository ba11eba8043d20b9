"""Three years of the generated practice: who comes, who stays away, what is said, charged and paid."""

from __future__ import annotations

import csv
import statistics
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import attrs
import pytest

from crmkit.demo.practice import Summary, write_practice
from crmkit.demo.rows import HEADERS

TODAY = date(2026, 11, 23)
START = date(2023, 11, 23)
Row = dict[str, str]


@attrs.frozen(repr=False)
class Written:
    """A practice on disk, read back."""

    folder: Path
    summary: Summary
    tables: dict[str, list[Row]]

    @property
    def patients(self) -> list[Row]:
        """The rows that can be accepted."""
        return self.tables["patients"][: self.summary.patients]


def read(folder: Path) -> dict[str, list[Row]]:
    tables = {}
    for name in HEADERS:
        with (folder / "exports" / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
            tables[name] = list(csv.DictReader(lines))
    return tables


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("practice")
    summary = write_practice(folder, today=TODAY)
    return Written(folder, summary, read(folder))


def starts(visit: Row) -> date:
    return datetime.fromisoformat(visit["starts_at"]).date()


@pytest.mark.no_cover
def test_nobody_is_seen_after_they_died_or_left(written: Written) -> None:
    left = {row["id"]: row for row in written.patients if row["status"] in ("deceased", "moved", "transferred")}
    assert all(START <= date.fromisoformat(row["status_date"]) < TODAY for row in left.values())
    visits = [visit for visit in written.tables["visits"] if visit["patient"] in left]
    for visit in visits:
        gone = date.fromisoformat(left[visit["patient"]]["status_date"])
        assert visit["status"] == "booked" or starts(visit) <= gone
    leftover = {visit["patient"] for visit in visits if visit["status"] == "booked"}
    assert len(leftover) == written.summary.dirt["deceased with booking"]


def test_opt_outs_come_after_the_yes(written: Written) -> None:
    yes: dict[tuple[str, str, str], datetime] = {}
    later = 0
    for said in written.tables["consents"]:
        key, at = (said["patient"], said["purpose"], said["medium"]), datetime.fromisoformat(said["at"])
        assert at.date() < TODAY
        assert said["wording"]
        assert said["evidence"]
        if said["given"] == "yes":
            yes[key] = at
        elif key in yes:
            assert at > yes[key]
            later += 1
    assert later == written.summary.dirt["opt-outs"]


def test_times_carry_the_offset_of_sydney_and_lie_in_opening_hours(written: Written) -> None:
    for visit in written.tables["visits"]:
        at = datetime.fromisoformat(visit["starts_at"])
        assert at.utcoffset() == timedelta(hours=11 if visit["starts_at"].endswith("+11:00") else 10)
        assert at.weekday() != 6
        assert 9 <= at.hour < {3: 20, 5: 13}.get(at.weekday(), 17)
        assert (at.month, at.day) not in {(1, 1), (4, 25), (12, 25), (12, 26)}
    assert any(starts(visit).weekday() == 5 for visit in written.tables["visits"])


def test_no_practitioner_sees_two_patients_at_once(written: Written) -> None:
    seen = Counter(
        (visit["starts_at"], visit["practitioner"])
        for visit in written.tables["visits"][:-1]
        if visit["practitioner"] != "dispensary"
    )
    assert max(seen.values()) == 1


def test_the_practice_is_believable(written: Written) -> None:
    active = {row["id"] for row in written.patients if row["status"] == "active"}
    visits, total = written.tables["visits"], len(written.patients)
    share = Counter(visit["status"] for visit in visits if visit["kind"] == "eye test")
    assert 0.8 < sum("@" in row["email"] for row in written.patients) / total < 0.95
    assert 0.01 < written.summary.dirt["deceased"] / total < 0.035
    assert 0.04 < share["no-show"] / (share["completed"] + share["no-show"]) < 0.06
    booked = {visit["patient"] for visit in visits if visit["status"] == "booked"}
    assert 0.06 < len(booked & active) / len(active) < 0.1
    for year in (2024, 2025):
        assert 0.5 < sum(starts(visit).year == year for visit in visits) / total < 1.2
    assert 24 <= _monthly_newcomers(written) <= 36


def _monthly_newcomers(written: Written) -> float:
    first: dict[str, date] = {}
    for said in written.tables["consents"]:
        first.setdefault(said["patient"], datetime.fromisoformat(said["at"]).date())
    return sum(day >= START for day in first.values()) / 36


def test_recalls_are_of_two_years_on_average_and_of_one_for_children(written: Written) -> None:
    kinds: dict[bool, dict[str, int]] = {True: {}, False: {}}
    for recall in written.tables["recalls"]:
        kinds[recall["type"].startswith("child")][recall["patient"]] = int(recall["interval_months"])
    assert set(kinds[True].values()) == {12}
    assert 22 < statistics.mean(kinds[False].values()) < 26
    assert 36 in kinds[False].values()


def test_some_lapse_and_some_of_them_come_back(written: Written) -> None:
    tests: dict[str, list[date]] = defaultdict(list)
    for visit in written.tables["visits"]:
        if visit["kind"] == "eye test" and visit["status"] == "completed":
            tests[visit["patient"]].append(starts(visit))
    done = [
        (row["patient"], date.fromisoformat(row["due"])) for row in written.tables["recalls"] if row["status"] == "done"
    ]
    late = [min(day - due for day in tests[patient] if day > due - timedelta(days=60)).days for patient, due in done]
    assert 30 < sum(days > 270 for days in late) < len(late) / 4
    active = {row["id"] for row in written.patients if row["status"] == "active"}
    lapsed = [patient for patient in active if max(tests.get(patient, [START])) < TODAY - timedelta(days=548)]
    assert 0.2 < len(lapsed) / len(active) < 0.5


def test_spectacles_cost_about_450_and_the_year_pays_for_itself(written: Written) -> None:
    charged = [
        (row["day"][:4], Decimal(row["amount"])) for row in written.tables["invoices"] if "O" not in row["amount"]
    ]
    assert sum(amount for _, amount in charged) == written.summary.turnover
    pairs = [amount for _, amount in charged if amount % 5 == 0 and amount > 150]
    assert 400 < statistics.median(pairs) < 500
    assert max(pairs) > 1200
    for year in ("2024", "2025"):
        assert 200_000 < sum(amount for day, amount in charged if day == year) < 800_000


def test_nobody_pays_more_than_was_charged(written: Written) -> None:
    charged = {row["id"]: Decimal(row["amount"]) for row in written.tables["invoices"][:-1]}
    paid: dict[str, Decimal] = defaultdict(Decimal)
    for payment in written.tables["payments"]:
        paid[payment["invoice"]] += Decimal(payment["amount"])
        assert payment["day"] < TODAY.isoformat()
    assert all(amount <= charged[invoice] for invoice, amount in paid.items())
    assert 0.9 < sum(paid.values()) / sum(charged.values()) < 1


def test_most_agreed_to_news_some_refused_and_some_were_never_asked(written: Written) -> None:
    asked = [row for row in written.tables["consents"] if (row["purpose"], row["medium"]) == ("marketing", "email")]
    said = {answer: {row["patient"] for row in asked if row["given"] == answer} for answer in ("yes", "no")}
    assert 0.68 < len(said["yes"]) / len(written.patients) < 0.8
    assert len(said["no"] - said["yes"]) > 100
    with_email = {row["id"] for row in written.patients if "@" in row["email"]}
    assert len(with_email - said["yes"] - said["no"]) > 50


def test_languages_are_several_and_mostly_english(written: Written) -> None:
    spoken = Counter(row["language"] for row in written.patients)
    assert set(spoken) == {"", "en", "zh", "vi", "el", "it", "ar", "de", "es", "fr"}
    assert spoken["en"] > len(written.patients) / 2
    assert any("\u4e00" <= row["preferred"][:1] <= "\u9fff" for row in written.patients)
