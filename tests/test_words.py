"""Dates, money and numbers as a reader of each language writes them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit import words

DAY = date(2026, 3, 1)
TAGS = ["en", "en-AU", "en-US", "de", "de-CH", "fr", "es", "pt-BR", "ar", "ja", "zh-Hant-TW"]


@pytest.mark.parametrize(
    ("locale", "long", "month"),
    [
        ("en-AU", "1 March 2026", "March 2026"),
        ("en-US", "March 1, 2026", "March 2026"),
        ("de", "1. März 2026", "März 2026"),
        # The only ordinal in French dates.
        ("fr", "1er mars 2026", "mars 2026"),
        ("fr-CH", "1er mars 2026", "mars 2026"),
        ("es", "1 de marzo de 2026", "marzo de 2026"),
        ("ja", "2026年3月1日", "2026年3月"),
    ],
)
def test_dates(locale: str, long: str, month: str) -> None:
    assert words.long_date(DAY, locale) == long
    assert words.month_and_year(DAY, locale) == month


@pytest.mark.parametrize(
    ("locale", "currency", "amount"),
    [("en-AU", "AUD", "$1,234.50"), ("de", "EUR", "1.234,50\u00a0€"), ("de-CH", "CHF", "CHF\u00a01’234.50")],
)
def test_money(locale: str, currency: str, amount: str) -> None:
    assert words.money(Decimal("1234.5"), currency, locale) == amount


def test_numbers_and_shares() -> None:
    assert words.number(12345.5, "de") == "12.345,5"
    assert words.percent(0.797, "en") == "79.7%"
    assert words.percent(Decimal("0.1"), "de") == "10,0%"


@pytest.mark.parametrize(
    ("typed", "tag"),
    [
        *[("EN_au", "en-AU"), (" de ", "de"), ("pt-br", "pt-BR")],
        *[("zh_hant_tw", "zh-Hant-TW"), ("en_AU.UTF-8", "en-AU")],
        # Of ISO 639-2, as HL7 and FHIR have them: no country is meant, least of all the United States.
        *[("eng", "en"), ("DEU", "de"), ("ger", "de"), ("por", "pt"), ("zho", "zh"), ("iw", "he")],
    ],
)
def test_language_tags_have_one_spelling(typed: str, tag: str) -> None:
    assert words.language_tag(typed) == tag
    assert words.language_tag(tag) == tag


@pytest.mark.parametrize("typed", ["", "english", "xx", "e", "en AU x", "../en"])
def test_what_is_no_language_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(ValueError, match="such as en, en-AU or pt-BR"):
        words.language_tag(typed)


@pytest.mark.parametrize(
    ("wanted", "offered", "picked"),
    [
        (["de-CH", "en"], ["en", "de"], "de"),
        (["de-CH"], ["de", "de-CH"], "de-CH"),
        (["fr", "en-AU"], ["en", "de"], "en"),
        (["DE"], ["de"], "de"),
        (["it"], ["en"], None),
        (["zh-Hant-TW"], ["zh", "zh-Hant"], "zh-Hant"),
        (["zh-Hant-TW"], ["zh"], "zh"),
        (["de"], ["de-CH"], None),
        ([], ["en"], None),
    ],
)
def test_a_patient_gets_the_best_language_that_there_is(
    wanted: list[str], offered: list[str], picked: str | None
) -> None:
    assert words.pick_language(wanted, offered) == picked


@settings(deadline=None)
@given(st.lists(st.sampled_from(TAGS)), st.lists(st.sampled_from(TAGS)))
def test_only_what_is_offered_is_picked(wanted: list[str], offered: list[str]) -> None:
    picked = words.pick_language(wanted, offered)
    assert picked in offered or picked is None
    if wanted and wanted[0] in offered:
        assert picked == wanted[0]


def test_direction() -> None:
    assert [tag for tag in ("en", "ar", "he", "fa-IR", "ja") if words.direction(tag) == "rtl"] == ["ar", "he", "fa-IR"]


@pytest.mark.parametrize(("code", "known"), [("AU", True), ("CH", True), ("au", False), ("AUS", False), ("", False)])
def test_countries(code: str, known: bool) -> None:
    assert words.is_territory(code) is known


@pytest.mark.parametrize(("code", "known"), [("AUD", True), ("CHF", True), ("XYZ", False), ("$", False), ("", False)])
def test_currencies(code: str, known: bool) -> None:
    assert words.is_currency(code) is known
