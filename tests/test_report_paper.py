"""The report as it is printed, in a real browser: on paper nobody can scroll."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from test_report import AS_OF, YEAR, findings, page
from web_browser import Browser, found

from crmkit.metrics.metric import measure
from crmkit.metrics.panel import History, judge
from crmkit.metrics.standard import standard_metrics

pytestmark = pytest.mark.skipif(found() is None, reason="chromium is not installed: the report is not looked at")

#: What there is between the margins of A4, in CSS pixels.
PAPER = 718
CUT_OFF = """[...document.querySelectorAll("th, td, svg, p")].filter(
  one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1
).map(one => one.textContent)"""


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    one = Browser(tmp_path / "chromium")
    yield one
    one.close()


def test_no_figure_is_cut_off_on_paper(browser: Browser, tmp_path: Path) -> None:
    came, again = date(2025, 3, 1), date(2025, 12, 1)
    stone = History("p", first_visit=came, last_visit_before_end=again, visits=682, spend=Decimal("125219.50"))
    figures = measure(standard_metrics(), [[judge(stone, YEAR)] * 600], YEAR, AS_OF)
    written = tmp_path / "report.html"
    written.write_text(page(findings(measures=figures)), encoding="utf-8")
    browser.screen(PAPER, 1000)
    browser.ask("Emulation.setEmulatedMedia", media="print")
    browser.open(written.as_uri())
    assert "$75,131,700.00 ÷ 600" in browser.value("document.body.textContent")
    assert browser.value(CUT_OFF) == []
