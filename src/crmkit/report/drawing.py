"""From a chart to an SVG that can stand in a page: text as text, no outside links, ids of its own."""

from __future__ import annotations

import re
from decimal import Decimal
from html import escape
from typing import Any

import altair as alt
import attrs
import vl_convert

from crmkit import words

#: Told apart also by readers who see few colours, and in grey print by their lightness.
BLUE, PALE_BLUE, ORANGE, GREY, SAND, VIOLET, INK = (
    *("#2b6a99", "#8fbcd9", "#cf7434", "#b3bac2", "#e6cf8b"),
    *("#8a7cb0", "#26323d"),
)
WIDTH = 500

# A reader's font may be wider than the one that the room was measured with.
_PADDING = {"left": 18, "right": 14, "top": 4, "bottom": 4}

_CONFIG: dict[str, Any] = {
    "font": "sans-serif",
    "background": "white",
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 13,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "titlePadding": 12,
        "labelColor": INK,
        "titleColor": INK,
        "gridColor": "#e6e9ec",
        "domainColor": "#9aa4ad",
        "tickColor": "#9aa4ad",
        "labelLimit": 190,
    },
    "legend": {
        "labelFontSize": 13,
        "labelColor": INK,
        "title": None,
        "orient": "top",
        "labelLimit": 210,
        "columnPadding": 26,
    },
    "text": {"fontSize": 13, "color": INK},
}


@attrs.frozen
class Plot:
    """A plot for the page.

    Attributes:
        title: What it shows, in a sentence that claims no cause.
        svg: The picture, marked as one image with the title as its text.
    """

    title: str
    svg: str


def draw(name: str, title: str, chart: alt.Chart | alt.LayerChart, locale: str, height: int = 230) -> Plot:
    """Return a chart as a plot; `name` makes the ids in it differ from those of every other plot on the page."""
    sized = chart.properties(width=WIDTH, height=height, autosize={"type": "fit", "contains": "padding"})
    spec = sized.to_dict(validate=False) | {"config": _CONFIG, "padding": _PADDING}
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    svg = vl_convert.vegalite_to_svg(spec, vl_version=version, format_locale=_separators(locale))
    return Plot(title, inline(svg, name, title))


def inline(svg: str, name: str, title: str) -> str:
    """Return an SVG made fit to stand in a page beside others."""
    svg = re.sub(r' (?:aria-[a-z]+|role|xmlns:xlink)="[^"]*"', "", svg)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\((['\"]?)#", rf"url(\1#{name}-", svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = re.sub(r'^(<svg[^>]*?) width="[^"]*" height="[^"]*"', r"\1", svg)
    told = escape(title)
    return re.sub(r"^<svg([^>]*)>", lambda found: _opening(found[1], told), svg, count=1)


def _opening(attributes: str, told: str) -> str:
    return f'<svg{attributes} role="img" aria-label="{told}"><title>{told}</title>'


def _separators(locale: str) -> dict[str, Any]:
    shown = [mark for mark in words.number(Decimal("1234567.5"), locale) if not mark.isdigit()]
    return {"decimal": shown[-1], "thousands": shown[0], "grouping": [3], "currency": ["", ""]}
