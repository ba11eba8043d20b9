from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import pytest
import vl_convert

from crmkit.campaigns.reasons import REASONS
from crmkit.ledger.state import State
from crmkit.metrics.basis import Basis
from crmkit.metrics.bridge import Bridge
from crmkit.metrics.cohort import Cohort
from crmkit.metrics.cost import Cost
from crmkit.metrics.effect import Effect
from crmkit.metrics.gather import Findings
from crmkit.metrics.interval import Arm
from crmkit.metrics.measure import Measure
from crmkit.metrics.metric import measure
from crmkit.metrics.panel import History, judge
from crmkit.metrics.series import Month
from crmkit.metrics.standard import standard_metrics
from crmkit.metrics.touches import MessageCount, TouchCount
from crmkit.metrics.window import Window, whole_months, whole_quarters
from crmkit.people.patient import Status
from crmkit.practice import Practice
from crmkit.report.page import render_page, write_report
from crmkit.report.phrases import reason_in_words

YEAR = Window.year(2025)
AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
PRACTICE = Practice(
    id="bright-eyes",
    name="Bright Eyes & Sons <Optometry>",
    country="AU",
    timezone="Australia/Sydney",
    locale="en_AU",
    currency="AUD",
    email="hello@brighteyes.example",
)
PANEL = [
    History("p-stone", first_visit=date(2024, 3, 1), last_visit_before_start=date(2024, 3, 1), contacts=1),
    History("p-rivers", first_visit=date(2025, 3, 1), spend=Decimal("1234.50"), visits=1, contactable=False),
    History("p-field", Status.DECEASED, date(2025, 5, 1), date(2024, 6, 1), date(2024, 6, 1)),
]


def findings(**more: Any) -> Findings:
    seen = [attrs.evolve(one, last_visit_before_end=one.last_visit_before_start or one.first_visit) for one in PANEL]
    rows = [judge(one, YEAR) for one in seen]
    months = tuple(
        Month(window, visits=4, turnover=Decimal(400 + number), new=number % 3, active=1500 + number)
        for number, window in enumerate(whole_months(YEAR.end, 24))
    )
    quarters = whole_quarters(YEAR.end, 4)
    given = {
        "measures": measure(standard_metrics(), [rows], YEAR, AS_OF),
        "bridge": Bridge.of(rows),
        "months": months,
        "cohorts": (
            Cohort(quarters[0], 40, (10, 12, 8)),
            Cohort(quarters[1], 3, (3, 1, None)),
            Cohort(quarters[2], 30, (15, None, None)),
            Cohort(quarters[3], 0, (None, None, None)),
        ),
        "touches": (
            TouchCount("birthday-card", State.DELIVERED, "sent", "email", "care", 30),
            TouchCount("birthday-card", State.DENIED, "no_consent", "email", "marketing", 1200),
            TouchCount("news", State.DEFERRED, "cap", "sms", "marketing", 7),
        ),
        "messages": (MessageCount(months[-1].window, "birthday-card", 30),),
        "basis": Basis(date(2010, 1, 4), date(2010, 1, 4), date(2020, 5, 1)),
    }
    return Findings(window=YEAR, as_of=AS_OF, **given | more)


