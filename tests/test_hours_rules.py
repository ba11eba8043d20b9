"""The rules as data, and the page that shows them."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from phonenumbers.tzdata import TIMEZONE_DATA

from crmkit.hours.hours import Hours
from crmkit.hours.public import PublicHolidays
from crmkit.hours.rule import Kind, Rule, in_force, known_rules
from crmkit.hours.where import Place, Whereabouts, whereabouts
from crmkit.people.medium import Medium, Purpose
from crmkit.people.zones import _meant, regions_of_number, zones_of_number
from crmkit.words import is_territory

RULES = known_rules()
PAGE = Path(__file__).parents[1] / "docs" / "reference" / "send-windows.md"
DAY = date(2026, 11, 23)


def row(rule: Rule) -> str:
    where = "elsewhere" if rule.countries == ("*",) else ", ".join(rule.countries)
    where += f"-{rule.region}" if rule.region else ""
    hours = f"{rule.week}{', no public holidays' if rule.holidays else ''}"
    since = "" if rule.since == date.min else rule.since.isoformat()
    cells = (rule.name, where, ", ".join(rule.purposes), ", ".join(rule.media), hours, since, rule.kind, rule.source)
    return f"| {' | '.join(cells)} |"


def names(place: Place, purpose: Purpose, medium: Medium, day: date = DAY) -> list[str]:
    return [rule.name for rule in in_force(RULES, place, purpose, medium, day)]


def test_the_page_shows_every_rule_as_it_stands_in_the_data() -> None:
    _, _, shown = PAGE.read_text(encoding="utf-8").partition("| rule | where |")
    assert re.findall(r"^\| .*", shown, re.MULTILINE) == [row(rule) for rule in RULES]


def test_every_rule_names_its_source_and_real_countries_and_zones() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.source
        assert rule.week.restricts
        assert all(is_territory(country) for country in rule.countries if country != "*")
        assert bool(rule.region) == bool(rule.zones)
        assert [ZoneInfo(zone).key for zone in rule.zones] == list(rule.zones)
        assert rule.kind is not Kind.LAW or rule.countries != ("*",)


@pytest.mark.parametrize("country", sorted({c for rule in RULES if rule.holidays for c in rule.countries}))
def test_public_holidays_are_known_for_every_country_whose_rule_excludes_them(country: str) -> None:
    holidays = PublicHolidays()
    for year in (2025, 2026, 2028, 2029, 2030):
        assert holidays.on(date(year, 12, 25), country), year


def test_a_holiday_of_one_state_is_that_states_and_unknown_places_have_none() -> None:
    holidays = PublicHolidays()
    reformation = date(2026, 10, 31)
    assert holidays.on(reformation, "DE", "NI")
    assert not holidays.on(reformation, "DE", "BY")
    assert not holidays.on(reformation, "DE")
    assert holidays.on(date(2026, 10, 3), "DE", "no such state")
    assert not holidays.on(date(2026, 12, 25), "XX")


def test_marketing_has_the_countrys_rule_and_care_the_courtesy() -> None:
    paris = Place("Europe/Paris", "FR")
    assert names(paris, Purpose.MARKETING, Medium.PHONE) == ["FR phone"]
    assert names(paris, Purpose.CARE, Medium.PHONE) == ["courtesy sms and phone"]
    assert names(paris, Purpose.MARKETING, Medium.EMAIL) == ["courtesy email"]
    assert names(Place("Europe/Berlin", "DE"), Purpose.MARKETING, Medium.SMS) == ["courtesy sms and phone"]


@pytest.mark.parametrize("purpose", Purpose)
def test_post_is_always_open(purpose: Purpose) -> None:
    assert names(Place("Europe/Paris", "FR"), purpose, Medium.POST) == []


def test_a_rule_holds_from_its_date_on_and_before_it_the_courtesy() -> None:
    paris = Place("Europe/Paris", "FR")
    assert names(paris, Purpose.MARKETING, Medium.PHONE, date(2023, 3, 1)) == ["FR phone"]
    assert names(paris, Purpose.MARKETING, Medium.PHONE, date(2023, 2, 28)) == ["courtesy sms and phone"]


def test_of_an_unknown_state_every_state_of_the_zone_counts_and_of_a_known_one_its_own() -> None:
    east = Place("America/New_York", "US")
    assert names(east, Purpose.MARKETING, Medium.SMS) == ["US", "US-CT", "US-FL", "US-MD"]
    assert names(Place("America/New_York", "US", "NY"), Purpose.MARKETING, Medium.SMS) == ["US"]
    assert names(Place("America/New_York", "US", "FL"), Purpose.MARKETING, Medium.SMS) == ["US", "US-FL"]
    assert names(Place("America/New_York", "CA"), Purpose.MARKETING, Medium.SMS) == ["courtesy sms and phone"]


def test_states_that_know_no_calls_on_sundays_or_holidays_are_heeded() -> None:
    home, sunday = Hours("America/Chicago", "US", "IL"), datetime(2026, 11, 22, 12, tzinfo=ZoneInfo("America/Chicago"))
    there = Whereabouts(("America/Chicago",), ("US",))
    assert not home.open_at(there, Purpose.MARKETING, Medium.PHONE, sunday)
    assert not home.open_at(there, Purpose.MARKETING, Medium.SMS, sunday), "Mississippi means messages too"
    assert home.open_at(Whereabouts(), Purpose.MARKETING, Medium.SMS, sunday)
    pioneers = datetime(2026, 7, 24, 12, tzinfo=ZoneInfo("America/Denver"))
    assert not Hours("America/Denver", "US", "UT").open_at(Whereabouts(), Purpose.MARKETING, Medium.PHONE, pioneers)
    assert Hours("America/Denver", "US", "CO").open_at(Whereabouts(), Purpose.MARKETING, Medium.PHONE, pioneers)


@pytest.mark.parametrize(
    ("number", "zones", "regions"),
    [
        ("+12025550143", ("America/New_York",), ("US",)),
        ("+61255501234", ("Australia/Sydney",), ("AU",)),
        ("+33639981234", ("Europe/Paris",), ("FR",)),
        ("+80012345678", (), ()),
        ("not a number", (), ()),
        ("", (), ()),
    ],
)
def test_a_number_says_where_its_owner_may_be(number: str, zones: tuple[str, ...], regions: tuple[str, ...]) -> None:
    assert zones_of_number(number) == zones
    assert regions_of_number(number) == regions


def test_a_number_that_many_places_share_leaves_them_all_open() -> None:
    assert {"Europe/London", "Europe/Guernsey"} <= set(zones_of_number("+447700900123"))
    assert {"America/New_York", "Pacific/Honolulu"} <= set(zones_of_number("+18005550100"))
    assert {"US", "CA"} <= set(regions_of_number("+18005550100"))
    assert {"Europe/Kaliningrad", "Asia/Kamchatka"} <= set(zones_of_number("+79161234567"))


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        # Pensacola and Tallahassee; Bowling Green; Evansville; Malheur in Oregon; Kenora; the Peace River.
        ("+18505550143", {"America/Chicago", "America/New_York"}),
        ("+14485550143", {"America/Chicago", "America/New_York"}),
        ("+12705550143", {"America/Chicago", "America/New_York"}),
        ("+19305550143", {"America/Chicago", "America/New_York"}),
        ("+15415550143", {"America/Denver", "America/Los_Angeles"}),
        ("+18074671234", {"America/Toronto", "America/Winnipeg"}),
        ("+12505550143", {"America/Edmonton", "America/Vancouver"}),
    ],
)
def test_an_american_number_may_be_a_mobile_anywhere_in_its_area(number: str, zones: set[str]) -> None:
    assert set(zones_of_number(number)) == zones


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+61889991234", {"Australia/Darwin", "Australia/Adelaide"}),
        ("+212612345678", {"Africa/Casablanca"}),
        ("+213551234567", {"Africa/Algiers"}),
        ("+56322100000", {"Pacific/Easter", "America/Santiago"}),
    ],
)
def test_a_place_whose_zone_the_number_plan_does_not_name_is_not_forgotten(number: str, zones: set[str]) -> None:
    assert zones <= set(zones_of_number(number))
    assert {"Europe/Paris", "Atlantic/Canary"}.isdisjoint(zones_of_number(number))


def zones_of_countries() -> dict[str, list[str]]:
    """Return the zones of each country as the time zone data itself lists them."""
    listed: dict[str, list[str]] = {}
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            listed.setdefault(country, []).append(zone)
    return listed


def offsets(zone: str) -> list[timedelta | None]:
    """Return a zone's offsets in each month of two years."""
    months = [datetime(year, month, 10, tzinfo=UTC) for year in (2026, 2027) for month in range(1, 13)]
    return [month.astimezone(ZoneInfo(zone)).utcoffset() for month in months]


