"""Opening hours and quiet days, written as text."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.errors import ConfigError
from crmkit.hours.closed import Closed, Quiet
from crmkit.hours.week import Week

spans = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda span: span[0] < span[1])
weeks = st.lists(st.lists(spans, max_size=3), min_size=7, max_size=7).map(Week)
leap_days = st.dates(date(2024, 1, 1), date(2024, 12, 31))
dates = st.dates(date(2020, 1, 1), date(2040, 12, 31))
quiets = st.builds(Quiet, leap_days, leap_days, st.just(True)) | st.lists(dates, min_size=2, max_size=2).map(
    lambda ends: Quiet(min(ends), max(ends))
)


@given(weeks)
def test_the_text_of_a_week_reads_back_as_the_same_week(week: Week) -> None:
    assert Week.parse(str(week)) == week


@given(st.builds(Closed, st.lists(quiets, max_size=4).map(tuple), st.booleans()))
def test_the_text_of_quiet_days_reads_back_as_the_same_days(closed: Closed) -> None:
    assert Closed.parse(str(closed)) == closed


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("  ", ""),
        ("Mon-Fri 08:00-18:00, Sat 09:00-12:00", "Mon-Fri 08:00-18:00, Sat 09:00-12:00"),
        ("monday to friday 8-18".replace(" to ", "-"), "Mon-Fri 08:00-18:00"),
        ("Mon, Wed, Fri 9:00 – 12:00", "Mon 09:00-12:00, Wed 09:00-12:00, Fri 09:00-12:00"),
        ("Mon 08:00-12:00, 13:00-17:00", "Mon 08:00-12:00 and 13:00-17:00"),
        ("Mon-Fri 08:00-12:00 and 12:00-18:00", "Mon-Fri 08:00-18:00"),
        ("Sat-Mon 00:00-24:00", "Mon 00:00-24:00, Sat-Sun 00:00-24:00"),
        ("every day 8-20", "Mon-Sun 08:00-20:00"),
        ("Tues and Thurs: 8-20", "Tue 08:00-20:00, Thu 08:00-20:00"),
    ],
)
def test_a_week_reads_as_people_write_it(text: str, line: str) -> None:
    assert str(Week.parse(text)) == line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Mo-Fr 08:00-18:00", "'mo' in 'Mo-Fr 08:00-18:00' is no day of the week. To mend: use Mon, Tue"),
        ("Mon-Fri 18:00-08:00", "'18:00-08:00' in 'Mon-Fri 18:00-08:00' ends before it begins. To mend: end at 24:00"),
        ("Mon 08:00-08:00", "ends before it begins"),
        ("Mon 08:00-00:00", "end at 24:00"),
        ("Mon 08:75-18:00", "'08:75' in 'Mon 08:75-18:00' is no time of day"),
        ("Mon 08:00-24:30", "'24:30' in 'Mon 08:00-24:30' is no time of day"),
        ("08:00-18:00", "'08:00-18:00' are of no day. To mend: write it as Mon-Fri"),
        ("Mon 08:00-18:00, Sat", "'Sat' has no hours. To mend: write it as"),
        ("Mon 08:00", "'Mon 08:00' is not understood. To mend: write it as"),
        ("Mon-Fri 08:00-18:00 Sat 09:00-12:00", "put a comma before other days: Mon-Fri 08:00-18:00, Sat 09:00-12:00"),
        ("Mon 08:00-18:00 and Sat 09:00-12:00", "it is not clear which hours in"),
        ("whenever", "'whenever' in 'whenever' is no day of the week"),
    ],
)
def test_a_week_that_cannot_be_read_names_the_piece_and_how_to_mend_it(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as problem:
        Week.parse(text)
    assert said in str(problem.value)


def test_an_empty_week_restricts_nothing_and_a_written_one_closes_the_other_days() -> None:
    assert not Week.parse("").restricts
    assert Week.parse("").spans(6) == ((0, 1440),)
    assert Week.parse("Mon 08:00-09:00").spans(6) == ()
    assert Week.every_day(8, 20) == Week.parse("daily 08:00-20:00")


@pytest.mark.parametrize("days", [[[]] * 6, [[(10, 10)]] * 7, [[(0, 1441)]] * 7])
def test_a_week_cannot_be_made_of_other_than_seven_days_of_real_spans(days: list[list[tuple[int, int]]]) -> None:
    with pytest.raises(ValueError, match="seven days"):
        Week(days)


@pytest.mark.parametrize(
    ("text", "quiet", "open_days"),
    [
        ("2026-12-24..2027-01-02", ["2026-12-24", "2027-01-02"], ["2026-12-23", "2027-01-03", "2027-12-25"]),
        ("12-24..01-02", ["2026-12-24", "2027-01-02", "2030-12-31"], ["2026-12-23", "2027-01-03"]),
        ("05-01", ["2026-05-01", "2027-05-01"], ["2026-05-02"]),
        ("02-29", ["2028-02-29"], ["2027-02-28", "2027-03-01"]),
        ("02-28..03-01", ["2027-02-28", "2027-03-01", "2028-02-29"], ["2027-03-02"]),
        ("02-29..03-02", ["2027-03-01"], ["2027-02-28"]),
        ("2026-04-03, 2026-04-06", ["2026-04-03", "2026-04-06"], ["2026-04-04"]),
    ],
)
def test_quiet_days_hold_on_their_days_and_no_others(text: str, quiet: list[str], open_days: list[str]) -> None:
    closed = Closed.parse(text)
    assert [day for day in quiet if not closed.on(date.fromisoformat(day))] == []
    assert [day for day in open_days if closed.on(date.fromisoformat(day))] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Christmas", "'Christmas' are not understood. To mend: write a date as 2026-12-24"),
        ("2026-02-29", "'2026-02-29' is no date"),
        ("13-01", "'13-01' is no date"),
        ("2026-12-24..01-02", "are not understood"),
        ("12-24..12-25..12-26", "are not understood"),
        ("2026-12-24..2026-01-02", "end before they begin. To mend: put the earlier date first"),
    ],
)
def test_quiet_days_that_cannot_be_read_name_the_piece_and_how_to_mend_it(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as problem:
        Closed.parse(text)
    assert said in str(problem.value)