class Outline(HTMLParser):
    """What a reader or a screen reader meets: headings, ids, tags and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, Mapping[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[Mapping[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page(found: Findings | None = None, **more: Any) -> str:
    return render_page(found or findings(), PRACTICE, reasons=REASONS, plugins=[("core", "1.0")], **more)


@pytest.fixture(scope="module", autouse=True)
def drawn_once() -> Iterator[None]:
    """Draw a plot once, on however many pages it stands: it depends on what is asked for alone."""
    real, known = vl_convert.vegalite_to_svg, dict[str, str]()

    def draw(spec: Any, **more: Any) -> str:
        asked = json.dumps([spec, more], sort_keys=True)
        if asked not in known:
            known[asked] = real(spec, **more)
        return known[asked]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(vl_convert, "vegalite_to_svg", draw)
        yield


@pytest.fixture
def no_altair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "altair", None)
    for room in ("plots", "drawing"):
        monkeypatch.delitem(sys.modules, f"crmkit.report.{room}", raising=False)


@pytest.mark.no_cover
def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    html = page()
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")
    outline = Outline(html)
    names = {tag for tag, _ in outline.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "base"}
    assert "svg" in names
    assert not re.search(r"@import|src=|javascript:|\son\w+=", html)


@pytest.mark.no_cover
def test_the_page_names_no_patient() -> None:
    html = page()
    assert not any(one.patient in html for one in PANEL)


def test_names_are_escaped_in_text_and_in_plots() -> None:
    rude = TouchCount("<b>bold</b>", State.DENIED, "no_consent", "email", "marketing", 5)
    html = page(findings(touches=(rude,)))
    assert "<b>" not in html
    assert "<Optometry>" not in html
    assert "&lt;b&gt;bold&lt;/b&gt;" in html


def test_the_page_can_be_read_by_a_screen_reader() -> None:
    outline = Outline(page())
    assert outline.all("html")[0]["lang"] == "en-AU"
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in outline.all("svg"))
    assert len(outline.all("caption")) == len(outline.all("table"))
    assert {cell.get("scope") for cell in outline.all("th")} == {"row", "col"}
    assert not re.search(r"<th[^>]*>\s*</th>", page()), "a column or a row without a name"


def test_ids_are_unique_and_every_reference_meets_one() -> None:
    html = page()
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    wanted = re.findall(r'url\(["\']?#([^)"\']+)', html) + re.findall(r'(?:href="#|aria-labelledby=")([^"]+)', html)
    assert set(wanted) <= set(ids)


def test_figures_come_with_their_parts_exclusions_definition_and_window() -> None:
    text = Outline(page(rejected=1200)).text
    assert "–1 of 1" in text  # no rate of so few
    assert "Left out: 1 deceased; 1 not active at the start." in text
    assert "core.retention@1" in text
    assert "1 January 2025 to 31 December 2025, as known on 2 January 2026" in text
    assert "$1,234.50" in text
    assert "1,200 rows of the data sources could not be read" in text


def test_numbers_are_written_as_in_the_practices_country_and_days_in_the_pages_language() -> None:
    german = attrs.evolve(PRACTICE, locale="de_DE", country="DE", currency="EUR", timezone="Europe/Berlin")
    html = render_page(findings(), german)
    assert "1.234,50\xa0€" in html
    assert '<html lang="en-GB">' in html
    text = Outline(html).text
    assert "1 January 2025 to 31 December 2025, as known on 2 January 2026" in text
    assert re.findall("Januar |März|Mai |Dezember|Oktober", text) == []
    assert ">1.500<" in html  # an axis of a plot


def test_the_messages_of_a_first_autumn_have_their_months_below_them() -> None:
    months = whole_months(YEAR.end, 2)
    html = page(findings(messages=tuple(MessageCount(month, "birthday-card", 1) for month in months)))
    (plot,) = [svg for svg in re.findall("<svg.*?</svg>", html, re.DOTALL) if "Messages by month: 2 in 2 months" in svg]
    assert ">Nov 25<" in plot
    assert ">Dec 25<" in plot
    assert ">1<" in plot
    assert ">0.5<" not in plot


def test_a_figure_that_cannot_be_given_is_a_dash_with_the_reason() -> None:
    empty = findings(
        measures=measure(standard_metrics(), [], YEAR, AS_OF), touches=(), messages=(), cohorts=(), months=()
    )
    text = Outline(page(attrs.evolve(empty, bridge=Bridge()))).text
    assert "– there was nothing to count" in text
    assert "Nothing to show for these months." in text
    assert "NaN" not in text
    assert "None" not in text


def test_rates_of_small_groups_and_unfinished_quarters_are_not_shown() -> None:
    rows = re.findall(r'<tr><th scope="row">(2025 Q\d)</th>(.*?)</tr>', page())
    cells = {name: re.findall("<td>(.*?)</td>", row) for name, row in rows}
    assert cells == {
        "2025 Q1": ["40", "25%", "30%", "20%"],
        "2025 Q2": ["3", "–", "–", "–"],
        "2025 Q3": ["30", "50%", "–", "–"],
        "2025 Q4": ["0", "–", "–", "–"],
    }


@pytest.mark.no_cover
def test_a_card_gives_no_rate_of_a_small_group_and_says_none_or_all_only_where_it_is_so() -> None:
    def told(above: int, below: int) -> str:
        share = Measure(
            "core.retention@1", "share", Decimal(above) / below, Decimal(above), Decimal(below), {}, AS_OF, YEAR
        )
        (card,) = re.findall(r"<strong>(.*?)</strong>", page(findings(measures={"core.retention": share})))
        return str(card)

    assert [told(1, 1), told(0, 19), told(17, 20)] == ["1 of 1", "0 of 19", "85 of every 100"]
    assert [told(299, 300), told(1, 300)] == ["More than 99 of every 100", "Fewer than 1 of every 100"]
    assert [told(300, 300), told(0, 300)] == ["100 of every 100", "0 of every 100"]


@pytest.mark.no_cover
def test_records_that_begin_late_are_told_with_what_they_make_of_the_figures() -> None:
    text = Outline(page(findings(basis=Basis(date(2024, 6, 30), date(2025, 5, 1), date(2025, 10, 1), None, 3)))).text
    assert "The visits on record begin in June 2024." in text
    assert "Until December 2025 the active patients are then too few" in text
    assert "The first message on record here left on 1 October 2025" in text
    assert "3 invoices are not in AUD, and in none of these amounts." in text
    assert "The invoices on record begin in May 2025: turnover and spend are too low" in text
    assert "June 20241,50524–" in text  # no turnover of a month before the first invoice
    assert "May 2024" not in text
    text = Outline(page(findings(basis=Basis(date(2012, 1, 1), date(2012, 1, 1), date(2024, 10, 1))))).text
    assert "on record begin" not in text
    assert "first message on record" not in text


def test_a_message_in_doubt_is_neither_told_as_held_nor_as_one_that_did_not_go_out() -> None:
    doubtful = TouchCount("news", State.UNKNOWN, "unknown", "email", "marketing", 5)
    copied = TouchCount("news", State.CARRIED, "carried", "email", "marketing", 2)
    text = Outline(page(findings(touches=(doubtful, copied)))).text
    assert "In doubt: may have left" in text
    assert "Held for a person" not in text
    assert "did not go out" not in text.replace("What went out and what did not", "")
    assert "7 touches: 0 reached a patient, 2 are in a household's copy" in text


@pytest.mark.no_cover
def test_a_report_of_old_records_says_since_when_nothing_new_is_known() -> None:
    def told(read: date | None) -> str:
        return Outline(page(findings(basis=Basis(date(2010, 1, 4), date(2010, 1, 4), read_on=read)))).text

    assert "The practice software was last read on 8 December 2025: what happened after that is missing." in told(
        date(2025, 12, 8)
    )
    assert "last read" not in told(date(2025, 12, 30)) + told(None) + told(date(2026, 2, 1))


def test_the_page_is_as_old_as_the_practices_own_day() -> None:
    """In Sydney it is the 10th of December already, in UTC still the 9th."""
    basis = Basis(date(2010, 1, 4), date(2010, 1, 4), read_on=date(2025, 12, 6))
    text = Outline(page(attrs.evolve(findings(basis=basis), as_of=datetime(2025, 12, 9, 22, tzinfo=UTC)))).text
    assert "The practice software was last read on 6 December 2025" in text
    assert "as known on 10 December 2025" in text


@pytest.mark.no_cover
def test_what_a_lot_tells_comes_with_its_range_and_claims_no_more_than_that() -> None:
    def told(seen: int, waiting: int = 0, of: int = 100) -> str:
        messaged = Arm.of([(1, 1)] * seen + [(1, 0)] * (of - seen))
        one = Effect("come-back", date(2025, 3, 1), messaged, Arm.of([(1, 1)] * 20 + [(1, 0)] * 80), waiting)
        return Outline(page(findings(effects=(one,)))).text

    assert "+30 (between +16.9 and +41.7)More were seen than without it" in told(50)
    assert "+5 (between −6.6 and +16.4)We cannot tell yet" in told(25)
    assert "−17 (between −26.1 and −8.4)Fewer were seen than without it" in told(3)
    assert "–Too few to tell yet: 7 wait for their 60 days" in told(15, 7, of=19)
    assert "Too few to tell yet" in told(0, of=0)
    assert "Effects of several campaigns do not add up." in told(50)


def test_costs_are_added_up_without_a_word_of_what_they_brought() -> None:
    text = Outline(page(findings(costs=(Cost("letter", 1200, Decimal("1320.5"), Decimal(50)),)))).text
    assert "letter1,200$1,320.50$50.00$1,370.50" in text
    assert "Whether that paid is not told here" in text
    assert "What the messages cost" not in Outline(page()).text


def test_what_did_not_go_out_is_told_in_words() -> None:
    text = Outline(page()).text
    assert "has not agreed to marketing by email" in text
    assert "gets enough for now" in text
    assert "1,237 touches: 30 reached a patient" in text


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_reads_as_a_sentence_over_many_touches(code: str) -> None:
    sentence = reason_in_words(code, REASONS, medium="email", purpose="marketing")
    assert sentence
    assert not re.search(r"[{}]|\(\s*\)|\s$", sentence)


def test_the_page_claims_no_cause() -> None:
    text = Outline(page()).text.lower()
    assert not re.search(r"significan|proved|proven|drove|generated|thanks to", text)


def test_a_plugins_figure_has_a_place_of_its_own() -> None:
    own = Measure("acme.smiles@2", "smiles", Decimal(7), Decimal(7), None, {"too_shy": 2}, AS_OF, YEAR, help="Smiles.")
    text = Outline(page(findings(measures={"acme.smiles": own}))).text
    assert "7 smiles" in text
    assert "2 too shy" in text
    assert "acme.smiles@2" in text


def test_without_the_packages_for_plots_the_page_has_tables_and_says_so(no_altair: None) -> None:
    html = page()
    assert "<svg" not in html
    text = Outline(html).text
    assert "pip install 'crmkit[report]'" in text
    assert "1,500" in text
    assert "<details open>" in html


@pytest.mark.no_cover
def test_a_bridge_that_does_not_add_up_is_told() -> None:
    assert "do not add up" not in page()
    assert "do not add up" in page(findings(bridge=Bridge(start=3, end=9)))


def test_many_campaigns_still_make_a_page() -> None:
    month = whole_months(YEAR.end, 1)[0]
    messages = tuple(MessageCount(month, f"campaign-{number}", 10 + number) for number in range(12))
    touches = tuple(TouchCount(one.campaign, State.SENT, "sent", "email", "care", one.count) for one in messages)
    html = page(findings(messages=messages, touches=touches))
    assert "other campaigns" in html
    assert Outline(html).text.count("campaign-0") == 1
    assert "186 in 1 month<" in html


def test_the_page_is_written_as_one_file(tmp_path: Path) -> None:
    path = write_report(tmp_path / "report.html", page())
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]
