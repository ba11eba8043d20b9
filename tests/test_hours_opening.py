"""When a message may leave: never outside of the window of any zone, also on days when clocks change."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from soak import clock as soak

from crmkit.errors import ConfigError
from crmkit.hours.closed import Closed
from crmkit.hours.hours import Hours, Opening
from crmkit.hours.week import Week
from crmkit.hours.where import Whereabouts
from crmkit.people.medium import Medium, Purpose

HERE = Whereabouts()
MINUTE = timedelta(minutes=1)
TRICKY = (
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Kiritimati"),
    *("Pacific/Chatham", "America/St_Johns", "Africa/Casablanca", "Asia/Tehran", "Pacific/Pago_Pago", "Africa/Cairo"),
)
EDGES = (
    *("2026-03-29 00:30", "2026-10-25 00:30", "2026-03-08 06:00", "2026-11-01 05:00", "2026-04-04 14:00"),
    *("2026-10-03 15:00", "2028-02-28 20:00", "2026-12-31 10:00", "2026-07-14 01:00"),
)
instants = st.builds(
    lambda edge, seconds: datetime.fromisoformat(edge).replace(tzinfo=UTC) + timedelta(seconds=seconds),
    st.sampled_from(EDGES),
    st.integers(-2 * 86400, 2 * 86400),
)
settings = st.builds(
    soak.Setting,
    st.sampled_from(TRICKY),
    st.sampled_from(soak.COUNTRIES),
    st.just(""),
    st.sampled_from(
        (*soak.WEEKS, "Sun 02:15-02:45, Mon 00:00-24:00", "Sun 01:45-03:00", "Sun 00:00-01:10 and 02:50-24:00")
    ),
    st.sampled_from(("", "", "2026-03-29", "02-29, 12-31..01-01", "public holidays")),
)
where = st.builds(
    Whereabouts,
    st.lists(st.sampled_from(TRICKY), max_size=3, unique=True).map(tuple),
    st.lists(st.sampled_from(soak.COUNTRIES), max_size=2, unique=True).map(tuple),
    st.booleans(),
)
wishes = st.tuples(st.sampled_from(Purpose), st.sampled_from(Medium))


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def ask(
    hours: Hours,
    moment: datetime,
    to: Whereabouts = HERE,
    purpose: Purpose = Purpose.CARE,
    medium: Medium = Medium.SMS,
    days: int = 30,
) -> Opening:
    return hours.next_open(to, purpose, medium, moment, moment + timedelta(days=days))


def local(opening: Opening, zone: str) -> str:
    assert opening.at is not None
    return opening.at.astimezone(ZoneInfo(zone)).strftime("%a %Y-%m-%d %H:%M")


@given(settings, where, wishes, instants, st.integers(1, 36))
def test_the_answer_is_open_everywhere_and_no_earlier_minute_is(
    practice: soak.Setting, to: Whereabouts, wish: tuple[Purpose, Medium], moment: datetime, span: int
) -> None:
    until = moment + timedelta(hours=span)
    question = soak.Question(0, to, *wish, moment, until)
    answer = soak.opened(practice).next_open(to, *wish, moment, until).at
    assert answer is None or moment <= answer < until
    assert answer is None or soak.is_open(practice, question, answer)
    first = moment.replace(second=0)
    walked = [first + number * MINUTE for number in range(span * 60 + 1)]
    earlier = [one for one in (moment, *walked) if moment <= one < (answer or until)]
    assert [one for one in earlier if soak.is_open(practice, question, one)] == []


@given(settings, where, wishes, instants)
def test_open_at_says_what_the_wall_clocks_say(
    practice: soak.Setting, to: Whereabouts, wish: tuple[Purpose, Medium], moment: datetime
) -> None:
    question = soak.Question(0, to, *wish, moment, moment)
    assert soak.opened(practice).open_at(to, *wish, moment) is soak.is_open(practice, question, moment)


@pytest.mark.no_cover
def test_a_sample_of_the_soak_finds_no_fault() -> None:
    counts, found = soak.run(seed=20261123, count=2000)
    assert found == []
    assert counts["faults"] == 0
    assert all(counts[what] for what in ("open at once", "hours", "never in time"))


def test_asked_on_friday_after_closing_it_is_monday_and_never_saturday() -> None:
    hours = Hours("Australia/Sydney", "AU", week=Week.parse("Mon-Fri 09:00-10:00"))
    opening = ask(hours, at("2026-11-20 12:00", "Australia/Sydney"))
    assert local(opening, "Australia/Sydney") == "Mon 2026-11-23 09:00"
    assert (opening.code, opening.detail["rule"]) == ("hours", "practice")


def test_on_the_morning_after_clocks_went_back_it_is_eight_and_not_seven() -> None:
    hours = Hours("America/New_York", "US")
    opening = ask(hours, at("2026-10-31 21:30", "America/New_York"))
    assert local(opening, "America/New_York") == "Sun 2026-11-01 08:00"
    assert opening.at == at("2026-11-01 13:00")


def test_on_the_morning_after_clocks_went_forward_it_is_eight_and_not_nine() -> None:
    opening = ask(Hours("Europe/Zurich", "CH"), at("2026-03-28 22:00", "Europe/Zurich"))
    assert opening.at == at("2026-03-29 06:00")
    assert local(opening, "Europe/Zurich") == "Sun 2026-03-29 08:00"


@pytest.mark.parametrize(
    ("zone", "week", "asked", "answered"),
    [
        # The span begins at a time that the clock leaves out: it opens when the clock has jumped.
        ("Europe/Zurich", "Sun 02:30-04:00", "2026-03-29 00:00+00:00", "2026-03-29 01:00+00:00"),
        # All of the span is left out: it is the next Sunday's.
        ("Europe/Zurich", "Sun 02:10-02:50", "2026-03-29 00:00+00:00", "2026-04-05 00:10+00:00"),
        # An hour comes twice: open in both, shut in between.
        ("Europe/Zurich", "Sun 02:10-02:50", "2026-10-24 22:00+00:00", "2026-10-25 00:10+00:00"),
        ("Europe/Zurich", "Sun 02:10-02:50", "2026-10-25 00:50+00:00", "2026-10-25 01:10+00:00"),
        # Half an hour comes twice on Lord Howe Island.
        ("Australia/Lord_Howe", "Sun 01:40-01:50", "2026-04-04 14:50+00:00", "2026-04-04 15:10+00:00"),
        # 30 December 2011 was left out in Samoa: after Thursday came Saturday.
        ("Pacific/Apia", "Fri 08:00-09:00", "2011-12-29 23:00+00:00", "2012-01-05 18:00+00:00"),
        ("Pacific/Apia", "Sat 00:00-01:00", "2011-12-29 23:00+00:00", "2011-12-30 10:00+00:00"),
        ("Asia/Kathmandu", "Mon 08:00-09:00", "2026-05-04 00:00+00:00", "2026-05-04 02:15+00:00"),
        ("Pacific/Kiritimati", "Mon 08:00-09:00", "2026-05-03 00:00+00:00", "2026-05-03 18:00+00:00"),
        ("Europe/Zurich", "Tue 10:00-11:00", "2028-02-28 12:00+00:00", "2028-02-29 09:00+00:00"),
    ],
)
def test_the_practices_week_is_kept_by_its_own_clock(zone: str, week: str, asked: str, answered: str) -> None:
    hours = Hours(zone, "XX", week=Week.parse(week))
    opening = ask(hours, datetime.fromisoformat(asked), medium=Medium.POST)
    assert opening.at == datetime.fromisoformat(answered)


def test_a_french_holiday_is_no_day_for_advertising_and_one_for_care() -> None:
    hours = Hours("Europe/Paris", "FR")
    bastille = at("2026-07-14 10:30", "Europe/Paris")
    opening = ask(hours, bastille, purpose=Purpose.MARKETING, medium=Medium.PHONE)
    assert local(opening, "Europe/Paris") == "Wed 2026-07-15 10:00"
    assert opening.code == "holiday"
    assert opening.detail == {"zone": "Europe/Paris", "rule": "FR phone", "day": "2026-07-14"}
    assert ask(hours, bastille, medium=Medium.PHONE) == Opening(bastille)
    sms = ask(hours, bastille, purpose=Purpose.MARKETING)
    assert (local(sms, "Europe/Paris"), sms.detail["rule"]) == ("Wed 2026-07-15 08:00", "FR sms")


def test_the_french_lunch_hour_is_quiet() -> None:
    opening = ask(
        Hours("Europe/Paris", "FR"), at("2026-07-15 13:00", "Europe/Paris"), HERE, Purpose.MARKETING, Medium.PHONE
    )
    assert local(opening, "Europe/Paris") == "Wed 2026-07-15 14:00"


def test_a_holiday_of_the_practices_own_state_counts_where_the_state_is_known() -> None:
    monday = at("2026-04-27 10:00", "Australia/Perth")  # Western Australia keeps Anzac Day on the Monday as well
    for region, day in (("WA", "Tue 2026-04-28 09:00"), ("", "Mon 2026-04-27 10:00")):
        hours = Hours("Australia/Perth", "AU", region)
        assert local(ask(hours, monday, HERE, Purpose.MARKETING, Medium.PHONE), "Australia/Perth") == day


def test_the_holidays_of_a_states_rule_are_those_of_that_state_where_nobody_knows_the_state() -> None:
    memorial = at("2026-04-27 10:00", "America/Chicago")  # kept in Alabama, and in Mississippi, which has no such rule
    opening = ask(Hours("America/Chicago", "US"), memorial, HERE, Purpose.MARKETING, Medium.PHONE)
    assert (opening.code, opening.detail["rule"]) == ("holiday", "US-AL phone")
    assert local(opening, "America/Chicago") == "Tue 2026-04-28 10:00"


@pytest.mark.parametrize(
    ("zone", "country", "region", "day"),
    [("Australia/Perth", "AU", "WA", "2026-04-27"), ("America/Chicago", "US", "", "2026-04-27")],
)
def test_a_states_holiday_is_shut_when_one_asks_of_an_instant_too(
    zone: str, country: str, region: str, day: str
) -> None:
    monday = at(f"{day} 10:00", zone)
    hours = Hours(zone, country, region)
    assert not hours.open_at(HERE, Purpose.MARKETING, Medium.PHONE, monday)
    assert hours.open_at(HERE, Purpose.MARKETING, Medium.PHONE, monday + timedelta(days=1))


def test_of_several_rules_of_one_zone_the_one_that_is_shut_is_told() -> None:
    hours = Hours("America/New_York", "US")
    for clock, rule in (("07:30", "US"), ("08:30", "US-CT")):
        opening = ask(hours, at(f"2026-11-23 {clock}", "America/New_York"), HERE, Purpose.MARKETING)
        assert opening.detail["rule"] == rule, clock


@pytest.mark.parametrize("medium", Medium)
def test_a_practice_closed_over_christmas_sends_nothing_until_it_is_back(medium: Medium) -> None:
    week = Week.parse("Mon-Fri 08:00-18:00")
    hours = Hours("Australia/Sydney", "AU", week=week, closed=Closed.parse("2026-12-24..2027-01-03"))
    opening = ask(hours, at("2026-12-23 19:00", "Australia/Sydney"), medium=medium)
    assert local(opening, "Australia/Sydney") == "Mon 2027-01-04 08:00"
    assert opening.code == "closed"
    assert opening.detail["rule"] == "practice"


@pytest.mark.parametrize("medium", Medium)
def test_a_practice_may_be_quiet_on_public_holidays_for_whatever_it_writes(medium: Medium) -> None:
    closed = Closed.parse("Public  holidays, 2026-04-24")
    of_states = (("VIC", "Mon 2026-04-27 08:00"), ("WA", "Tue 2026-04-28 08:00"))
    for region, first in of_states:
        # Anzac Day is a Saturday in 2026, and in Western Australia the Monday after it is a holiday too.
        hours = Hours("Australia/Sydney", "AU", region, Week.parse("Mon-Sat 08:00-18:00"), closed)
        opening = ask(hours, at("2026-04-23 19:00", "Australia/Sydney"), medium=medium)
        assert local(opening, "Australia/Sydney") == first, region
        assert (opening.code, opening.detail["rule"]) == ("closed", "practice")
    alone = Hours("Australia/Sydney", "AU", closed=Closed.parse("public holidays"))
    opening = ask(alone, at("2026-12-25 10:00", "Australia/Sydney"), medium=Medium.EMAIL)
    # Boxing Day keeps it waiting for longer than what is left of Christmas Day.
    assert (opening.code, opening.detail["day"]) == ("holiday", "2026-12-26")


def test_every_zone_that_a_number_leaves_open_must_be_awake() -> None:
    west_and_east = Whereabouts(("America/Los_Angeles", "America/New_York"), ("US",), home=False)
    hours = Hours("America/New_York", "US")
    opening = ask(hours, at("2026-11-23 08:00", "America/New_York"), west_and_east)
    assert local(opening, "America/New_York") == "Mon 2026-11-23 11:00"
    assert opening.detail["zone"] == "America/Los_Angeles"
    late = ask(hours, at("2026-11-23 20:00", "America/New_York"), west_and_east)
    assert local(late, "America/New_York") == "Tue 2026-11-24 11:00"


@pytest.mark.parametrize(
    ("to", "clock"),
    [
        (Whereabouts(("America/Los_Angeles",), home=False), "11:00"),
        (Whereabouts(countries=("FR",), home=False), "10:00"),
    ],
)
def test_where_only_zone_or_country_is_known_the_other_is_the_practices(to: Whereabouts, clock: str) -> None:
    hours = Hours("America/New_York", "US", "NY")
    opening = ask(hours, at("2026-11-23 08:00", "America/New_York"), to, Purpose.MARKETING, Medium.PHONE)
    assert local(opening, "America/New_York") == f"Mon 2026-11-23 {clock}"


def test_of_an_unknown_state_the_strictest_of_its_zone_is_kept() -> None:
    moment = at("2026-11-23 08:00", "America/New_York")
    somewhere = Whereabouts(("America/New_York",), ("US",))
    for region, to, clock in (("NY", HERE, "08:00"), ("", HERE, "09:00"), ("NY", somewhere, "09:00")):
        opening = ask(Hours("America/New_York", "US", region), moment, to, Purpose.MARKETING)
        assert local(opening, "America/New_York").endswith(clock)


def test_an_end_is_too_late_and_the_instant_before_is_not() -> None:
    hours = Hours("Europe/Zurich", "CH")
    end = at("2026-05-04 20:00", "Europe/Zurich")
    just = end - timedelta(microseconds=1)
    assert ask(hours, just).at == just
    assert hours.open_at(HERE, Purpose.CARE, Medium.SMS, just)
    assert local(ask(hours, end), "Europe/Zurich") == "Tue 2026-05-05 08:00"
    assert not hours.open_at(HERE, Purpose.CARE, Medium.SMS, end)


def test_what_opens_too_late_has_no_answer_but_a_cause() -> None:
    hours = Hours("Europe/Zurich", "CH")
    evening, morning = at("2026-05-04 21:00", "Europe/Zurich"), at("2026-05-05 08:00", "Europe/Zurich")
    opening = hours.next_open(HERE, Purpose.CARE, Medium.SMS, evening, morning)
    assert (opening.at, opening.code, opening.detail["rule"]) == (None, "hours", "courtesy sms and phone")
    assert hours.next_open(HERE, Purpose.CARE, Medium.SMS, evening, morning + MINUTE).at == morning


def test_zones_that_are_never_awake_together_have_no_answer() -> None:
    apart = Whereabouts(("Pacific/Auckland", "Europe/Madrid"), ("ES",), home=False)
    opening = ask(Hours("Europe/Madrid", "ES"), at("2026-01-12 12:00"), apart, Purpose.MARKETING, Medium.PHONE)
    assert (opening.at, opening.code) == (None, "hours")


def test_an_instant_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 5, 4, 12)  # noqa: DTZ001 - what is refused
    hours = Hours("Europe/Zurich", "CH")
    with pytest.raises(ValueError, match="time zone"):
        ask(hours, naive)
    with pytest.raises(ValueError, match="time zone"):
        hours.open_at(HERE, Purpose.CARE, Medium.SMS, naive)


def test_an_unknown_zone_is_refused_with_how_to_mend_it() -> None:
    with pytest.raises(ConfigError, match="'Europe/Bern' is unknown"):
        Hours("Europe/Bern", "CH")


def test_two_values_with_the_same_settings_are_equal_and_travel() -> None:
    hours = Hours("Europe/Zurich", "CH", closed=Closed.parse("12-24..01-02"))
    ask(hours, at("2026-12-25 12:00"))
    assert hours == Hours("Europe/Zurich", "CH", closed=Closed.parse("12-24..01-02"))
    assert pickle.loads(pickle.dumps(hours)) == hours  # noqa: S301 - its own
