"""The pages in a real browser: on a small telephone, with the keyboard, without scripts, in both colour schemes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_web_app import PRACTICE, Stub, link
from web_browser import Browser, found
from web_server import served

from crmkit.people.medium import Medium, Purpose
from crmkit.web import app
from crmkit.web.phrases import PHRASES

pytestmark = pytest.mark.skipif(found() is None, reason="chromium is not installed: the pages are not looked at")

#: Every text of the page that has too little contrast (WCAG 2.1, 1.4.3: 4.5 to 1), with its ratio.
FAINT = """(() => {
  const light = text => {
    const parts = text.match(/[\\d.]+/g).map(Number);
    const one = parts.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * one[0] + 0.7152 * one[1] + 0.0722 * one[2];
  };
  const ground = node => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("p, h1, a, button")].map(node => {
    const two = [light(getComputedStyle(node).color), light(ground(node))].sort((a, b) => b - a);
    return [node.textContent, (two[0] + 0.05) / (two[1] + 0.05)];
  }).filter(([, ratio]) => ratio < 4.5);
})()"""
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    one = Browser(tmp_path_factory.mktemp("chromium"))
    yield one
    one.close()


@pytest.fixture
def crm() -> Stub:
    return Stub()


@pytest.fixture
def site(crm: Stub, browser: Browser) -> Iterator[str]:
    browser.complaints.clear()
    browser.ask("Network.setExtraHTTPHeaders", headers={})
    browser.screen(320, 640)
    with served(app(crm)) as address:
        yield address


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", PHRASES)
def test_a_page_fits_a_small_telephone_and_can_be_read(browser: Browser, site: str, language: str, scheme: str) -> None:
    browser.ask("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})
    browser.screen(320, 640, scheme=scheme)
    for path in (link(), link(purpose=Purpose.SERVICE), "/unsubscribe/forged"):
        browser.open(site + path)
        assert browser.value("[innerWidth, document.documentElement.lang]") == [320, language]
        assert browser.value(WIDER) is False
        assert browser.value(FAINT) == []
        assert browser.value("[...document.querySelectorAll('h1')].length") == 1
    browser.open(site + link())
    box = browser.value("document.querySelector('button').getBoundingClientRect().toJSON()")
    assert box["height"] >= 44
    assert box["bottom"] <= 640, "the button is seen without scrolling"
    background = browser.value("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")


def test_the_measures_would_find_a_page_that_does_not_fit_or_is_faint(browser: Browser, site: str) -> None:
    browser.open(site + link())
    browser.value("document.querySelector('h1').style.cssText = 'width: 400px; color: #999'")
    assert browser.value(WIDER) is True
    assert [text for text, _ in browser.value(FAINT)] == ["Unsubscribe"]


def test_the_policy_admits_the_pages_style_and_nothing_else(browser: Browser, site: str) -> None:
    browser.open(site + link())
    assert browser.value("getComputedStyle(document.querySelector('button')).fontWeight") == "600"
    assert browser.complaints == []
    browser.value(
        "document.head.append(Object.assign(document.createElement('style'), {textContent: 'h1 {color: red}'}))"
    )
    browser.value(
        "document.head.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))"
    )
    assert browser.value("window.ran") is None
    assert len(browser.complaints) == 2


def test_the_button_works_by_keyboard_and_without_scripts(browser: Browser, site: str, crm: Stub) -> None:
    browser.open(site + link())
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    assert crm.stopped == []
    browser.press("Tab", 9)
    browser.press("Enter", 13)
    browser.wait("Page.loadEventFired")
    browser.ask("Emulation.setScriptExecutionDisabled", value=False)
    assert [(one.patient, one.medium) for one in crm.stopped] == [("P000123", Medium.EMAIL)]
    assert browser.value("document.querySelector('h1').textContent") == "You are unsubscribed"
    assert browser.value(WIDER) is False
    assert browser.value("document.title") == f"You are unsubscribed: {PRACTICE.name}"
    assert browser.complaints == []


def test_what_a_screen_reader_hears_has_names_and_roles(browser: Browser, site: str) -> None:
    browser.open(site + link())
    nodes: list[dict[str, Any]] = browser.ask("Accessibility.getFullAXTree")["nodes"]
    told = [(one["role"]["value"], one.get("name", {}).get("value", "")) for one in nodes if not one["ignored"]]
    assert ("heading", "Unsubscribe") in told
    assert ("button", "Unsubscribe") in told
    assert ("link", "hello@brighteyes.example") in told
    assert "main" in dict(told)


def test_the_pages_fetch_nothing(browser: Browser, site: str, tmp_path: Path) -> None:
    browser.open(site + link())
    fetched = browser.value("performance.getEntriesByType('resource').map(one => one.name)")
    assert [one for one in fetched if not re.search(r"/favicon\.ico$", one)] == []