def test_every_clock_of_every_country_is_reached_by_some_number_of_it() -> None:
    named: dict[str, set[str]] = {}
    for prefix, found in TIMEZONE_DATA.items():
        for length in (1, 2, 3):
            named.setdefault(prefix[:length], set()).update(found)
    forgotten = []
    for country, zones in zones_of_countries().items():
        code = str(phonenumbers.country_code_for_region(country))
        reached = [offsets(meant) for zone in named.get(code, ()) for meant in _meant(zone, (country,))]
        forgotten += [(country, zone) for zone in zones if code != "0" and offsets(zone) not in reached]
    assert forgotten == []


def test_an_email_or_a_letter_goes_to_where_the_practice_is() -> None:
    home = Place("Australia/Sydney", "AU", "NSW")
    for medium, value in ((Medium.EMAIL, "mia@patients.example"), (Medium.POST, "1 High St\nNewtown")):
        assert whereabouts(value, medium).places(home) == (home,)


def test_a_foreign_number_counts_beside_the_practices_own_place_unless_the_address_is_known() -> None:
    home, paris = Place("Australia/Sydney", "AU"), Place("Europe/Paris", "FR")
    there = whereabouts("+33639981234", Medium.SMS)
    assert there.places(home) == (home, paris)
    assert Whereabouts(there.zones, there.countries, home=False).places(home) == (paris,)


def test_nothing_heavy_is_loaded_before_a_rule_asks_for_a_holiday() -> None:
    script = "import sys, crmkit.hours.hours; print({'holidays', 'phonenumbers.timezone'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.strip() == "set()"
